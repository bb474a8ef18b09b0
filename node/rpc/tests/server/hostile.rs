//! Callers that mean harm, over http. After each of them, and while it goes on, the others are served as before.

use crate::{
    client::{Client, connect, paces, request, resident_kib},
    toy::Toy,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

const JSON: &str = "Content-Type: application/json\r\n";
const GROWTH_KIB_MAX: u64 = 64 * 1024;

/// A server under attack, with what was measured before.
pub(crate) struct Siege {
    pub(crate) toy: Toy,
    slowest: Duration,
    resident_kib: u64,
}

impl Siege {
    pub(crate) fn begin(change: impl FnOnce(&mut qsdm_rpc::ServerConfig)) -> Self {
        let toy = Toy::start_alone(change);
        // what allocators and threads take once
        paces(toy.address);
        let (_, slowest) = paces(toy.address);
        let resident_kib = resident_kib();
        Self { toy, slowest, resident_kib }
    }

    /// Usual requests are answered, at least one of them as quickly as the slower ones before, and memory is bounded.
    pub(crate) fn check(&self) {
        let (quickest, _) = paces(self.toy.address);
        assert!(quickest <= self.slowest * 10, "{quickest:?}, before {:?}", self.slowest);
        let grown = resident_kib().saturating_sub(self.resident_kib);
        assert!(grown <= GROWTH_KIB_MAX, "grew by {grown} KiB");
    }
}

/// Writes until `total` bytes are sent or the server has had enough.
fn flood(stream: &mut TcpStream, piece: &[u8], total: usize) {
    let mut sent = 0;
    while sent < total && stream.write_all(piece).is_ok() {
        sent += piece.len();
    }
}

#[test]
fn a_body_of_64_megabytes_is_refused_and_its_sender_gets_to_read_why() {
    let siege = Siege::begin(|_| {});
    let mut client = Client::new(siege.toy.address);
    let size = 64 * 1024 * 1024;
    client.send(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {size}\r\n\r\n").as_bytes());
    flood(&mut client.stream, &[b' '; 65_536], size);
    siege.check();
    let answer = client.receive();
    assert_eq!((answer.status, answer.code(), answer.header("connection")), (413, -32600, Some("close")));
    assert!(answer.body.contains("more than 2097152 bytes"), "{answer:?}");
    assert!(client.is_closed());
}

#[test]
fn a_chunked_body_without_end_is_cut_off() {
    let siege = Siege::begin(|_| {});
    let mut client = Client::new(siege.toy.address);
    client.send(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
    flood(&mut client.stream, &chunk, usize::MAX);
    siege.check();
    // it was told, before it was cut off for not listening
    let mut answer = [0; 12];
    match client.stream.read_exact(&mut answer) {
        Ok(()) => assert_eq!(&answer, b"HTTP/1.1 413"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_batch_of_ten_thousand_is_refused_in_one_piece() {
    let siege = Siege::begin(|_| {});
    let batch = format!("[{}]", vec![request("toy_echo", "[1]"); 10_000].join(","));
    for _ in 0..20 {
        let answer = Client::new(siege.toy.address).post(&batch);
        assert_eq!(answer.code(), -32600);
        assert!(answer.body.len() < 200, "{answer:?}");
    }
    siege.check();
}

#[test]
fn nesting_a_hundred_thousand_deep_is_refused_wherever_it_is() {
    let siege = Siege::begin(|_| {});
    let mut client = Client::new(siege.toy.address);
    let arrays = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    for deep in [&arrays, &objects] {
        assert_eq!(client.post(&request("toy_value", &format!("[{deep}]"))).code(), -32602);
        assert_eq!(client.post(&request("toy_value", deep)).code(), -32602);
        let id = format!(r#"{{"jsonrpc":"2.0","id":{deep},"method":"toy_echo","params":[1]}}"#);
        assert_eq!(client.post(&id).code(), -32600);
        let method = format!(r#"{{"jsonrpc":"2.0","id":1,"method":{deep}}}"#);
        assert_eq!(client.post(&method).code(), -32600);
        let unknown = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"toy_echo","params":[1],"more":{deep}}}"#);
        assert_eq!(client.post(&unknown).json()["result"], 1, "skipped without recursion");
    }
    assert_eq!(client.post(&arrays).json()[0]["error"]["code"], -32600, "a batch of one that is not a request");
    assert_eq!(client.post(&objects).code(), -32600);
    assert_eq!(client.post(&"[".repeat(100_000)).code(), -32700);
    siege.check();
}

#[test]
fn slow_headers_and_slow_bodies_run_out_of_time_while_others_are_served() {
    let siege = Siege::begin(|config| {
        config.limits.header_timeout = Duration::from_millis(400);
        config.limits.body_timeout = Duration::from_millis(400);
    });
    let address = siege.toy.address;
    let start = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 100\r\n\r\n");
    let mut bodies: Vec<Client> = (0..40).map(|_| Client::new(address)).collect();
    bodies.iter_mut().for_each(|client| client.send(format!("{start}{{").as_bytes()));
    let mut headers: Vec<Client> = (0..40).map(|_| Client::new(address)).collect();
    // never pausing for as long as the timeout: it is the whole header that counts
    for byte in start.bytes().cycle().filter(|byte| *byte != b'\r' && *byte != b'\n').take(60) {
        for client in &mut headers {
            // refused once its time is over
            let _ = client.stream.write_all(&[byte]);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    siege.check();
    assert!(headers.iter_mut().all(Client::is_closed));
    for client in &mut bodies {
        let answer = client.receive();
        assert_eq!((answer.status, answer.code(), answer.header("connection")), (408, -32002, Some("close")));
    }
    let silent: Vec<TcpStream> = (0..40).map(|_| connect(address)).collect();
    for mut stream in silent {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0, "a connection that says nothing is closed as well");
    }
}

#[test]
fn a_connection_without_requests_is_closed_and_so_is_one_that_does_not_fetch_its_answer() {
    let siege = Siege::begin(|config| config.limits.idle_timeout = Duration::from_millis(400));
    let mut idle = Client::new(siege.toy.address);
    assert_eq!(idle.call("toy_echo", "[1]"), 1);
    let mut greedy = Client::new(siege.toy.address);
    let request = greedy.request("POST /", JSON, &request("toy_large", "[20000000]"));
    greedy.send(request.as_bytes());
    assert!(idle.is_closed());
    while siege.toy.server().connections() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(greedy.try_receive().is_none(), "only a part of the answer was ever sent");
    siege.check();
}

#[test]
fn thousands_of_connections_neither_lock_others_out_nor_fill_the_memory() {
    // silence alone closes none of them, however slow the machine is
    let patient = Duration::from_secs(3_600);
    let siege = Siege::begin(|config| {
        config.limits.header_timeout = patient;
        config.limits.idle_timeout = patient;
    });
    let mut held = std::collections::VecDeque::new();
    for index in 0..4_000 {
        let mut stream = connect(siege.toy.address);
        if index % 2 == 0 {
            // the server may have closed it already
            let _ = stream.write_all(b"POST / HTTP/1.1\r\nHost: ");
        }
        held.push_back(stream);
        if held.len() > 1_000 {
            held.pop_front();
        }
        assert!(siege.toy.server().connections() <= 256);
    }
    // a connection gives way once it has been silent for two ticks of the server's clock: until then there is no place
    let mut served = 0;
    while served < 10 {
        std::thread::sleep(Duration::from_millis(50));
        served = if Client::new(siege.toy.address).try_call().is_some() { served + 1 } else { 0 };
    }
    assert!(siege.toy.server().connections() > 200, "the silent ones are still there");
    siege.check();
}

#[test]
fn one_address_more_than_its_share_is_told_so() {
    let toy = Toy::start(|config| config.limits.connections_per_loopback_address = 16);
    let mut held: Vec<Client> = (0..16).map(|_| Client::new(toy.address)).collect();
    held.iter_mut().for_each(|client| assert_eq!(client.call("toy_echo", "[1]"), 1));
    let answer = Client::new(toy.address).receive();
    assert_eq!((answer.status, answer.code(), answer.header("connection")), (503, -32005, Some("close")));
    assert!(answer.body.contains("your address has 16 connections open"), "{answer:?}");
    held.pop();
    while toy.server().connections() > 15 {
        std::thread::sleep(Duration::from_millis(1));
    }
    held.push(Client::new(toy.address));
    held.iter_mut().for_each(|client| assert_eq!(client.call("toy_echo", "[1]"), 1));
}

#[test]
fn garbage_is_answered_or_cut_off_and_never_believed() {
    let siege = Siege::begin(|_| {});
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |length: usize| -> Vec<u8> {
        let byte = |_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()[0]
        };
        (0..length).map(byte).collect()
    };
    let mut cases: Vec<Vec<u8>> = (0..100).map(|length| random(length * 37)).collect();
    cases.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    cases.push(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec());
    cases.push(format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000)).into_bytes());
    cases.push(format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000)).into_bytes());
    cases.push(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec());
    cases.push(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_vec());
    let smuggled = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x"
    );
    cases.push(smuggled.into_bytes());
    for case in cases {
        let mut stream = connect(siege.toy.address);
        // it may close before it has read all of it
        let _ = stream.write_all(&case);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.contains("result") && answer.matches("HTTP/1.1").count() <= 1, "{answer:?}");
    }
    siege.check();
}

#[test]
fn requests_that_never_end_are_bounded_over_all_connections() {
    let siege = Siege::begin(|_| {});
    let size = 2_000_000;
    let start = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {size}\r\n\r\n");
    let mut senders: Vec<Client> = (0..100).map(|_| Client::new(siege.toy.address)).collect();
    for client in &mut senders {
        client.send(start.as_bytes());
        // all but the end
        flood(&mut client.stream, &[b' '; 10_000], size - 20_000);
    }
    siege.check();
    let refused = senders.iter_mut().map(|client| {
        client.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut status = [0; 12];
        client.stream.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 503"
    });
    assert!(refused.filter(|refused| *refused).count() >= 80);
}

#[test]
fn large_answers_that_nobody_fetches_are_bounded_over_all_connections() {
    let siege = Siege::begin(|_| {});
    let mut fetching: Vec<Client> = (0..40).map(|_| Client::new(siege.toy.address)).collect();
    for client in &mut fetching {
        // more than the system takes from the server for a reader that doesn't read
        let request = client.request("POST /", JSON, &request("toy_large", "[12000000]"));
        client.send(request.as_bytes());
    }
    // each is answered, or told that it can't be now
    let heads = fetching.iter_mut().map(|client| {
        let mut head = [0; 120];
        client.stream.read_exact(&mut head).unwrap();
        String::from_utf8_lossy(&head).into_owned()
    });
    let large = heads.filter(|head| head.contains("content-length: 12000")).count();
    siege.check();
    assert!((1..=3).contains(&large), "{large}");
    drop(fetching);
    while siege.toy.server().connections() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let whole = Client::new(siege.toy.address).call("toy_large", "[24000000]");
    assert_eq!(whole.as_str().map(str::len), Some(24_000_000), "the bytes of those that left are given back");
}
