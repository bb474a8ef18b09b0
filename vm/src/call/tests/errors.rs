//! Every class of error has the text and the code that clients look for.

use super::fixture::*;
use crate::call::{CallError, CallStatus};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{B256, TxKind, U256, bytes};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use revm::bytecode::opcode as op;

fn error_of(code: &[u8], request: &TransactionRequest) -> CallError {
    call(&world(code), request).and_then(|outcome| outcome.into_output()).unwrap_err()
}

fn text_of(code: &[u8]) -> String {
    error_of(code, &request(&[])).to_string()
}

#[test]
fn a_revert_with_a_reason_says_it_and_carries_its_data() {
    let data = bytes!(
        "08c379a00000000000000000000000000000000000000000000000000000000000000020000000000000000000000000000000000000000000000000000000000000000a75736572206572726f72"
    );
    let error = error_of(REVERT_INPUT, &request(&data));
    assert_eq!(error.to_string(), "execution reverted: user error");
    assert_eq!((error.code(), error.data()), (3, Some(&data)));
}

#[test]
fn a_revert_with_a_panic_names_it() {
    let panic = |code: u8| {
        let mut data = vec![0x4e, 0x48, 0x7b, 0x71];
        data.extend_from_slice(&U256::from(code).to_be_bytes::<32>());
        error_of(REVERT_INPUT, &request(&data)).to_string()
    };
    assert_eq!(panic(0x01), "execution reverted: assert(false)");
    assert_eq!(panic(0x11), "execution reverted: arithmetic underflow or overflow");
    assert_eq!(panic(0x12), "execution reverted: division or modulo by zero");
    assert_eq!(panic(0x32), "execution reverted: out-of-bounds access of an array or bytesN");
    assert_eq!(panic(0x77), "execution reverted: unknown panic code: 0x77");
}

#[test]
fn a_revert_with_other_data_has_no_reason() {
    for data in [&[][..], &[1, 2, 3], &[0x08, 0xc3, 0x79, 0xa0, 0xff], &[0xff; 100]] {
        let error = error_of(REVERT_INPUT, &request(data));
        assert_eq!(error.to_string(), "execution reverted");
        assert_eq!(error.data().map(|data| data.len()), Some(data.len()));
    }
}

#[test]
fn a_reason_with_lengths_beyond_its_data_is_no_reason() {
    let huge = U256::MAX.to_be_bytes::<32>();
    let data = [&[0x08, 0xc3, 0x79, 0xa0][..], &huge, &huge].concat();
    assert_eq!(error_of(REVERT_INPUT, &request(&data)).to_string(), "execution reverted");
    let data = [&[0x08, 0xc3, 0x79, 0xa0][..], &U256::from(32).to_be_bytes::<32>(), &huge].concat();
    assert_eq!(error_of(REVERT_INPUT, &request(&data)).to_string(), "execution reverted");
}

#[test]
fn halts_are_named_as_geth_names_them() {
    assert_eq!(text_of(&[op::INVALID]), "invalid opcode: INVALID");
    assert_eq!(text_of(&[0x0c]), "invalid opcode: opcode 0x0c not defined");
    assert_eq!(text_of(&[op::ADD]), "stack underflow (0 <=> 2)");
    assert_eq!(text_of(&[op::PUSH1, 9, op::JUMP]), "invalid jump destination");
    assert_eq!(text_of(&[op::PUSH1, 9, op::PUSH0, op::PUSH0, op::RETURNDATACOPY]), "return data out of bounds");
    assert_eq!(text_of(LOOP), "out of gas");
    // JUMPDEST PC PUSH0 JUMP leaves one item more in each round
    assert_eq!(text_of(&[op::JUMPDEST, op::PC, op::PUSH0, op::JUMP]), "stack limit reached 1024 (1023)");
    assert_eq!(error_of(&[op::INVALID], &request(&[])).code(), -32_000);
}

#[test]
fn a_write_in_a_static_call_fails_inside_and_not_outside() {
    let mut state = world(&returning(
        &[
            &[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH20][..],
            OTHER.as_slice(),
            &[op::PUSH2, 0xff, 0xff, op::STATICCALL],
        ]
        .concat(),
    ));
    place(&mut state, OTHER, &[op::PUSH1, 1, op::PUSH0, op::SSTORE]);
    assert_eq!(returned_word(call(&state, &request(&[]))), U256::ZERO);
}

#[test]
fn initcode_that_leaves_bad_code_says_so() {
    let create = |data: &[u8]| TransactionRequest { to: None, ..request(data) };
    let ef = [op::PUSH1, 0xef, op::PUSH0, op::MSTORE8, op::PUSH1, 1, op::PUSH0, op::RETURN];
    assert_eq!(error_of(&[], &create(&ef)).to_string(), "invalid code: must not begin with 0xef");
    let long = [op::PUSH3, 1, 0, 0, op::PUSH0, op::RETURN];
    assert_eq!(error_of(&[], &create(&long)).to_string(), "max code size exceeded");
    let error = error_of(&[], &create(&[0; 50_000]));
    assert_eq!(error.to_string(), "max initcode size exceeded: code size 50000 limit 49152");
}

#[test]
fn value_above_the_balance_is_refused_with_have_and_want() {
    let poor = TransactionRequest { from: Some(BOB), value: Some(U256::from(5)), ..request(&[]) };
    let error = error_of(&[], &poor);
    let expected = format!("insufficient funds for gas * price + value: address {BOB} have 0 want 5");
    assert_eq!((error.to_string(), error.code()), (expected, -32_000));
}

#[test]
fn a_missing_sender_is_the_zero_address_and_needs_no_funds() {
    let anonymous = TransactionRequest { from: None, ..request(&[]) };
    assert_eq!(returned_word(call(&world(&returning(&[op::CALLER])), &anonymous)), U256::ZERO);
}

#[test]
fn without_fees_the_base_fee_reads_zero_and_with_fees_it_counts() {
    let state = world(&returning(&[op::BASEFEE]));
    assert_eq!(returned_word(call(&state, &request(&[]))), U256::ZERO);
    let paying = TransactionRequest { gas_price: Some(1_000), gas: Some(100_000), ..request(&[]) };
    assert_eq!(returned_word(call(&state, &paying)), U256::from(1_000));
    let stingy = TransactionRequest { gas_price: Some(999), ..paying.clone() };
    let expected =
        format!("max fee per gas less than block base fee: address {ALICE}, maxFeePerGas: 999, baseFee: 1000");
    assert_eq!(call(&state, &stingy).unwrap_err().to_string(), expected);
    let poor = TransactionRequest { from: Some(BOB), ..paying };
    let expected = format!("insufficient funds for gas * price + value: address {BOB} have 0 want 100000000");
    assert_eq!(call(&state, &poor).unwrap_err().to_string(), expected);
}

#[test]
fn the_gas_price_that_code_sees_is_the_one_that_would_be_paid() {
    let state = world(&returning(&[op::GASPRICE]));
    let request = TransactionRequest {
        max_fee_per_gas: Some(5_000),
        max_priority_fee_per_gas: Some(11),
        gas: Some(100_000),
        ..request(&[])
    };
    assert_eq!(returned_word(call(&state, &request)), U256::from(1_011));
}

#[test]
fn contradictory_requests_are_refused() {
    let both = TransactionInput { input: Some(bytes!("01")), data: Some(bytes!("02")) };
    assert_eq!(error_of(&[], &TransactionRequest { input: both, ..request(&[]) }), CallError::InputConflict);
    let same = TransactionInput { input: Some(bytes!("01")), data: Some(bytes!("01")) };
    assert!(call(&world(&[]), &TransactionRequest { input: same, ..request(&[]) }).is_ok());
    let fees = TransactionRequest { gas_price: Some(1), max_fee_per_gas: Some(1), ..request(&[]) };
    assert_eq!(error_of(&[], &fees), CallError::FeeConflict);
    let tip = TransactionRequest { max_fee_per_gas: Some(1), max_priority_fee_per_gas: Some(2), ..request(&[]) };
    let text = error_of(&[], &tip).to_string();
    assert!(text.starts_with("max priority fee per gas higher than max fee per gas"), "{text}");
    let foreign = TransactionRequest { chain_id: Some(1), ..request(&[]) };
    assert_eq!(error_of(&[], &foreign).to_string(), "chainId does not match node's (have=1, want=31337)");
}

#[test]
fn gas_below_the_intrinsic_cost_is_refused_with_both_numbers() {
    let tight = TransactionRequest { gas: Some(20_000), ..request(&[]) };
    assert_eq!(error_of(&[], &tight).to_string(), "intrinsic gas too low: have 20000, want 21000");
    let data = TransactionRequest { gas: Some(22_000), ..request(&[1; 50]) };
    let expected = "insufficient gas for floor data gas cost: have 22000, want 23000";
    assert_eq!(error_of(&[], &data).to_string(), expected);
}

#[test]
fn blobs_and_authorizations_that_no_transaction_may_carry_are_refused() {
    let blobs = |hashes: Vec<B256>| TransactionRequest { blob_versioned_hashes: Some(hashes), ..request(&[]) };
    let good = B256::with_last_byte(1) | B256::right_padding_from(&[1]);
    assert!(call(&world(&[]), &blobs(vec![good])).is_ok());
    assert_eq!(error_of(&[], &blobs(vec![])).to_string(), "blob transaction missing blob hashes");
    assert_eq!(error_of(&[], &blobs(vec![B256::ZERO])).to_string(), "blob 0 has invalid hash version");
    assert_eq!(error_of(&[], &blobs(vec![good; 7])).to_string(), "blob transaction has too many blobs (7 of 6)");
    let create = TransactionRequest { to: None, ..blobs(vec![good]) };
    assert_eq!(error_of(&[], &create).to_string(), "blob transaction of type create");
    let empty = TransactionRequest { authorization_list: Some(vec![]), ..request(&[]) };
    let expected = format!("EIP-7702 transaction with empty auth list (sender {ALICE})");
    assert_eq!(error_of(&[], &empty).to_string(), expected);
}

#[test]
fn an_authorization_list_with_a_bad_signature_is_executed_without_it() {
    let authorization = Authorization { chain_id: U256::ZERO, address: CONTRACT, nonce: 0 };
    let signed = SignedAuthorization::new_unchecked(authorization, 0, U256::ZERO, U256::ZERO);
    let request = TransactionRequest { authorization_list: Some(vec![signed]), ..request(&[]) };
    assert!(call(&world(&[]), &request).unwrap().gas_used >= 46_000);
}

#[test]
fn a_contract_may_be_the_sender_and_its_nonce_is_ignored() {
    let from = TransactionRequest { from: Some(CONTRACT), nonce: Some(99), ..request(&[]) };
    assert_eq!(call(&world(&[op::STOP]), &from).unwrap().status, CallStatus::Success);
}

#[test]
fn gas_above_the_cap_is_lowered_to_it() {
    let greedy = TransactionRequest { gas: Some(u64::MAX), ..request(&[]) };
    let gas = returned_word(call(&world(&returning(&[op::GAS])), &greedy));
    assert!(gas < U256::from(50_000_000) && gas > U256::from(49_900_000));
}

#[test]
fn a_creation_returns_the_runtime_code_and_a_call_leaves_the_state_alone() {
    let init = [op::PUSH1, op::STOP, op::PUSH0, op::MSTORE8, op::PUSH1, 1, op::PUSH0, op::RETURN];
    let state = world(&[op::PUSH1, 1, op::PUSH0, op::SSTORE]);
    let root = state.root();
    let outcome = call(&state, &TransactionRequest { to: Some(TxKind::Create), ..request(&init) }).unwrap();
    assert_eq!(outcome.output, bytes!("00"));
    assert_eq!(call(&state, &request(&[])).unwrap().status, CallStatus::Success);
    assert_eq!(state.root(), root);
}
