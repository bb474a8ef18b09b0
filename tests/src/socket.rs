//! A WebSocket client (RFC 6455) of one connection: text frames out, text frames in.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// One open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: BufReader<TcpStream>,
    id: u64,
}

impl Socket {
    /// Connects and upgrades.
    ///
    /// # Errors
    /// Where nobody listens, or the upgrade is refused: then the status line is the message.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        let head = format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.get_mut().write_all(head.as_bytes())?;
        let mut status = String::new();
        stream.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 101") {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, status));
        }
        let mut line = String::new();
        while stream.read_line(&mut line)? > 2 {
            line.clear();
        }
        Ok(Self { stream, id: 0 })
    }

    /// One request; notifications that arrive before its answer are passed over.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn request(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }).to_string())?;
        loop {
            let message = self.receive()?;
            if message["id"] == self.id {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, text: &str) -> io::Result<()> {
        // a client masks; a mask of zeros leaves the bytes as they are
        let mut frame = vec![0x81];
        match u16::try_from(text.len()) {
            Ok(length @ 0..126) => frame.push(0x80 | length as u8),
            Ok(length) => {
                frame.push(0xfe);
                frame.extend(length.to_be_bytes());
            }
            Err(_) => {
                frame.push(0xff);
                frame.extend((text.len() as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.get_mut().write_all(&frame)
    }

    /// The next message.
    ///
    /// # Errors
    /// Where the connection breaks or is closed.
    pub fn receive(&mut self) -> io::Result<Value> {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head)?;
            let length = match head[1] & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.bytes()?)),
                127 => u64::from_be_bytes(self.bytes()?),
                short => u64::from(short),
            };
            let mut payload = Vec::new();
            self.stream.by_ref().take(length).read_to_end(&mut payload)?;
            match head[0] & 0x0f {
                1 => return serde_json::from_slice(&payload).map_err(io::Error::from),
                8 => return Err(io::ErrorKind::ConnectionAborted.into()),
                // pings are answered by silence: no test is open long enough for it to matter
                _ => {}
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
