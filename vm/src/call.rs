//! Execution that leaves no trace: `eth_call`, `eth_estimateGas` and `eth_createAccessList`.
//!
//! A request runs on a snapshot of a state, which costs nothing to take, with the checks relaxed as geth relaxes them:
//! nonce and EIP-3607 are ignored, fees count only if the request names some, the value must be there. Error texts are
//! geth's, because wallets and libraries recognise them.

use crate::{
    evm::{BlockContext, ExecutionResult, NoInspector, NodeContext},
    state::StateDatabase,
};
use alloy_primitives::{Bytes, Log};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use qsdm_primitives::limits::RPC_CALL_GAS_MAX;
use revm::Inspector;
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

mod access_list;
mod error;
mod estimate;
pub(crate) mod overrides;
mod reason;
pub(crate) mod request;
pub(crate) mod session;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod watch;

pub use access_list::create_access_list;
pub use error::CallError;
pub use estimate::estimate_gas;
pub(crate) use reason::halt_message;
pub use reason::revert_reason;
use session::Session;

/// State and block overrides of a request.
pub type Overrides = (Option<StateOverride>, Option<BlockOverrides>);

/// Bounds of one simulation.
#[derive(Clone, Debug)]
pub struct CallLimits {
    /// Gas of the call at most; also what a request without `gas` gets.
    pub gas_max: u64,
    /// When execution is cut off.
    pub deadline: Option<Instant>,
    /// Set to true by whoever no longer wants the answer.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { gas_max: RPC_CALL_GAS_MAX, deadline: None, cancel: None }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// It returned.
    Success,
    /// It reverted; the output is the revert data.
    Revert {
        /// The data in words, if it is an `Error(string)` or a `Panic(uint256)`.
        reason: Option<String>,
    },
    /// It failed otherwise and used up its gas: out of gas, an invalid opcode and the like.
    Halt {
        /// What happened, in geth's words.
        message: String,
    },
}

/// Outcome of a call that could be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub status: CallStatus,
    /// Return data, revert data, or the runtime code of a creation.
    pub output: Bytes,
    /// Gas used after refunds.
    pub gas_used: u64,
    /// Logs, none unless it succeeded.
    pub logs: Vec<Log>,
}

impl CallOutcome {
    /// The return data, or the error that JSON-RPC answers with.
    pub fn into_output(self) -> Result<Bytes, CallError> {
        match self.status {
            CallStatus::Success => Ok(self.output),
            CallStatus::Revert { reason } => Err(CallError::Reverted { reason, data: self.output }),
            CallStatus::Halt { message } => Err(CallError::Halted(message)),
        }
    }
}

/// Executes `request` on the state of `database` in `block` and forgets what it changed.
///
/// The outcome of code that reverts or halts is an `Ok`; an error says why the request could not be executed at all.
pub fn execute_call(
    database: StateDatabase,
    chain_id: u64,
    block: &BlockContext,
    request: &TransactionRequest,
    overrides: Overrides,
    limits: &CallLimits,
) -> Result<CallOutcome, CallError> {
    let mut session = Session::open(database, chain_id, block, request, overrides, limits, NoInspector)?;
    let gas_limit = session.gas_limit();
    let executed = session.run(gas_limit)?;
    Ok(session.outcome(executed.result))
}

impl<I: Inspector<NodeContext>> Session<I> {
    fn outcome(&self, result: ExecutionResult) -> CallOutcome {
        let gas_used = crate::evm::gas_used(&result);
        let output = crate::evm::output(&result);
        let status = match &result {
            ExecutionResult::Success { .. } => CallStatus::Success,
            ExecutionResult::Revert { .. } => CallStatus::Revert { reason: revert_reason(&output) },
            ExecutionResult::Halt { reason, .. } => {
                CallStatus::Halt { message: halt_message(reason, self.last_step()) }
            }
        };
        let logs = if result.is_success() { result.into_logs() } else { Vec::new() };
        CallOutcome { status, output, gas_used, logs }
    }
}
