//! Building a block: system calls, segments of transactions, the header.

use crate::{
    VmError,
    block::{Block, Receipt, Segment, SharedTx},
    evm::{self, BlockContext, Evm, ExecutionResult, InvalidTransaction, NodeEvm, NodeEvmError, Output, Rules},
    state::{RecentHashes, State, StateDatabase},
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, Transaction, Typed2718};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes, Log};
use alloy_trie::EMPTY_ROOT_HASH;
use qsdm_primitives::SubmeshId;
use revm::{DatabaseCommit, context_interface::result::HaltReason};
use std::sync::Arc;

mod replay;
pub(crate) mod seal;
mod start;

pub(crate) use replay::{Moment, replay};
pub(crate) use start::start;

/// What whoever produces a block decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockAttributes {
    /// Seconds since the Unix epoch, not before the parent's.
    pub timestamp: u64,
    /// The proposer; also the fee recipient of the header.
    pub beneficiary: Address,
    /// Block gas limit.
    pub gas_limit: u64,
    /// Base fee of the root submesh in wei per gas.
    pub base_fee: u64,
    /// EIP-4399 randomness.
    pub prevrandao: B256,
    /// Extra data of the header, at most 32 bytes.
    pub extra_data: Bytes,
}

/// Why a transaction was not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// It does not fit into what is left of the block; it may fit into the next one.
    #[error("needs {gas_limit} gas, {left} are left in the block")]
    Full {
        /// Its gas limit.
        gas_limit: u64,
        /// What is left.
        left: u64,
    },
    /// Execution refuses it in this state: it is dropped or waits, it does not enter the block.
    #[error("{0}")]
    Invalid(InvalidTransaction),
}

/// What a finished block leaves behind.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// The sealed block.
    pub block: Arc<Block>,
    /// The state after it.
    pub state: State,
}

/// A block under construction.
pub struct BlockBuilder {
    evm: NodeEvm,
    chain_id: u64,
    parent_hash: B256,
    context: BlockContext,
    extra_data: Bytes,
    transactions: Vec<SharedTx>,
    receipts: Vec<Receipt>,
    segments: Vec<Segment>,
    gas_used: u64,
    logs: u32,
}

impl std::fmt::Debug for BlockBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BlockBuilder")
            .field("number", &self.context.number)
            .field("transactions", &self.transactions.len())
            .field("gas_used", &self.gas_used)
            .finish()
    }
}

impl BlockBuilder {
    /// Opens the block after `parent` on `state` and runs the block-start system calls. One segment, the root
    /// submesh's, is open.
    pub fn new(
        chain_id: u64,
        parent: &Block,
        state: State,
        hashes: RecentHashes,
        attributes: BlockAttributes,
    ) -> Result<Self, VmError> {
        if attributes.timestamp < parent.header.timestamp {
            let (timestamp, parent) = (attributes.timestamp, parent.header.timestamp);
            return Err(VmError::Timestamp { timestamp, parent });
        }
        let context = BlockContext {
            number: parent.header.number + 1,
            timestamp: attributes.timestamp,
            beneficiary: attributes.beneficiary,
            gas_limit: attributes.gas_limit,
            base_fee: attributes.base_fee,
            prevrandao: attributes.prevrandao,
            excess_blob_gas: 0,
        };
        let cfg = evm::configuration(chain_id, Rules::Block);
        let mut builder = Self {
            evm: evm::evm(StateDatabase::new(state, hashes), cfg, &context),
            chain_id,
            parent_hash: parent.hash,
            context,
            extra_data: attributes.extra_data,
            transactions: Vec::new(),
            receipts: Vec::new(),
            segments: Vec::new(),
            gas_used: 0,
            logs: 0,
        };
        start::start(&mut builder.evm, builder.parent_hash);
        builder.open_segment(SubmeshId::ROOT, attributes.base_fee, attributes.beneficiary);
        Ok(builder)
    }

    /// Lets contracts be senders from here on: development impersonation.
    pub fn allow_impersonation(&mut self) {
        self.evm.ctx_mut().cfg.disable_eip3607 = true;
    }

    /// Closes the open segment and opens one with another fee market and recipient.
    pub fn open_segment(&mut self, submesh: SubmeshId, base_fee: u64, beneficiary: Address) {
        evm::set_segment(&mut self.evm, base_fee, beneficiary);
        match self.segments.last_mut() {
            Some(last) if last.transactions == 0 => *last = Segment { submesh, base_fee, beneficiary, transactions: 0 },
            _ => self.segments.push(Segment { submesh, base_fee, beneficiary, transactions: 0 }),
        }
    }

    /// Executes a transaction in the open segment and includes it, or leaves block and state as they were.
    pub fn push(&mut self, tx: SharedTx) -> Result<&Receipt, PushError> {
        let left = self.context.gas_limit - self.gas_used;
        if tx.gas_limit() > left {
            return Err(PushError::Full { gas_limit: tx.gas_limit(), left });
        }
        let outcome = self.evm.transact(evm::tx_env(&tx)).map_err(refusal)?;
        self.evm.db_mut().commit(outcome.state);
        let receipt = self.receipt(&tx, outcome.result);
        self.logs += receipt.logs.len() as u32;
        self.gas_used = receipt.cumulative_gas_used;
        if let Some(segment) = self.segments.last_mut() {
            segment.transactions += 1;
        }
        self.transactions.push(tx);
        self.receipts.push(receipt);
        Ok(&self.receipts[self.receipts.len() - 1])
    }

    fn receipt(&self, tx: &SharedTx, result: ExecutionResult<HaltReason>) -> Receipt {
        let gas_used = evm::gas_used(&result);
        let base_fee = self.segments.last().map_or(self.context.base_fee, |segment| segment.base_fee);
        let contract_address = match &result {
            ExecutionResult::Success { output: Output::Create(_, address), .. } => *address,
            _ if tx.to().is_none() => Some(tx.signer().create(tx.nonce())),
            _ => None,
        };
        let success = result.is_success();
        let logs: Vec<Log> = if success { result.into_logs() } else { Vec::new() };
        Receipt {
            tx_type: tx.ty(),
            success,
            cumulative_gas_used: self.gas_used + gas_used,
            gas_used,
            effective_gas_price: tx.effective_gas_price(Some(base_fee)),
            contract_address,
            first_log_index: self.logs,
            bloom: logs.iter().collect::<Bloom>(),
            logs,
        }
    }

    /// Gas that is left for further transactions.
    pub fn gas_left(&self) -> u64 {
        self.context.gas_limit - self.gas_used
    }

    /// Number of transactions so far.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// True while no transaction is in.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// The state as it is now.
    pub fn state(&self) -> &State {
        &self.evm.db().state
    }

    /// Seals the block.
    pub fn finish(self) -> ExecutedBlock {
        let (database, _) = self.evm.finish();
        let state = database.state;
        let mut segments = self.segments;
        if segments.len() > 1 {
            segments.retain(|segment| segment.transactions > 0);
        }
        let body = (&self.transactions[..], &self.receipts[..]);
        let mut header = seal::header(&self.context, self.parent_hash, state.root(), body);
        header.extra_data = self.extra_data;
        let block = seal::seal(header, self.transactions, self.receipts, segments);
        ExecutedBlock { block: Arc::new(block), state }
    }

    /// EIP-155 chain id of the block.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }
}

fn refusal(error: NodeEvmError) -> PushError {
    PushError::Invalid(match error {
        NodeEvmError::Transaction(invalid) => invalid,
        other => InvalidTransaction::Str(other.to_string().into()),
    })
}

/// Seals a genesis header over `state`.
pub(crate) fn genesis_block(spec: &qsdm_primitives::ChainSpec, state: &State) -> Block {
    let header = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: state.root(),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: spec.gas_limit,
        timestamp: spec.genesis_time,
        base_fee_per_gas: Some(spec.base_fee),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Default::default()
    };
    seal::seal(header, Vec::new(), Vec::new(), Vec::new())
}
