//! Batches: an array of requests, answered by an array.

use super::{Caller, Dispatcher};
use crate::{RpcError, answer::Answer};
use serde::de;
use serde_json::{error::Category, value::RawValue};
use std::{fmt, time::Instant};

/// After so many requests of a batch, other connections have their turn.
const REQUESTS_AT_A_STRETCH: usize = 10;

impl<S: Send + Sync + 'static> Dispatcher<S> {
    /// Appends the answer to a batch, nothing if all of it were notifications. Requests run one after another, in
    /// order, and share one deadline: a batch takes no longer than one call may.
    pub(super) async fn batch(&self, body: &[u8], caller: &Caller, out: &mut Answer) {
        let requests = match split(body, self.limits.batch_items) {
            Ok(requests) => requests,
            Err(error) => return out.push_error("null", &error),
        };
        let deadline = Some(Instant::now() + self.limits.call_time);
        for (index, request) in requests.iter().enumerate() {
            if index > 0 && index.is_multiple_of(REQUESTS_AT_A_STRETCH) {
                tokio::task::yield_now().await;
            }
            let start = out.len();
            out.push(if start == 0 { b"[" } else { b"," });
            self.single(request.get().as_bytes(), caller, deadline, out).await;
            if out.len() == start + 1 {
                out.truncate(start);
            }
        }
        if !out.is_empty() {
            out.push(b"]");
        }
    }
}

/// The elements of a batch of at most `most`. Counting stops there: a larger one costs no more to refuse.
fn split(body: &[u8], most: usize) -> Result<Vec<&RawValue>, RpcError> {
    let mut requests = Vec::new();
    let mut parser = serde_json::Deserializer::from_slice(body);
    let result = de::Deserializer::deserialize_seq(&mut parser, Elements { requests: &mut requests, most })
        .and_then(|()| parser.end());
    match result {
        Ok(()) if requests.is_empty() => Err(RpcError::invalid_request("empty batch")),
        Ok(()) => Ok(requests),
        Err(error) if error.classify() == Category::Data => Err(RpcError::invalid_request(format!(
            "batch too large: at most {most} requests, send the rest in another"
        ))),
        Err(error) => Err(RpcError::parse(format!("parse error: {error}"))),
    }
}

struct Elements<'s, 'a> {
    requests: &'s mut Vec<&'a RawValue>,
    most: usize,
}

impl<'a> de::Visitor<'a> for Elements<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} requests", self.most)
    }

    fn visit_seq<A: de::SeqAccess<'a>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(request) = sequence.next_element()? {
            if self.requests.len() == self.most {
                return Err(de::Error::invalid_length(self.most + 1, &self));
            }
            self.requests.push(request);
        }
        Ok(())
    }
}
