//! State and block overrides do what they say, for one call only.

use super::fixture::*;
use crate::call::{CallError, CallOutcome, Overrides};
use alloy_primitives::{Address, B256, TxKind, U256, bytes, map::B256HashMap};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionRequest,
    state::{AccountOverride, StateOverride},
};
use revm::bytecode::opcode as op;

fn account(address: Address, change: AccountOverride) -> Overrides {
    (Some(StateOverride::from_iter([(address, change)])), None)
}

fn in_block(change: BlockOverrides) -> Overrides {
    (None, Some(change))
}

fn slots(entries: &[(u8, u8)]) -> B256HashMap<B256> {
    entries.iter().map(|(key, value)| (B256::with_last_byte(*key), B256::with_last_byte(*value))).collect()
}

fn read_slots() -> Vec<u8> {
    // slot 1 in the high half, slot 2 in the low half
    returning(&[op::PUSH1, 1, op::SLOAD, op::PUSH1, 128, op::SHL, op::PUSH1, 2, op::SLOAD, op::OR])
}

fn with_slots() -> crate::state::State {
    let mut state = world(&read_slots());
    state.modify(CONTRACT, |account| {
        account.set_slot(U256::from(1), U256::from(11));
        account.set_slot(U256::from(2), U256::from(12));
    });
    state
}

fn halves(outcome: Result<CallOutcome, CallError>) -> (u8, u8) {
    let word = returned_word(outcome).to_be_bytes::<32>();
    (word[15], word[31])
}

#[test]
fn state_replaces_the_storage_and_state_diff_changes_it() {
    let state = with_slots();
    let root = state.root();
    assert_eq!(halves(call(&state, &request(&[]))), (11, 12));
    let diff = AccountOverride { state_diff: Some(slots(&[(2, 99)])), ..Default::default() };
    assert_eq!(halves(call_with(&state, &request(&[]), account(CONTRACT, diff.clone()))), (11, 99));
    let whole = AccountOverride { state: Some(slots(&[(2, 99)])), ..Default::default() };
    assert_eq!(halves(call_with(&state, &request(&[]), account(CONTRACT, whole.clone()))), (0, 99));
    let both = AccountOverride { state: whole.state, ..diff };
    let error = call_with(&state, &request(&[]), account(CONTRACT, both)).unwrap_err();
    assert_eq!(error.to_string(), format!("account {CONTRACT} has both 'state' and 'stateDiff'"));
    assert_eq!(state.root(), root);
}

#[test]
fn balance_nonce_and_code_are_those_of_the_override() {
    let state = world(&[op::STOP]);
    let root = state.root();
    let rich = AccountOverride { balance: Some(U256::from(77)), ..Default::default() };
    let spend = TransactionRequest { from: Some(BOB), value: Some(U256::from(77)), ..request(&[]) };
    assert!(call(&state, &spend).is_err());
    assert!(call_with(&state, &spend, account(BOB, rich)).is_ok());
    let code = AccountOverride { code: Some(returning(&[op::PUSH1, 5]).into()), ..Default::default() };
    assert_eq!(returned_word(call_with(&state, &request(&[]), account(CONTRACT, code))), U256::from(5));
    // the address of a created contract follows from the creator's nonce
    let creator = returning(&[op::PUSH0, op::PUSH0, op::PUSH0, op::CREATE]);
    let nonce = AccountOverride { nonce: Some(9), code: Some(creator.into()), ..Default::default() };
    let created = returned_word(call_with(&state, &request(&[]), account(CONTRACT, nonce)));
    assert_eq!(Address::from_word(created.into()), CONTRACT.create(9));
    assert_eq!(state.root(), root);
}

#[test]
fn a_moved_precompile_answers_at_its_new_address_only() {
    let state = world(&[]);
    let identity = Address::with_last_byte(4);
    let moved = |to| AccountOverride { move_precompile_to: Some(to), ..Default::default() };
    let to = |address| TransactionRequest { to: Some(TxKind::Call(address)), ..request(&[1, 2]) };
    let run = |address, overrides| call_with(&state, &to(address), overrides).unwrap().output;
    assert_eq!(run(identity, (None, None)), bytes!("0102"));
    assert_eq!(run(BOB, account(identity, moved(BOB))), bytes!("0102"));
    assert_eq!(run(identity, account(identity, moved(BOB))), bytes!(""));
    let error = call_with(&state, &to(BOB), account(BOB, moved(OTHER))).unwrap_err();
    assert_eq!(error.to_string(), format!("account {BOB} is not a precompile"));
    let itself = call_with(&state, &to(BOB), account(identity, moved(identity))).unwrap_err();
    assert_eq!(itself, CallError::PrecompileToItself(identity));
    let taken = StateOverride::from_iter([(identity, moved(BOB)), (BOB, AccountOverride::default())]);
    let error = call_with(&state, &to(BOB), (Some(taken), None)).unwrap_err();
    assert_eq!(error, CallError::PrecompileTargetTaken(BOB));
}

#[test]
fn every_block_override_shows_in_its_opcode() {
    let read = |opcode: u8, change: BlockOverrides| {
        returned_word(call_with(&world(&returning(&[opcode])), &request(&[]), in_block(change)))
    };
    let none = BlockOverrides::default;
    assert_eq!(read(op::NUMBER, BlockOverrides { number: Some(U256::from(42)), ..none() }), U256::from(42));
    assert_eq!(read(op::TIMESTAMP, BlockOverrides { time: Some(43), ..none() }), U256::from(43));
    assert_eq!(read(op::GASLIMIT, BlockOverrides { gas_limit: Some(44), ..none() }), U256::from(44));
    let coinbase = BlockOverrides { coinbase: Some(BOB), ..none() };
    assert_eq!(Address::from_word(read(op::COINBASE, coinbase).into()), BOB);
    let random = BlockOverrides { random: Some(B256::repeat_byte(3)), ..none() };
    assert_eq!(B256::from(read(op::DIFFICULTY, random)), B256::repeat_byte(3));
    let blob = BlockOverrides { blob_base_fee: Some(U256::from(45)), ..none() };
    assert_eq!(read(op::BLOBBASEFEE, blob), U256::from(45));
    assert_eq!(read(op::BLOBBASEFEE, none()), U256::from(1));
}

#[test]
fn an_overridden_base_fee_is_the_one_that_fees_must_cover() {
    let change = BlockOverrides { base_fee: Some(U256::from(2_000)), ..Default::default() };
    let state = world(&returning(&[op::BASEFEE]));
    let paying = |price| TransactionRequest { gas_price: Some(price), gas: Some(100_000), ..request(&[]) };
    assert_eq!(returned_word(call_with(&state, &paying(2_000), in_block(change.clone()))), U256::from(2_000));
    assert!(call_with(&state, &paying(1_999), in_block(change)).is_err());
}

#[test]
fn overrides_that_cannot_be_applied_are_refused_and_not_ignored() {
    let refused = |change| call_with(&world(&[]), &request(&[]), in_block(change)).unwrap_err().to_string();
    let root = BlockOverrides { beacon_root: Some(B256::ZERO), ..Default::default() };
    assert_eq!(refused(root), "block override \"beaconRoot\" is not supported for this RPC method");
    let number = BlockOverrides { number: Some(U256::MAX), ..Default::default() };
    assert!(refused(number).starts_with("block override \"number\" is too large"));
    let hashes = BlockOverrides { block_hash: Some(Default::default()), ..Default::default() };
    assert_eq!(refused(hashes), "block override \"blockHash\" is not supported for this RPC method");
}
