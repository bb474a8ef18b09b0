//! Writes what waits for a peer in one class.

use crate::{
    behaviour::OpenRequest,
    hello::Refusal,
    inbound::Ending,
    metrics::add,
    peers::{Peer, Shared},
    wire::{Class, frame},
};
use futures_util::{AsyncWrite, AsyncWriteExt};
use qsdm_primitives::limits::BULK_WRITE_BYTES;
use std::{io, sync::Arc};
use tokio::{sync::mpsc, time::timeout};

/// Ends where the stream breaks, or nothing is taken from it for too long. Bulk may wait for as long as the peer likes:
/// its queue drops what is old.
pub(super) async fn run(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    class: Class,
    opener: mpsc::Sender<OpenRequest>,
) -> Ending {
    let Some(queue) = peer.queue(class) else { return std::future::pending().await };
    let mut stream = None;
    loop {
        let content = queue.pop().await;
        let stream = match &mut stream {
            Some(stream) => stream,
            none => match super::open(&opener, class).await {
                Ok(opened) => none.insert(opened),
                Err(ending) => return ending,
            },
        };
        let is_urgent = class == Class::Consensus;
        let written = if is_urgent {
            match timeout(shared.config.limits.stall, frame::write(stream, &content)).await {
                Ok(written) => written,
                Err(_) => return Ending::Closed(Refusal::Stalled),
            }
        } else {
            write_bulk(&shared, stream, &content).await
        };
        if written.is_err() {
            return Ending::Lost;
        }
        sent(&shared, &peer, class, content.len());
    }
}

/// Writes in pieces that share the bandwidth with all other bulk.
pub(super) async fn write_bulk<S: AsyncWrite + Unpin>(
    shared: &Shared,
    stream: &mut S,
    content: &[u8],
) -> io::Result<()> {
    stream.write_all(&frame::header(content)).await?;
    for piece in content.chunks(BULK_WRITE_BYTES) {
        shared.pacer.pass(piece.len()).await;
        stream.write_all(piece).await?;
    }
    stream.flush().await
}

pub(super) fn sent(shared: &Shared, peer: &Peer, class: Class, bytes: usize) {
    let counters = shared.counters.class(class);
    add(&counters.sent, 1);
    add(&counters.sent_bytes, bytes as u64);
    add(&peer.bytes_out, bytes as u64);
}
