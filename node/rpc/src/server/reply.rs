//! Answers of the http layer.

use crate::{
    RpcError,
    answer::Answer,
    memory::{ByteBudget, Reservation},
};
use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    body::{Body, Frame, SizeHint},
    header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue},
};
use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

pub(super) type Reply = Response<Pieces>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The answer to a request or a batch.
pub(super) fn answer(answer: Answer) -> Reply {
    let left = answer.len() as u64;
    let (pieces, held) = answer.into_pieces();
    let mut reply = Response::new(Pieces { pieces, left, _held: Some(held) });
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

/// A refusal before the request was looked into, in the form that clients of JSON-RPC can show.
pub(super) fn refusal(status: StatusCode, error: &RpcError) -> Reply {
    let mut reply = Response::new(Pieces::from(error_body(error)));
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    *reply.status_mut() = status;
    reply
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Pieces::from(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, TEXT);
    reply
}

pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Pieces::default());
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

/// An answer that is an error, to nobody's question.
pub(super) fn error_body(error: &RpcError) -> Bytes {
    let mut answer = Answer::new(0, &ByteBudget::new(0));
    answer.push_error("null", error);
    answer.into_pieces().0.pop_front().unwrap_or_default()
}

/// The body of an answer, in the pieces in which it was written.
#[derive(Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
    /// Given back when all has been sent, or the connection is gone.
    _held: Option<Reservation>,
}

impl From<Bytes> for Pieces {
    fn from(body: Bytes) -> Self {
        Self { left: body.len() as u64, pieces: VecDeque::from([body]), _held: None }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| {
            self.left -= piece.len() as u64;
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
