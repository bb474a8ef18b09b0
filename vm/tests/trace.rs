//! Traces of transactions, blocks and calls.

#[path = "support/memory_store.rs"]
mod memory_store;
#[path = "support/scene.rs"]
mod scene;

use alloy_primitives::{Address, B256, TxKind, U256, bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::{
    common::TraceResult,
    filter::{TraceFilter, TraceFilterMode},
    geth::{
        AccountState, CallFrame, DefaultFrame, DiffMode, GethDebugTracingCallOptions, GethDebugTracingOptions,
        GethTrace, PreStateFrame,
    },
    parity::Action,
};
use qsdm_vm::{
    block::StatePatch,
    call::{CallError, CallLimits},
    chain::{Chain, Head},
    evm::BlockContext,
    state::StateDatabase,
    trace::{TraceError, database_within, parity, trace_block, trace_call, trace_transaction},
};
use scene::*;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

fn options(value: serde_json::Value) -> GethDebugTracingOptions {
    serde_json::from_value(value).expect("valid options")
}

fn trace(chain: &Chain, hash: &B256, value: serde_json::Value) -> GethTrace {
    trace_transaction(chain, hash, &options(value), &CallLimits::default()).expect("a trace")
}

fn struct_logs(chain: &Chain, hash: &B256, value: serde_json::Value) -> DefaultFrame {
    trace(chain, hash, value).try_into_default_frame().expect("struct logs")
}

fn calls(chain: &Chain, hash: &B256, config: serde_json::Value) -> CallFrame {
    let frame = trace(chain, hash, json!({"tracer": "callTracer", "tracerConfig": config}));
    frame.try_into_call_frame().expect("a call frame")
}

fn hash(head: &Head, index: usize) -> B256 {
    *head.block.transactions[index].tx_hash()
}

fn nested() -> (Chain, Arc<Head>) {
    let chain = open();
    let head = add_block(&chain, &[tx(ALICE, 0, NESTING, 0, &[])], &[]);
    (chain, head)
}

#[test]
fn every_transaction_of_a_block_is_traced_in_its_own_segment() {
    let chain = open();
    let first = [tx(ALICE, 0, ENVIRONMENT, 0, &[]), tx(ALICE, 1, NESTING, 0, &[])];
    let second = [tx(BOB, 0, ENVIRONMENT, 0, &[]), tx(ALICE, 2, WRITER, 0, &[])];
    let head = add_block(&chain, &first, &second);
    let environment = |index| {
        let output = struct_logs(&chain, &hash(&head, index), json!({})).return_value;
        (U256::from_be_slice(&output[..32]), Address::from_slice(&output[44..]))
    };
    let base_fee = head.block.header.base_fee_per_gas.expect("a base fee");
    assert_eq!(environment(0), (U256::from(base_fee), PROPOSER));
    assert_eq!(environment(2), (U256::from(SECOND_BASE_FEE), AUTHOR));
    let all = trace_block(&chain, &head.block, &options(json!({})), &CallLimits::default()).expect("traces");
    assert_eq!(all.len(), 4);
    for (index, traced) in all.into_iter().enumerate() {
        let TraceResult::Success { result: GethTrace::Default(frame), tx_hash } = traced else {
            panic!("a struct log")
        };
        assert_eq!(tx_hash, Some(hash(&head, index)));
        assert_eq!(frame.gas, head.block.receipts[index].gas_used);
        assert_eq!(frame.failed, !head.block.receipts[index].success);
        assert_eq!(frame, struct_logs(&chain, &hash(&head, index), json!({})));
    }
}

#[test]
fn the_call_tracer_shows_the_tree_of_calls_creations_and_reverts() {
    let (chain, head) = nested();
    let root = calls(&chain, &hash(&head, 0), json!({"withLog": true}));
    assert_eq!((root.typ.as_str(), root.from, root.to), ("CALL", ALICE, Some(NESTING)));
    assert_eq!((root.gas, root.gas_used), (U256::from(300_000), U256::from(head.block.receipts[0].gas_used)));
    let [write, revert, create] = &root.calls[..] else { panic!("three calls: {root:?}") };
    assert_eq!((write.typ.as_str(), write.to, write.value), ("CALL", Some(WRITER), Some(U256::from(3))));
    assert_eq!((&write.input, write.output.as_ref().map(|output| output.len())), (&bytes!("aabbccdd"), Some(32)));
    assert_eq!((write.logs.len(), write.error.as_deref()), (1, None));
    assert_eq!((revert.to, revert.error.as_deref()), (Some(REVERTER), Some("execution reverted")));
    assert_eq!(revert.output, Some(bytes!("01020304")));
    assert_eq!((create.typ.as_str(), create.to), ("CREATE", Some(NESTING.create(1))));
    assert_eq!(create.output, Some(bytes!("00")));
    assert!(calls(&chain, &hash(&head, 0), json!({"onlyTopCall": true})).calls.is_empty());
    assert!(calls(&chain, &hash(&head, 0), json!({})).calls[0].logs.is_empty());
}

#[test]
fn struct_logs_hold_what_the_options_ask_for() {
    let (chain, head) = nested();
    let hash = hash(&head, 0);
    let plain = struct_logs(&chain, &hash, json!({}));
    let store = plain.struct_logs.iter().find(|log| log.op == "SSTORE").expect("a store");
    let slot = |value: u8| B256::with_last_byte(value);
    assert_eq!(store.storage, Some(BTreeMap::from([(slot(7), slot(1))])));
    assert_eq!((store.depth, store.stack.as_ref().map(Vec::len)), (2, Some(2)));
    assert!(plain.struct_logs.iter().all(|log| log.memory.is_none()));
    let bare = struct_logs(&chain, &hash, json!({"disableStack": true, "disableStorage": true, "limit": 3}));
    assert_eq!(bare.struct_logs.len(), 3);
    assert!(bare.struct_logs.iter().all(|log| log.stack.is_none() && log.storage.is_none()));
    let memory = struct_logs(&chain, &hash, json!({"enableMemory": true}));
    assert!(memory.struct_logs.iter().any(|log| log.memory.as_ref().is_some_and(|memory| !memory.is_empty())));
    let chunk = memory.struct_logs.iter().filter_map(|log| log.memory.as_ref()?.first()).next_back().expect("memory");
    assert!(chunk.starts_with("0x") && chunk.len() == 66, "{chunk}");
}

#[test]
fn the_prestate_difference_is_the_difference_of_the_states() {
    let chain = open();
    let head = add_block(&chain, &[tx(BOB, 0, WRITER, 0, &[])], &[tx(ALICE, 0, NESTING, 0, &[])]);
    let config = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let frame = trace(&chain, &hash(&head, 1), config).try_into_pre_state_frame().expect("a prestate frame");
    let PreStateFrame::Diff(DiffMode { pre, post }) = frame else { panic!("a difference") };
    let (before, _) = database_within(&chain, &head.block, 1).expect("the state before");
    let (after, _) = database_within(&chain, &head.block, 2).expect("the state after");
    assert_eq!(after.state.root(), head.block.header.state_root);
    let diff = after.state.diff(&before.state);
    let changed: Vec<_> = diff.accounts.iter().map(|change| change.address).collect();
    assert_eq!(post.len(), changed.len());
    for change in &diff.accounts {
        let new = change.after.expect("nothing is deleted");
        let shown: &AccountState = &post[&change.address];
        // an account that did not exist counts as one with nothing
        let (balance, nonce) = change.before.map_or((U256::ZERO, 0), |old| (old.balance, old.nonce));
        assert_eq!(shown.balance, (new.balance != balance).then_some(new.balance), "{}", change.address);
        assert_eq!(shown.nonce, (new.nonce != nonce).then_some(new.nonce), "{}", change.address);
        let slots: BTreeMap<B256, B256> =
            change.slots.iter().map(|slot| (slot.key.into(), slot.after.into())).collect();
        assert_eq!(shown.storage, slots);
        if change.before.is_some() {
            assert_eq!(pre[&change.address].balance, Some(balance));
        }
    }
    assert_eq!(post[&NESTING.create(1)].code, Some(bytes!("00")));
}

#[test]
fn the_prestate_lists_what_was_there_before() {
    let (chain, head) = nested();
    let trace_with = |config| {
        let frame = trace(&chain, &hash(&head, 0), json!({"tracer": "prestateTracer", "tracerConfig": config}));
        let PreStateFrame::Default(mode) = frame.try_into_pre_state_frame().expect("a prestate frame") else {
            panic!("a prestate")
        };
        mode.0
    };
    let all = trace_with(json!({}));
    assert_eq!(all[&WRITER].storage, BTreeMap::from([(B256::with_last_byte(7), B256::ZERO)]));
    assert!(all[&WRITER].code.is_some());
    let bare = trace_with(json!({"disableCode": true, "disableStorage": true}));
    assert!(bare[&WRITER].code.is_none() && bare[&WRITER].storage.is_empty());
}

#[test]
fn the_other_tracers_answer_too() {
    let (chain, head) = nested();
    let hash = hash(&head, 0);
    let of = |tracer: &str| serde_json::to_value(trace(&chain, &hash, json!({"tracer": tracer}))).expect("json");
    assert_eq!(of("noopTracer"), json!({}));
    assert_eq!(of("4byteTracer"), json!({"0xaabbccdd-0": 1}));
    assert_eq!(of("flatCallTracer").as_array().map(Vec::len), Some(4));
    let config = json!({"callTracer": null, "4byteTracer": null, "prestateTracer": {"diffMode": true}});
    let mux = trace(&chain, &hash, json!({"tracer": "muxTracer", "tracerConfig": config}));
    let mux = serde_json::to_value(mux).expect("json");
    assert_eq!(mux["callTracer"]["calls"].as_array().map(Vec::len), Some(3));
    assert_eq!(mux["4byteTracer"], of("4byteTracer"));
    assert!(mux["prestateTracer"]["post"].is_object());
}

#[test]
fn what_cannot_be_traced_is_refused_with_the_reason() {
    let (chain, head) = nested();
    let refused = |value| trace_transaction(&chain, &hash(&head, 0), &options(value), &CallLimits::default());
    let text = |value| refused(value).expect_err("refused").to_string();
    let unknown = text(json!({"tracer": "{ step: function() {} }"}));
    assert!(
        unknown.starts_with("tracer \"{ step: function() {} }\" is not supported; supported are callTracer"),
        "{unknown}"
    );
    assert!(text(json!({"tracer": "x".repeat(5_000)})).len() < 300);
    assert!(text(json!({"tracer": "muxTracer", "tracerConfig": {"js": null}})).contains("not supported"));
    assert!(text(json!({"tracer": "callTracer", "tracerConfig": {"onlyTopCall": 5}})).contains("tracer config"));
    assert!(text(json!({"timeout": "soon"})).starts_with("invalid timeout \"soon\""));
    let late = refused(json!({"timeout": "0s"})).expect_err("out of time");
    assert!(matches!(&late, TraceError::Call(CallError::Timeout)) && late.code() == -32_000, "{late}");
    let unknown = trace_transaction(&chain, &B256::ZERO, &options(json!({})), &CallLimits::default());
    assert!(matches!(unknown, Err(TraceError::TransactionNotFound { .. })));
    let genesis = chain.block(0).expect("the store works").expect("genesis");
    let error = trace_block(&chain, &genesis, &options(json!({})), &CallLimits::default()).expect_err("genesis");
    assert_eq!(error.to_string(), "genesis is not traceable");
}

fn call_options(value: serde_json::Value) -> GethDebugTracingCallOptions {
    serde_json::from_value(value).expect("valid options")
}

fn trace_call_to(to: Address, value: serde_json::Value, limits: &CallLimits) -> Result<GethTrace, TraceError> {
    let chain = open();
    let head = chain.head();
    let database = StateDatabase::new(head.state.clone(), head.hashes.clone());
    let request = TransactionRequest { from: Some(ALICE), to: Some(TxKind::Call(to)), ..Default::default() };
    trace_call(database, 31_337, &BlockContext::of_header(&head.block.header), &request, call_options(value), limits)
}

#[test]
fn what_a_trace_records_is_bounded() {
    let run = |to, value| trace_call_to(to, value, &CallLimits::default());
    let endless = run(LOOP, json!({}));
    assert!(matches!(endless, Err(TraceError::TooLarge)), "{endless:?}");
    let bulky = run(BULKY, json!({"tracer": "callTracer"}));
    assert!(matches!(bulky, Err(TraceError::TooLarge)));
    // the same within a mux, and the first logs of an endless loop
    let mux = run(BULKY, json!({"tracer": "muxTracer", "tracerConfig": {"callTracer": null}}));
    assert!(matches!(mux, Err(TraceError::TooLarge)));
    let few = run(LOOP, json!({"limit": 10})).expect("a trace").try_into_default_frame().expect("struct logs");
    assert_eq!((few.struct_logs.len(), few.failed), (10, true));
    let calls = run(LOOP, json!({"tracer": "callTracer"})).expect("a trace").try_into_call_frame().expect("a frame");
    assert_eq!(calls.error.as_deref(), Some("out of gas"));
}

#[test]
fn a_traced_call_has_a_deadline() {
    let limits = CallLimits { gas_max: 1 << 40, deadline: None, cancel: None };
    let value = json!({"tracer": "callTracer", "timeout": "20ms"});
    assert!(matches!(trace_call_to(LOOP, value, &limits), Err(TraceError::Call(CallError::Timeout))));
    let past = CallLimits { deadline: Some(Instant::now()), ..limits };
    let value = json!({"tracer": "callTracer", "timeout": "10m"});
    assert!(matches!(trace_call_to(LOOP, value, &past), Err(TraceError::Call(CallError::Timeout))));
}

#[test]
fn a_traced_call_sees_overrides_and_the_middle_of_a_block() {
    let options = json!({"tracer": "callTracer", "blockOverrides": {"baseFeePerGas": "0x7", "feeRecipient": BOB},
        "stateOverrides": {ENVIRONMENT.to_string(): {"code": "0x415f5260205ff3"}}});
    let frame = trace_call_to(ENVIRONMENT, options, &CallLimits::default()).expect("a trace");
    let output = frame.try_into_call_frame().expect("a frame").output.expect("output");
    assert_eq!(Address::from_slice(&output[12..]), BOB);
    let refused = trace_call_to(WRITER, json!({"txIndex": "0x0"}), &CallLimits::default());
    assert!(matches!(refused, Err(TraceError::TxIndex)));
    let chain = open();
    let head = add_block(&chain, &[tx(ALICE, 0, WRITER, 0, &[])], &[tx(BOB, 0, WRITER, 0, &[])]);
    let slot =
        |index| database_within(&chain, &head.block, index).expect("a state").0.state.slot(&WRITER, U256::from(7));
    assert_eq!((slot(0), slot(1), slot(9)), (U256::ZERO, U256::from(1), U256::from(1)));
    assert_eq!(database_within(&chain, &head.block, 1).expect("a state").1.beneficiary, AUTHOR);
}

#[test]
fn impersonated_senders_and_patched_states_are_traced_as_they_ran() {
    let chain = open();
    let key = U256::from(7);
    chain.patch(vec![StatePatch::Slot { address: WRITER, key, value: U256::from(1) }]).expect("patched");
    let head = add_block(&chain, &[tx(NESTING, 1, WRITER, 0, &[])], &[]);
    add_block(&chain, &[tx(ALICE, 0, BOB, 1, &[])], &[]);
    let frame = struct_logs(&chain, &hash(&head, 0), json!({}));
    assert_eq!(frame.gas, head.block.receipts[0].gas_used);
    let (before, _) = database_within(&chain, &head.block, 0).expect("a state");
    assert_eq!(before.state.slot(&WRITER, key), U256::from(1));
}

#[test]
fn tracing_leaves_the_chain_alone() {
    let (chain, head) = nested();
    let root = chain.head().state.root();
    trace(&chain, &hash(&head, 0), json!({"tracer": "callTracer"}));
    assert_eq!((chain.head().state.root(), chain.head().block.hash), (root, head.block.hash));
}

#[test]
fn parity_traces_are_flat_and_located() {
    let (chain, head) = nested();
    let traces = parity::trace_transaction(&chain, &hash(&head, 0), &CallLimits::default()).expect("traces");
    let addresses: Vec<_> = traces.iter().map(|trace| trace.trace.trace_address.clone()).collect();
    assert_eq!(addresses, [vec![], vec![0], vec![1], vec![2]]);
    assert_eq!(traces[2].trace.error.as_deref(), Some("Reverted"));
    assert!(matches!(&traces[3].trace.action, Action::Create(create) if create.from == NESTING));
    for trace in &traces {
        let place = (trace.block_number, trace.block_hash, trace.transaction_hash, trace.transaction_position);
        assert_eq!(place, (Some(1), Some(head.block.hash), Some(hash(&head, 0)), Some(0)));
    }
    assert_eq!(parity::trace_block(&chain, &head.block, &CallLimits::default()).expect("traces"), traces);
}

#[test]
fn trace_filter_finds_calls_by_address_and_pages_through_them() {
    let chain = open();
    for nonce in 0..3 {
        add_block(&chain, &[tx(ALICE, nonce, NESTING, 0, &[])], &[tx(BOB, nonce, WRITER, 0, &[])]);
    }
    let find = |filter: TraceFilter| parity::trace_filter(&chain, &filter, &CallLimits::default());
    let range = TraceFilter::default().from_block(0).to_block(3);
    assert_eq!(find(range.clone()).expect("traces").len(), 15);
    let writes = range.clone().to_address(vec![WRITER]);
    assert_eq!(find(writes.clone()).expect("traces").len(), 6);
    assert_eq!(find(writes.clone().from_address(vec![NESTING])).expect("traces").len(), 3);
    let union = writes.clone().from_address(vec![ALICE]).mode(TraceFilterMode::Union);
    assert_eq!(find(union).expect("traces").len(), 9);
    let page = find(writes.clone().after(1).count(2)).expect("traces");
    assert_eq!(page, find(writes).expect("traces")[1..3]);
    assert_eq!(find(TraceFilter::default()).expect("traces").len(), 5, "the newest block by default");
    for (from, to) in [(3, 2), (0, 100)] {
        let refused = find(TraceFilter::default().from_block(from).to_block(to));
        assert!(matches!(refused, Err(TraceError::Range { .. })));
    }
}
