//! kill −9 under load, again and again over the same data folder: what was acknowledged is still there, and every root is
//! what a replay of the blocks computes.
//!
//! `QSDM_KILLS` sets how often (10 by default, 200 in `tests/run --long`), `QSDM_SEED` where the moments of the kills
//! start; the seed is printed.

use alloy_primitives::{Address, B256};
use qsdm_tests::node::{Node, run};
use qsdm_tests::rpc::Client;
use qsdm_tests::wallet;
use serde_json::json;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

const SENDERS: u32 = 3;

/// Every kill is followed by a replay of the whole chain, so a chain is given up before it is long.
const KILLS_PER_FOLDER: u64 = 20;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The next of a fixed sequence of numbers (xorshift64): the same seed kills at the same moments.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn nothing_acknowledged_is_lost_when_the_node_is_killed_under_load() {
    let rounds = from_environment("QSDM_KILLS", 10);
    let seed = from_environment("QSDM_SEED", 0x5153_444d);
    println!("QSDM_SEED={seed} QSDM_KILLS={rounds}");
    let mut random = seed.max(1);
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged_in_all = 0;
    for round in 0..rounds {
        let data = folder.path().join((round / KILLS_PER_FOLDER).to_string());
        // in turns: a block for every transaction, and transactions that wait in the pool for the next block
        let block_time: &[&str] = if round % 2 == 0 { &[] } else { &["--block-time", "1"] };
        let node = start(&data, block_time);
        let acknowledged = Mutex::new(Vec::new());
        let pause = Duration::from_millis(50 + next_random(&mut random) % 1_500);
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (address, acknowledged) = (node.address.clone(), &acknowledged);
                scope.spawn(move || send_until_it_breaks(&address, sender, acknowledged));
            }
            thread::sleep(pause);
            while acknowledged.lock().expect("no sender panicked").is_empty() {
                thread::sleep(Duration::from_millis(10));
            }
            node.kill();
        });
        let acknowledged = acknowledged.into_inner().expect("no sender panicked");
        acknowledged_in_all += acknowledged.len();
        assert_replay_agrees(&data, round);
        assert_all_there(&data, &acknowledged, round);
    }
    println!("{acknowledged_in_all} transactions were acknowledged, none is missing");
}

fn start(data: &Path, more: &[&str]) -> Node {
    let data = data.to_str().expect("a UTF-8 path");
    Node::start(&[&["--data-dir", data], more].concat())
}

/// Sends transfers one after another until the node is gone; every hash that the node answered is kept.
fn send_until_it_breaks(address: &str, sender: u32, acknowledged: &Mutex<Vec<B256>>) {
    let account = wallet::account(sender);
    let Ok(mut client) = Client::connect(address) else { return };
    let Ok(answer) = client.request("eth_getTransactionCount", json!([account.address(), "pending"])) else { return };
    let first = number(&answer["result"]);
    for nonce in first.. {
        let (raw, hash) = wallet::sign(&account, wallet::transfer(nonce, Address::repeat_byte(0x77), 1));
        let Ok(answer) = client.request("eth_sendRawTransaction", json!([raw])) else { return };
        assert_eq!(answer["result"], json!(hash), "the node acknowledges the hash that the sender computed: {answer}");
        acknowledged.lock().expect("no sender panicked").push(hash);
    }
}

fn number(value: &serde_json::Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no quantity"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("{text} is no quantity"))
}

/// What the kill left behind is judged before anything repairs it.
fn assert_replay_agrees(data: &Path, round: u64) {
    let output = run(&["debug", "replay", "--data-dir", data.to_str().expect("a UTF-8 path")]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "round {round}: the replay does not agree: {text}");
}

fn assert_all_there(data: &Path, acknowledged: &[B256], round: u64) {
    let node = start(data, &[]);
    let mut client = node.client();
    let missing: Vec<&B256> =
        acknowledged.iter().filter(|hash| client.call("eth_getTransactionByHash", json!([hash])).is_null()).collect();
    assert!(
        missing.is_empty(),
        "round {round}: {} of {} acknowledged are missing: {missing:?}",
        missing.len(),
        acknowledged.len()
    );
    // what waited in the pool is in a block now: automine includes it with the next transaction
    client.call("evm_mine", json!([]));
    let failed =
        acknowledged.iter().filter(|hash| client.call("eth_getTransactionReceipt", json!([hash]))["status"] != "0x1");
    assert_eq!(failed.count(), 0, "round {round}: every acknowledged transfer is in a block and succeeded");
    assert!(node.stop().success(), "round {round}: it stops in order");
}
