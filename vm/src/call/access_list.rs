//! `eth_createAccessList`: the addresses and slots that a request touches.

use super::{CallError, CallLimits, CallStatus, Overrides, session::Session};
use crate::{evm::BlockContext, state::StateDatabase};
use alloy_primitives::U256;
use alloy_rpc_types_eth::{AccessListResult, TransactionRequest};
use qsdm_primitives::limits::ACCESS_LIST_ROUNDS_MAX;
use revm_inspectors::access_list::AccessListInspector;

/// The access list with which `request` touches exactly what is on the list, and the gas it then uses. Execution is
/// repeated until the list is stable, because gas, and with it the way through the code, depends on it.
pub fn create_access_list(
    database: StateDatabase,
    chain_id: u64,
    block: &BlockContext,
    request: &TransactionRequest,
    overrides: Overrides,
    limits: &CallLimits,
) -> Result<AccessListResult, CallError> {
    let request =
        TransactionRequest { access_list: Some(request.access_list.clone().unwrap_or_default()), ..request.clone() };
    let inspector = AccessListInspector::default();
    let mut session = Session::open(database, chain_id, block, &request, overrides, limits, inspector)?;
    let gas_limit = session.gas_limit();
    for _ in 0..ACCESS_LIST_ROUNDS_MAX {
        let list = session.tx().access_list.clone();
        *session.inspector_mut() = AccessListInspector::new(list.clone());
        let executed = session.run(gas_limit)?;
        let touched = session.inspector_mut().access_list();
        if touched == list {
            let outcome = session.outcome(executed.result);
            let error = match outcome.status {
                CallStatus::Success => None,
                CallStatus::Revert { .. } => Some("execution reverted".to_owned()),
                CallStatus::Halt { message } => Some(message),
            };
            return Ok(AccessListResult { access_list: list, gas_used: U256::from(outcome.gas_used), error });
        }
        session.tx_mut().access_list = touched;
    }
    Err(CallError::AccessListUnstable(ACCESS_LIST_ROUNDS_MAX))
}
