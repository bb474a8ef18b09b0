//! Websockets as their users expect them.

use crate::{
    client::{Client, hear, request, say, websocket, websocket_at},
    toy::{Toy, news},
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

fn call(id: u32, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

#[test]
fn requests_batches_and_notifications_work_as_over_http() {
    let toy = Toy::start(|_| {});
    let mut socket = websocket_at(toy.address, "/submesh/games", None).unwrap();
    say(&mut socket, call(1, "toy_context", "[]"));
    let answer = hear(&mut socket);
    assert_eq!(answer["result"].as_array().unwrap()[..3], [json!("games"), json!("127.0.0.1"), json!("Websocket")]);
    socket.send(Message::binary(call(2, "toy_echo", r#"["binary"]"#))).unwrap();
    assert_eq!(hear(&mut socket)["result"], "binary");
    say(&mut socket, format!("[{},{}]", call(3, "toy_echo", "[3]"), call(4, "toy_unknown", "[]")));
    let batch = hear(&mut socket);
    assert_eq!((batch[0]["result"].clone(), batch[1]["error"]["code"].clone()), (json!(3), json!(-32601)));
    say(&mut socket, r#"{"jsonrpc":"2.0","method":"toy_echo","params":[0]}"#.to_owned());
    say(&mut socket, "{".to_owned());
    assert_eq!(hear(&mut socket)["error"]["code"], -32700, "a notification has no answer, so this is the next");
}

#[test]
fn an_answer_of_many_frames_arrives_whole() {
    let toy = Toy::start(|_| {});
    let mut socket = websocket(toy.address);
    for size in [65_000, 65_536, 1_000_000] {
        say(&mut socket, call(1, "toy_large", &format!("[{size}]")));
        assert_eq!(hear(&mut socket)["result"].as_str().unwrap().len(), size);
    }
}

#[test]
fn a_call_that_waits_does_not_hold_up_the_next() {
    let toy = Toy::start(|_| {});
    let mut socket = websocket(toy.address);
    say(&mut socket, call(1, "toy_wait", "[300]"));
    say(&mut socket, call(2, "toy_spin", "[150]"));
    say(&mut socket, call(3, "toy_echo", "[0]"));
    let order: Vec<Value> = (0..3).map(|_| hear(&mut socket)["id"].clone()).collect();
    assert_eq!(order, [json!(3), json!(2), json!(1)]);
}

#[test]
fn more_calls_than_may_be_unfinished_are_read_later_and_all_answered() {
    let toy = Toy::start(|config| config.limits.websocket_calls = 4);
    let mut socket = websocket(toy.address);
    for id in 0..20 {
        say(&mut socket, call(id, "toy_wait", "[20]"));
    }
    let mut most = 0;
    let mut answered: Vec<u64> = Vec::new();
    while answered.len() < 20 {
        most = most.max(toy.state.running.count());
        answered.push(hear(&mut socket)["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..20).collect::<Vec<_>>());
    assert!((1..=4).contains(&most), "{most}");
}

#[test]
fn a_subscription_delivers_until_it_is_ended() {
    let toy = Toy::start(|_| {});
    let (mut socket, mut other) = (websocket(toy.address), websocket(toy.address));
    say(&mut socket, call(1, "toy_subscribe", r#"["news"]"#));
    say(&mut other, call(1, "toy_subscribe", r#"["news"]"#));
    let id = hear(&mut socket)["result"].as_str().unwrap().to_owned();
    let other_id = hear(&mut other)["result"].as_str().unwrap().to_owned();
    assert!(id.starts_with("0x") && id != other_id);
    assert_eq!(toy.publish(&news(json!({"number": "0x1"}))), 2);
    let expected = json!({
        "jsonrpc": "2.0",
        "method": "toy_subscription",
        "params": {"subscription": id, "result": {"number": "0x1"}},
    });
    assert_eq!(hear(&mut socket), expected);
    assert_eq!(hear(&mut other)["params"]["subscription"], other_id.as_str());
    for (id, ended) in [(other_id.as_str(), false), (id.as_str(), true), (id.as_str(), false), ("nonsense", false)] {
        say(&mut socket, call(2, "toy_unsubscribe", &format!("[{id:?}]")));
        assert_eq!(hear(&mut socket)["result"], ended, "only one's own, and once");
    }
    assert_eq!(toy.publish(&news(2)), 1);
    assert_eq!(toy.state.subscribed.count(), 1);
    drop(other);
    toy.state.subscribed.wait_for(0);
    assert_eq!(toy.publish(&news(3)), 0, "a connection takes its subscriptions with it");
}

#[test]
fn a_subscription_needs_a_websocket_and_a_kind() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    assert_eq!(client.post(&request("toy_subscribe", r#"["news"]"#)).code(), -32004);
    assert_eq!(client.post(&request("toy_unsubscribe", r#"["0x1"]"#)).code(), -32004);
    let mut socket = websocket(toy.address);
    say(&mut socket, call(1, "toy_subscribe", r#"["olds"]"#));
    assert_eq!(hear(&mut socket)["error"]["code"], -32602);
    assert_eq!(toy.state.subscribed.count(), 0);
}

#[test]
fn only_allowed_pages_and_known_paths_open_a_websocket() {
    let toy = Toy::start(|_| {});
    assert!(websocket_at(toy.address, "/", Some("http://localhost:3000")).is_ok());
    assert_eq!(websocket_at(toy.address, "/", Some("https://evil.example")).err(), Some(403));
    assert_eq!(websocket_at(toy.address, "/submesh/absent", None).err(), Some(404));
    let mut client = Client::new(toy.address);
    let wanted = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
    let old = client.exchange("GET /", &format!("{wanted}Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n"), "");
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, Some("13")));
    assert_eq!(client.exchange("GET /", &format!("{wanted}Sec-WebSocket-Version: 13\r\n"), "").status, 400);
}

#[test]
fn a_websocket_that_answers_no_pings_is_closed_and_one_that_does_is_not() {
    let toy = Toy::start(|config| {
        config.limits.websocket_ping = std::time::Duration::from_millis(50);
        config.limits.idle_timeout = std::time::Duration::from_millis(400);
    });
    let mut alive = websocket(toy.address);
    let silent = websocket(toy.address);
    let mut pings = 0;
    while toy.server().connections() == 2 {
        // reading answers pings
        match alive.read().unwrap() {
            Message::Ping(_) => pings += 1,
            other => panic!("{other:?}"),
        }
        alive.flush().unwrap();
    }
    assert!(pings > 0);
    say(&mut alive, call(1, "toy_echo", "[1]"));
    assert_eq!(hear(&mut alive)["result"], 1);
    drop(silent);
}
