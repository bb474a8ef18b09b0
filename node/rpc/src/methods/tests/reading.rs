//! Accounts, blocks, transactions and prices.

use super::bench::{Bench, ETHER, LOGGER, STORE, number, words};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[test]
fn the_node_introduces_itself() {
    let bench = Bench::new();
    assert_eq!(bench.ask("eth_chainId", json!([])), "0x7a69");
    assert_eq!(bench.ask("net_version", json!([])), "31337");
    assert_eq!(bench.ask("net_listening", json!([])), true);
    assert_eq!(bench.ask("eth_syncing", json!([])), false);
    assert!(bench.ask("web3_clientVersion", json!([])).as_str().unwrap().starts_with("qsdm/v"));
    assert_eq!(bench.ask("web3_sha3", json!(["0x"])), json!(keccak256([])));
    let modules = bench.ask("rpc_modules", json!([]));
    let modules: Vec<_> = modules.as_object().unwrap().keys().cloned().collect();
    assert_eq!(modules, ["debug", "eth", "net", "personal", "qsdm", "rpc", "trace", "txpool", "web3"]);
    let document = bench.ask("rpc.discover", json!([]));
    assert!(document["methods"].as_array().unwrap().iter().any(|method| method["name"] == "eth_getProof"));
}

#[test]
fn accounts_are_read_at_every_kind_of_block() {
    let bench = Bench::new();
    let (from, to) = (bench.account(0), Address::repeat_byte(7));
    bench.send(json!({ "to": to, "value": "0x7" }));
    bench.send(json!({ "to": to, "value": "0x8" }));
    let genesis = bench.ask("eth_getBlockByNumber", json!(["0x0", false]));
    let cases = [
        (json!("latest"), "0xf"),
        (json!("pending"), "0xf"),
        (json!("safe"), "0xf"),
        (json!("finalized"), "0xf"),
        (json!("0x2"), "0xf"),
        (json!({ "blockNumber": "0x1" }), "0x7"),
        (json!("earliest"), "0x0"),
        (genesis["hash"].clone(), "0x0"),
        (json!({ "blockHash": genesis["hash"], "requireCanonical": true }), "0x0"),
    ];
    for (block, balance) in cases {
        assert_eq!(bench.ask("eth_getBalance", json!([to, block])), balance, "{block}");
    }
    assert_eq!(bench.ask("eth_getBalance", json!([to])), "0xf");
    assert_eq!(bench.ask("eth_getTransactionCount", json!([from, "latest"])), "0x2");
    assert_eq!(bench.ask("eth_getTransactionCount", json!([from, "0x1"])), "0x1");
    assert_eq!(bench.ask("eth_getBalance", json!([from, "0x0"])), format!("{:#x}", 1_000 * ETHER));
    assert_eq!(bench.ask("eth_getCode", json!([LOGGER])), "0x602060205f375f3560205fa100");
    assert_eq!(bench.ask("eth_getCode", json!([to])), "0x");
}

#[test]
fn finalized_is_what_a_quorum_agrees_on() {
    let bench = Bench::new();
    let to = Address::repeat_byte(7);
    bench.send(json!({ "to": to, "value": "0x7" }));
    let hash = bench.send(json!({ "to": to, "value": "0x8" }));
    let status = || bench.ask("qsdm_getTransactionStatus", json!([hash]))["finalized"].clone();
    assert_eq!(status(), true, "where one node makes the chain, every block is final");
    bench.node.finalized.store(1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(bench.ask("eth_getBalance", json!([to, "finalized"])), "0x7");
    assert_eq!(bench.ask("eth_getBalance", json!([to, "latest"])), "0xf");
    assert_eq!(bench.ask("eth_getBlockByNumber", json!(["finalized", false]))["number"], "0x1");
    assert_eq!(bench.ask("eth_call", json!([{ "to": to }, "finalized"])), "0x");
    assert_eq!(status(), false);
    assert_eq!(bench.ask("qsdm_getCommittee", json!([])), json!(null));
}

#[test]
fn storage_is_read_by_short_and_whole_slots() {
    let bench = Bench::new();
    bench.send(json!({ "to": STORE, "input": words(&[5, 77]) }));
    let value = format!("0x{:064x}", 77);
    for slot in ["0x5", "0x05", &format!("0x{:064x}", 5)] {
        assert_eq!(bench.ask("eth_getStorageAt", json!([STORE, slot, "latest"])), value);
    }
    assert_eq!(bench.ask("eth_getStorageAt", json!([STORE, "0x5", "0x0"])), format!("0x{:064x}", 0));
    let values = bench.ask("eth_getStorageValues", json!([{ STORE.to_string(): ["0x5", "0x6"] }, "latest"]));
    assert_eq!(values[format!("{STORE:?}")], json!([value, format!("0x{:064x}", 0)]));
}

#[test]
fn a_proof_verifies_against_the_state_root() {
    let bench = Bench::new();
    bench.send(json!({ "to": STORE, "input": words(&[5, 77]) }));
    let whole = format!("0x{:064x}", 6);
    let proof = bench.ask("eth_getProof", json!([STORE, ["0x5", whole], "latest"]));
    let root: B256 =
        serde_json::from_value(bench.ask("eth_getBlockByNumber", json!(["latest", false]))["stateRoot"].clone())
            .unwrap();
    let nodes: Vec<Bytes> = serde_json::from_value(proof["accountProof"].clone()).unwrap();
    assert_eq!(keccak256(&nodes[0]), root);
    let storage: B256 = serde_json::from_value(proof["storageHash"].clone()).unwrap();
    let nodes: Vec<Bytes> = serde_json::from_value(proof["storageProof"][0]["proof"].clone()).unwrap();
    assert_eq!(keccak256(&nodes[0]), storage);
    assert_eq!(proof["storageProof"][0]["key"], "0x5");
    assert_eq!(proof["storageProof"][0]["value"], "0x4d");
    assert_eq!(proof["storageProof"][1]["key"], whole);
    assert_eq!(proof["storageProof"][1]["value"], "0x0");
    let nobody = bench.ask("eth_getProof", json!([Address::repeat_byte(9), [], "latest"]));
    assert_eq!((&nobody["codeHash"], &nobody["storageHash"]), (&json!(B256::ZERO), &json!(B256::ZERO)));
}

#[test]
fn blocks_and_their_transactions_are_found_by_height_and_by_hash() {
    let bench = Bench::new();
    let tx = bench.log(1, 2);
    let block = bench.ask("eth_getBlockByNumber", json!(["0x1", false]));
    assert_eq!(block["transactions"], json!([tx]));
    assert_eq!(bench.ask("eth_getBlockByHash", json!([block["hash"], false])), block);
    let found = bench.ask("eth_getTransactionByHash", json!([tx]));
    let hash = &block["hash"];
    assert_eq!(bench.ask("eth_getTransactionByBlockHashAndIndex", json!([hash, "0x0"])), found);
    assert_eq!(bench.ask("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])), found);
    assert_eq!(bench.ask("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x1"])), Value::Null);
    assert_eq!(bench.ask("eth_getBlockTransactionCountByHash", json!([hash])), "0x1");
    assert_eq!(bench.ask("eth_getBlockTransactionCountByNumber", json!(["latest"])), "0x1");
    assert_eq!(bench.ask("eth_getUncleCountByBlockHash", json!([hash])), "0x0");
    assert_eq!(bench.ask("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"])), Value::Null);
    let sender = bench.account(0);
    assert_eq!(bench.ask("eth_getTransactionBySenderAndNonce", json!([sender, "0x0"])), found);
    assert_eq!(bench.ask("eth_getTransactionBySenderAndNonce", json!([sender, "0x1"])), Value::Null);
}

#[test]
fn what_is_unknown_is_null_and_not_an_error() {
    let bench = Bench::new();
    let nothing = B256::repeat_byte(0xee);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x3e8", true])),
        ("eth_getBlockByHash", json!([nothing, true])),
        ("eth_getHeaderByHash", json!([nothing])),
        ("eth_getBlockReceipts", json!([nothing])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x3e8"])),
        ("eth_getTransactionByHash", json!([nothing])),
        ("eth_getTransactionReceipt", json!([nothing])),
        ("eth_getTransactionByBlockHashAndIndex", json!([nothing, "0x0"])),
        ("eth_getUncleCountByBlockHash", json!([nothing])),
        ("eth_getRawTransactionByHash", json!([nothing])),
    ] {
        assert_eq!(bench.ask(method, params), Value::Null, "{method}");
    }
}

#[test]
fn raw_forms_decode_to_what_they_encode() {
    let bench = Bench::new();
    let tx = bench.log(1, 2);
    let raw: Bytes = serde_json::from_value(bench.ask("eth_getRawTransactionByHash", json!([tx]))).unwrap();
    assert_eq!(json!(keccak256(&raw)), tx);
    for (method, params) in [
        ("debug_getRawTransaction", json!([tx])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])),
    ] {
        assert_eq!(bench.ask(method, params), json!(raw));
    }
    let block = bench.app.chain.head().block.clone();
    let header: Bytes = serde_json::from_value(bench.ask("debug_getRawHeader", json!(["latest"]))).unwrap();
    assert_eq!(keccak256(&header), block.hash);
    assert_eq!(Header::decode(&mut &header[..]).unwrap(), block.header);
    let whole: Bytes = serde_json::from_value(bench.ask("debug_getRawBlock", json!(["latest"]))).unwrap();
    assert_eq!(whole.len() as u64, block.size);
    let decoded = alloy_consensus::Block::<alloy_consensus::TxEnvelope>::decode(&mut &whole[..]).unwrap();
    assert_eq!((decoded.header, decoded.body.transactions.len()), (block.header.clone(), 1));
    let receipts: Vec<Bytes> = serde_json::from_value(bench.ask("debug_getRawReceipts", json!(["latest"]))).unwrap();
    let root = alloy_consensus::proofs::ordered_trie_root_with_encoder(&receipts, |receipt, out| {
        out.extend_from_slice(receipt)
    });
    assert_eq!(root, block.header.receipts_root);
}

#[test]
fn prices_follow_what_was_paid() {
    let bench = Bench::new();
    let base_fee = bench.ask("eth_baseFee", json!([]));
    assert_eq!(bench.ask("eth_maxPriorityFeePerGas", json!([])), "0x3b9aca00");
    assert_eq!(number(&bench.ask("eth_gasPrice", json!([]))), number(&base_fee) + 1_000_000_000);
    assert_eq!(bench.ask("eth_blobBaseFee", json!([])), "0x1");
    bench.send(json!({ "to": bench.account(1), "maxPriorityFeePerGas": "0x7" }));
    assert_eq!(bench.ask("eth_maxPriorityFeePerGas", json!([])), "0x7");
}

#[test]
fn fee_history_gives_rewards_by_gas_and_ends_with_the_next_base_fee() {
    let bench = Bench::new();
    bench.automine(false);
    for (sender, tip) in [(0, "0x3"), (1, "0x1"), (2, "0x2")] {
        let request = json!({ "from": bench.account(sender), "to": bench.account(0), "maxPriorityFeePerGas": tip, "gas": "0x5208" });
        bench.ask("eth_sendTransaction", json!([request]));
    }
    bench.node.mine();
    let history = bench.ask("eth_feeHistory", json!(["0x400", "latest", [0, 33, 34, 66, 67, 100]]));
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["reward"][0], json!(["0x0", "0x0", "0x0", "0x0", "0x0", "0x0"]));
    assert_eq!(history["reward"][1], json!(["0x1", "0x1", "0x2", "0x2", "0x3", "0x3"]));
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["baseFeePerGas"][2], bench.ask("eth_baseFee", json!([])));
    assert_eq!(history["gasUsedRatio"][1].as_f64().unwrap(), 3.0 * 21_000.0 / 60_000_000.0);
    let plain = bench.ask("eth_feeHistory", json!(["0x1", "0x1"]));
    assert!(plain.get("reward").is_none());
    assert_eq!(bench.ask("eth_feeHistory", json!(["0x0", "latest", [1]]))["gasUsedRatio"], json!([]));
}

#[test]
fn the_pool_shows_what_executes_and_what_waits() {
    let bench = Bench::new();
    bench.automine(false);
    let from = bench.account(0);
    let executable = bench.send(json!({ "to": LOGGER, "value": "0x0", "gas": "0x7530" }));
    let waiting = bench.send(json!({ "to": LOGGER, "nonce": "0x2", "gas": "0x7530" }));
    assert_eq!(bench.ask("txpool_status", json!([])), json!({ "pending": "0x1", "queued": "0x1" }));
    let content = bench.ask("txpool_content", json!([]));
    let sender = from.to_checksum(None);
    assert_eq!(content["pending"][&sender]["0"]["hash"], executable);
    assert_eq!(content["queued"][&sender]["2"]["hash"], waiting);
    let own = bench.ask("txpool_contentFrom", json!([from]));
    assert_eq!(own["queued"]["2"], content["queued"][&sender]["2"]);
    let nobody = bench.ask("txpool_contentFrom", json!([LOGGER]));
    assert_eq!(nobody, json!({ "pending": {}, "queued": {} }));
    let line = bench.ask("txpool_inspect", json!([]))["pending"][&sender]["0"].clone();
    assert!(
        line.as_str().unwrap().starts_with(&format!("{}: 0 wei + 30000 gas × ", LOGGER.to_checksum(None))),
        "{line}"
    );
    assert_eq!(bench.ask("eth_pendingTransactions", json!([])).as_array().unwrap().len(), 1);
    assert_eq!(bench.ask("eth_getTransactionCount", json!([from, "pending"])), "0x1");
    assert_eq!(bench.ask("eth_getTransactionCount", json!([from, "latest"])), "0x0");
    let status = |hash: &Value| bench.ask("qsdm_getTransactionStatus", json!([hash]))["status"].clone();
    assert_eq!((status(&executable), status(&waiting)), (json!("pending"), json!("queued")));
}

#[test]
fn a_transaction_that_was_dropped_says_why() {
    let bench = Bench::new();
    bench.automine(false);
    let first = bench.send(json!({ "to": LOGGER, "gas": "0x7530", "nonce": "0x0" }));
    let hash: B256 = serde_json::from_value(first.clone()).unwrap();
    bench.app.pool.remove_invalid(&hash, "lack of funds");
    let status = bench.ask("qsdm_getTransactionStatus", json!([first]));
    assert_eq!(status["status"], "dropped");
    assert!(status["reason"].as_str().unwrap().contains("lack of funds"));
    let mined = {
        bench.automine(true);
        bench.log(1, 2)
    };
    let status = bench.ask("qsdm_getTransactionStatus", json!([mined]));
    assert_eq!(
        (&status["status"], &status["blockNumber"], &status["success"]),
        (&json!("mined"), &json!("0x1"), &json!(true))
    );
    assert_eq!(bench.ask("qsdm_getTransactionStatus", json!([B256::ZERO]))["status"], "unknown");
}

#[test]
fn the_pending_block_has_the_present_time_and_the_next_height() {
    let bench = Bench::new();
    bench.node.ahead_s.store(1_000, Ordering::Relaxed);
    let (latest, pending) = ("latest", "pending");
    let latest = bench.ask("eth_getBlockByNumber", json!([latest, false]));
    let pending = bench.ask("eth_getBlockByNumber", json!([pending, false]));
    assert_eq!(number(&pending["timestamp"]), number(&latest["timestamp"]) + 1_000);
    assert_eq!(number(&pending["number"]), number(&latest["number"]) + 1);
    assert_eq!(pending["parentHash"], latest["hash"]);
    assert_eq!(pending["baseFeePerGas"], bench.ask("eth_baseFee", json!([])));
}
