//! Several validators in one process: one chain, whichever of them is asked, through restarts and kills.

use qsdm_tests::{
    committee::{RECEIVER, number, same_chain, send, transactions, wait_for, wait_until},
    node::Node,
    rpc::Client,
    wallet::{account, sign, transfer},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn clients(node: &Node) -> Vec<Client> {
    let urls = node.ready["validators"].as_array().expect("a list of validators");
    let address = |url: &Value| url.as_str().expect("an address").trim_start_matches("http://").to_owned();
    urls.iter().map(|url| Client::connect(&address(url)).expect("a validator listens")).collect()
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
    let mut seats = BTreeSet::new();
    for client in &mut clients {
        let head = chain.len() as u64 - 1;
        let finalized = |client: &mut Client| client.call("eth_getBlockByNumber", json!(["finalized", false]));
        wait_until("finality", || number(&finalized(client)["number"]) == head);
        let committee = client.call("qsdm_getCommittee", json!([]));
        seats.insert(number(&committee["me"]));
        assert_eq!(committee["validators"].as_array().map(Vec::len), Some(4), "{committee}");
    }
    assert_eq!(seats, (0..4).collect(), "each has a seat of its own");
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
        wait_until("the spend", || qsdm_tests::committee::nonce(&mut clients[0], spender.address()) == nonce + 1);
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

/// Epochs of ten seconds: traffic goes on over their ends, and so does a committee that is stopped in between.
#[test]
fn epochs_end_under_traffic_and_across_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a UTF-8 path");
    let arguments = ["--validators", "4", "--data-dir", data];
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
