//! Answers a peer's requests.

use super::{FAULT_POINTS, Throttle, reader, writer};
use crate::{
    hello::Refusal,
    inbound::{Bulk, Ending, Responder},
    peers::{Peer, Shared},
    wire::{Answer, Class, decode_request, frame::FrameReader},
};
use futures_util::{
    AsyncReadExt,
    io::{ReadHalf, WriteHalf},
};
use libp2p::Stream;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// Items that wait to be written, beside the last frames of all open requests.
const ITEMS_WAITING_MAX: usize = 4;

/// Requests come one way, answers go the other.
pub(super) async fn run(shared: Arc<Shared>, peer: Arc<Peer>, stream: Stream) -> Ending {
    let (requests, answers) = stream.split();
    let open = Arc::new(AtomicUsize::new(0));
    let (replies, to_write) = mpsc::channel(shared.config.limits.requests_open + ITEMS_WAITING_MAX);
    tokio::select! {
        ending = read(&shared, &peer, requests, replies, open) => ending,
        ending = write(&shared, &peer, answers, to_write) => ending,
    }
}

async fn read(
    shared: &Shared,
    peer: &Peer,
    stream: ReadHalf<Stream>,
    replies: mpsc::Sender<(u64, Answer)>,
    open: Arc<AtomicUsize>,
) -> Ending {
    let limits = &shared.config.limits;
    let mut throttle = Throttle::new(Class::Sync, limits.requests_rate);
    let mut frames = FrameReader::new(stream, Class::Sync, limits.frame);
    loop {
        let frame = match reader::next(shared, peer, &mut frames, &mut throttle).await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ending::Lost,
            Err(error) => return reader::broken(shared, peer, &error),
        };
        let request = match decode_request(&frame) {
            Ok(request) => request,
            Err(error) => {
                reader::undecodable(shared, peer, Class::Sync, &error);
                continue;
            }
        };
        if open.load(Ordering::Relaxed) >= limits.requests_open {
            shared.penalise(peer.node, FAULT_POINTS, "more requests than may be open");
            return Ending::Closed(Refusal::Misbehaved);
        }
        // items may fill the room for a last frame: then this request waits like they do
        let responder = loop {
            match Responder::new(request.number, &replies, open.clone()) {
                Some(responder) => break responder,
                None if replies.is_closed() => return Ending::Lost,
                None => drop(replies.reserve().await),
            }
        };
        let bulk = Bulk::Request { from: peer.id, request: request.request, responder };
        if shared.bulk.send(bulk).await.is_err() {
            return Ending::Closed(Refusal::Stopping);
        }
    }
}

async fn write(
    shared: &Shared,
    peer: &Peer,
    mut stream: WriteHalf<Stream>,
    mut replies: mpsc::Receiver<(u64, Answer)>,
) -> Ending {
    while let Some((number, answer)) = replies.recv().await {
        let frame = answer.to_frame(number);
        if writer::write_bulk(shared, &mut stream, &frame).await.is_err() {
            return Ending::Lost;
        }
        writer::sent(shared, peer, Class::Sync, frame.len());
    }
    Ending::Lost
}
