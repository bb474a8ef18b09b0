//! The port to a chain.

use alloy_primitives::{Address, B256, Bytes};

/// What reading and estimating need from a chain.
pub trait Ledger {
    /// Result of a call at the newest block and the present time.
    fn call(&self, to: Address, data: Bytes) -> Result<Bytes, LedgerError>;

    /// All logs of a contract whose first topic is among `topics`, oldest first.
    fn logs(&self, address: Address, topics: &[B256]) -> Result<Vec<LedgerLog>, LedgerError>;

    /// Timestamp that a transaction sent now would see, seconds since the Unix epoch.
    fn present_s(&self) -> Result<u64, LedgerError>;
}

/// A log as a chain returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLog {
    /// Topics.
    pub topics: Vec<B256>,
    /// Data.
    pub data: Bytes,
    /// Height of its block.
    pub block: u64,
    /// Transaction that emitted it.
    pub transaction: B256,
}

/// Why a chain did not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The call reverted.
    #[error("{}", crate::explain_revert(.0))]
    Reverted(Bytes),
    /// The node answered with an error.
    #[error("the node refuses: {}", crate::printable(.0))]
    Refused(String),
    /// The node cannot be reached, or does not speak JSON-RPC.
    #[error("{}", crate::printable(.0))]
    Unreachable(String),
}
