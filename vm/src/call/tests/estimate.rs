//! Estimates are never too low and hardly too high.

use super::fixture::*;
use crate::{
    call::{CallError, CallLimits, CallStatus, Overrides, estimate_gas},
    state::State,
};
use alloy_primitives::{TxKind, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use proptest::prelude::*;
use revm::bytecode::opcode as op;

fn estimate(state: &State, request: &TransactionRequest) -> Result<u64, CallError> {
    estimate_with(state, request, (None, None))
}

fn estimate_with(state: &State, request: &TransactionRequest, overrides: Overrides) -> Result<u64, CallError> {
    estimate_gas(database(state), CHAIN, &block(), request, overrides, &CallLimits::default())
}

fn succeeds(state: &State, request: &TransactionRequest, gas: u64) -> bool {
    let request = TransactionRequest { gas: Some(gas), ..request.clone() };
    call(state, &request).is_ok_and(|outcome| outcome.status == CallStatus::Success)
}

/// The estimate suffices, and what is less by more than the tolerance does not.
fn assert_tight(state: &State, request: &TransactionRequest) -> u64 {
    let estimate = estimate(state, request).unwrap();
    assert!(succeeds(state, request, estimate), "{estimate} is too low");
    let lower = estimate - estimate * 15 / 1_000 - 1;
    assert!(!succeeds(state, request, lower), "{estimate} is too high: {lower} suffices");
    estimate
}

/// Fails unless more than `required` gas is left when it is entered; otherwise spends `rounds` loops.
fn gas_sensitive(required: u32, rounds: u16) -> Vec<u8> {
    let mut code = vec![op::PUSH4];
    code.extend_from_slice(&required.to_be_bytes());
    // 5: GAS < required -> 29 (invalid)
    code.extend_from_slice(&[op::GAS, op::LT, op::PUSH1, 26, op::JUMPI]);
    // 10: loop
    code.push(op::PUSH2);
    code.extend_from_slice(&rounds.to_be_bytes());
    // 13: round
    code.extend_from_slice(&[op::JUMPDEST, op::DUP1, op::ISZERO, op::PUSH1, 28, op::JUMPI]);
    // 19
    code.extend_from_slice(&[op::PUSH1, 1, op::SWAP1, op::SUB, op::PUSH1, 13, op::JUMP]);
    // 26
    code.extend_from_slice(&[op::JUMPDEST, op::INVALID, op::JUMPDEST, op::STOP]);
    code
}

/// Calls [`OTHER`] with all gas and reverts if that fails.
fn forwarding() -> Vec<u8> {
    let mut code = calling(OTHER, u32::MAX, 0, 0);
    let end = code.len() as u8 + 6;
    code.extend_from_slice(&[op::PUSH1, end, op::JUMPI, op::PUSH0, op::PUSH0, op::REVERT, op::JUMPDEST, op::STOP]);
    code
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_estimate_suffices_and_hardly_less_does(
        required in 0_u32..3_000_000,
        rounds in 0_u16..2_000,
        nested in any::<bool>(),
        data in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let code = gas_sensitive(required, rounds);
        let mut state = world(if nested { forwarding() } else { code.clone() }.as_slice());
        place(&mut state, OTHER, &code);
        assert_tight(&state, &request(&data));
    }
}

#[test]
fn a_plain_transfer_takes_21000() {
    let transfer = TransactionRequest { to: Some(TxKind::Call(BOB)), value: Some(U256::from(1)), ..request(&[]) };
    assert_eq!(estimate(&world(&[]), &transfer), Ok(21_000));
}

#[test]
fn a_refund_does_not_lower_what_is_needed() {
    let mut state = world(&[op::PUSH0, op::PUSH0, op::SSTORE, op::PUSH0, op::PUSH1, 1, op::SSTORE]);
    state.modify(CONTRACT, |account| {
        account.set_slot(U256::ZERO, U256::from(1));
        account.set_slot(U256::from(1), U256::from(1));
    });
    let used = call(&state, &request(&[])).unwrap().gas_used;
    assert!(assert_tight(&state, &request(&[])) > used);
}

#[test]
fn a_creation_is_estimated_with_its_code_deposit() {
    let init = [op::PUSH2, 1, 0, op::PUSH0, op::RETURN];
    let create = TransactionRequest { to: None, ..request(&init) };
    assert!(assert_tight(&world(&[]), &create) > 53_000 + 256 * 200);
}

#[test]
fn a_revert_is_the_answer() {
    let error = estimate(&world(REVERT_INPUT), &request(&[9])).unwrap_err();
    assert_eq!((error.code(), error.data().map(|data| data.to_vec())), (3, Some(vec![9])));
    let halted = estimate(&world(&[op::INVALID]), &request(&[])).unwrap_err();
    assert_eq!(halted.to_string(), "invalid opcode: INVALID");
}

#[test]
fn want_of_gas_names_the_allowance() {
    let text = |state: &State, request: &TransactionRequest| estimate(state, request).unwrap_err().to_string();
    // EIP-7825
    assert_eq!(text(&world(LOOP), &request(&[])), "gas required exceeds allowance (16777216)");
    let limited = TransactionRequest { gas: Some(50_000), ..request(&[]) };
    assert_eq!(text(&world(LOOP), &limited), "gas required exceeds allowance (50000)");
    // what one ether buys at 10^13 wei per gas
    let dear = TransactionRequest { gas_price: Some(10_000_000_000_000), ..request(&[]) };
    assert_eq!(text(&world(LOOP), &dear), "gas required exceeds allowance (100000)");
    let intrinsic = TransactionRequest { gas: Some(21_000), ..request(&[1; 100]) };
    assert_eq!(text(&world(&[]), &intrinsic), "gas required exceeds allowance (21000)");
}

#[test]
fn the_block_gas_limit_bounds_the_search() {
    let small = BlockOverrides { gas_limit: Some(90_000), ..Default::default() };
    let error = estimate_with(&world(LOOP), &request(&[]), (None, Some(small))).unwrap_err();
    assert_eq!(error, CallError::GasAllowance(90_000));
}

#[test]
fn a_sender_without_means_is_told_so() {
    let state = world(&[]);
    let value = TransactionRequest { from: Some(BOB), value: Some(U256::from(1)), ..request(&[]) };
    assert!(matches!(estimate(&state, &value), Err(CallError::InsufficientFunds { .. })));
    let fees = TransactionRequest { gas_price: Some(2_000), ..value };
    assert_eq!(estimate(&state, &fees).unwrap_err().to_string(), "insufficient funds for transfer");
}
