//! Validators as processes of their own, over QUIC.

use qsdm_tests::{
    committee::{RECEIVER, number, same_chain, send, transactions, wait_for, wait_until},
    node::{Node, run},
    rpc::Client,
    socket::Socket,
    testnet::Testnet,
    wallet::{account, sign, transfer},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

fn accounts(count: u32) -> BTreeMap<u32, u64> {
    (0..count).map(|index| (index, 0)).collect()
}

fn finalized(client: &mut Client) -> u64 {
    number(&client.call("eth_getBlockByNumber", json!(["finalized", false]))["number"])
}

#[test]
fn four_processes_agree_on_every_block_and_all_finalize_it() {
    let mut testnet = Testnet::running(4, &[]);
    let mut clients = testnet.clients();
    let mut nonces = accounts(5);
    send(&mut clients, &mut nonces, 20);
    wait_for(&mut clients, &nonces);
    let chain = same_chain(&mut clients);
    assert_eq!(transactions(&chain), 100, "each transaction once");
    for client in &mut clients {
        wait_until("finality", || finalized(client) + 1 >= chain.len() as u64);
    }
    drop(clients);
    testnet.stop_all();
}

/// One of four is killed again and again, and never loses or contradicts what it said.
#[test]
fn a_validator_that_is_killed_comes_back_and_the_others_do_not_wait_for_it() {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces = accounts(3);
    for round in 0..4 {
        let place = round % 4;
        send(&mut testnet.clients(), &mut nonces, 2);
        testnet.kill(place);
        let mut others = testnet.clients();
        send(&mut others, &mut nonces, 2);
        let sum = |client: &mut Client| number(&client.call("eth_blockNumber", json!([])));
        let before = sum(&mut others[0]);
        wait_until("a block without it", || sum(&mut others[0]) > before);
        testnet.start(place);
    }
    let mut clients = testnet.clients();
    send(&mut clients, &mut nonces, 2);
    wait_for(&mut clients, &nonces);
    let chain = same_chain(&mut clients);
    assert_eq!(transactions(&chain) as u64, nonces.values().sum::<u64>(), "each transaction once");
    drop(clients);
    testnet.stop_all();
}

/// A node that has nothing but the specification and an address, while the chain goes on.
#[test]
fn a_fifth_node_joins_from_nothing_under_load() {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces = accounts(4);
    send(&mut testnet.clients(), &mut nonces, 30);
    wait_for(&mut testnet.clients(), &nonces);
    let (dir, genesis) = (testnet.beside("fifth"), testnet.dir(0).join("genesis.json"));
    let peer = testnet.nodes[2]["p2p"].as_str().expect("an address").to_owned();
    let dir = dir.to_str().expect("a UTF-8 path");
    let made = run(&["init", "--dir", dir, "--genesis", genesis.to_str().expect("a UTF-8 path"), "--peer", &peer]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let listen = [
        "--rpc-listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--p2p-listen",
        "/ip4/127.0.0.1/udp/0/quic-v1",
    ];
    let fifth = Node::of_folder(dir.as_ref(), &listen).expect("it starts");
    assert!(fifth.ready["validator"].is_null(), "{}", fifth.ready);
    send(&mut testnet.clients(), &mut nonces, 10);
    let mut clients = testnet.clients();
    clients.push(fifth.client());
    // transactions that are sent to it go to those who write cells
    send(&mut clients[4..], &mut nonces, 2);
    wait_for(&mut clients, &nonces);
    let chain = same_chain(&mut clients);
    assert_eq!(transactions(&chain) as u64, nonces.values().sum::<u64>(), "each transaction once");
    drop(clients);
    assert!(fifth.stop().success());
    testnet.stop_all();
}

#[test]
fn epochs_end_while_one_validator_is_away_and_it_comes_back() {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces = accounts(2);
    let epoch = |client: &mut Client| number(&client.call("qsdm_getCommittee", json!([]))["epoch"]);
    send(&mut testnet.clients(), &mut nonces, 2);
    let start = epoch(&mut testnet.clients()[0]);
    testnet.kill(3);
    wait_until("two epochs", || {
        send(&mut testnet.clients(), &mut nonces, 1);
        wait_for(&mut testnet.clients(), &nonces);
        epoch(&mut testnet.clients()[0]) >= start + 2
    });
    testnet.start(3);
    let mut clients = testnet.clients();
    send(&mut clients, &mut nonces, 2);
    wait_for(&mut clients, &nonces);
    wait_until("the epoch of the others", || epoch(&mut clients[3]) >= start + 2);
    same_chain(&mut clients);
    drop(clients);
    testnet.stop_all();
}

/// Two that sign with one key are slashed: the second one ends with a status of its own, and says why.
#[test]
fn one_key_is_used_by_one_process() {
    let mut testnet = Testnet::running(4, &[]);
    let same_folder = Node::of_folder(testnet.dir(1), &["--rpc-listen", "127.0.0.1:0"]).expect_err("it is in use");
    assert!(same_folder.contains("in use"), "{same_folder}");
    // the same validator's key on a node of its own
    let copy = testnet.beside("copy");
    let genesis = testnet.dir(1).join("genesis.json");
    let peer = testnet.nodes[2]["p2p"].as_str().expect("an address").to_owned();
    let dir = copy.to_str().expect("a UTF-8 path");
    let made = run(&["init", "--dir", dir, "--genesis", genesis.to_str().expect("a UTF-8 path"), "--peer", &peer]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for file in ["keys/validator.json", "keys/password"] {
        fs::copy(testnet.dir(1).join(file), copy.join(file)).expect("it is copied");
    }
    let config = fs::read_to_string(copy.join("config.toml")).expect("it is read");
    let config = config.replace("# key =", "key =").replace("# password_file =", "password_file =");
    fs::write(copy.join("config.toml"), config).expect("it is written");
    let listen = [
        "--rpc-listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--p2p-listen",
        "/ip4/127.0.0.1/udp/0/quic-v1",
    ];
    let refused = Node::of_folder(&copy, &listen).expect_err("the key is in use");
    assert!(refused.contains("exit status: 3") && refused.contains("is in use by"), "{refused}");
    // a copy of the whole folder: even its name on the network is the same
    fs::copy(testnet.dir(1).join("keys/node.key"), copy.join("keys/node.key")).expect("it is copied");
    let refused = Node::of_folder(&copy, &listen).expect_err("the identity is in use");
    assert!(refused.contains("exit status: 3") && refused.contains("is in use by"), "{refused}");
    // the first one goes on
    let mut nonces = accounts(2);
    send(&mut testnet.clients(), &mut nonces, 2);
    wait_for(&mut testnet.clients(), &nonces);
    testnet.stop_all();
}

/// What an operator looks at.
#[test]
fn figures_and_health_are_served_beside_the_rest() {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces = accounts(2);
    send(&mut testnet.clients(), &mut nonces, 2);
    wait_for(&mut testnet.clients(), &nonces);
    let figures = testnet.get(1, "/metrics");
    for figure in ["qsdm_consensus_validators 4", "qsdm_network_peers 3", "qsdm_consensus_halted 0"] {
        assert!(figures.lines().any(|line| line == figure), "{figure} in {figures}");
    }
    assert!(
        !figures.lines().any(|line| line.starts_with("qsdm_network_dropped") && !line.ends_with(" 0")),
        "{figures}"
    );
    let health = testnet.get(1, "/health");
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("\"ok\":true"), "{health}");
    for place in [0, 2, 3] {
        testnet.stop(place);
    }
    wait_until("a node that misses the others", || testnet.get(1, "/health").starts_with("HTTP/1.1 503"));
    testnet.stop_all();
}

/// Whoever holds the second spend hears of it before the first one is in a block, and finds a record of it afterwards.
#[test]
fn a_second_spend_of_a_nonce_is_warned_of_and_leaves_a_record() {
    let mut testnet = Testnet::running(4, &[]);
    let mut clients = testnet.clients();
    let spender = account(6);
    for (nonce, [one, other]) in [(0, [0, 1]), (1, [2, 3]), (2, [3, 0]), (3, [1, 2])] {
        let mut sockets = [one, other].map(|place| Socket::connect(&testnet.address(place)).expect("a websocket"));
        for socket in &mut sockets {
            socket.request("eth_subscribe", json!(["conflicts"])).expect("an answer");
            socket.request("eth_subscribe", json!(["newHeads"])).expect("an answer");
        }
        let spends = [(one, 10), (other, 20)].map(|(place, wei)| {
            let (raw, hash) = sign(&spender, transfer(nonce, RECEIVER, wei));
            // the second one may be refused: the first one was passed on to where it arrives
            drop(clients[place].request("eth_sendRawTransaction", json!([raw])));
            hash.to_string()
        });
        let status = |client: &mut Client, hash: &str| client.call("qsdm_getTransactionStatus", json!([hash]));
        let mut winner = None;
        wait_until("a block", || {
            winner = spends.iter().position(|hash| status(&mut clients[one], hash)["status"] == "mined");
            winner.is_some()
        });
        let (winner, loser) = winner.map(|winner| (&spends[winner], &spends[1 - winner])).expect("one of them");
        let place = if winner == &spends[0] { other } else { one };
        wait_until("the block there", || status(&mut clients[place], winner)["status"] == "mined");
        let lost = status(&mut clients[place], loser);
        assert_eq!(lost["status"], "dropped", "{lost}");
        assert_eq!(lost["winner"].as_str(), Some(winner.as_str()), "{lost}");
        assert!(lost["reason"].as_str().is_some_and(|reason| reason.starts_with("ConflictLost")), "{lost}");
        assert_eq!(lost["conflicts"][0]["hash"].as_str(), Some(winner.as_str()), "{lost}");
        // the warning comes first, the head of a block after it
        let socket = &mut sockets[usize::from(place == other)];
        let warned = loop {
            let news = socket.receive().expect("news")["params"]["result"].clone();
            if news["kind"] == "conflict" {
                break news;
            }
            let block = clients[place].call("eth_getBlockByHash", json!([news["hash"], false]));
            let includes = |hash: &Value| hash.as_str() == Some(winner.as_str());
            let transactions = block["transactions"].as_array().cloned().unwrap_or_default();
            assert!(!transactions.iter().any(includes), "nobody was warned before block {}", news["number"]);
        };
        let text = warned.to_string();
        assert!(text.contains(winner.as_str()) && text.contains(loser.as_str()), "{text}");
        assert_eq!(number(&warned["nonce"]), nonce);
    }
    drop(clients);
    testnet.stop_all();
}

/// An observer becomes a validator's node: its new key has signed nothing, so no log is missing, and the node starts again
/// and again with what it writes.
#[test]
fn a_key_made_beside_a_chain_may_start_there() {
    let mut testnet = Testnet::running(4, &[]);
    let mut nonces = accounts(2);
    send(&mut testnet.clients(), &mut nonces, 2);
    let (dir, genesis, password) =
        (testnet.beside("fifth"), testnet.dir(0).join("genesis.json"), testnet.beside("password"));
    let peer = testnet.nodes[0]["p2p"].as_str().expect("an address").to_owned();
    let [folder, genesis] = [&dir, &genesis].map(|path| path.to_str().expect("a UTF-8 path").to_owned());
    assert!(run(&["init", "--dir", &folder, "--genesis", &genesis, "--peer", &peer]).status.success());
    let listen = [
        "--rpc-listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--p2p-listen",
        "/ip4/127.0.0.1/udp/0/quic-v1",
    ];
    let fifth = Node::of_folder(&dir, &listen).expect("it starts");
    wait_for(&mut [fifth.client()], &nonces);
    assert!(fifth.stop().success());

    fs::copy(testnet.dir(0).join("keys/password"), &password).expect("a file that only its owner reads");
    let password = password.to_str().expect("a UTF-8 path");
    let made = run(&["keys", "new", "--dir", &folder, "--password-file", password]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let again = run(&["keys", "new", "--dir", &folder, "--password-file", password]);
    assert!(!again.status.success(), "a key is never overwritten");
    let config = fs::read_to_string(dir.join("config.toml")).expect("it is read");
    fs::write(dir.join("config.toml"), config.replace("# key =", "key =")).expect("it is written");
    let with_key = [&listen[..], &["--password-file", password]].concat();
    for _ in 0..2 {
        let fifth = Node::of_folder(&dir, &with_key).expect("it starts");
        send(&mut testnet.clients(), &mut nonces, 2);
        wait_for(&mut [fifth.client()], &nonces);
        assert!(fifth.stop().success());
    }
    testnet.stop_all();
}
