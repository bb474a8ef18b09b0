//! Why there is no trace.

use crate::{VmError, call::CallError};
use alloy_primitives::B256;
use qsdm_primitives::limits::{TRACE_BYTES_MAX, TRACE_FILTER_BLOCKS_MAX};

/// Error of the tracing methods.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The call could not be executed, or ran out of time.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The chain does not give what it takes to execute the block again.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// No transaction with this hash.
    #[error("transaction {hash} not found")]
    TransactionNotFound {
        /// Hash asked for.
        hash: B256,
    },
    /// No block at this height.
    #[error("block #{number} not found")]
    BlockNotFound {
        /// Height asked for.
        number: u64,
    },
    /// Block 0 has no transactions and no parent.
    #[error("genesis is not traceable")]
    Genesis,
    /// A tracer that this node does not have, JavaScript included.
    #[error(
        "tracer {name:?} is not supported; supported are callTracer, flatCallTracer, prestateTracer, 4byteTracer, \
         muxTracer, noopTracer, and no tracer at all for struct logs"
    )]
    Tracer {
        /// What was asked for, shortened.
        name: String,
    },
    /// A `tracerConfig` that its tracer does not understand.
    #[error("invalid tracerConfig: {0}")]
    TracerConfig(String),
    /// A `timeout` that is no Go duration.
    #[error("invalid timeout {0:?}: expected a duration such as \"5s\" or \"300ms\"")]
    Timeout(String),
    /// The trace is larger than the limit.
    #[error(
        "trace exceeds {TRACE_BYTES_MAX} bytes: use \"limit\", \"disableStack\", \"disableStorage\", no \
         \"enableMemory\", or a tracer that records less, such as callTracer"
    )]
    TooLarge,
    /// A range of blocks that is no range, or too long.
    #[error("block range {from}..{to} is not within 1 to {TRACE_FILTER_BLOCKS_MAX} blocks")]
    Range {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
    /// `txIndex` where no block is known.
    #[error("txIndex is only possible together with a block")]
    TxIndex,
}

impl TraceError {
    /// The JSON-RPC error code.
    pub fn code(&self) -> i64 {
        match self {
            Self::Call(error) => error.code(),
            _ => -32_000,
        }
    }
}
