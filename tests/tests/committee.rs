//! Several validators in one process: one chain, whichever of them is asked, through restarts and kills.

use alloy_primitives::Address;
use qsdm_tests::{
    node::Node,
    rpc::Client,
    wallet::{account, sign, transfer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long something may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);
const RECEIVER: Address = Address::repeat_byte(0x42);

fn clients(node: &Node) -> Vec<Client> {
    let urls = node.ready["validators"].as_array().expect("a list of validators");
    let address = |url: &Value| url.as_str().expect("an address").trim_start_matches("http://").to_owned();
    urls.iter().map(|url| Client::connect(&address(url)).expect("a validator listens")).collect()
}

fn number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("no number: {value}"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a number")
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn nonce(client: &mut Client, of: Address) -> u64 {
    number(&client.call("eth_getTransactionCount", json!([of, "latest"])))
}

/// Sends transfers of several accounts to validators in turn; the next nonce of each account.
fn send(clients: &mut [Client], nonces: &mut BTreeMap<u32, u64>, rounds: u64) {
    for _ in 0..rounds {
        for (index, next) in nonces.iter_mut() {
            let (raw, _) = sign(&account(*index), transfer(*next, RECEIVER, 1));
            let place = (*index as usize + *next as usize / 5) % clients.len();
            clients[place].call("eth_sendRawTransaction", json!([raw]));
            *next += 1;
        }
    }
}

fn wait_for(clients: &mut [Client], nonces: &BTreeMap<u32, u64>) {
    for client in clients {
        for (index, next) in nonces {
            wait_until("a transaction", || nonce(client, account(*index).address()) == *next);
        }
    }
}

/// All blocks with their transactions and receipts, the same on every validator.
fn same_chain(clients: &mut [Client]) -> Vec<Value> {
    let head = clients.iter_mut().map(|client| number(&client.call("eth_blockNumber", json!([])))).min();
    let mut chain = Vec::new();
    for height in 0..=head.expect("a validator") {
        let tag = format!("{height:#x}");
        let of = |client: &mut Client| {
            let block = client.call("eth_getBlockByNumber", json!([tag, true]));
            json!({ "block": block, "receipts": client.call("eth_getBlockReceipts", json!([tag])) })
        };
        let answers: Vec<Value> = clients.iter_mut().map(of).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "block {height} is not the same everywhere");
        chain.extend(answers.into_iter().next());
    }
    chain
}

fn transactions(chain: &[Value]) -> usize {
    chain.iter().map(|one| one["block"]["transactions"].as_array().map_or(0, Vec::len)).sum()
}

#[test]
fn validators_agree_on_every_block() {
    let node = Node::start(&["--validators", "4"]);
    let mut clients = clients(&node);
    assert_eq!(clients.len(), 4);
    let mut nonces: BTreeMap<u32, u64> = (0..5).map(|index| (index, 0)).collect();
    send(&mut clients, &mut nonces, 20);
    wait_for(&mut clients, &nonces);
    let chain = same_chain(&mut clients);
    assert_eq!(transactions(&chain), 100, "each transaction once");
    let balance = clients[3].call("eth_getBalance", json!([RECEIVER, "latest"]));
    assert_eq!(number(&balance), 100);
    for (place, client) in clients.iter_mut().enumerate() {
        let head = chain.len() as u64 - 1;
        let finalized = |client: &mut Client| client.call("eth_getBlockByNumber", json!(["finalized", false]));
        wait_until("finality", || number(&finalized(client)["number"]) == head);
        let committee = client.call("qsdm_getCommittee", json!([]));
        assert_eq!(number(&committee["me"]), place as u64);
        assert_eq!(committee["validators"].as_array().map(Vec::len), Some(4), "{committee}");
    }
    drop(clients);
    assert!(node.stop().success());
}

#[test]
fn one_nonce_spent_at_two_validators_is_spent_once() {
    let node = Node::start(&["--validators", "4"]);
    let mut clients = clients(&node);
    let spender = account(7);
    for (nonce, places) in
        [(0, 0), (1, 2), (2, 3)].into_iter().zip([1, 3, 2]).map(|((nonce, one), other)| (nonce, [one, other]))
    {
        for (place, wei) in places.into_iter().zip([10, 20]) {
            let (raw, _) = sign(&spender, transfer(nonce, RECEIVER, wei));
            // the second one may be refused already: the first one was passed on to where it arrives
            drop(clients[place].request("eth_sendRawTransaction", json!([raw])));
        }
        wait_until("the spend", || self::nonce(&mut clients[0], spender.address()) == nonce + 1);
    }
    wait_for(&mut clients, &[(7, 3)].into());
    assert_eq!(transactions(&same_chain(&mut clients)), 3);
    assert!(node.stop().success());
}

/// All validators die at once, in the middle of their work, again and again.
#[test]
fn a_killed_committee_loses_nothing_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let arguments = ["--validators", "4", "--data-dir", data.to_str().expect("a UTF-8 path")];
    let mut nonces: BTreeMap<u32, u64> = (0..3).map(|index| (index, 0)).collect();
    let mut before: Vec<Value> = Vec::new();
    let mut node = Node::start(&arguments);
    for round in 0..4 {
        let mut clients = clients(&node);
        send(&mut clients, &mut nonces, 5 + round * 3);
        if round % 2 == 0 {
            // what was acknowledged a moment ago is nowhere but in the journals
            drop(clients);
            node.kill();
        } else {
            wait_for(&mut clients, &nonces);
            before = same_chain(&mut clients);
            drop(clients);
            assert!(node.stop().success());
        }
        node = Node::start(&arguments);
    }
    let mut clients = clients(&node);
    send(&mut clients, &mut nonces, 2);
    wait_for(&mut clients, &nonces);
    let chain = same_chain(&mut clients);
    assert_eq!(chain[..before.len()], before[..], "what was committed stays");
    assert_eq!(transactions(&chain) as u64, nonces.values().sum::<u64>(), "each transaction once");
    assert!(node.stop().success());
}

/// Epochs of three seconds: traffic goes on over their ends, and so does a committee that is stopped in between.
#[test]
fn epochs_end_under_traffic_and_across_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a UTF-8 path");
    let arguments = ["--validators", "4", "--time-scale", "28800", "--data-dir", data];
    let mut nonces: BTreeMap<u32, u64> = (0..3).map(|index| (index, 0)).collect();
    let mut epoch = 0;
    for _ in 0..3 {
        let node = Node::start(&arguments);
        let mut clients = clients(&node);
        let of = |client: &mut Client| number(&client.call("qsdm_getCommittee", json!([]))["epoch"]);
        let wanted = epoch + 2;
        wait_until("an epoch", || {
            send(&mut clients, &mut nonces, 2);
            epoch = of(&mut clients[0]);
            epoch >= wanted
        });
        wait_for(&mut clients, &nonces);
        let chain = same_chain(&mut clients);
        assert_eq!(transactions(&chain) as u64, nonces.values().sum::<u64>(), "each transaction once");
        drop(clients);
        assert!(node.stop().success());
    }
}

#[test]
fn no_validator_sets_the_time_of_all() {
    let node = Node::start(&["--validators", "2"]);
    let error = node.client().request("evm_increaseTime", json!([60])).expect("an answer");
    let message = error["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("one validator"), "{error}");
    assert!(node.stop().success());
}
