//! Tests of simulations.

use super::{SimulateError, SimulatedBlock, logs::EMITTER, simulate};
use crate::{
    call::{
        CallError, CallLimits,
        tests::fixture::{ALICE, BOB, CONTRACT, LOOP, OTHER, REVERT_INPUT, calling, place, returning, world},
    },
    state::{RecentHashes, State, StateDatabase},
};
use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::{Address, B256, U256, b256};
use alloy_rpc_types_eth::simulate::{SimCallResult, SimulatePayload};
use revm::bytecode::opcode as op;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Chain id and newest block of the execution-apis' test chain, as far as simulations show them.
const CHAIN: u64 = 3_503_995_874_084_926;

fn base() -> Header {
    Header {
        number: 54,
        timestamp: 540,
        gas_limit: 200_000_000,
        gas_used: 0x52f71,
        base_fee_per_gas: Some(0x1a2_1397),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        ..Default::default()
    }
}

fn run_with(state: &State, payload: Value, limits: &CallLimits) -> Result<Vec<SimulatedBlock>, SimulateError> {
    let payload: SimulatePayload = serde_json::from_value(payload).unwrap();
    let hash = B256::repeat_byte(7);
    let database = StateDatabase::new(state.clone(), RecentHashes::new(54, &[hash]));
    simulate(database, CHAIN, &base(), hash, payload, limits)
}

fn run(state: &State, payload: Value) -> Result<Vec<SimulatedBlock>, SimulateError> {
    run_with(state, payload, &CallLimits::default())
}

fn one_block(state: &State, block: Value) -> SimulatedBlock {
    run(state, json!({"blockStateCalls": [block]})).unwrap().remove(0)
}

fn calls_of(state: &State, calls: Value) -> Vec<SimCallResult> {
    one_block(state, json!({"calls": calls})).calls()
}

fn code_of(payload: Value) -> i64 {
    run(&world(&[]), payload).unwrap_err().code()
}

#[test]
fn transactions_and_roots_are_those_of_the_reference_client() {
    let payload = json!({
        "blockStateCalls": [{
            "blockOverrides": {"baseFeePerGas": "0xf"},
            "stateOverrides": {"0xc000000000000000000000000000000000000000": {"balance": "0xe8d4a51000"}},
            "calls": [
                {"from": "0xc000000000000000000000000000000000000000", "to": "0xc100000000000000000000000000000000000000",
                 "maxFeePerGas": "0x10", "value": "0x2540be400"},
                {"from": "0xc100000000000000000000000000000000000000", "to": "0xc200000000000000000000000000000000000000",
                 "maxFeePerGas": "0x10", "value": "0x3e8"}]}],
        "validation": true, "returnFullTransactions": true});
    let block = run(&State::default(), payload).unwrap().remove(0);
    let header = &block.block.header;
    assert_eq!(header.transactions_root, b256!("9e80508f974bbf713b286fe5a4d0fae2f54f17e33b742176cc4c5bb7e0942762"));
    assert_eq!(header.receipts_root, b256!("75308898d571eafb5cd8cde8278bf5b3d13c5f6ec074926de3bb895b519264e1"));
    assert_eq!((block.block.size, header.gas_used, header.timestamp), (0x2c8, 42_000, 552));
    let shown = serde_json::to_value(block.into_rpc(true)).unwrap();
    let first = &shown["transactions"][0];
    assert_eq!(first["hash"], "0xc2df7444d2b0604cdfaa20cad5855422b575d8d2ec02868ed9eb45eb20490f66");
    assert_eq!(
        (&first["from"], &first["gas"]),
        (&json!("0xc000000000000000000000000000000000000000"), &json!("0x2faf080"))
    );
    assert_eq!((&first["r"], &first["s"], &first["yParity"]), (&json!("0x0"), &json!("0x0"), &json!("0x0")));
    assert_eq!(
        shown["calls"][0],
        json!({
        "returnData": "0x", "logs": [], "gasUsed": "0x5208", "maxUsedGas": "0x5208", "status": "0x1"})
    );
    assert_eq!((&shown["withdrawals"], &shown["uncles"]), (&json!([]), &json!([])));
}

#[test]
fn each_block_builds_on_the_one_before_and_gaps_are_filled() {
    // returns the hash of the parent
    let state = world(&returning(&[op::PUSH1, 1, op::NUMBER, op::SUB, op::BLOCKHASH]));
    let call = json!([{"from": ALICE, "to": CONTRACT}]);
    let blocks = run(
        &state,
        json!({"blockStateCalls": [
        {"calls": call}, {"blockOverrides": {"number": "0x3a"}, "calls": call}]}),
    );
    let blocks = blocks.unwrap();
    let numbers: Vec<_> = blocks.iter().map(|block| block.block.number()).collect();
    assert_eq!(numbers, [55, 56, 57, 58]);
    let times: Vec<_> = blocks.iter().map(|block| block.block.header.timestamp).collect();
    assert_eq!(times, [552, 564, 576, 588]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].block.header.parent_hash, pair[0].block.hash);
    }
    assert_eq!(blocks[0].calls()[0].return_data, B256::repeat_byte(7).to_vec());
    assert_eq!(blocks[3].calls()[0].return_data, blocks[2].block.hash.to_vec());
    assert_eq!(state.nonce(&ALICE), 0, "the state simulated on is unchanged");
}

#[test]
fn state_and_nonces_carry_over_to_later_calls_and_blocks() {
    let state = world(&[op::PUSH1, 1, op::PUSH0, op::SLOAD, op::ADD, op::PUSH0, op::SSTORE]);
    let call = json!({"from": ALICE, "to": CONTRACT});
    let payload = json!({"blockStateCalls": [{"calls": [call, call]}, {"calls": [call]}]});
    let blocks = run(&state, payload).unwrap();
    let transactions = blocks.iter().flat_map(|block| &block.block.transactions);
    let nonces: Vec<_> = transactions.map(|tx| tx.nonce()).collect();
    assert_eq!(nonces, [0, 1, 2]);
    let roots: Vec<_> = blocks.iter().map(|block| block.block.header.state_root).collect();
    let mut after = state.clone();
    after.modify(ALICE, |account| account.nonce = 3);
    after.modify(CONTRACT, |account| account.set_slot(U256::ZERO, U256::from(3)));
    assert_eq!(roots[1], after.root());
    assert_ne!(roots[0], roots[1]);
}

#[test]
fn overrides_of_state_and_block_are_in_force() {
    let state = world(&returning(&[op::COINBASE]));
    let block = one_block(
        &state,
        json!({
        "blockOverrides": {"feeRecipient": BOB, "gasLimit": "0xf4240", "prevRandao": B256::repeat_byte(5),
            "baseFeePerGas": "0xa", "beaconRoot": B256::repeat_byte(6)},
        "stateOverrides": {BOB.to_string(): {"balance": "0x64"}},
        "calls": [{"to": CONTRACT}, {"from": BOB, "to": OTHER, "value": "0x64"}]}),
    );
    let header = &block.block.header;
    assert_eq!((header.beneficiary, header.gas_limit, header.base_fee_per_gas), (BOB, 1_000_000, Some(10)));
    assert_eq!((header.mix_hash, header.parent_beacon_block_root), (B256::repeat_byte(5), Some(B256::repeat_byte(6))));
    assert_eq!(Address::from_slice(&block.calls()[0].return_data[12..]), BOB);
    assert!(block.calls()[1].status);
}

#[test]
fn calls_that_fail_are_results_and_not_errors() {
    let mut state = world(REVERT_INPUT);
    place(&mut state, OTHER, &[op::INVALID]);
    let calls = calls_of(&state, json!([{"to": CONTRACT, "input": "0x1234"}, {"to": OTHER, "gas": "0xffff"}]));
    let shown = serde_json::to_value(&calls).unwrap();
    assert_eq!(shown[0]["error"], json!({"code": 3, "message": "execution reverted", "data": "0x1234"}));
    assert_eq!((&shown[0]["status"], &shown[0]["returnData"]), (&json!("0x0"), &json!("0x")));
    assert_eq!(shown[1]["error"], json!({"code": -32015, "message": "invalid opcode: INVALID"}));
    assert_eq!(shown[1]["gasUsed"], "0xffff");
}

#[test]
fn transfers_are_logged_where_asked_and_not_from_frames_that_fail() {
    // passes 5 on to OTHER, then logs
    let code = [&calling(OTHER, u32::MAX, 5, 0)[..], &[op::PUSH0, op::PUSH0, op::LOG0]].concat();
    let mut state = world(&code);
    place(&mut state, OTHER, &[op::STOP]);
    let call = json!({"from": ALICE, "to": CONTRACT, "value": "0x9"});
    let traced = |state: &State, transfers: bool| {
        let payload = json!({"blockStateCalls": [{"calls": [call, call]}], "traceTransfers": transfers});
        run(state, payload).unwrap().remove(0)
    };
    let block = traced(&state, true);
    let logs = &block.calls()[1].logs;
    let addresses: Vec<_> = logs.iter().map(|log| log.inner.address).collect();
    assert_eq!(addresses, [EMITTER, EMITTER, CONTRACT]);
    let topics = logs[1].inner.data.topics();
    assert_eq!((topics[1], topics[2]), (CONTRACT.into_word(), OTHER.into_word()));
    assert_eq!(U256::from_be_slice(&logs[1].inner.data.data), U256::from(5));
    let indexes: Vec<_> = logs.iter().map(|log| log.log_index).collect();
    assert_eq!(indexes, [Some(3), Some(4), Some(5)]);
    assert_eq!(logs[0].transaction_hash, Some(*block.block.transactions[1].tx_hash()));
    assert_eq!(block.block.receipts[1].logs.len(), 1, "receipts hold what a chain would");
    assert_eq!(traced(&state, false).calls()[0].logs.len(), 1);
    place(&mut state, OTHER, REVERT_INPUT);
    let addresses: Vec<_> = traced(&state, true).calls()[0].logs.iter().map(|log| log.inner.address).collect();
    assert_eq!(addresses, [EMITTER, CONTRACT], "the inner transfer was undone");
    place(&mut state, CONTRACT, REVERT_INPUT);
    assert!(traced(&state, true).calls()[0].logs.is_empty());
}

#[test]
fn creations_and_selfdestructs_transfer_too() {
    let init = [&[op::PUSH20][..], BOB.as_slice(), &[op::SELFDESTRUCT]].concat();
    let payload = json!({"traceTransfers": true, "blockStateCalls": [{"calls": [
        {"from": ALICE, "value": "0x7", "input": alloy_primitives::Bytes::from(init)}]}]});
    let calls = run(&world(&[]), payload).unwrap().remove(0).calls();
    let ends: Vec<_> =
        calls[0].logs.iter().map(|log| (log.inner.data.topics()[1], log.inner.data.topics()[2])).collect();
    let created = ALICE.create(0).into_word();
    assert_eq!(ends, [(ALICE.into_word(), created), (created, BOB.into_word())]);
}

#[test]
fn validation_checks_what_a_block_checks() {
    let checked = |call: Value| json!({"validation": true, "blockStateCalls": [{"calls": [call]}]});
    let fees = |fee: &str, more: Value| {
        let mut call = json!({"from": ALICE, "to": BOB, "gas": "0x5208", "maxFeePerGas": fee});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    assert!(run(&world(&[]), checked(fees("0x1a21398", json!({})))).is_ok());
    assert_eq!(code_of(checked(fees("0x1", json!({})))), -38_012);
    assert_eq!(code_of(checked(fees("0x1a21398", json!({"nonce": "0x5"})))), -38_011);
    assert_eq!(code_of(checked(fees("0x1a21398", json!({"gas": "0x5207"})))), -38_013);
    assert_eq!(code_of(checked(fees("0x1a21398", json!({"from": BOB})))), -38_014);
    let mut state = world(&[]);
    state.modify(ALICE, |account| account.nonce = 3);
    let low = run(&state, checked(fees("0x1a21398", json!({"nonce": "0x2"})))).unwrap_err();
    assert_eq!(low.code(), -38_010);
    let text = run(&world(&[]), checked(fees("0x1", json!({})))).unwrap_err().to_string();
    assert_eq!(
        text,
        format!(
            "err: max fee per gas less than block base fee: address {ALICE}, maxFeePerGas: 1, \
        baseFee: 23985819 (supplied gas 21000)"
        )
    );
    // none of that without validation
    let loose = json!({"blockStateCalls": [{"blockOverrides": {"baseFeePerGas": "0xa"}, "calls": [
        {"from": ALICE, "to": BOB, "nonce": "0x64"}, {"from": CONTRACT, "to": BOB, "nonce": "0xffffffffffffffff"}]}]});
    assert!(run(&world(&[op::STOP]), loose).unwrap()[0].calls().iter().all(|call| call.status));
}

#[test]
fn the_greatest_nonce_wraps_without_validation() {
    let state = json!({ALICE.to_string(): {"nonce": "0xffffffffffffffff"}});
    let call = json!({"from": ALICE, "to": BOB});
    let block = one_block(&world(&[]), json!({"stateOverrides": state, "calls": [call, call]}));
    let nonces: Vec<_> = block.block.transactions.iter().map(|tx| tx.nonce()).collect();
    assert_eq!(nonces, [u64::MAX, 0]);
}

#[test]
fn senders_without_means_and_oversized_code_are_errors_with_their_codes() {
    let block = |calls: Value| json!({"blockStateCalls": [{"calls": calls}]});
    assert_eq!(code_of(block(json!([{"from": BOB, "to": ALICE, "value": "0x1"}]))), -38_014);
    let init = format!("0x{}", "00".repeat(49_153));
    assert_eq!(code_of(block(json!([{"input": init}]))), -38_025);
    assert_eq!(code_of(block(json!([{"to": BOB, "gas": "0xbebc201"}]))), -38_015);
    let conflict = json!([{"to": BOB, "gasPrice": "0x1", "maxFeePerGas": "0x1"}]);
    assert_eq!(code_of(block(conflict)), -32_000);
}

#[test]
fn blocks_out_of_order_or_too_many_are_refused() {
    let blocks = |overrides: &[Value]| {
        let blocks: Vec<_> = overrides.iter().map(|overrides| json!({"blockOverrides": overrides})).collect();
        json!({"blockStateCalls": blocks})
    };
    let text = |overrides: &[Value]| run(&world(&[]), blocks(overrides)).unwrap_err().to_string();
    assert_eq!(code_of(blocks(&[])), -32_602);
    assert_eq!(code_of(blocks(&[json!({"number": "0x36"})])), -38_020);
    assert_eq!(
        text(&[json!({"number": "0x38"}), json!({"number": "0x38"})]),
        "block numbers must be in order: 56 <= 56"
    );
    assert_eq!(code_of(blocks(&[json!({"time": "0x21c"})])), -38_021);
    assert_eq!(
        text(&[json!({"time": "0x229"}), json!({"time": "0x228"})]),
        "block timestamps must be in order: 552 <= 553"
    );
    assert_eq!(code_of(blocks(&vec![json!({}); 257])), -38_026);
    assert_eq!(code_of(blocks(&[json!({"number": "0x137"})])), -38_026);
    assert_eq!(code_of(blocks(&[json!({"number": format!("{:#x}", U256::MAX)})])), -38_026);
    assert_eq!(run(&world(&[]), blocks(&[json!({"number": "0x136"})])).unwrap().len(), 256);
}

#[test]
fn precompiles_that_cannot_move_are_refused() {
    let moved = |from: Address, to: Address| {
        let state = json!({from.to_string(): {"movePrecompileToAddress": to}, BOB.to_string(): {"nonce": "0x1"}});
        json!({"blockStateCalls": [{"stateOverrides": state}]})
    };
    let identity = Address::with_last_byte(4);
    assert_eq!(code_of(moved(identity, identity)), -38_022);
    assert_eq!(code_of(moved(identity, BOB)), -38_023);
    assert_eq!(code_of(moved(OTHER, ALICE)), -32_000);
    assert!(run(&world(&[]), moved(identity, OTHER)).is_ok());
}

#[test]
fn gas_and_time_are_bounded_over_all_blocks() {
    let call = json!({"to": CONTRACT});
    let payload = json!({"blockStateCalls": [{"calls": [call]}, {"calls": [call]}]});
    let limits = CallLimits { gas_max: 100_000, ..CallLimits::default() };
    let error = run_with(&world(LOOP), payload.clone(), &limits).unwrap_err();
    assert_eq!(error, SimulateError::Invalid { error: CallError::IntrinsicGas { have: 0, want: 21_000 }, gas: 0 });
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let limits = CallLimits { gas_max: 1 << 40, deadline, cancel: None };
    let payload = json!({"blockStateCalls": [{"blockOverrides": {"gasLimit": "0x10000000000"}, "calls": [call]}]});
    let error = run_with(&world(LOOP), payload, &limits).unwrap_err();
    assert_eq!((error.code(), error), (-32_016, SimulateError::Stopped(CallError::Timeout)));
}
