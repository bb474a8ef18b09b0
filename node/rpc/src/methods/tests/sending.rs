//! Sending and signing.

use super::bench::{Bench, LOGGER, number, words};
use alloy_dyn_abi::TypedData;
use alloy_primitives::{Address, B256, Bytes, Signature, bytes, eip191_hash_message};
use qsdm_pool::recover_raw;
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// Signed by the first account, not sent.
fn signed(bench: &Bench, mut request: Value) -> Value {
    request["from"] = json!(bench.account(0));
    bench.ask("eth_signTransaction", json!([request]))
}

#[test]
fn a_signed_transaction_is_included_under_its_hash() {
    let bench = Bench::new();
    let raw = signed(&bench, json!({ "to": LOGGER, "input": words(&[1, 2]) }));
    let hash = bench.ask("eth_sendRawTransaction", json!([raw]));
    let receipt = bench.ask("eth_getTransactionReceipt", json!([hash]));
    assert_eq!((&receipt["transactionHash"], &receipt["status"]), (&hash, &json!("0x1")));
    assert_eq!(bench.ask("eth_getRawTransactionByHash", json!([hash])), raw);
    assert_eq!(bench.fail("eth_sendRawTransaction", json!([raw])).0, -32003);
}

#[test]
fn a_sent_transaction_is_filled_with_what_is_missing() {
    let bench = Bench::new();
    let hash = bench.send(json!({ "to": bench.account(1), "value": "0x1" }));
    let tx = bench.ask("eth_getTransactionByHash", json!([hash]));
    assert_eq!((&tx["type"], &tx["gas"], &tx["nonce"]), (&json!("0x2"), &json!("0x5208"), &json!("0x0")));
    assert_eq!(tx["chainId"], "0x7a69");
    let creation = bench.send(json!({ "input": "0x6001600c60003960016000f300" }));
    let receipt = bench.ask("eth_getTransactionReceipt", json!([creation]));
    assert_eq!((&receipt["status"], &receipt["to"]), (&json!("0x1"), &Value::Null));
    assert_eq!(bench.ask("eth_getCode", json!([receipt["contractAddress"]])), "0x00");
}

#[test]
fn filling_shows_the_unsigned_transaction() {
    let bench = Bench::new();
    let request = json!({ "from": bench.account(0), "to": bench.account(1), "value": "0x1", "gasPrice": "0x77359400" });
    let filled = bench.ask("eth_fillTransaction", json!([request]));
    assert_eq!((&filled["tx"]["gas"], &filled["tx"]["type"]), (&json!("0x5208"), &json!("0x0")));
    assert_eq!((&filled["tx"]["r"], &filled["tx"]["s"]), (&json!("0x0"), &json!("0x0")));
    assert!(filled["raw"].as_str().unwrap().len() > 10);
    assert_eq!(bench.ask("eth_blockNumber", json!([])), "0x0");
}

#[test]
fn a_request_that_cannot_be_filled_says_why() {
    let bench = Bench::new();
    let from = bench.account(0);
    let stranger = Address::repeat_byte(0x55);
    let cases = [
        (json!({ "to": LOGGER }), -32602, "missing field `from`"),
        (json!({ "from": stranger, "to": LOGGER }), -32000, "no signer for"),
        (json!({ "from": from }), -32000, "contract creation without any data provided"),
        (
            json!({ "from": from, "to": LOGGER, "chainId": "0x1" }),
            -32000,
            "chainId does not match node's (have=1, want=31337)",
        ),
        (json!({ "from": from, "to": LOGGER, "gasPrice": "0x1", "maxFeePerGas": "0x1" }), -32000, "both gasPrice and"),
        (
            json!({ "from": from, "to": LOGGER, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }),
            -32000,
            "maxFeePerGas (1) < maxPriorityFeePerGas (2)",
        ),
        (json!({ "from": from, "to": LOGGER, "blobVersionedHashes": [B256::ZERO] }), -32602, "blobs"),
        (json!({ "from": from, "to": LOGGER, "nonce": "0x0", "gas": "0x1" }), -32000, "intrinsic gas too low"),
        (json!({ "from": from, "input": "0x00", "authorizationList": [], "gas": "0xf4240" }), -32602, "to"),
    ];
    for (request, code, message) in cases {
        let (found, text, _) = bench.fail("eth_sendTransaction", json!([request]));
        assert_eq!(found, code, "{request}: {text}");
        assert!(text.contains(message), "{request}: {text}");
    }
}

#[test]
fn sending_and_waiting_answers_with_the_receipt() {
    let bench = Bench::new();
    let raw = signed(&bench, json!({ "to": LOGGER, "input": words(&[1, 2]) }));
    let receipt = bench.ask("eth_sendRawTransactionSync", json!([raw]));
    assert_eq!((&receipt["status"], &receipt["blockNumber"]), (&json!("0x1"), &json!("0x1")));

    bench.automine(false);
    let raw = signed(&bench, json!({ "to": LOGGER, "input": words(&[1, 3]) }));
    let node = bench.node.clone();
    let miner = thread::spawn(move || {
        while node.pool.status().0 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        node.mine();
    });
    let receipt = bench.ask("eth_sendRawTransactionSync", json!([raw, "0x4e20"]));
    assert_eq!(receipt["blockNumber"], "0x2");
    miner.join().unwrap();
}

#[test]
fn waiting_ends_with_the_hash() {
    let bench = Bench::new();
    bench.automine(false);
    let raw = signed(&bench, json!({ "to": LOGGER, "input": words(&[1, 2]) }));
    let (code, message, data) = bench.fail("eth_sendRawTransactionSync", json!([raw, "0x14"]));
    assert_eq!(code, 4);
    assert!(message.contains("wasn't processed in 20 ms"), "{message}");
    assert_eq!(bench.ask("qsdm_getTransactionStatus", json!([data]))["status"], "pending");
}

#[test]
fn a_refusal_of_the_pool_keeps_its_code_and_words() {
    let bench = Bench::new();
    assert_eq!(bench.fail("eth_sendRawTransaction", json!(["0x"])).0, -32602);
    assert_eq!(bench.fail("eth_sendRawTransaction", json!(["0x02c0"])).0, -32602);
    bench.log(1, 2);
    let (code, message, _) = {
        let raw = signed(&bench, json!({ "to": LOGGER, "nonce": "0x0", "gas": "0x7530" }));
        bench.fail("eth_sendRawTransaction", json!([raw]))
    };
    assert_eq!(code, -32003);
    assert!(message.starts_with("nonce too low: next nonce 1, tx nonce 0"), "{message}");
}

#[test]
fn messages_are_signed_by_the_named_account() {
    let bench = Bench::new();
    let (account, message) = (bench.account(1), bytes!("68656c6c6f"));
    let signature = bench.ask("eth_sign", json!([account, message]));
    assert_eq!(bench.ask("personal_sign", json!([message, account])), signature);
    let raw: Bytes = serde_json::from_value(signature).unwrap();
    let signature = Signature::from_raw(&raw).unwrap();
    assert_eq!(signature.recover_address_from_prehash(&eip191_hash_message(message)).unwrap(), account);
    assert!(bench.fail("eth_sign", json!([LOGGER, "0x00"])).1.contains("no signer for"));
    assert_eq!(bench.ask("eth_accounts", json!([])).as_array().unwrap().len(), 3);
    assert_eq!(bench.ask("eth_requestAccounts", json!([])), bench.ask("eth_accounts", json!([])));
}

#[test]
fn typed_data_is_signed_as_an_object_and_as_text() {
    let bench = Bench::new();
    let account = bench.account(1);
    let data = json!({
        "types": { "EIP712Domain": [{ "name": "name", "type": "string" }], "Vote": [{ "name": "weight", "type": "uint256" }] },
        "primaryType": "Vote",
        "domain": { "name": "DAO" },
        "message": { "weight": "7" },
    });
    let signature = bench.ask("eth_signTypedData_v4", json!([account, data]));
    assert_eq!(bench.ask("eth_signTypedData_v4", json!([account, data.to_string()])), signature);
    let raw: Bytes = serde_json::from_value(signature).unwrap();
    let digest = serde_json::from_value::<TypedData>(data.clone()).unwrap().eip712_signing_hash().unwrap();
    let signer = Signature::from_raw(&raw).unwrap().recover_address_from_prehash(&digest).unwrap();
    assert_eq!(signer, account);
    let mut broken = data;
    broken["primaryType"] = json!("Nothing");
    assert_eq!(bench.fail("eth_signTypedData_v4", json!([account, broken])).0, -32602);
}

#[test]
fn signing_leaves_the_transaction_unsent() {
    let bench = Bench::new();
    let raw: Bytes =
        serde_json::from_value(signed(&bench, json!({ "to": LOGGER, "value": "0x0", "gas": "0x7530" }))).unwrap();
    let tx = recover_raw(&raw, 31_337).unwrap();
    assert_eq!(tx.signer(), bench.account(0));
    assert_eq!(number(&bench.ask("eth_blockNumber", json!([]))), 0);
}
