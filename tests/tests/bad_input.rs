//! What a person or a script gets wrong: a clear message that names the thing, exit code 2 for usage and 1 for the rest,
//! and nothing half done.

use alloy_primitives::Address;
use qsdm_tests::node::{Node, run};
use qsdm_tests::wallet;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

/// Runs `qsdm`, which must refuse with this exit code and name the thing.
fn refused(args: &[&str], code: i32, names: &[&str]) {
    let output = run(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "`qsdm {}`: {text}", args.join(" "));
    for name in names {
        assert!(text.contains(name), "`qsdm {}` does not name {name}: {text}", args.join(" "));
    }
    assert!(!text.contains("panicked"), "`qsdm {}` panicked: {text}", args.join(" "));
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

fn listing(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.map(|file| (file.display().to_string(), fs::read(&file).unwrap_or_default())).collect();
    files.sort();
    files
}

#[test]
fn a_wrong_command_line_ends_with_two() {
    refused(&["dev", "--no-such-flag"], 2, &["--no-such-flag"]);
    refused(&["no-such-command"], 2, &["no-such-command"]);
    refused(&["dev", "--port", "70000"], 2, &["70000"]);
    refused(&["dev", "--accounts", "many"], 2, &["many"]);
    refused(&["dev", "--accounts", "1000000"], 2, &["1000000"]);
    refused(&["dev", "--mnemonic", "these are no words of a mnemonic"], 2, &["mnemonic"]);
    refused(&["dev", "--host", "not an address"], 2, &["not an address"]);
    refused(&["dev", "--time-scale", "0"], 2, &["scale"]);
    refused(&["dev", "--gas-limit", "1"], 2, &["gas"]);
    refused(&["debug", "replay"], 2, &["--data-dir"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    refused(&["dev", "--port", &port], 1, &[&port]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a-file");
    fs::write(&file, "text").expect("a file");
    let below = file.join("data");
    refused(&["dev", "--port", "0", "--data-dir", path(&below)], 1, &[path(&file)]);
    refused(&["dev", "--port", "0", "--data-dir", path(&file)], 1, &[path(&file)]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "text");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("photos.txt"), "mine").expect("a file");
    fs::write(folder.path().join("chain.db"), "not a database").expect("a file");
    let before = listing(folder.path());
    refused(&["dev", "--port", "0", "--data-dir", path(folder.path())], 1, &[path(folder.path())]);
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn a_folder_of_another_chain_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let node = Node::start(&["--data-dir", path(&data), "--chain-id", "4242"]);
    node.client().call("evm_mine", json!([]));
    assert!(node.stop().success());
    refused(&["dev", "--port", "0", "--data-dir", path(&data), "--chain-id", "4343"], 1, &["4242", "4343"]);
    let node = Node::start(&["--data-dir", path(&data), "--chain-id", "4242"]);
    assert_eq!(node.client().call("eth_blockNumber", json!([])), "0x1");
}

#[test]
fn a_folder_in_use_is_refused_to_a_second_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let node = Node::start(&["--data-dir", path(&data)]);
    refused(&["dev", "--port", "0", "--data-dir", path(&data)], 1, &[path(&data)]);
    assert_eq!(node.client().call("eth_blockNumber", json!([])), "0x0", "the first one goes on");
}

#[test]
fn a_corrupt_database_is_named_and_kept() {
    for damage in [Damage::Head, Damage::Middle, Damage::Half] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let file = damaged_database(&data, damage);
        let before = fs::read(&file).expect("the database");
        let (start, replay) =
            (["dev", "--port", "0", "--data-dir", path(&data)], ["debug", "replay", "--data-dir", path(&data)]);
        // a page in the middle may hold rows that a start does not read; a replay reads every block
        if matches!(damage, Damage::Middle) {
            refused(&replay, 1, &[path(&data)]);
        } else {
            refused(&start, 1, &[path(&data)]);
            refused(&replay, 1, &[path(&data)]);
        }
        assert!(
            fs::read(&file).expect("the database") == before,
            "{damage:?}: the file was left as it is, for a rescue"
        );
    }
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Head,
    Middle,
    Half,
}

/// A chain of some blocks whose database file is damaged.
fn damaged_database(data: &Path, damage: Damage) -> std::path::PathBuf {
    let node = Node::start(&["--data-dir", path(data)]);
    let mut client = node.client();
    for nonce in 0..50 {
        let (raw, _) =
            wallet::sign(&wallet::account(0), wallet::transfer(nonce, Address::with_last_byte(nonce as u8 + 1), 1));
        client.call("eth_sendRawTransaction", json!([raw]));
    }
    drop(client);
    assert!(node.stop().success());
    let file = data.join("chain.db");
    let mut bytes = fs::read(&file).expect("the database");
    match damage {
        Damage::Head => bytes[..4096].fill(0xa5),
        Damage::Middle => {
            // every page from the second on: wherever the blocks lie, they are hit
            bytes[4096..].iter_mut().for_each(|byte| *byte ^= 0xa5);
        }
        Damage::Half => bytes.truncate(bytes.len() / 2),
    }
    fs::write(&file, bytes).expect("the database is damaged");
    file
}

#[test]
fn a_replay_of_nothing_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("nowhere");
    refused(&["debug", "replay", "--data-dir", path(&missing)], 1, &[path(&missing)]);
    assert!(!missing.exists(), "nothing was made");
}

fn refusal(node: &Node, raw: &str) -> String {
    let error = node.client().refused("eth_sendRawTransaction", json!([raw]));
    assert!(error["code"].as_i64().is_some_and(|code| code < 0), "{error}");
    error["message"].as_str().expect("a message").to_lowercase()
}

#[test]
fn a_bad_transaction_is_refused_with_the_reason() {
    let node = Node::start(&[]);
    let account = wallet::account(0);
    let good = wallet::transfer(0, Address::repeat_byte(1), 1);
    let raw = |change: &dyn Fn(&mut alloy_consensus::TxEip1559)| {
        let mut transaction = good.clone();
        change(&mut transaction);
        wallet::sign(&account, transaction).0
    };
    assert!(refusal(&node, &raw(&|t| t.chain_id = 1)).contains("chain"));
    assert!(refusal(&node, &raw(&|t| t.gas_limit = 20_000)).contains("gas"));
    assert!(refusal(&node, &raw(&|t| t.gas_limit = 1 << 40)).contains("gas"));
    assert!(refusal(&node, &raw(&|t| t.max_priority_fee_per_gas = t.max_fee_per_gas + 1)).contains("fee"));
    assert!(refusal(&node, &raw(&|t| t.input = vec![1; 200_000].into())).contains("size"));
    let poor = alloy_signer_local::PrivateKeySigner::from_slice(&[7; 32]).expect("a key");
    assert!(refusal(&node, &wallet::sign(&poor, good.clone()).0).contains("funds"));
    let (raw, _) = wallet::sign(&account, good);
    for broken in ["0x", "0x02", "0xc0", "0xffff", &raw[..raw.len() - 2], &format!("{raw}00"), "zz", "0x7f1234"] {
        assert!(!refusal(&node, broken).is_empty());
    }
    node.client().call("eth_sendRawTransaction", json!([raw]));
    assert!(refusal(&node, &raw).len() > 3, "the same transaction twice");
    assert_eq!(node.client().call("eth_blockNumber", json!([])), "0x1", "only the good one is in a block");
}

#[test]
fn an_unknown_block_is_null_or_an_error_and_never_a_guess() {
    let node = Node::start(&[]);
    let mut client = node.client();
    assert_eq!(client.call("eth_getBlockByNumber", json!(["0x999", false])), Value::Null);
    let address = Address::repeat_byte(1);
    for block in [json!("0x999"), json!({ "blockHash": format!("0x{}", "ab".repeat(32)) })] {
        let error = client.refused("eth_getBalance", json!([address, block]));
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    }
    for block in [json!("newest"), json!(-1), json!("0xzz")] {
        assert_eq!(client.refused("eth_getBalance", json!([address, block]))["code"], -32602);
    }
}
