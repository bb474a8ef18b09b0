//! What the node's own errors become in an answer.

use crate::{CallError, RpcError, code, ports::NodeError};
use qsdm_pool::PoolError;
use qsdm_vm::{VmError, call, simulate::SimulateError};

impl From<VmError> for RpcError {
    fn from(error: VmError) -> Self {
        match error {
            VmError::StateTooOld { .. } | VmError::UnknownStep { .. } | VmError::Timestamp { .. } => {
                Self::server(error.to_string())
            }
            _ => {
                tracing::error!(%error, "the chain failed to answer");
                Self::internal(error.to_string())
            }
        }
    }
}

impl From<VmError> for CallError {
    fn from(error: VmError) -> Self {
        Self::Rpc(error.into())
    }
}

impl From<PoolError> for RpcError {
    fn from(error: PoolError) -> Self {
        Self::new(error.rpc_code(), error.to_string())
    }
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Pool(error) => error.into(),
            NodeError::Chain(error) => error.into(),
            NodeError::NoSigner(_) | NodeError::Refused(_) => Self::server(error.to_string()),
        }
    }
}

impl From<NodeError> for CallError {
    fn from(error: NodeError) -> Self {
        Self::Rpc(error.into())
    }
}

impl From<call::CallError> for CallError {
    fn from(error: call::CallError) -> Self {
        match error {
            call::CallError::Timeout | call::CallError::Cancelled => Self::Stopped,
            call::CallError::Reverted { ref data, .. } => {
                Self::Rpc(RpcError::execution_reverted(error.to_string(), data))
            }
            _ => Self::Rpc(RpcError::server(error.to_string())),
        }
    }
}

impl From<SimulateError> for CallError {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Stopped(_)
            | SimulateError::Request(call::CallError::Timeout | call::CallError::Cancelled) => Self::Stopped,
            // the codes are small numbers; one that is not would be a fault of the node
            _ => Self::Rpc(RpcError::new(i32::try_from(error.code()).unwrap_or(code::INTERNAL), error.to_string())),
        }
    }
}
