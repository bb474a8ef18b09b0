//! What waits to be sent to one peer.

use crate::{config::QueueLimit, wire::Rank};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Frames of one class for one peer, in order. Adding never waits: where there is no room, the oldest of the lowest rank
/// goes.
#[derive(Debug)]
pub(crate) struct Queue {
    limit: QueueLimit,
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<(Rank, Bytes)>,
    bytes: usize,
}

impl Queue {
    pub(crate) fn new(limit: QueueLimit) -> Self {
        Self { limit, state: Mutex::default(), filled: Notify::new() }
    }

    /// Adds a frame; how many went for it, itself included where it is the oldest.
    pub(crate) fn push(&self, rank: Rank, frame: Bytes) -> usize {
        let mut dropped = 0;
        let mut state = self.state.lock();
        state.bytes += frame.len();
        state.frames.push_back((rank, frame));
        while state.frames.len() > self.limit.messages || state.bytes > self.limit.bytes {
            let oldest = state.frames.iter().enumerate().min_by_key(|(_, (rank, _))| *rank).map(|(place, _)| place);
            let Some((_, frame)) = oldest.and_then(|place| state.frames.remove(place)) else { break };
            state.bytes -= frame.len();
            dropped += 1;
        }
        drop(state);
        self.filled.notify_one();
        dropped
    }

    /// The next frame, as soon as there is one. One task takes.
    pub(crate) async fn pop(&self) -> Bytes {
        loop {
            if let Some(frame) = self.take() {
                return frame;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Bytes> {
        let mut state = self.state.lock();
        let (_, frame) = state.frames.pop_front()?;
        state.bytes -= frame.len();
        Some(frame)
    }

    /// Frames that wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().frames.len()
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(queue: &Queue) -> Vec<Bytes> {
        std::iter::from_fn(|| queue.take()).collect()
    }

    proptest! {
        #[test]
        fn a_full_queue_keeps_the_newest_rounds_in_order(
            pushed in proptest::collection::vec((0_u64..5, 1_usize..40), 0..60)
        ) {
            let queue = Queue::new(QueueLimit { messages: 10, bytes: 200 });
            let mut dropped = 0;
            for (place, (round, length)) in pushed.iter().enumerate() {
                dropped += queue.push((0, *round), vec![place as u8; *length].into());
                prop_assert!(queue.len() <= 10 && queue.bytes() <= 200);
            }
            let kept = drain(&queue);
            prop_assert_eq!(kept.len() + dropped, pushed.len());
            prop_assert!(kept.is_sorted_by_key(|frame| frame[0]));
            prop_assert_eq!(queue.bytes(), 0);
        }
    }

    #[test]
    fn the_oldest_of_the_oldest_round_goes() {
        let queue = Queue::new(QueueLimit { messages: 3, bytes: 1_000 });
        for (round, name) in [(2, "b"), (1, "a"), (3, "c"), (1, "d"), (4, "e")] {
            queue.push((0, round), name.into());
        }
        assert_eq!(drain(&queue), ["b", "c", "e"]);
        assert_eq!(queue.push((0, 9), vec![0; 2_000].into()), 1, "more than the whole queue may hold");
        assert_eq!(queue.len(), 0);
    }
}
