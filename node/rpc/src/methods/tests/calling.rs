//! Calls that leave no trace.

use super::bench::{Bench, CLOCK, LOGGER, LOOP, REVERTER, STORE, number, words};
use alloy_primitives::{Bytes, bytes};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// `Error("no")`.
const ERROR: Bytes = bytes!(
    "08c379a0"
    "0000000000000000000000000000000000000000000000000000000000000020"
    "0000000000000000000000000000000000000000000000000000000000000002"
    "6e6f000000000000000000000000000000000000000000000000000000000000"
);

/// Timestamp and height that a contract sees.
fn clock(bench: &Bench, block: Value) -> (u64, u64) {
    let words = bench.ask("eth_call", json!([{ "to": CLOCK }, block]));
    let words = words.as_str().unwrap().strip_prefix("0x").unwrap();
    (u64::from_str_radix(&words[48..64], 16).unwrap(), u64::from_str_radix(&words[112..], 16).unwrap())
}

#[test]
fn a_revert_carries_its_reason_and_its_data() {
    let bench = Bench::new();
    let call = json!([{ "to": REVERTER, "input": ERROR }, "latest"]);
    for method in ["eth_call", "eth_estimateGas"] {
        let (code, message, data) = bench.fail(method, call.clone());
        assert_eq!((code, message.as_str()), (3, "execution reverted: no"), "{method}");
        assert_eq!(data, json!(ERROR));
    }
    let (code, message, data) = bench.fail("eth_call", json!([{ "to": REVERTER }, "latest"]));
    assert_eq!((code, message.as_str(), data), (3, "execution reverted", json!("0x")));
}

#[test]
fn calls_on_an_idle_chain_see_the_present_time() {
    let bench = Bench::new();
    bench.log(1, 2);
    let head = number(&bench.ask("eth_getBlockByNumber", json!(["latest", false]))["timestamp"]);
    bench.node.ahead_s.store(5_000, Ordering::Relaxed);
    assert_eq!(clock(&bench, json!("latest")), (head + 5_000, 1));
    assert_eq!(clock(&bench, json!("pending")), (head + 5_000, 2));
    assert_eq!(clock(&bench, json!("0x1")), (head, 1));
    assert_eq!(clock(&bench, json!("0x0")), (1_700_000_000, 0));
}

#[test]
fn overrides_change_state_and_block_for_one_call() {
    let bench = Bench::new();
    let overridden = json!({ LOGGER.to_string(): { "code": "0x602a5f5260205ff3" } });
    let answer = bench.ask("eth_call", json!([{ "to": LOGGER }, "latest", overridden]));
    assert_eq!(answer, format!("0x{:064x}", 42));
    let answer = bench.ask("eth_call", json!([{ "to": CLOCK }, "latest", {}, { "time": "0x7" }]));
    assert!(answer.as_str().unwrap().starts_with(&format!("0x{:064x}", 7)));
    assert_eq!(bench.ask("eth_call", json!([{ "to": LOGGER }, "latest"])), "0x");
}

#[test]
fn gas_is_estimated_and_the_estimate_suffices() {
    let bench = Bench::new();
    let transfer = json!([{ "from": bench.account(0), "to": bench.account(1), "value": "0x1" }]);
    assert_eq!(bench.ask("eth_estimateGas", transfer), "0x5208");
    let call = json!({ "to": STORE, "input": words(&[1, 2]) });
    let gas = bench.ask("eth_estimateGas", json!([call]));
    let hash = bench.send(json!({ "to": STORE, "input": words(&[1, 2]), "gas": gas }));
    assert_eq!(bench.ask("eth_getTransactionReceipt", json!([hash]))["status"], "0x1");
}

#[test]
fn an_access_list_names_the_touched_slots() {
    let bench = Bench::new();
    let result = bench.ask("eth_createAccessList", json!([{ "to": STORE, "input": words(&[1, 2]) }]));
    assert_eq!(result["accessList"][0]["storageKeys"], json!([format!("0x{:064x}", 1)]));
    assert!(result.get("error").is_none());
    let failed = bench.ask("eth_createAccessList", json!([{ "to": REVERTER, "input": ERROR }]));
    assert_eq!(failed["error"], "execution reverted");
}

#[test]
fn a_call_without_end_stops_at_its_gas() {
    let bench = Bench::new();
    let (code, message, _) = bench.fail("eth_call", json!([{ "to": LOOP }, "latest"]));
    assert_eq!((code, message.as_str()), (-32000, "out of gas"));
}

#[test]
fn data_and_input_must_agree() {
    let bench = Bench::new();
    let both = |data: &str| json!([{ "to": LOGGER, "input": "0x12", "data": data }, "latest"]);
    assert_eq!(bench.ask("eth_call", both("0x12")), "0x");
    assert!(bench.fail("eth_call", both("0x34")).1.contains("not equal"));
}

#[test]
fn simulated_blocks_build_on_each_other_and_leave_no_trace() {
    let bench = Bench::new();
    let (from, to) = (bench.account(0), bench.account(1));
    let transfer = json!({ "from": from, "to": to, "value": "0x1" });
    let calls = json!([{ "calls": [transfer, transfer] }, { "calls": [{ "from": from, "to": CLOCK }] }]);
    let payload = json!({ "blockStateCalls": calls, "returnFullTransactions": true });
    let blocks = bench.ask("eth_simulateV1", json!([payload, "latest"]));
    let head = bench.ask("eth_getBlockByNumber", json!(["latest", false]));
    assert_eq!((&blocks[0]["parentHash"], &blocks[0]["number"]), (&head["hash"], &json!("0x1")));
    assert_eq!((&blocks[1]["parentHash"], &blocks[1]["number"]), (&blocks[0]["hash"], &json!("0x2")));
    assert_eq!(blocks[0]["calls"][1]["status"], "0x1");
    assert_eq!(blocks[0]["transactions"][1]["nonce"], "0x1");
    let seen = blocks[1]["calls"][0]["returnData"].as_str().unwrap();
    assert_eq!(u64::from_str_radix(&seen[50..66], 16).unwrap(), number(&blocks[1]["timestamp"]));
    assert_eq!(bench.ask("eth_blockNumber", json!([])), "0x0");
}

#[test]
fn a_simulation_that_makes_no_sense_has_the_code_of_its_reason() {
    let bench = Bench::new();
    let ask = |calls: Value| bench.fail("eth_simulateV1", json!([{ "blockStateCalls": calls }, "latest"]));
    assert_eq!(ask(json!([])).0, -32602);
    let (code, message, _) = ask(json!([{ "blockOverrides": { "time": "0x1" } }]));
    assert_eq!((code, message.contains("timestamps must be in order")), (-38021, true));
    let future = bench.fail("eth_simulateV1", json!([{ "blockStateCalls": [{}] }, "0x99"]));
    assert_eq!((future.0, future.1.as_str()), (-32000, "header not found"));
}
