//! Bad parameters get −32602 with the name of the parameter, and what does not exist its words of geth.

use super::bench::{Bench, LOGGER};
use crate::methods::THEMES;
use alloy_primitives::B256;
use serde_json::{Value, json};

#[test]
fn a_state_of_a_block_that_is_not_there_is_an_error() {
    let bench = Bench::new();
    let unknown = B256::repeat_byte(0xee);
    for method in ["eth_getBalance", "eth_getCode", "eth_getTransactionCount"] {
        let error = bench.fail(method, json!([LOGGER, "0x99"]));
        assert_eq!(error, (-32000, "header not found".into(), Value::Null), "{method}");
        let error = bench.fail(method, json!([LOGGER, { "blockHash": unknown }]));
        assert_eq!(error, (-32000, "header for hash not found".into(), Value::Null), "{method}");
    }
    assert_eq!(bench.fail("eth_call", json!([{ "to": LOGGER }, "0x99"])).1, "header not found");
    assert_eq!(bench.fail("eth_getProof", json!([LOGGER, [], "0x99"])).1, "header not found");
    assert_eq!(bench.fail("debug_getRawHeader", json!(["0x99"])).1, "block #153 not found");
    assert!(bench.fail("eth_feeHistory", json!(["0x1", "0x99"])).1.starts_with("request beyond head block"));
}

#[test]
fn the_parameter_that_is_wrong_is_named() {
    let bench = Bench::new();
    let cases = [
        ("eth_getBalance", json!(["0x12", "latest"]), "argument 0 (address)"),
        ("eth_getBalance", json!([LOGGER, "2"]), "argument 1 (block): hex string without 0x prefix"),
        ("eth_getBlockByNumber", json!(["latest", 7]), "argument 1 (full)"),
        ("eth_getBlockByNumber", json!([B256::ZERO, true]), "argument 0 (block): hex number > 64 bits"),
        ("eth_getBlockByHash", json!(["0x1", true]), "argument 0 (hash)"),
        ("debug_getRawHeader", json!(["2"]), "argument 0 (block): hex string without 0x prefix"),
        ("debug_getRawTransaction", json!(["00".repeat(32)]), "argument 0 (hash): hex string without 0x prefix"),
        ("eth_getStorageAt", json!([LOGGER, "5"]), "argument 1 (slot)"),
        (
            "eth_getProof",
            json!([LOGGER, vec!["0x0"; 1_025], "latest"]),
            "argument 1 (slots): too many entries (max 1024)",
        ),
        ("eth_getStorageValues", json!([{}, "latest"]), "empty request"),
        ("eth_getStorageValues", json!([{ LOGGER.to_string(): vec!["0x0"; 1_025] }]), "too many slots (max 1024)"),
        (
            "eth_feeHistory",
            json!(["0x1", "latest", [50, 10]]),
            "argument 2 (percentiles): invalid reward percentile: #0:50 > #1:10",
        ),
        ("eth_feeHistory", json!(["0x1", "latest", [101]]), "invalid reward percentile: 101"),
        ("eth_feeHistory", json!(["0x1", "latest", vec![1; 101]]), "too many entries (max 100)"),
        (
            "eth_getLogs",
            json!([{ "topics": [null, null, null, null, null] }]),
            "argument 0 (filter): exceed max topics",
        ),
        ("eth_call", json!([{ "to": "0x1" }, "latest"]), "argument 0 (transaction)"),
        ("eth_getFilterChanges", json!(["x"]), "argument 0 (filter)"),
        ("web3_sha3", json!(["12"]), "argument 0 (data)"),
        ("eth_chainId", json!([1]), "too many arguments, want at most 0"),
    ];
    for (method, params, expected) in cases {
        let (code, message, _) = bench.fail(method, params.clone());
        assert_eq!(code, -32602, "{method} {params}: {message}");
        assert!(message.contains(expected), "{method}: {message}");
    }
}

#[test]
fn parameters_are_those_of_the_documentation() {
    let bench = Bench::new();
    for doc in THEMES.iter().flat_map(|theme| theme.docs) {
        // more than any method takes: the answer says how many it does
        let (code, message, _) = bench.fail(doc.name, json!(vec![json!("?"); 9]));
        assert_eq!(code, -32602, "{}", doc.name);
        let most = match doc.name {
            // takes a password that it does not need
            "personal_sign" => doc.params.len() + 1,
            "eth_subscribe" | "eth_unsubscribe" => continue,
            _ => doc.params.len(),
        };
        assert_eq!(message, format!("too many arguments, want at most {most}"), "{}", doc.name);
        if let Some(first) = doc.params.first() {
            let (_, message, _) = bench.fail(doc.name, json!([]));
            let named = doc.params.iter().any(|parameter| message.contains(&format!("({})", parameter.name)));
            assert!(first.required && named, "{}: {message}", doc.name);
        }
    }
}
