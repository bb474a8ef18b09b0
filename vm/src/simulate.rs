//! `eth_simulateV1`: blocks that might follow, with calls, overrides of state and block, and what would come of them.
//!
//! Each simulated block builds on the one before, opens with the system calls of a real one, and is sealed with the
//! roots and the hash it would have. Shapes, texts and codes are those of the execution-apis.

use crate::{
    call::{
        CallLimits,
        overrides::{apply_block, apply_state},
        watch::Watch,
    },
    evm::{self, BlockContext, Rules},
    state::StateDatabase,
};
use alloy_consensus::Header;
use alloy_eips::{eip1559::BaseFeeParams, eip7840::BlobParams};
use alloy_primitives::B256;
use alloy_rpc_types_eth::simulate::SimulatePayload;

mod answer;
mod error;
mod execute;
mod logs;
mod plan;
#[cfg(test)]
mod tests;

pub use answer::SimulatedBlock;
pub use error::SimulateError;
use execute::Execution;
use logs::CallLogs;
use plan::Planned;

/// Simulates the blocks of `payload` on top of `base`.
///
/// `database` has the state after `base`, and hashes up to that of `base` itself, `base_hash`. Gas over all blocks is
/// bounded by `limits.gas_max`.
pub fn simulate(
    database: StateDatabase,
    chain_id: u64,
    base: &Header,
    base_hash: B256,
    payload: SimulatePayload,
    limits: &CallLimits,
) -> Result<Vec<SimulatedBlock>, SimulateError> {
    let planned = plan::plan(base, payload.block_state_calls)?;
    let mut simulation = Simulation {
        chain_id,
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
        limits,
        gas_left: limits.gas_max,
        database,
        parent: base.clone(),
        parent_hash: base_hash,
    };
    planned.into_iter().map(|block| simulation.block(block)).collect()
}

/// A chain of simulated blocks.
struct Simulation<'a> {
    chain_id: u64,
    validation: bool,
    trace_transfers: bool,
    limits: &'a CallLimits,
    gas_left: u64,
    database: StateDatabase,
    parent: Header,
    parent_hash: B256,
}

impl Simulation<'_> {
    fn block(&mut self, planned: Planned) -> Result<SimulatedBlock, SimulateError> {
        let mut context = self.context(&planned);
        let blob_base_fee = apply_block(&mut context, &planned.overrides)?;
        let mut database = self.database.clone();
        let precompiles = apply_state(&mut database.state, &planned.state)?;
        let mut configuration = evm::configuration(self.chain_id, Rules::Call);
        configuration.disable_nonce_check = !self.validation;
        let inspector = (Watch::new(self.limits), CallLogs::new(self.trace_transfers));
        let mut evm = evm::inspected(database, configuration, &context, inspector);
        precompiles.apply(&mut evm);
        if let Some(fee) = blob_base_fee {
            evm::set_blob_base_fee(&mut evm, fee);
        }
        crate::builder::start(&mut evm, self.parent_hash);
        let mut execution = Execution::new(evm, context, self.chain_id, self.validation, self.gas_left);
        for call in &planned.calls {
            execution.call(call)?;
        }
        self.gas_left = execution.gas_left();
        let (database, block) = execution.seal(self.parent_hash, planned.beacon_root);
        self.parent = block.block.header.clone();
        self.parent_hash = block.block.hash;
        let hashes = self.database.hashes.extended(self.parent.number, self.parent_hash);
        self.database = StateDatabase { hashes, ..database };
        Ok(block)
    }

    /// The block before overrides. What a producer chooses is carried over; without validation there is no base fee.
    fn context(&self, planned: &Planned) -> BlockContext {
        let base_fee = match self.validation {
            true => self.parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(0),
            false => 0,
        };
        BlockContext {
            number: planned.number,
            timestamp: planned.timestamp,
            beneficiary: self.parent.beneficiary,
            gas_limit: self.parent.gas_limit,
            base_fee,
            prevrandao: B256::ZERO,
            excess_blob_gas: self.parent.next_block_excess_blob_gas(BlobParams::osaka()).unwrap_or(0),
        }
    }
}
