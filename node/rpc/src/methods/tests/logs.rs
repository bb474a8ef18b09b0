//! Searching logs, and filters.

use super::bench::{Bench, LOGGER};
use alloy_primitives::{Address, B256, U256};
use qsdm_primitives::limits::{RPC_FILTERS_MAX, RPC_PARTS_INLINE_MAX};
use serde_json::{Value, json};

fn topic(value: u64) -> B256 {
    U256::from(value).into()
}

fn count(bench: &Bench, filter: Value) -> usize {
    bench.ask("eth_getLogs", json!([filter])).as_array().unwrap().len()
}

#[test]
fn logs_are_found_by_range_address_topic_and_block() {
    let bench = Bench::new();
    for number in 1..=5 {
        bench.log(number, 0);
    }
    assert_eq!(count(&bench, json!({})), 1);
    assert_eq!(count(&bench, json!({ "fromBlock": "earliest" })), 5);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x2", "toBlock": "0x4" })), 3);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0", "address": LOGGER })), 5);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0", "address": [Address::ZERO] })), 0);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0", "topics": [topic(3)] })), 1);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0", "topics": [[topic(3), topic(4)]] })), 2);
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0", "topics": [null] })), 5);
    let block = bench.ask("eth_getBlockByNumber", json!(["0x3", false]));
    assert_eq!(bench.ask("eth_getLogs", json!([{ "blockHash": block["hash"] }]))[0]["topics"], json!([topic(3)]));
}

#[test]
fn an_answer_of_many_logs_comes_from_the_pool_of_long_calls() {
    let bench = Bench::new();
    for number in 0..RPC_PARTS_INLINE_MAX as u64 + 100 {
        bench.log(number, 0);
    }
    assert_eq!(count(&bench, json!({ "fromBlock": "0x0" })), RPC_PARTS_INLINE_MAX + 100);
}

#[test]
fn a_range_that_makes_no_sense_is_refused_as_by_geth() {
    let bench = Bench::new();
    bench.log(1, 0);
    for (filter, code, message) in [
        (json!({ "fromBlock": "0x1", "toBlock": "0x0" }), -32602, "invalid block range params"),
        (json!({ "fromBlock": "0x0", "toBlock": "0x9" }), -32602, "block range extends beyond current head block"),
        (json!({ "fromBlock": "0x9" }), -32602, "invalid block range params"),
        (
            json!({ "blockHash": B256::ZERO, "fromBlock": "0x0" }),
            -32602,
            "can't specify fromBlock/toBlock with blockHash",
        ),
        (json!({ "blockHash": B256::ZERO }), -32000, "unknown block"),
    ] {
        let (found, text, _) = bench.fail("eth_getLogs", json!([filter]));
        assert_eq!((found, text.as_str()), (code, message), "{filter}");
    }
}

#[test]
fn a_filter_without_a_beginning_has_the_logs_of_the_newest_block() {
    let bench = Bench::new();
    let filter = bench.ask("eth_newFilter", json!([{}]));
    bench.log(1, 0);
    bench.log(2, 0);
    let found = bench.ask("eth_getFilterLogs", json!([filter]));
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["topics"][0], json!(topic(2)));
    assert_eq!(bench.ask("eth_getFilterChanges", json!([filter])).as_array().unwrap().len(), 2);
}

#[test]
fn a_filter_reports_each_log_once() {
    let bench = Bench::new();
    bench.log(1, 0);
    let filter = bench.ask("eth_newFilter", json!([{ "fromBlock": "0x0", "topics": [[topic(2), topic(3)]] }]));
    let changes = || bench.ask("eth_getFilterChanges", json!([filter]));
    assert_eq!(changes(), json!([]));
    bench.log(2, 0);
    bench.log(9, 0);
    bench.log(3, 0);
    let found = changes();
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!((&found[0]["topics"][0], &found[1]["topics"][0]), (&json!(topic(2)), &json!(topic(3))));
    assert_eq!(changes(), json!([]));
    assert_eq!(bench.ask("eth_getFilterLogs", json!([filter])), found);
    assert_eq!(bench.ask("eth_uninstallFilter", json!([filter])), true);
    assert_eq!(bench.ask("eth_uninstallFilter", json!([filter])), false);
    assert_eq!(bench.fail("eth_getFilterChanges", json!([filter])), (-32000, "filter not found".into(), Value::Null));
}

#[test]
fn block_and_pending_filters_report_hashes() {
    let bench = Bench::new();
    let blocks = bench.ask("eth_newBlockFilter", json!([]));
    let pending = bench.ask("eth_newPendingTransactionFilter", json!([]));
    let (one, two) = (bench.log(1, 0), bench.log(2, 0));
    let hash = |number: &str| bench.ask("eth_getBlockByNumber", json!([number, false]))["hash"].clone();
    assert_eq!(bench.ask("eth_getFilterChanges", json!([blocks])), json!([hash("0x1"), hash("0x2")]));
    assert_eq!(bench.ask("eth_getFilterChanges", json!([pending])), json!([one, two]));
    assert_eq!(bench.ask("eth_getFilterChanges", json!([blocks])), json!([]));
    assert_eq!(bench.ask("eth_getFilterChanges", json!([pending])), json!([]));
    assert!(bench.fail("eth_getFilterLogs", json!([blocks])).1.starts_with("filter not found"));
}

#[test]
fn a_filter_follows_the_chain_when_it_goes_back() {
    let bench = Bench::new();
    let blocks = bench.ask("eth_newBlockFilter", json!([]));
    let logs = bench.ask("eth_newFilter", json!([{}]));
    bench.log(1, 0);
    assert_eq!(bench.ask("eth_getFilterChanges", json!([blocks])).as_array().unwrap().len(), 1);
    assert_eq!(bench.ask("eth_getFilterChanges", json!([logs])).as_array().unwrap().len(), 1);
    bench.node.go_back();
    assert_eq!(bench.ask("eth_getFilterChanges", json!([blocks])), json!([]));
    bench.log(2, 0);
    let hash = bench.ask("eth_getBlockByNumber", json!(["latest", false]))["hash"].clone();
    assert_eq!(bench.ask("eth_getFilterChanges", json!([blocks])), json!([hash]));
    assert_eq!(bench.ask("eth_getFilterChanges", json!([logs]))[0]["topics"], json!([topic(2)]));
}

#[test]
fn a_flood_of_filters_ends_at_the_limit() {
    let bench = Bench::new();
    for _ in 0..RPC_FILTERS_MAX {
        bench.ask("eth_newBlockFilter", json!([]));
    }
    let (code, message, _) = bench.fail("eth_newFilter", json!([{}]));
    assert_eq!(code, -32005);
    assert!(message.contains("256 filters are installed") && message.contains("eth_uninstallFilter"), "{message}");
}

#[test]
fn a_search_over_too_many_blocks_names_a_range_that_works() {
    let error = super::super::logs::check_blocks(5, 20_004).unwrap_err();
    assert_eq!(error.code, -32005);
    assert_eq!(error.message, "query spans 20000 blocks, more than 10000. Try with this block range [0x5, 0x2714].");
    assert!(super::super::logs::check_blocks(5, 10_004).is_ok());
}
