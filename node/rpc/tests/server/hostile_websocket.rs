//! Callers that mean harm, over websockets.

use crate::{
    client::{closing, connect, hear, request, say, websocket},
    hostile::Siege,
    toy::news,
};
use std::io::{Read, Write};
use tokio_tungstenite::tungstenite::Message;

#[test]
fn five_thousand_subscriptions_are_64_and_many_refusals() {
    let siege = Siege::begin(|_| {});
    let mut socket = websocket(siege.toy.address);
    let mut granted = 0;
    for _ in 0..5_000 {
        say(&mut socket, request("toy_subscribe", r#"["news"]"#));
        let answer = hear(&mut socket);
        if answer["result"].is_string() {
            granted += 1;
        } else {
            assert_eq!(answer["error"]["code"], -32005, "{answer}");
        }
    }
    assert_eq!((granted, siege.toy.state.subscribed.count()), (64, 64));
    siege.check();
    assert_eq!(siege.toy.publish(&news("still there")), 64);
    assert_eq!(hear(&mut socket)["params"]["result"], "still there");
}

#[test]
fn a_message_too_large_is_refused_in_one_frame_and_in_many() {
    let siege = Siege::begin(|_| {});
    let mut socket = websocket(siege.toy.address);
    // the server may close before it is sent
    let _ = socket.send(Message::text(" ".repeat(3 * 1024 * 1024)));
    assert_eq!(closing(&mut socket), Some((1009, "a message may have 2097152 bytes".to_owned())));
    let mut raw = upgraded(&siege);
    // the length of a frame that would never end
    raw.write_all(&[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).unwrap();
    assert_eq!(close_code(&mut raw), Some(1009));
    let mut raw = upgraded(&siege);
    let mut first = true;
    loop {
        let start = [u8::from(first), 0xfe, 0xff, 0xff, 0, 0, 0, 0];
        first = false;
        if raw.write_all(&[&start[..], &[b' '; 65_535]].concat()).is_err() {
            break;
        }
    }
    siege.check();
}

#[test]
fn broken_frames_end_their_connection_only() {
    let siege = Siege::begin(|_| {});
    let mut other = websocket(siege.toy.address);
    let long_ping = [&[0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0][..], &[0; 256]].concat();
    for (frame, code) in [
        (&long_ping[..], 1002),
        (&[0x81, 0x05, b'h', b'e', b'l', b'l', b'o'], 1002),
        (&[0xf1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
    ] {
        let mut raw = upgraded(&siege);
        raw.write_all(frame).unwrap();
        assert_eq!(close_code(&mut raw), Some(code), "{frame:02x?}");
    }
    say(&mut other, request("toy_echo", "[1]"));
    assert_eq!(hear(&mut other)["result"], 1);
    siege.check();
}

#[test]
fn messages_that_never_end_are_bounded_over_all_connections() {
    let siege = Siege::begin(|_| {});
    let sockets: Vec<_> = (0..100)
        .map(|_| {
            let mut raw = upgraded(&siege);
            // a frame of 2 MB without its last byte
            raw.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x1e, 0x84, 0x80, 0, 0, 0, 0]).unwrap();
            for _ in 0..199 {
                // cut off once the server holds enough of these
                if raw.write_all(&[b' '; 10_000]).is_err() {
                    break;
                }
            }
            raw
        })
        .collect();
    siege.check();
    assert!(siege.toy.server().connections() < 50, "{}", siege.toy.server().connections());
    drop(sockets);
}

#[test]
fn a_subscriber_that_does_not_read_is_disconnected_and_costs_nobody_else_anything() {
    let siege = Siege::begin(|_| {});
    let (mut slow, mut quick) = (websocket(siege.toy.address), websocket(siege.toy.address));
    for socket in [&mut slow, &mut quick] {
        say(socket, request("toy_subscribe", r#"["news"]"#));
        assert!(hear(socket)["result"].is_string());
    }
    let large = "x".repeat(100_000);
    let mut published = 0;
    while siege.toy.publish(&news(&large)) == 2 {
        published += 1;
        assert_eq!(hear(&mut quick)["params"]["result"].as_str().unwrap().len(), large.len());
    }
    hear(&mut quick);
    assert!(published >= 10, "{published}: the queue holds a megabyte");
    let (code, reason) = closing(&mut slow).expect("it reads at last, soon enough to learn why");
    assert_eq!(code, 1008);
    assert!(reason.contains("fell too far behind"), "{reason}");
    siege.toy.state.subscribed.wait_for(1);
    siege.check();
    assert_eq!(siege.toy.publish(&news(1)), 1);
    assert_eq!(hear(&mut quick)["params"]["result"], 1);
}

#[test]
fn a_caller_that_asks_and_never_reads_holds_one_answer() {
    let siege = Siege::begin(|_| {});
    let mut sockets: Vec<_> = (0..10).map(|_| websocket(siege.toy.address)).collect();
    for socket in &mut sockets {
        for _ in 0..100 {
            say(socket, request("toy_large", "[2000000]"));
        }
    }
    siege.check();
}

fn upgraded(siege: &Siege) -> std::net::TcpStream {
    let mut stream = connect(siege.toy.address);
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    // the example of RFC 6455, section 1.3
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    stream
}

/// The code of the close frame that comes next.
fn close_code(stream: &mut std::net::TcpStream) -> Option<u16> {
    let mut start = [0; 4];
    stream.read_exact(&mut start).ok()?;
    (start[0] == 0x88).then(|| u16::from_be_bytes([start[2], start[3]]))
}
