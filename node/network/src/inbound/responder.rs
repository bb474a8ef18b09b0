//! Takes the answer to a peer's request.

use crate::wire::{Answer, SyncItem};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// What goes out on the stream of answers: the request's number, and what is said to it.
pub(crate) type Reply = (u64, Answer);

/// Takes the answer to one request, item by item. A request whose responder is dropped is answered with a refusal.
#[derive(Debug)]
pub struct Responder {
    number: u64,
    replies: mpsc::Sender<Reply>,
    /// Room for the last frame.
    last: Option<mpsc::OwnedPermit<Reply>>,
    /// Requests of this peer without a last frame.
    open: Arc<AtomicUsize>,
}

impl Responder {
    /// None where the connection is gone, or too much is asked for already.
    pub(crate) fn new(number: u64, replies: &mpsc::Sender<Reply>, open: Arc<AtomicUsize>) -> Option<Self> {
        let last = replies.clone().try_reserve_owned().ok()?;
        open.fetch_add(1, Ordering::Relaxed);
        Some(Self { number, replies: replies.clone(), last: Some(last), open })
    }

    /// Sends one more item, when there is room for it. False where the peer is gone, or where a piece of a snapshot is longer
    /// than one may be.
    pub async fn send(&self, item: SyncItem) -> bool {
        if !item.is_sendable() {
            tracing::error!("a piece of a snapshot is longer than a frame: it is not sent");
            return false;
        }
        self.replies.send((self.number, Answer::Item(item))).await.is_ok()
    }

    /// That was all.
    pub fn finish(mut self) {
        self.end(Answer::End);
    }

    /// There is no answer, or no more of it. The reason is for people; at most
    /// [`REFUSAL_BYTES_MAX`](qsdm_primitives::limits::REFUSAL_BYTES_MAX) of it are sent.
    pub fn refuse(mut self, reason: &str) {
        self.end(Answer::Refused(reason.to_owned()));
    }

    fn end(&mut self, answer: Answer) {
        if let Some(last) = self.last.take() {
            // before it is sent: whoever has read the last frame may ask again at once
            self.open.fetch_sub(1, Ordering::Relaxed);
            last.send((self.number, answer));
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.end(Answer::Refused("not answered".to_owned()));
    }
}
