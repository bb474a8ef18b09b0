//! Answers of the http layer.

use super::memory::Reservation;
use crate::{RpcError, dispatch::write_error};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue},
};

pub(super) type Reply = Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The answers to requests.
pub(super) fn json(body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

/// A refusal before the request was looked into, in the form that clients of JSON-RPC can show.
pub(super) fn refusal(status: StatusCode, error: &RpcError) -> Reply {
    let mut body = Vec::new();
    write_error(&mut body, "null", error);
    let mut reply = json(body.into());
    *reply.status_mut() = status;
    reply
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, TEXT);
    reply
}

pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

pub(super) fn method_not_allowed() -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "POST a JSON-RPC request, or open a websocket\n");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, GET, HEAD, OPTIONS"));
    reply
}

/// No further request is read from this connection.
pub(super) fn last(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A large answer counts until it has been written or its connection is gone.
pub(super) struct CountedAnswer {
    pub(super) answer: Vec<u8>,
    pub(super) _held: Reservation,
}

impl AsRef<[u8]> for CountedAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}
