//! News of the node for subscriptions and filters.
//!
//! Whoever asks first takes the news in: the task that waits for them, or a filter that is polled before that task had
//! its turn. So a filter never misses what happened before it was asked, and what is made for one subscriber is made
//! once for all.

use super::{
    App,
    qsdm::ConflictView,
    view::{HeaderView, LogView, PooledTx},
};
use crate::{Sink, ports::Event};
use alloy_primitives::B256;
use parking_lot::Mutex;
use qsdm_primitives::limits::{RPC_PENDING_KEPT, RPC_REORGS_KEPT};
use qsdm_vm::{
    block::{Block, SharedTx},
    ports::LogQuery,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::sleep,
};

/// What a subscriber wants to hear.
#[derive(Debug)]
pub(super) enum Topic {
    /// Headers of new blocks.
    Heads,
    /// Logs that match.
    Logs(LogQuery),
    /// Hashes of transactions that enter the pool.
    PendingHashes,
    /// The transactions themselves.
    PendingWhole,
    /// Transactions that exclude one another, as soon as both are held.
    Conflicts,
}

struct Listener {
    id: u64,
    topic: Topic,
    sink: Sink,
}

/// See the module.
pub(crate) struct Feed(Mutex<State>);

struct State {
    news: Receiver<Event>,
    listeners: Vec<Listener>,
    next_id: u64,
    history: History,
}

/// What filters look up.
#[derive(Default)]
pub(super) struct History {
    pending: VecDeque<B256>,
    pending_seen: u64,
    /// Heights up to which the chain stayed the same when it went back, newest last.
    reorgs: VecDeque<u64>,
    reorgs_seen: u64,
}

impl History {
    /// How many transactions entered the pool so far.
    pub(super) fn pending_seen(&self) -> u64 {
        self.pending_seen
    }

    /// How often the chain went back so far.
    pub(super) fn reorgs_seen(&self) -> u64 {
        self.reorgs_seen
    }

    /// Transactions that entered the pool after the first `seen`; of very many the newest.
    pub(super) fn pending_after(&self, seen: u64) -> Vec<B256> {
        let new = usize::try_from(self.pending_seen.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.pending.iter().skip(self.pending.len().saturating_sub(new)).copied().collect()
    }

    /// The height up to which nothing changed since the chain went back `seen` times; `None` if it never did since.
    pub(super) fn unchanged_since(&self, seen: u64) -> Option<u64> {
        let new = usize::try_from(self.reorgs_seen.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.reorgs.iter().skip(self.reorgs.len().saturating_sub(new)).min().copied()
    }

    fn saw_pending(&mut self, hash: B256) {
        if self.pending.len() == RPC_PENDING_KEPT {
            self.pending.pop_front();
        }
        self.pending.push_back(hash);
        self.pending_seen += 1;
    }

    fn saw_reorg(&mut self, unchanged: u64) {
        if self.reorgs.len() == RPC_REORGS_KEPT {
            self.reorgs.pop_front();
        }
        self.reorgs.push_back(unchanged);
        self.reorgs_seen += 1;
    }
}

impl Feed {
    pub(super) fn new(news: Receiver<Event>) -> Self {
        Self(Mutex::new(State { news, listeners: Vec::new(), next_id: 0, history: History::default() }))
    }

    /// Takes in what happened until now, then looks things up.
    pub(super) fn with_history<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        let mut state = self.0.lock();
        state.take_in();
        look(&state.history)
    }

    /// Starts to serve a subscriber, until the guard is dropped.
    pub(super) fn listen(self: &Arc<Self>, topic: Topic, sink: Sink) -> Listening {
        let mut state = self.0.lock();
        // the past is not for the new one
        state.take_in();
        let id = state.next_id;
        state.next_id += 1;
        state.listeners.push(Listener { id, topic, sink });
        Listening { id, feed: Arc::downgrade(self) }
    }

    /// How many are served.
    #[cfg(test)]
    pub(super) fn listeners(&self) -> usize {
        self.0.lock().listeners.len()
    }
}

/// Ends the subscription when it is dropped.
pub(super) struct Listening {
    id: u64,
    feed: Weak<Feed>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(feed) = self.feed.upgrade() {
            feed.0.lock().listeners.retain(|listener| listener.id != self.id);
        }
    }
}

/// What follows a piece of news within this time is told together with the next one. Waking this task for each
/// transaction would cost a tenth of what including the transaction does.
const GATHERING: Duration = Duration::from_millis(3);

/// Takes news in as they come, until the node ends.
pub(super) async fn run(app: &App) {
    let mut waker = app.node.subscribe();
    loop {
        // from here on news wake this task again, so what is taken in next leaves nothing behind
        waker = waker.resubscribe();
        app.feed.with_history(|_| ());
        if let Err(RecvError::Closed) = waker.recv().await {
            return;
        }
        app.feed.with_history(|_| ());
        sleep(GATHERING).await;
    }
}

impl State {
    fn take_in(&mut self) {
        loop {
            match self.news.try_recv() {
                Ok(Event::Block(block)) => self.block(&block),
                Ok(Event::Pending(tx)) => self.pending(&tx),
                Ok(Event::Conflict(conflict)) => {
                    self.tell(|topic| matches!(topic, Topic::Conflicts), || ConflictView::from(&*conflict));
                }
                Ok(Event::Removed(blocks)) => self.removed(&blocks),
                Err(TryRecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "events came faster than subscribers were told of them");
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn block(&mut self, block: &Block) {
        let heads = |topic: &Topic| matches!(topic, Topic::Heads);
        self.tell(heads, || HeaderView { header: &block.header, hash: block.hash, pending: false });
        self.logs(block, false);
    }

    fn pending(&mut self, tx: &SharedTx) {
        self.history.saw_pending(*tx.tx_hash());
        self.tell(|topic| matches!(topic, Topic::PendingHashes), || *tx.tx_hash());
        self.tell(|topic| matches!(topic, Topic::PendingWhole), || PooledTx(tx.clone()));
    }

    fn removed(&mut self, blocks: &[Arc<Block>]) {
        if let Some(oldest) = blocks.last() {
            self.history.saw_reorg(oldest.number().saturating_sub(1));
        }
        blocks.iter().for_each(|block| self.logs(block, true));
    }

    /// Sends the same to all subscribers of a kind.
    fn tell<T: Serialize>(&mut self, wanted: impl Fn(&Topic) -> bool, news: impl FnOnce() -> T) {
        let mut listeners = self.listeners.iter().filter(|listener| wanted(&listener.topic)).peekable();
        if listeners.peek().is_none() {
            return;
        }
        if let Some(raw) = raw(&news()) {
            listeners.for_each(|listener| listener.tell(&raw));
        }
    }

    fn logs(&mut self, block: &Block, removed: bool) {
        let wanted = self.listeners.iter().filter_map(|listener| match &listener.topic {
            Topic::Logs(query) => Some((listener, query)),
            _ => None,
        });
        let wanted: Vec<_> = wanted.collect();
        if wanted.is_empty() {
            return;
        }
        for (transaction, receipt) in block.receipts.iter().enumerate() {
            for (position, log) in receipt.logs.iter().enumerate() {
                let mut made = None;
                for (listener, _) in wanted.iter().filter(|(_, query)| query.matches(log)) {
                    let make = || raw(&LogView { block, transaction, position, removed });
                    if let Some(raw) = made.get_or_insert_with(make) {
                        listener.tell(raw);
                    }
                }
            }
        }
    }
}

impl Listener {
    fn tell(&self, news: &Arc<RawValue>) {
        // one that has ended is about to be taken off the list by its guard
        let _ = self.sink.push(news);
    }
}

fn raw(news: &impl Serialize) -> Option<Arc<RawValue>> {
    // writing our own views into memory does not fail
    to_raw_value(news).ok().map(Arc::from)
}
