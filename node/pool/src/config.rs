//! What the pool is told: its limits once, the chain's conditions at each admission.

use qsdm_primitives::{SubmeshId, limits};
use qsdm_vm::block::SharedTx;

/// Limits and rules of a pool. The default is what a node runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Most transactions.
    pub txs_max: usize,
    /// Most bytes of memory, by the pool's own count.
    pub bytes_max: usize,
    /// Most transactions of one sender.
    pub account_txs_max: usize,
    /// How far a nonce may be ahead of the sender's next executable one.
    pub nonce_ahead_max: u64,
    /// Seconds for which a transaction that can't execute yet is held.
    pub queued_s_max: u64,
    /// Percent by which a replacement raises both fees.
    pub replacement_percent: u8,
    /// How many drops are remembered with their reason.
    pub dropped_max: usize,
    /// Bytes of one encoded transaction.
    pub tx_bytes_max: usize,
    /// Gas cap on one transaction (EIP-7825), `None` where development lifts it.
    pub tx_gas_max: Option<u64>,
    /// Bytes of initcode (EIP-3860), `None` where development lifts the limit.
    pub initcode_bytes_max: Option<usize>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            txs_max: limits::POOL_TXS_MAX,
            bytes_max: limits::POOL_BYTES_MAX,
            account_txs_max: limits::POOL_ACCOUNT_TXS_MAX,
            nonce_ahead_max: limits::POOL_NONCE_AHEAD_MAX,
            queued_s_max: limits::POOL_QUEUED_S_MAX,
            replacement_percent: limits::POOL_REPLACEMENT_PERCENT,
            dropped_max: limits::POOL_DROPPED_MAX,
            tx_bytes_max: limits::TX_BYTES_MAX,
            tx_gas_max: Some(limits::TX_GAS_MAX),
            initcode_bytes_max: Some(limits::INITCODE_BYTES_MAX),
        }
    }
}

/// The chain at the moment of an admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolEnv {
    /// Base fee of the next block in the transaction's submesh, wei per gas.
    pub base_fee: u64,
    /// Gas limit of the next block.
    pub block_gas_limit: u64,
    /// Id of this chain.
    pub chain_id: u64,
    /// Seconds by the node's own clock, from any start: not the chain's time, which development moves by days.
    pub now_s: u64,
    /// Least fee cap that is admitted, wei per gas.
    pub fee_min: u128,
    /// Refuse a fee cap below `base_fee` instead of holding the transaction until the base fee has fallen. For chains
    /// that include a transaction at once: the client would wait without end, and its tools know this refusal.
    pub refuse_below_base_fee: bool,
}

/// A transaction on its way into the pool.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The transaction with its sender.
    pub tx: SharedTx,
    /// The submesh whose fee market it enters.
    pub submesh: SubmeshId,
    /// Development sends for this sender without its signature, so the sender may be a contract (EIP-3607 is waived). Its
    /// hash must depend on the sender all the same, through what stands in for the signature: the pool knows
    /// transactions by their hashes.
    pub impersonated: bool,
}

impl From<SharedTx> for Submission {
    fn from(tx: SharedTx) -> Self {
        Self { tx, submesh: SubmeshId::ROOT, impersonated: false }
    }
}
