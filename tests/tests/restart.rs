//! A node that is stopped and started over the same data folder answers what it answered before.

use alloy_primitives::Address;
use qsdm_tests::node::{Node, run};
use qsdm_tests::wallet;
use serde_json::{Value, json};

const RECEIVER: Address = Address::repeat_byte(0x42);

fn answers(node: &Node, hash: &Value) -> Value {
    let mut client = node.client();
    json!({
        "head": client.call("eth_getBlockByNumber", json!(["latest", true])),
        "genesis": client.call("eth_getBlockByNumber", json!(["0x0", true])),
        "transaction": client.call("eth_getTransactionByHash", json!([hash])),
        "receipt": client.call("eth_getTransactionReceipt", json!([hash])),
        "balance": client.call("eth_getBalance", json!([RECEIVER, "latest"])),
        "earlier balance": client.call("eth_getBalance", json!([RECEIVER, "0x1"])),
        "proof": client.call("eth_getProof", json!([RECEIVER, [], "latest"])),
        "logs": client.call("eth_getLogs", json!([{ "fromBlock": "0x0" }])),
    })
}

#[test]
fn a_restarted_node_answers_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a UTF-8 path");
    let node = Node::start(&["--data-dir", data]);
    let mut client = node.client();
    let account = wallet::account(0);
    let mut last = Value::Null;
    for nonce in 0..5 {
        let (raw, _) = wallet::sign(&account, wallet::transfer(nonce, RECEIVER, 7));
        last = client.call("eth_sendRawTransaction", json!([raw]));
    }
    let before = answers(&node, &last);
    assert_eq!(before["balance"], "0x23", "five transfers of 7 arrived");
    drop(client);
    assert!(node.stop().success());

    let node = Node::start(&["--data-dir", data]);
    assert_eq!(answers(&node, &last), before);
    let (raw, _) = wallet::sign(&account, wallet::transfer(5, RECEIVER, 7));
    let next = node.client().call("eth_sendRawTransaction", json!([raw]));
    let block = node.client().call("eth_getTransactionReceipt", json!([next]));
    assert_eq!(block["blockNumber"], "0x6", "the chain goes on where it was");
    assert!(node.stop().success());

    let replay = run(&["debug", "replay", "--data-dir", data]);
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
}

#[test]
fn the_dao_is_there_from_genesis() {
    let node = Node::start(&[]);
    let mut client = node.client();
    for number in ["0001", "0002", "0003", "0004", "0005", "0006", "0011", "0012", "0021", "0022"] {
        let address = format!("0x{}5153444d{number}", "0".repeat(28));
        assert_ne!(client.call("eth_getCode", json!([address, "0x0"])), "0x", "{address}");
    }
}

#[test]
fn a_folder_that_nobody_named_is_removed_when_the_node_stops() {
    let parent = tempfile::tempdir().expect("a folder");
    let before = count(parent.path());
    let node = Node::start_in(parent.path(), &[]);
    node.client().call("evm_mine", json!([]));
    assert!(node.stop().success());
    assert_eq!(count(parent.path()), before, "the temporary folder is gone");
}

fn count(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}
