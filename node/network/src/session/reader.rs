//! Reads a peer's messages of one class.

use super::{FAULT_POINTS, Throttle, UNDECODABLE_POINTS};
use crate::{
    error::{DecodeError, FrameError},
    hello::Refusal,
    inbound::{Bulk, Ending, Vote},
    metrics::add,
    peers::{Peer, Shared},
    wire::{Class, decode_cell, decode_transactions, frame::FrameReader},
};
use libp2p::Stream;
use qsdm_primitives::{
    codec::decode_bounded,
    limits::{ACKS_FRAME_BYTES_MAX, BLOCK_FRAME_BYTES_MAX},
};
use std::sync::Arc;

/// Ends where the stream can't be read any further.
pub(super) async fn run(shared: Arc<Shared>, peer: Arc<Peer>, class: Class, stream: Stream) -> Ending {
    let limits = &shared.config.limits;
    let rate = match class {
        Class::Consensus => limits.consensus_rate,
        Class::Acks => limits.acks_rate,
        Class::Cells => limits.cells_rate,
        _ => limits.transactions_rate,
    };
    let mut throttle = Throttle::new(class, rate);
    let mut reader = FrameReader::new(stream, class, limits.frame);
    loop {
        let frame = match next(&shared, &peer, &mut reader, &mut throttle).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ending::Lost,
            Err(error) => return broken(&shared, &peer, &error),
        };
        match deliver(&shared, &peer, class, &frame).await {
            Ok(true) => {}
            Ok(false) => return Ending::Closed(Refusal::Stopping),
            Err(error) => undecodable(&shared, &peer, class, &error),
        }
    }
}

/// The next frame, when the peer's quota has room for it. Until then nothing of the stream is read.
pub(super) async fn next(
    shared: &Shared,
    peer: &Peer,
    reader: &mut FrameReader<impl futures_util::AsyncRead + Unpin>,
    throttle: &mut Throttle,
) -> Result<Option<Vec<u8>>, FrameError> {
    let Some(head) = reader.head().await? else { return Ok(None) };
    throttle.pass(shared, peer, head.length).await;
    let frame = reader.body(head).await?;
    let counters = shared.counters.class(throttle.class);
    add(&counters.received, 1);
    add(&counters.received_bytes, frame.len() as u64);
    add(&peer.bytes_in, frame.len() as u64);
    Ok(Some(frame))
}

/// Decodes a frame and hands it to the node, when there is room; false where the node takes nothing any more.
async fn deliver(shared: &Shared, peer: &Peer, class: Class, frame: &[u8]) -> Result<bool, DecodeError> {
    let from = peer.id;
    let bulk = match class {
        Class::Consensus => {
            let message = decode_bounded("consensus message", frame, BLOCK_FRAME_BYTES_MAX)?;
            return Ok(shared.votes.send(Vote { from, message }).await.is_ok());
        }
        Class::Acks => Bulk::Acks { from, acks: decode_bounded("acknowledgements", frame, ACKS_FRAME_BYTES_MAX)? },
        Class::Cells => Bulk::Cell { from, cell: Box::new(decode_cell(frame)?) },
        _ => Bulk::Transactions { from, transactions: decode_transactions(frame)? },
    };
    Ok(shared.bulk.send(bulk).await.is_ok())
}

/// A message that means nothing costs points; the next one may mean something.
pub(super) fn undecodable(shared: &Shared, peer: &Peer, class: Class, error: &DecodeError) {
    add(&shared.counters.class(class).undecodable, 1);
    shared.penalise(peer.node, UNDECODABLE_POINTS, &error.to_string());
}

/// A stream whose next frame can't be found is the end of the connection.
pub(super) fn broken(shared: &Shared, peer: &Peer, error: &FrameError) -> Ending {
    if !error.is_fault() {
        return Ending::Lost;
    }
    shared.penalise(peer.node, FAULT_POINTS, &error.to_string());
    Ending::Closed(Refusal::Misbehaved)
}
