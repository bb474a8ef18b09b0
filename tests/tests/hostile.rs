//! Requests that try to wedge the public RPC: each gets its error, and the node answers others meanwhile and afterwards.
//!
//! No time is asserted: that a request is answered while a hostile one is still open is judged by the order of answers.

use qsdm_tests::node::Node;
use qsdm_tests::rpc::{Answer, Client};
use qsdm_tests::socket::Socket;
use serde_json::{Value, json};
use std::io;
use std::thread;

/// The node answers an ordinary request on a new connection.
fn assert_answers(node: &Node, after: &str) {
    let answer =
        node.client().request("eth_chainId", json!([])).unwrap_or_else(|error| panic!("after {after}: {error}"));
    assert_eq!(answer["result"], "0x7a69", "after {after}");
}

fn resident_kib(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[test]
fn an_endless_call_ends_with_an_error_and_others_are_answered_meanwhile() {
    let node = Node::start(&[]);
    // JUMPDEST PUSH0 JUMP: it runs until its gas or its time is over
    let call = json!([{ "data": "0x5b5f56", "gas": "0xffffffffff" }, "latest"]);
    thread::scope(|scope| {
        let endless: Vec<_> = (0..6)
            .map(|_| {
                let call = call.clone();
                let node = &node;
                scope.spawn(move || node.client().request("eth_call", call))
            })
            .collect();
        for _ in 0..20 {
            assert_answers(&node, "endless calls were sent");
        }
        for answer in endless {
            let answer = answer.join().expect("no panic").expect("an answer");
            assert!(answer["error"]["code"].is_i64(), "an endless call is no success: {answer}");
        }
    });
    assert_answers(&node, "endless calls");
}

#[test]
fn a_body_of_64_mb_is_refused_and_not_kept() {
    let node = Node::start(&[]);
    let before = resident_kib(&node);
    let body =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":[\"{}\"]}}", "a".repeat(64 << 20));
    match node.client().post(&body) {
        Ok(answer) => assert_eq!(answer.status, 413, "{:.200}", answer.body),
        // refused by its length: the connection is closed before the body has gone over
        Err(error) => assert!(is_closed(&error), "{error}"),
    }
    assert_answers(&node, "a large body");
    let grown = resident_kib(&node).saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB stayed after a refused body");
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind())
}

#[test]
fn a_batch_of_ten_thousand_is_one_error() {
    let node = Node::start(&[]);
    let batch: Vec<Value> =
        (0..10_000).map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": [] })).collect();
    let answer = node.client().post(&Value::from(batch).to_string()).expect("an answer");
    let error = answer.json();
    let error = if error.is_array() { error[0].clone() } else { error };
    assert!(error["error"]["code"].is_i64(), "{:.300}", answer.body);
    assert!(answer.body.len() < 1_000, "one error, not ten thousand answers");
    assert!(error["error"]["message"].as_str().is_some_and(|text| text.contains("100")), "the limit is named: {error}");
    assert_answers(&node, "a large batch");
}

#[test]
fn filters_and_nested_json_meet_their_limits() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let mut refusal = Value::Null;
    for _ in 0..20_000 {
        let answer = client.request("eth_newBlockFilter", json!([])).expect("an answer");
        if answer.get("error").is_some() {
            refusal = answer["error"].clone();
            break;
        }
    }
    assert!(refusal["code"].is_i64(), "20,000 filters were granted");
    assert!(refusal["message"].as_str().is_some_and(|text| text.to_lowercase().contains("filter")), "{refusal}");
    let nested = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let answer = node.client().post(&nested).expect("an answer");
    assert!(answer.json()["error"]["code"].is_i64(), "{:.200}", answer.body);
    assert_answers(&node, "nested JSON");
}

fn with_headers(node: &Node, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] }).to_string();
    node.client().post_with(headers, &body).expect("an answer")
}

#[test]
fn a_foreign_host_or_origin_is_refused() {
    let node = Node::start(&[]);
    let json_type = ("Content-Type", "application/json");
    let host = ("Host", node.address.as_str());
    // a page that resolves its own name to 127.0.0.1 (DNS rebinding) arrives with its own Host
    for foreign in ["evil.example", "evil.example:8545", ""] {
        let answer = with_headers(&node, &[("Host", foreign), json_type]);
        assert!((400..500).contains(&answer.status), "Host {foreign:?}: {} {}", answer.status, answer.body);
    }
    let answer = with_headers(&node, &[host, json_type, ("Origin", "https://evil.example")]);
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "chrome-extension://abcdef"] {
        let answer = with_headers(&node, &[host, json_type, ("Origin", origin)]);
        assert_eq!((answer.status, &answer.json()["result"]), (200, &json!("0x7a69")), "{origin}");
    }
}

#[test]
fn slow_bodies_do_not_keep_others_out() {
    let node = Node::start(&[]);
    let slow: Vec<Client> = (0..10)
        .map(|_| {
            let mut client = node.client();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
                node.address
            );
            client.send(head.as_bytes()).expect("the head goes over");
            client
        })
        .collect();
    for _ in 0..20 {
        assert_answers(&node, "ten slow bodies");
    }
    for mut client in slow {
        // it is told, or cut off; it is not waited for without end
        match client.answer() {
            Ok(answer) => assert_eq!(answer.status, 408, "{}", answer.body),
            Err(error) => assert!(is_closed(&error), "{error}"),
        }
    }
}

#[test]
fn connections_over_the_limit_are_refused_and_the_others_live() {
    let node = Node::start(&[]);
    let mut first = node.client();
    first.call("eth_chainId", json!([]));
    let mut refused = 0;
    let many: Vec<Client> = (0..400).filter_map(|_| Client::connect(&node.address).ok()).collect();
    for mut client in many {
        let answer = client.request("eth_chainId", json!([]));
        refused += u32::from(!answer.is_ok_and(|answer| answer["result"] == "0x7a69"));
    }
    assert!(refused > 0, "400 connections from one address were all served");
    assert_eq!(first.call("eth_chainId", json!([])), "0x7a69", "an open connection goes on");
    drop(first);
    assert_answers(&node, "a flood of connections");
}

#[test]
fn subscriptions_over_the_limit_are_refused_and_the_first_ones_go_on() {
    let node = Node::start(&[]);
    let mut socket = Socket::connect(&node.address).expect("a websocket");
    let first = socket.request("eth_subscribe", json!(["newHeads"])).expect("an answer")["result"].clone();
    assert!(first.is_string(), "{first}");
    let refused = (0..5_000)
        .map(|_| socket.request("eth_subscribe", json!(["logs", {}])).expect("an answer"))
        .find(|answer| answer.get("error").is_some())
        .expect("5,000 subscriptions were granted");
    assert!(
        refused["error"]["message"].as_str().is_some_and(|text| text.to_lowercase().contains("subscription")),
        "{refused}"
    );
    node.client().call("evm_mine", json!([]));
    let notice = socket.receive().expect("a notification");
    assert_eq!((&notice["method"], &notice["params"]["subscription"]), (&json!("eth_subscription"), &first));
    assert_answers(&node, "a flood of subscriptions");
}
