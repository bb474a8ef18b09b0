//! Control over time, blocks and state, and that a replay follows all of it.

use qsdm_tests::node::{Node, run};
use qsdm_tests::rpc::Client;
use serde_json::{Value, json};

/// Counts in slot 0, and logs the count with topic 7: `5f54600101805f555f52600760205fa100` as deployed code.
const COUNTER: &str = "0x5f54600101805f555f52600760205fa100";
/// `balanceOf(address)`: the word in the slot keccak-256(address ‖ 0), as Solidity keeps a mapping in slot 0.
const TOKEN: &str = "0x6004355f525f60205260405f20545f5260205ff3";
const PLACE: &str = "0x00000000000000000000000000000000000c0de0";
const STRANGER: &str = "0x00000000000000000000000000000000000005a1";

fn number(value: &Value) -> u64 {
    let text = value.as_str().expect("a quantity");
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hex")
}

fn head(client: &mut Client) -> (u64, u64) {
    let block = client.call("eth_getBlockByNumber", json!(["latest", false]));
    (number(&block["number"]), number(&block["timestamp"]))
}

fn send(client: &mut Client, request: Value) -> Value {
    let hash = client.call("eth_sendTransaction", json!([request]));
    let receipt = client.call("eth_getTransactionReceipt", json!([hash]));
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    receipt
}

#[test]
fn time_moves_as_told_and_never_back() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let (_, start) = head(&mut client);
    client.call("evm_increaseTime", json!([3_600]));
    client.call("evm_mine", json!([]));
    let (_, later) = head(&mut client);
    assert!(later >= start + 3_600, "{start} {later}");
    client.call("evm_setNextBlockTimestamp", json!([later + 1_000]));
    assert_eq!(number(&client.call("eth_getBlockByNumber", json!(["pending", false]))["timestamp"]), later + 1_000);
    client.call("anvil_mine", json!(["0x3", "0xa"]));
    assert_eq!(head(&mut client), (4, later + 1_020));
    let error = client.refused("evm_setNextBlockTimestamp", json!([start]));
    assert!(error["message"].as_str().is_some_and(|text| text.contains(&start.to_string())), "{error}");
    client.call("anvil_setBlockTimestampInterval", json!([5]));
    client.call("hardhat_mine", json!(["0x2"]));
    assert_eq!(head(&mut client), (6, later + 1_030));
    let error = client.refused("anvil_mine", json!(["0xffffffff"]));
    assert!(error["message"].as_str().is_some_and(|text| text.contains("100000")), "{error}");
}

#[test]
fn a_snapshot_brings_everything_back_once() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let accounts = client.call("eth_accounts", json!([]));
    send(&mut client, json!({ "from": accounts[0], "to": STRANGER, "value": "0x5" }));
    let before = client.call("eth_getBlockByNumber", json!(["latest", true]));
    client.call("anvil_setBalance", json!([STRANGER, "0x64"]));
    let snapshot = client.call("evm_snapshot", json!([]));
    client.call("anvil_setBalance", json!([STRANGER, "0xc8"]));
    send(&mut client, json!({ "from": accounts[0], "to": STRANGER, "value": "0x1" }));
    assert_eq!(client.call("eth_getBalance", json!([STRANGER, "latest"])), "0xc9");
    assert_eq!(client.call("evm_revert", json!([snapshot])), true);
    assert_eq!(client.call("eth_getBalance", json!([STRANGER, "latest"])), "0x64");
    assert_eq!(client.call("eth_getBlockByNumber", json!(["latest", true])), before);
    assert_eq!(client.call("evm_revert", json!([snapshot])), false, "a snapshot is used up");
    send(&mut client, json!({ "from": accounts[0], "to": STRANGER, "value": "0x1" }));
    assert_eq!(head(&mut client).0, 2);
}

#[test]
fn impersonated_senders_patched_state_and_reorganisations_survive_restart_and_replay() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a UTF-8 path");
    let node = Node::start(&["--data-dir", data]);
    let mut client = node.client();
    let accounts = client.call("eth_accounts", json!([]));
    client.call("anvil_setCode", json!([PLACE, COUNTER]));
    client.call("anvil_setStorageAt", json!([PLACE, "0x0", format!("0x{:064x}", 41)]));
    let counted = send(&mut client, json!({ "from": accounts[0], "to": PLACE }));
    assert_eq!(counted["logs"][0]["data"], format!("0x{:064x}", 42));

    // a contract sends, which no signature allows
    client.refused("eth_sendTransaction", json!([{ "from": PLACE, "to": STRANGER, "value": "0x1" }]));
    client.call("anvil_setBalance", json!([PLACE, "0xde0b6b3a7640000"]));
    client.call("anvil_impersonateAccount", json!([PLACE]));
    send(&mut client, json!({ "from": PLACE, "to": STRANGER, "value": "0x9" }));
    client.call("anvil_stopImpersonatingAccount", json!([PLACE]));
    client.refused("eth_sendTransaction", json!([{ "from": PLACE, "to": STRANGER, "value": "0x1" }]));
    assert_eq!(client.call("eth_getBalance", json!([STRANGER, "latest"])), "0x9");

    client.call("anvil_setCode", json!(["0x0000000000000000000000000000000000070ce2", TOKEN]));
    let token = "0x0000000000000000000000000000000000070ce2";
    client.call("anvil_dealERC20", json!([STRANGER, token, "1000"]));
    let balance_of = format!("0x70a08231{:0>64}", STRANGER.trim_start_matches("0x"));
    let balance = client.call("eth_call", json!([{ "to": token, "data": balance_of }, "latest"]));
    assert_eq!(balance, format!("0x{:064x}", 1_000));

    let (height, _) = head(&mut client);
    client.call("anvil_reorg", json!([1, []]));
    assert_eq!(head(&mut client).0, height, "as many blocks as before");
    assert_eq!(client.call("eth_getBalance", json!([STRANGER, "latest"])), "0x0", "the impersonated transfer is gone");
    client.call("anvil_rollback", json!([1]));
    assert_eq!(head(&mut client).0, height - 1);
    client.call("anvil_setNonce", json!([accounts[1], "0x20"]));
    let receipt = send(&mut client, json!({ "from": accounts[1], "to": PLACE }));
    assert_eq!(client.call("eth_getTransactionByHash", json!([receipt["transactionHash"]]))["nonce"], "0x20");

    let trace = client.call(
        "debug_traceTransaction",
        json!([receipt["transactionHash"], { "tracer": "callTracer", "tracerConfig": { "withLog": true } }]),
    );
    assert_eq!((&trace["type"], &trace["to"]), (&json!("CALL"), &json!(PLACE)));
    assert_eq!(trace["logs"][0]["topics"][0], format!("0x{:064x}", 7));
    let steps = client.call("debug_traceTransaction", json!([receipt["transactionHash"]]));
    assert!(steps["structLogs"].as_array().is_some_and(|steps| steps.len() > 10), "{steps}");

    let before = client.call("eth_getBlockByNumber", json!(["latest", true]));
    let slot = client.call("eth_getStorageAt", json!([PLACE, "0x0", "latest"]));
    drop(client);
    assert!(node.stop().success());
    let node = Node::start(&["--data-dir", data]);
    let mut client = node.client();
    assert_eq!(client.call("eth_getBlockByNumber", json!(["latest", true])), before);
    assert_eq!(client.call("eth_getStorageAt", json!([PLACE, "0x0", "latest"])), slot);
    drop(client);
    assert!(node.stop().success());
    let replay = run(&["debug", "replay", "--data-dir", data]);
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
}

#[test]
fn a_dump_of_the_state_loads_into_another_chain() {
    let node = Node::start(&[]);
    let mut client = node.client();
    client.call("anvil_setCode", json!([PLACE, COUNTER]));
    client.call("anvil_setStorageAt", json!([PLACE, "0x3", format!("0x{:064x}", 5)]));
    client.call("anvil_setBalance", json!([STRANGER, "0x7b"]));
    let dump = client.call("anvil_dumpState", json!([]));
    let other = Node::start(&[]);
    let mut client = other.client();
    assert_eq!(client.call("anvil_loadState", json!([dump])), true);
    assert_eq!(client.call("eth_getCode", json!([PLACE, "latest"])), COUNTER);
    assert_eq!(client.call("eth_getStorageAt", json!([PLACE, "0x3", "latest"])), format!("0x{:064x}", 5));
    assert_eq!(client.call("eth_getBalance", json!([STRANGER, "latest"])), "0x7b");
    let error = client.refused("anvil_loadState", json!(["0x00"]));
    assert!(error["message"].as_str().is_some_and(|text| text.contains("JSON")), "{error}");
}

#[test]
fn blocks_come_by_the_clock_when_told_so() {
    let node = Node::start(&["--block-time", "0.1"]);
    let mut client = node.client();
    let accounts = client.call("eth_accounts", json!([]));
    assert_eq!(client.call("anvil_getAutomine", json!([])), false);
    let hash = client.call("eth_sendTransaction", json!([{ "from": accounts[0], "to": STRANGER, "value": "0x1" }]));
    let mut polls = 0;
    while client.call("eth_getTransactionReceipt", json!([hash])).is_null() {
        polls += 1;
        assert!(polls < 1_000, "the clock makes no blocks");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    client.call("evm_setAutomine", json!([true]));
    let (height, _) = head(&mut client);
    send(&mut client, json!({ "from": accounts[0], "to": STRANGER, "value": "0x1" }));
    assert_eq!(head(&mut client).0, height + 1);
    client.call("evm_setAutomine", json!([false]));
    let waiting = client.call("eth_sendTransaction", json!([{ "from": accounts[0], "to": STRANGER, "value": "0x1" }]));
    assert!(client.call("eth_getTransactionReceipt", json!([waiting])).is_null());
    assert_eq!(client.call("txpool_status", json!([]))["pending"], "0x1");
    client.call("anvil_reset", json!([]));
    assert_eq!((head(&mut client).0, client.call("txpool_status", json!([]))["pending"].clone()), (0, json!("0x0")));
}
