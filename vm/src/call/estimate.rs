//! `eth_estimateGas`: the least gas limit with which a request succeeds, found as geth finds it.

use super::{CallError, CallLimits, Overrides, halt_message, revert_reason, session::Session};
use crate::{
    evm::{self, BlockContext, Evm, ExecutionResult, NoInspector, ResultAndState},
    state::StateDatabase,
};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use revm::{context_interface::result::HaltReason, primitives::eip7825::TX_GAS_LIMIT_CAP};

/// Gas of a transaction that does nothing but transfer value.
const TRANSFER_GAS: u64 = 21_000;
/// Gas that a value-bearing call gives its callee on top (yellow paper, appendix G): a limit short of it by less than
/// this fails only inside the callee.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when what is left of the range is below this share of its upper end, in per mille, as in geth:
/// callers add a margin of their own, and every further digit costs an execution.
const TOLERANCE_PER_MILLE: u64 = 15;

/// A gas limit with which `request` succeeds on the state of `database` in `block`, at most 1.5 % above the least one.
pub fn estimate_gas(
    database: StateDatabase,
    chain_id: u64,
    block: &BlockContext,
    request: &TransactionRequest,
    overrides: Overrides,
    limits: &CallLimits,
) -> Result<u64, CallError> {
    let gas_limit = overrides.1.as_ref().and_then(|overrides| overrides.gas_limit).unwrap_or(block.gas_limit);
    let mut session = Session::open(database, chain_id, block, request, overrides, limits, NoInspector)?;
    let requested = session.gas_limit();
    let highest = if requested >= TRANSFER_GAS { requested.min(gas_limit) } else { gas_limit };
    let highest = affordable(&session, highest.min(TX_GAS_LIMIT_CAP).min(limits.gas_max))?;
    if is_plain_transfer(&session) && session.try_with(TRANSFER_GAS)?.is_some_and(|run| run.result.is_success()) {
        return Ok(TRANSFER_GAS);
    }
    let first = session.try_with(highest)?.ok_or(CallError::GasAllowance(highest))?.result;
    if !first.is_success() {
        return Err(failure(&session, &first, highest));
    }
    session.search(&first, highest)
}

/// Gas that the sender can pay for, at most `highest`.
fn affordable(session: &Session<NoInspector>, highest: u64) -> Result<u64, CallError> {
    let tx = session.tx();
    if tx.gas_price == 0 {
        return Ok(highest);
    }
    let balance = session.evm().db().state.balance(&tx.caller);
    if tx.value >= balance {
        return Err(CallError::InsufficientFundsForTransfer);
    }
    let blob_gas = U256::from(tx.blob_hashes.len() as u64 * DATA_GAS_PER_BLOB);
    let blob_fee = blob_gas * U256::from(tx.max_fee_per_blob_gas);
    let left = balance - tx.value;
    if !blob_fee.is_zero() && blob_fee >= left {
        return Err(CallError::InsufficientFunds { address: tx.caller, have: balance, want: blob_fee + tx.value });
    }
    let allowance = (left - blob_fee) / U256::from(tx.gas_price);
    Ok(u64::try_from(allowance).unwrap_or(u64::MAX).min(highest))
}

fn is_plain_transfer(session: &Session<NoInspector>) -> bool {
    let tx = session.tx();
    let TxKind::Call(to) = tx.kind else { return false };
    tx.data.is_empty() && session.evm().db().state.account(&to).is_none_or(|account| account.code().is_empty())
}

fn failure(session: &Session<NoInspector>, result: &ExecutionResult, gas_limit: u64) -> CallError {
    match result {
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => CallError::GasAllowance(gas_limit),
        ExecutionResult::Halt { reason, .. } => CallError::Halted(halt_message(reason, session.last_step())),
        _ => {
            let data = evm::output(result);
            CallError::Reverted { reason: revert_reason(&data), data }
        }
    }
}

impl Session<NoInspector> {
    /// Executes with this limit; `None` if it does not even cover the intrinsic gas.
    fn try_with(&mut self, gas_limit: u64) -> Result<Option<ResultAndState>, CallError> {
        match self.run(gas_limit) {
            Ok(executed) => Ok(Some(executed)),
            Err(error) if error.wants_more_gas() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn succeeds(&mut self, gas_limit: u64) -> Result<bool, CallError> {
        Ok(self.try_with(gas_limit)?.is_some_and(|executed| executed.result.is_success()))
    }

    /// Bisects between a limit that fails and `highest`, with which the execution of `first` succeeded.
    fn search(&mut self, first: &ExecutionResult, highest: u64) -> Result<u64, CallError> {
        let mut succeeds = highest;
        // what was used in the end, refunds subtracted, is a lower bound of what is needed
        let mut fails = evm::gas_used(first).saturating_sub(1);
        // nearly always enough: what was used at the peak, plus what EIP-150 holds back from calls
        let peak = first.gas().total_gas_spent().max(first.gas().floor_gas());
        let likely = (peak + CALL_STIPEND) * 64 / 63;
        if likely < succeeds {
            if self.succeeds(likely)? { succeeds = likely } else { fails = likely }
        }
        while fails + 1 < succeeds && (succeeds - fails) * 1_000 >= succeeds * TOLERANCE_PER_MILLE {
            // most requests need little more than they use, so the upper half is entered cautiously
            let middle = (fails.midpoint(succeeds)).min(fails * 2);
            if self.succeeds(middle)? { succeeds = middle } else { fails = middle }
        }
        Ok(succeeds)
    }
}
