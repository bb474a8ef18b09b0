//! A JSON-RPC client over one kept-alive HTTP/1.1 connection: small enough to send what a well-behaved client would not.

use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer is waited for this long, so that a node that hangs fails the test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
#[derive(Debug)]
pub struct Client {
    address: String,
    stream: BufReader<TcpStream>,
    id: u64,
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

impl Client {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Where nobody listens.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { address: address.to_owned(), stream: BufReader::new(stream), id: 0 })
    }

    /// One request; the whole response object, with `result` or `error`.
    ///
    /// # Errors
    /// Where the connection breaks or the answer is no JSON.
    pub fn request(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.id += 1;
        let body = json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }).to_string();
        let answer = self.post(&body)?;
        serde_json::from_str(&answer.body).map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{method}: {error} in status {} {:.200}", answer.status, answer.body),
            )
        })
    }

    /// The result of a request that must succeed.
    ///
    /// # Panics
    /// Where it fails, with the error.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params).unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    /// The error object of a request that must fail.
    ///
    /// # Panics
    /// Where it succeeds.
    pub fn refused(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params).unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(answer.get("error").is_some(), "{method} was expected to fail and answered {answer}");
        answer["error"].take()
    }

    /// Posts any body.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn post(&mut self, body: &str) -> io::Result<Answer> {
        let host = self.address.clone();
        self.post_with(&[("Host", host.as_str()), ("Content-Type", "application/json")], body)
    }

    /// Posts any body with exactly these headers and its length.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn post_with(&mut self, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut head = String::from("POST / HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        // a server may refuse by the head and close before it has read a large body: its answer still counts
        let written = self.send(head.as_bytes()).and_then(|()| self.send(body.as_bytes()));
        match (self.answer(), written) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one HTTP answer.
    ///
    /// # Errors
    /// Where the connection breaks, or its head makes no sense.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let status_line = self.line()?;
        let status =
            status_line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| broken(&status_line))?;
        let mut length = None;
        let mut is_chunked = false;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
            is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let body = match (is_chunked, length) {
            (true, _) => self.chunks()?,
            (false, Some(length)) => self.exactly(length)?,
            (false, None) => Vec::new(),
        };
        Ok(Answer { status, body: String::from_utf8(body).map_err(|_| broken("the body is not UTF-8"))? })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line()?;
            let size =
                usize::from_str_radix(&size, 16).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, size))?;
            body.extend(self.exactly(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
