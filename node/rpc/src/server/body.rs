//! Reading the body of a request.

use super::{config::ServerLimits, connections::Slot, reply, reply::Reply};
use crate::{RpcError, memory::ByteBudget};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{
    StatusCode,
    body::{Body, Incoming},
};
use qsdm_primitives::limits::RPC_LARGE_BYTES;
use std::{sync::Arc, time::Duration};

/// How long, and how many bytes of, a refused body are still read so that its sender gets to see the refusal: closing
/// a socket with unread data resets it, and the answer on its way is lost.
const DISCARD_TIME: Duration = Duration::from_secs(5);
const DISCARD_BYTES: usize = 128 * 1024 * 1024;

/// The body as one piece, or the refusal to send.
pub(super) async fn read(
    mut body: Incoming,
    slot: &Slot,
    limits: &ServerLimits,
    large: &Arc<ByteBudget>,
) -> Result<Bytes, Reply> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.body_bytes {
        return Err(too_large(body, limits));
    }
    match slot.read_body(collect(&mut body, announced, limits, large)).await {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(Failed::TooLarge)) => Err(too_large(body, limits)),
        Some(Err(Failed::Busy)) => {
            let error = RpcError::limit_exceeded("busy: too many large requests are being received, try again");
            discard(body);
            Err(reply::last(reply::refusal(StatusCode::SERVICE_UNAVAILABLE, &error)))
        }
        Some(Err(Failed::Broken(error))) => {
            let error = RpcError::invalid_request(format!("the request body ended early: {error}"));
            Err(reply::last(reply::refusal(StatusCode::BAD_REQUEST, &error)))
        }
        None => {
            let most = limits.body_timeout.as_millis();
            let error = RpcError::timed_out(format!("the request body took longer than {most} ms"));
            Err(reply::last(reply::refusal(StatusCode::REQUEST_TIMEOUT, &error)))
        }
    }
}

enum Failed {
    TooLarge,
    Busy,
    Broken(hyper::Error),
}

async fn collect(
    body: &mut Incoming,
    announced: usize,
    limits: &ServerLimits,
    large: &Arc<ByteBudget>,
) -> Result<Bytes, Failed> {
    let Some(first) = next(body).await? else {
        return Ok(Bytes::new());
    };
    // most bodies are one piece, and stay where hyper read them
    if body.is_end_stream() && first.len() <= limits.body_bytes {
        return Ok(first);
    }
    let mut held = large.reservation();
    // as much as was announced, so that it doesn't grow by doubling; what isn't sent is never touched
    let mut whole = BytesMut::with_capacity(announced.max(first.len()));
    whole.extend_from_slice(&first);
    drop(first);
    while let Some(piece) = next(body).await? {
        let length = whole.len() + piece.len();
        if length > limits.body_bytes {
            return Err(Failed::TooLarge);
        }
        if length > RPC_LARGE_BYTES && !held.grow_to(length) {
            return Err(Failed::Busy);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failed> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(error)) => return Err(Failed::Broken(error)),
            // trailers say nothing that matters here
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

fn too_large(body: Incoming, limits: &ServerLimits) -> Reply {
    discard(body);
    let most = limits.body_bytes;
    let error = RpcError::invalid_request(format!("request body too large: more than {most} bytes; send less at once"));
    reply::last(reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, &error))
}

/// Reads on without keeping anything, beside the answer.
fn discard(mut body: Incoming) {
    tokio::spawn(async move {
        let discarding = async {
            let mut left = DISCARD_BYTES;
            while let Ok(Some(piece)) = next(&mut body).await {
                let Some(still) = left.checked_sub(piece.len()) else { break };
                left = still;
            }
        };
        // past the time the sender has had its chance
        let _ = tokio::time::timeout(DISCARD_TIME, discarding).await;
    });
}
