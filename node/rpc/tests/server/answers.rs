//! What JSON-RPC 2.0 says about requests and batches.

use crate::{
    client::{Client, request},
    toy::Toy,
};
use serde_json::{Value, json};

fn toy() -> (Toy, Client) {
    let toy = Toy::start(|_| {});
    let client = Client::new(toy.address);
    (toy, client)
}

#[test]
fn an_id_comes_back_as_it_was_written() {
    let (_toy, mut client) = toy();
    for id in ["1", "-7", "1.50", "1e3", "123456789012345678901234567890", "null", r#""""#, r#""a\u0041\"""#] {
        let answer = client.post(&format!(r#"{{"id": {id} ,"method":"toy_echo","params":[true],"jsonrpc":"2.0"}}"#));
        assert_eq!(answer.body, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":true}}"#));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn what_is_not_a_request_gets_its_code_and_the_id_if_there_is_one() {
    let (_toy, mut client) = toy();
    let cases = [
        ("", -32700, Value::Null),
        ("hello", -32700, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"toy_echo","params":[1]"#, -32700, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"toy_echo","params":[1]} x"#, -32700, Value::Null),
        ("1", -32600, Value::Null),
        (r#""toy_echo""#, -32600, Value::Null),
        (r#"{"id":5}"#, -32600, json!(5)),
        (r#"{"jsonrpc":"2.0","id":6,"method":7}"#, -32600, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"id":7,"method":"toy_echo"}"#, -32600, Value::Null),
        (r#"{"id":"a","method":"toy_echo","params":[1]}"#, -32600, json!("a")),
        (r#"{"jsonrpc":"1.0","id":8,"method":"toy_echo","params":[1]}"#, -32600, json!(8)),
        (r#"{"jsonrpc":"2.0","id":{},"method":"toy_echo","params":[1]}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":true,"method":"toy_echo","params":[1]}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_unknown"}"#, -32601, json!(9)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_echo"}"#, -32602, json!(9)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_echo","params":{"value":1}}"#, -32602, json!(9)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_echo","params":[1,2,3]}"#, -32602, json!(9)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_panic"}"#, -32603, json!(9)),
        (r#"{"jsonrpc":"2.0","id":9,"method":"toy_revert"}"#, 3, json!(9)),
    ];
    for (body, code, id) in cases {
        let answer = client.post(body);
        assert_eq!((answer.status, answer.code()), (200, code), "{body}: {answer:?}");
        assert_eq!(answer.json()["id"], id, "{body}");
        assert_eq!(answer.json()["jsonrpc"], "2.0", "{body}");
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"toy_echo","params":[1]}}"#, "x".repeat(300));
    assert_eq!(client.post(&long).code(), -32600);
    assert_eq!(client.call("toy_echo", "[1]"), 1, "and the connection is as good as before");
}

#[test]
fn errors_say_what_was_wrong() {
    let (_toy, mut client) = toy();
    let unknown = client.post(&request("toy_unknown", "[]")).json();
    assert_eq!(unknown["error"]["message"], "the method toy_unknown does not exist/is not available");
    let missing = client.post(&request("toy_echo", "[]")).json();
    assert_eq!(missing["error"]["message"], "missing value for required argument 0 (value)");
    let revert = client.post(&request("toy_revert", "[]")).json();
    assert_eq!(revert["error"], json!({"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}));
}

#[test]
fn a_batch_is_answered_in_its_order_without_its_notifications() {
    let (_toy, mut client) = toy();
    let batch = r#" [{"jsonrpc":"2.0","id":2,"method":"toy_echo","params":[20]},
        {"jsonrpc":"2.0","method":"toy_echo","params":[30]}, 5, ["2.0",7,"toy_echo",[1]],
        {"jsonrpc":"2.0","id":1,"method":"toy_wait","params":[1]},
        {"jsonrpc":"2.0","id":"c","method":"toy_unknown"},
        {"jsonrpc":"2.0","id":null,"method":"toy_spin","params":[20]}]"#;
    let answer = client.post(batch).json();
    let parts: Vec<(Value, Value)> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["id"].clone(), part.get("result").unwrap_or(&part["error"]["code"]).clone()))
        .collect();
    let expected = [
        (json!(2), json!(20)),
        (Value::Null, json!(-32600)),
        (Value::Null, json!(-32600)),
        (json!(1), json!("waited")),
        (json!("c"), json!(-32601)),
        (Value::Null, json!([20])),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn notifications_alone_get_no_answer() {
    let (_toy, mut client) = toy();
    let one = r#"{"jsonrpc":"2.0","method":"toy_echo","params":[1]}"#;
    for body in [one.to_owned(), format!("[{one},{one}]")] {
        let answer = client.post(&body);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{body}");
    }
    assert_eq!(client.call("toy_echo", "[1]"), 1);
}

#[test]
fn a_batch_is_neither_empty_nor_larger_than_the_limit() {
    let (_toy, mut client) = toy();
    let batch = |size: usize| format!("[{}]", vec![request("toy_echo", "[1]"); size].join(","));
    assert_eq!(client.post(&batch(100)).json().as_array().unwrap().len(), 100);
    for (body, message) in [
        ("[]".to_owned(), "empty batch"),
        (batch(101), "batch too large: at most 100 requests, send the rest in another"),
        (batch(10_000), "batch too large: at most 100 requests, send the rest in another"),
    ] {
        let answer = client.post(&body).json();
        assert_eq!((answer["error"]["code"].clone(), answer["id"].clone()), (json!(-32600), Value::Null));
        assert_eq!(answer["error"]["message"], message);
    }
    for broken in ["[", "[1,", "[1 2]", "[1]x"] {
        assert_eq!(client.post(broken).code(), -32700, "{broken}");
    }
}

#[test]
fn an_answer_beyond_the_limit_is_an_error_and_so_is_the_rest_of_its_batch() {
    let toy = Toy::start(|config| config.limits.response_bytes = 10_000);
    let mut client = Client::new(toy.address);
    assert_eq!(client.call("toy_large", "[9900]").as_str().unwrap().len(), 9_900);
    let answer = client.post(&request("toy_large", "[10000]"));
    assert_eq!(answer.code(), -32003);
    assert!(answer.body.contains("more than 10000 bytes"), "{answer:?}");
    let batch = client.post(&format!("[{}]", vec![request("toy_large", "[4000]"); 4].join(","))).json();
    let codes: Vec<_> = batch.as_array().unwrap().iter().map(|part| part["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [None, None, Some(-32003), Some(-32003)]);
}
