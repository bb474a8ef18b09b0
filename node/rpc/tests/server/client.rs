//! Callers: as raw as a test needs them.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket, client::IntoClientRequest};

/// Nothing here waits longer; what takes so long is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// One answer of an http server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// With the status line, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        lines.filter_map(|line| line.split_once(':')).find(|(found, _)| *found == name).map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of an answer that is one error.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

/// A keep-alive connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { stream: connect(address), address, unread: Vec::new() }
    }

    /// A whole request with the usual headers and `more` (each with its line end).
    pub(crate) fn request(&self, start: &str, more: &str, body: &str) -> String {
        format!("{start} HTTP/1.1\r\nHost: {}\r\n{more}Content-Length: {}\r\n\r\n{body}", self.address, body.len())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn exchange(&mut self, start: &str, more: &str, body: &str) -> Answer {
        let request = self.request(start, more, body);
        self.send(request.as_bytes());
        self.receive()
    }

    pub(crate) fn post(&mut self, body: &str) -> Answer {
        self.exchange("POST /", "Content-Type: application/json\r\n", body)
    }

    /// The result of one method.
    pub(crate) fn call(&mut self, method: &str, params: &str) -> serde_json::Value {
        let answer = self.post(&request(method, params));
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut json = answer.json();
        assert!(json["error"].is_null(), "{answer:?}");
        json["result"].take()
    }

    /// `None` where the server refuses or closes.
    pub(crate) fn try_call(&mut self) -> Option<()> {
        let request = self.request("POST /", "Content-Type: application/json\r\n", &request("toy_echo", "[1]"));
        self.stream.write_all(request.as_bytes()).ok()?;
        (self.try_receive()?.status == 200).then_some(())
    }

    pub(crate) fn receive(&mut self) -> Answer {
        self.try_receive().expect("an answer")
    }

    /// `None` where the connection ends before a whole answer.
    pub(crate) fn try_receive(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more()?;
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap().to_lowercase();
        let mut answer = Answer { status: head[9..12].parse().unwrap(), head, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            self.read_more()?;
        }
        answer.body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Some(answer)
    }

    fn read_more(&mut self) -> Option<()> {
        let mut buffer = vec![0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(bytes) => {
                self.unread.extend_from_slice(&buffer[..bytes]);
                Some(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer in {PATIENCE:?}"),
            Err(_) => None,
        }
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.read_more().is_none()
    }
}

/// One request object.
pub(crate) fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// The result of one method, on a connection of its own.
pub(crate) fn call(address: SocketAddr, method: &str, params: &str) -> serde_json::Value {
    Client::new(address).call(method, params)
}

/// How long the quickest and the slowest of some usual requests take, each on a new connection.
pub(crate) fn paces(address: SocketAddr) -> (Duration, Duration) {
    let paces: Vec<Duration> = (0..20)
        .map(|value| {
            let start = Instant::now();
            assert_eq!(call(address, "toy_echo", &format!("[{value}]")), value);
            start.elapsed()
        })
        .collect();
    (*paces.iter().min().unwrap(), *paces.iter().max().unwrap())
}

pub(crate) type Socket = WebSocket<TcpStream>;

pub(crate) fn websocket(address: SocketAddr) -> Socket {
    websocket_at(address, "/", None).unwrap()
}

pub(crate) fn websocket_at(address: SocketAddr, path: &str, origin: Option<&str>) -> Result<Socket, u16> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tungstenite::client(request, connect(address)) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn say(socket: &mut Socket, text: String) {
    socket.send(Message::text(text)).unwrap();
}

/// The next text message as JSON.
pub(crate) fn hear(socket: &mut Socket) -> serde_json::Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => socket.flush().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

/// Reads until the server closes; returns its code and reason, or `None` where it just went.
pub(crate) fn closing(socket: &mut Socket) -> Option<(u16, String)> {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame.map(|frame| (frame.code.into(), frame.reason.to_string())),
            Ok(_) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => panic!("not closed"),
            Err(_) => return None,
        }
    }
}

/// Resident memory of this process in KiB.
pub(crate) fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
