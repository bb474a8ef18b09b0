//! Why a simulation has no result, with the codes of the execution-apis.

use crate::call::CallError;

/// Error of `eth_simulateV1`. A call that merely fails is no error but part of the result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// No block at all.
    #[error("empty input")]
    Empty,
    /// More blocks than [`qsdm_primitives::limits::SIMULATE_BLOCKS_MAX`], the gaps between them included.
    #[error("too many blocks")]
    TooManyBlocks,
    /// A height that is not above the one before.
    #[error("block numbers must be in order: {number} <= {previous}")]
    BlockNumber {
        /// Height asked for.
        number: u64,
        /// Height of the block before.
        previous: u64,
    },
    /// A timestamp that is not after the one before.
    #[error("block timestamps must be in order: {timestamp} <= {previous}")]
    BlockTimestamp {
        /// Seconds asked for.
        timestamp: u64,
        /// Seconds of the block before.
        previous: u64,
    },
    /// The calls of a block do not fit into it.
    #[error("block gas limit reached: {used} >= {limit}")]
    BlockGasLimit {
        /// Gas used by the calls so far.
        used: u64,
        /// Gas limit of the block.
        limit: u64,
    },
    /// A call that no block could contain.
    #[error("err: {error} (supplied gas {gas})")]
    Invalid {
        /// What is wrong with it.
        error: CallError,
        /// Its gas limit.
        gas: u64,
    },
    /// A call or an override that makes no sense.
    #[error(transparent)]
    Request(#[from] CallError),
    /// The deadline passed, or the caller is gone.
    #[error("{0}")]
    Stopped(CallError),
}

impl SimulateError {
    /// The JSON-RPC error code.
    pub fn code(&self) -> i64 {
        match self {
            Self::Empty => -32_602,
            Self::TooManyBlocks => -38_026,
            Self::BlockNumber { .. } => -38_020,
            Self::BlockTimestamp { .. } => -38_021,
            Self::BlockGasLimit { .. } => -38_015,
            Self::Invalid { error, .. } => invalid_code(error),
            Self::Request(CallError::PrecompileToItself(_)) => -38_022,
            Self::Request(CallError::PrecompileTargetTaken(_)) => -38_023,
            Self::Request(CallError::TipAboveFeeCap { .. }) => -32_602,
            Self::Request(error) => error.code(),
            Self::Stopped(_) => -32_016,
        }
    }
}

fn invalid_code(error: &CallError) -> i64 {
    match error {
        CallError::NonceTooLow { .. } => -38_010,
        CallError::NonceTooHigh { .. } => -38_011,
        CallError::FeeCapTooLow { .. } => -38_012,
        CallError::IntrinsicGas { .. } | CallError::FloorGas { .. } => -38_013,
        CallError::InsufficientFunds { .. } | CallError::InsufficientFundsForTransfer => -38_014,
        CallError::InitCodeSize { .. } => -38_025,
        CallError::TipAboveFeeCap { .. } => -32_602,
        _ => -32_603,
    }
}
