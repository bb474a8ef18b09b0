//! What http, browsers and proxies expect.

use crate::{
    client::{Client, request},
    toy::Toy,
};
use qsdm_rpc::{Origins, ServerConfig};
use serde_json::{Value, json};

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn one_connection_serves_requests_one_after_another_and_pipelined() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    for value in 0..20 {
        assert_eq!(client.call("toy_echo", &format!("[{value}]")), value);
    }
    let pipelined: String =
        (0..50).map(|value| client.request("POST /", JSON, &request("toy_echo", &format!("[{value}]")))).collect();
    client.send(pipelined.as_bytes());
    for value in 0..50 {
        assert_eq!(client.receive().json()["result"], value);
    }
    assert_eq!(toy.server().connections(), 1);
}

#[test]
fn a_request_may_come_byte_by_byte_and_in_chunks() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    let whole = client.request("POST /", JSON, &request("toy_echo", r#"["slow"]"#));
    for byte in whole.bytes() {
        client.send(&[byte]);
    }
    assert_eq!(client.receive().json()["result"], "slow");
    let body = request("toy_echo", r#"["chunked"]"#);
    let (left, right) = body.split_at(10);
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\n\r\n",
        left.len(),
        right.len()
    );
    client.send(chunked.as_bytes());
    assert_eq!(client.receive().json()["result"], "chunked");
    let large = "x".repeat(2_000_000);
    assert_eq!(client.call("toy_echo", &format!("[{large:?}]")), large);
}

#[test]
fn an_old_client_is_answered_and_its_connection_closed() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    let body = request("toy_echo", "[1]");
    client.send(format!("POST / HTTP/1.0\r\n{JSON}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    assert_eq!(client.receive().json()["result"], 1);
    assert!(client.is_closed());
}

#[test]
fn json_rpc_is_at_the_root_and_at_every_submesh() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    let mut post = |path: &str| client.exchange(&format!("POST {path}"), JSON, &request("toy_context", "[]"));
    assert_eq!(post("/").json()["result"][0], Value::Null);
    assert_eq!(post("/?key=unused").json()["result"][0], Value::Null);
    let answer = post("/submesh/micropayments-eu").json();
    assert_eq!(
        answer["result"].as_array().unwrap()[..3],
        [json!("micropayments-eu"), json!("127.0.0.1"), json!("Http")]
    );
    let too_long = format!("/submesh/{}", "a".repeat(32));
    for path in ["/submesh/absent", "/submesh/", "/submesh/A", "/submesh/a/b", "/submesh/a%20b", "/x", "//", &too_long]
    {
        let answer = post(path);
        assert_eq!((answer.status, answer.code()), (404, -32001), "{path}");
    }
}

#[test]
fn only_json_is_accepted_as_such() {
    let toy = Toy::start(|_| {});
    let body = request("toy_echo", "[1]");
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json-rpc", "application/json ;x=y"]
    {
        let answer = Client::new(toy.address).exchange("POST /", &format!("Content-Type: {kind}\r\n"), &body);
        assert_eq!(answer.json()["result"], 1, "{kind}");
    }
    for header in ["", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n", "Content-Type: \r\n"] {
        let answer = Client::new(toy.address).exchange("POST /", header, &body);
        assert_eq!((answer.status, answer.code()), (415, -32600), "{header}");
    }
}

#[test]
fn other_methods_get_what_they_are_for() {
    let toy = Toy::start(|_| {});
    let mut client = Client::new(toy.address);
    let health = client.exchange("GET /", "", "");
    assert_eq!(health.status, 200);
    assert!(health.body.contains("JSON-RPC"));
    for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
        let answer = client.exchange(&format!("{method} /"), "", "");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("post, get, head, options")), "{method}");
    }
    assert_eq!(client.call("toy_echo", "[1]"), 1);
}

#[test]
fn a_foreign_host_is_refused() {
    let toy = Toy::start(|config| config.allowed_hosts = vec!["node.example".into()]);
    let body = request("toy_echo", "[1]");
    let ask = |start: &str, hosts: &[&str]| {
        let headers: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        let text = format!("{start} HTTP/1.1\r\n{headers}{JSON}Content-Length: {}\r\n\r\n{body}", body.len());
        let mut client = Client::new(toy.address);
        client.send(text.as_bytes());
        client.receive()
    };
    for host in ["localhost", "127.0.0.1:1", "[::1]:8545", "NODE.example", "app.localhost"] {
        assert_eq!(ask("POST /", &[host]).json()["result"], 1, "{host}");
    }
    for host in ["evil.example", "node.example.evil.example", "192.0.2.1", "", "a b"] {
        let answer = ask("POST /", &[host]);
        assert!(answer.status == 403 || answer.status == 400, "{host}: {answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{host}");
    }
    assert_eq!(ask("POST /", &["evil.example"]).code(), -32000);
    assert_eq!(ask("POST /", &[]).status, 400);
    assert_eq!(ask("POST /", &["localhost", "localhost"]).status, 400);
    assert_eq!(ask("POST http://evil.example/", &["localhost"]).status, 403);
    assert_eq!(ask("POST http://localhost/", &["localhost"]).json()["result"], 1);
}

#[test]
fn pages_call_where_they_are_allowed_to_and_browsers_are_told_so() {
    let ask = |toy: &Toy, start: &str, origin: &str| {
        let headers = format!("{JSON}Origin: {origin}\r\nAccess-Control-Request-Headers: content-type,x-key\r\n");
        let body = if start.starts_with("POST") { request("toy_echo", "[1]") } else { String::new() };
        Client::new(toy.address).exchange(start, &headers, &body)
    };
    let development = Toy::start(|_| {});
    for origin in ["http://localhost:3000", "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn"] {
        let answer = ask(&development, "POST /", origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
        let preflight = ask(&development, "OPTIONS /submesh/a", origin);
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some(origin)));
        assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type,x-key"));
        assert_eq!(preflight.header("access-control-allow-methods"), Some("post, get, head, options"));
        assert_eq!(preflight.header("vary"), Some("origin"));
    }
    let listed = Origins { loopback_and_extensions: false, listed: vec!["https://app.example".into()] };
    let validator =
        Toy::start(|config| *config = ServerConfig { origins: listed, ..ServerConfig::validator(config.listen) });
    for (toy, origin) in [
        (&development, "https://evil.example"),
        (&development, "null"),
        (&validator, "http://localhost:3000"),
        (&validator, "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn"),
    ] {
        for start in ["POST /", "OPTIONS /", "GET /"] {
            let answer = ask(toy, start, origin);
            assert_eq!((answer.status, answer.code()), (403, -32000), "{start} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(ask(&validator, "POST /", "https://app.example").json()["result"], 1);
    assert_eq!(ask(&validator, "POST /", &format!("http://{}", validator.address)).json()["result"], 1);
}
