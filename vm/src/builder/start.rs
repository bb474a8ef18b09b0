//! What every block does before its first transaction.

use crate::evm::{self, Evm, NodeContext, NodeEvm};
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use qsdm_primitives::system::{SYSTEM_ADDRESS, SYSTEM_HOOKS};
use revm::{DatabaseCommit, Inspector};

/// Block-start system calls: EIP-2935, then `SystemHooks.onBlockStart(parent)`. A contract without code is skipped,
/// as in EIP-4788; a failing one is ignored, because a governance bug must not halt the chain.
pub(crate) fn start<I: Inspector<NodeContext>>(evm: &mut NodeEvm<I>, parent: B256) {
    system_call(evm, HISTORY_STORAGE_ADDRESS, Bytes::copy_from_slice(parent.as_slice()));
    let mut data = keccak256("onBlockStart(bytes32)")[..4].to_vec();
    data.extend_from_slice(parent.as_slice());
    system_call(evm, SYSTEM_HOOKS, data.into());
}

fn system_call<I: Inspector<NodeContext>>(evm: &mut NodeEvm<I>, target: Address, data: Bytes) {
    let has_code = evm.db().state.account(&target).is_some_and(|account| account.contract.is_some());
    if !has_code {
        return;
    }
    match evm.transact_system_call(SYSTEM_ADDRESS, target, data) {
        Ok(outcome) if outcome.result.is_success() => evm.db_mut().commit(outcome.state),
        Ok(outcome) => tracing::warn!(%target, output = %evm::output(&outcome.result), "system call failed"),
        Err(error) => tracing::warn!(%target, %error, "system call refused"),
    }
}
