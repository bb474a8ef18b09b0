//! The only module that touches revm and alloy-evm types beyond the database: everything that their next release may
//! change is here.

use crate::{block::SharedTx, state::StateDatabase};
use alloy_consensus::Header;
use alloy_evm::{
    EvmEnv, FromRecoveredTx,
    eth::{EthEvm, EthEvmBuilder, EthEvmContext},
    precompiles::PrecompilesMap,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::{
    Inspector,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, HaltReason},
    },
    inspector::NoOpInspector,
    precompile::{PrecompileSpecId, Precompiles},
    primitives::hardfork::SpecId,
};
use std::convert::Infallible;

pub use alloy_evm::Evm;
pub use revm::{
    context_interface::result::{ExecutionResult, InvalidTransaction, Output, ResultAndState},
    inspector::NoOpInspector as NoInspector,
    primitives::hardfork::SpecId as Fork,
};

/// The fork whose rules the chain has from genesis.
pub const FORK: SpecId = SpecId::OSAKA;

/// The EVM over a state, with an inspector.
pub type NodeEvm<I = NoOpInspector> = EthEvm<StateDatabase, I, PrecompilesMap>;

/// The context an inspector sees.
pub type NodeContext = EthEvmContext<StateDatabase>;

/// What execution can fail with beyond a revert: an invalid transaction. The database is infallible.
pub type NodeEvmError = EVMError<Infallible>;

/// Everything of a block that execution can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Height.
    pub number: u64,
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
    /// Fee recipient.
    pub beneficiary: Address,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Base fee in wei per gas.
    pub base_fee: u64,
    /// EIP-4399 randomness.
    pub prevrandao: B256,
    /// EIP-4844 excess blob gas; the chain has no blobs, so 0.
    pub excess_blob_gas: u64,
}

impl BlockContext {
    /// The context in which the transactions of the header's block ran, root submesh.
    pub fn of_header(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or(0),
            prevrandao: header.mix_hash,
            excess_blob_gas: header.excess_blob_gas.unwrap_or(0),
        }
    }

    fn block_env(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.beneficiary,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.prevrandao),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
                self.excess_blob_gas,
                revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
            )),
            slot_num: 0,
        }
    }
}

/// Which checks an execution relaxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// A transaction of a block: every check.
    #[default]
    Block,
    /// `eth_call` and its kin: a caller without funds, nonce or base fee, contracts as callers, no gas limit cap.
    Call,
    /// As a block, but contracts may be senders: development impersonation (EIP-3607 lifted).
    Impersonation,
}

/// Configuration of the EVM for a chain.
pub fn configuration(chain_id: u64, rules: Rules) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(FORK);
    cfg.chain_id = chain_id;
    match rules {
        Rules::Block => {}
        Rules::Impersonation => cfg.disable_eip3607 = true,
        Rules::Call => {
            cfg.disable_eip3607 = true;
            cfg.disable_nonce_check = true;
            cfg.disable_base_fee = true;
            cfg.disable_block_gas_limit = true;
            cfg.tx_chain_id_check = false;
            cfg.tx_gas_limit_cap = Some(u64::MAX);
        }
    }
    cfg
}

/// An EVM that executes in `block`.
pub fn evm(database: StateDatabase, cfg: CfgEnv, block: &BlockContext) -> NodeEvm {
    EthEvmBuilder::new(database, EvmEnv { cfg_env: cfg, block_env: block.block_env() }).build()
}

/// An EVM that reports to `inspector`.
pub fn inspected<I: Inspector<NodeContext>>(
    database: StateDatabase,
    cfg: CfgEnv,
    block: &BlockContext,
    inspector: I,
) -> NodeEvm<I> {
    let env = EvmEnv { cfg_env: cfg, block_env: block.block_env() };
    EthEvmBuilder::new(database, env).activate_inspector(inspector).build()
}

/// Lets the EVM go on in another context of the same block: the next segment.
pub(crate) fn set_segment<I>(evm: &mut NodeEvm<I>, base_fee: u64, beneficiary: Address) {
    let block = &mut evm.ctx_mut().block;
    block.basefee = base_fee;
    block.beneficiary = beneficiary;
}

/// The EVM's form of a signed transaction.
pub fn tx_env(tx: &SharedTx) -> TxEnv {
    TxEnv::from_recovered_tx(tx.inner(), tx.signer())
}

/// Gas used after refunds.
pub fn gas_used(result: &ExecutionResult<HaltReason>) -> u64 {
    result.tx_gas_used()
}

/// Output bytes of a call: return data or revert data.
pub fn output(result: &ExecutionResult<HaltReason>) -> Bytes {
    result.output().cloned().unwrap_or_default()
}

/// True if `address` is a precompile of the chain.
pub(crate) fn is_precompile(address: &Address) -> bool {
    Precompiles::new(PrecompileSpecId::from_spec_id(FORK)).contains(address)
}

/// Moves precompiles from their address to another one and removes those at the addresses in `removed`.
pub(crate) fn change_precompiles<I>(evm: &mut NodeEvm<I>, moved: &[(Address, Address)], removed: &[Address])
where
    I: Inspector<NodeContext>,
{
    let precompiles = evm.precompiles_mut();
    for (from, to) in moved {
        let mut found = None;
        precompiles.apply_precompile(from, |precompile| {
            found = precompile;
            None
        });
        precompiles.apply_precompile(to, |_| found);
    }
    for address in removed {
        precompiles.apply_precompile(address, |_| None);
    }
}

/// Replaces the blob base fee that follows from the excess blob gas, wei per blob gas.
pub(crate) fn set_blob_base_fee<I>(evm: &mut NodeEvm<I>, blob_base_fee: u128) {
    if let Some(blob) = &mut evm.ctx_mut().block.blob_excess_gas_and_price {
        blob.blob_gasprice = blob_base_fee;
    }
}
