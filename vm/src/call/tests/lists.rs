//! Access lists.

use super::fixture::*;
use crate::call::{CallLimits, create_access_list};
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{AccessList, AccessListItem, AccessListResult, TransactionRequest};
use revm::bytecode::opcode as op;

fn list_of(code: &[u8], data: &[u8]) -> AccessListResult {
    let state = world(code);
    create_access_list(database(&state), CHAIN, &block(), &request(data), (None, None), &CallLimits::default()).unwrap()
}

fn item(address: alloy_primitives::Address, keys: &[u8]) -> AccessListItem {
    AccessListItem { address, storage_keys: keys.iter().map(|key| B256::with_last_byte(*key)).collect() }
}

#[test]
fn touched_slots_and_accounts_are_listed_and_the_gas_is_that_with_the_list() {
    let mut code = vec![op::PUSH1, 3, op::SLOAD, op::PUSH20];
    code.extend_from_slice(OTHER.as_slice());
    code.push(op::BALANCE);
    let found = list_of(&code, &[]);
    assert_eq!(found.access_list, AccessList(vec![item(CONTRACT, &[3]), item(OTHER, &[])]));
    assert_eq!(found.error, None);
    let state = world(&code);
    let listed = TransactionRequest { access_list: Some(found.access_list), ..request(&[]) };
    assert_eq!(found.gas_used, U256::from(call(&state, &listed).unwrap().gas_used));
}

#[test]
fn slots_found_through_other_slots_are_listed() {
    // reads slot 1 and then the slot that slot 1 names
    let mut state = world(&[op::PUSH1, 1, op::SLOAD, op::SLOAD]);
    state.modify(CONTRACT, |account| account.set_slot(U256::from(1), U256::from(200)));
    let list =
        create_access_list(database(&state), CHAIN, &block(), &request(&[]), (None, None), &CallLimits::default());
    assert_eq!(list.unwrap().access_list, AccessList(vec![item(CONTRACT, &[1, 200])]));
}

#[test]
fn a_failing_call_still_has_a_list_and_an_error() {
    let code = [&[op::PUSH1, 7, op::SLOAD][..], REVERT_INPUT].concat();
    let found = list_of(&code, &[1]);
    assert_eq!(found.access_list, AccessList(vec![item(CONTRACT, &[7])]));
    assert_eq!(found.error.as_deref(), Some("execution reverted"));
    let halted = list_of(&[op::PUSH1, 7, op::SLOAD, op::INVALID], &[]);
    assert_eq!(halted.error.as_deref(), Some("invalid opcode: INVALID"));
}

#[test]
fn nothing_touched_is_an_empty_list() {
    let found = list_of(&[op::STOP], &[]);
    assert_eq!((found.access_list, found.gas_used), (AccessList::default(), U256::from(21_000)));
}
