//! One peer.

use crate::{
    bucket::Quota,
    error::NetworkError,
    hello::{Hello, Refusal},
    inbound::Connected,
    metrics::{PeerInfo, read},
    peers::with_node,
    queue::Queue,
    session::Requests,
    wire::{Class, Rank},
};
use bytes::Bytes;
use libp2p::{Multiaddr, PeerId as NodeId};
use parking_lot::Mutex;
use qsdm_mesh::PeerId;
use qsdm_primitives::PublicKey;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// Ends a connection from anywhere. The first reason counts.
#[derive(Debug, Default)]
pub(crate) struct Closer {
    reason: Mutex<Option<Refusal>>,
    closed: Notify,
}

impl Closer {
    pub(crate) fn close(&self, reason: Refusal) {
        self.reason.lock().get_or_insert(reason);
        self.closed.notify_one();
    }

    /// The reason, as soon as there is one. One task waits.
    pub(crate) async fn closed(&self) -> Refusal {
        loop {
            if let Some(reason) = self.reason.lock().clone() {
                return reason;
            }
            self.closed.notified().await;
        }
    }
}

/// A peer that has introduced itself, and what waits for it.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) node: NodeId,
    pub(crate) address: Multiaddr,
    pub(crate) is_outgoing: bool,
    pub(crate) hello: Hello,
    pub(crate) closer: Arc<Closer>,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// Of the last ping, in microseconds; 0 before the first.
    round_trip_us: AtomicU64,
    queues: [Queue; 4],
    pub(crate) requests: Requests,
    announcements: Mutex<Quota>,
    /// Asks for a ping at once.
    probe: Notify,
    /// How many pings were answered.
    answered: watch::Sender<u64>,
}

impl Peer {
    pub(super) fn new(
        id: PeerId,
        (node, address, is_outgoing): (NodeId, Multiaddr, bool),
        hello: Hello,
        closer: Arc<Closer>,
        limits: &crate::config::Limits,
    ) -> Self {
        let queues = [limits.consensus_queue, limits.acks_queue, limits.cells_queue, limits.transactions_queue];
        Self {
            id,
            node,
            address,
            is_outgoing,
            hello,
            closer,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            round_trip_us: AtomicU64::new(0),
            queues: queues.map(Queue::new),
            requests: Requests::new(limits.requests_open),
            announcements: Mutex::new(Quota::new(limits.announcements_rate, Instant::now())),
            probe: Notify::new(),
            answered: watch::Sender::new(0),
        }
    }

    pub(crate) fn validator(&self) -> Option<&PublicKey> {
        self.hello.binding.as_ref().map(|binding| &binding.key)
    }

    /// What waits for this peer on a stream of the class.
    pub(crate) fn queue(&self, class: Class) -> Option<&Queue> {
        match class {
            Class::Consensus => Some(&self.queues[0]),
            Class::Acks => Some(&self.queues[1]),
            Class::Cells => Some(&self.queues[2]),
            Class::Transactions => Some(&self.queues[3]),
            Class::Control | Class::Sync => None,
        }
    }

    /// Adds a frame; how many older ones went for it.
    pub(crate) fn push(&self, class: Class, rank: Rank, frame: Bytes) -> usize {
        self.queue(class).map_or(0, |queue| queue.push(rank, frame))
    }

    /// Whether one more announcement is within its share.
    pub(crate) fn takes_announcement(&self) -> bool {
        self.announcements.lock().take(1, Instant::now()).is_zero()
    }

    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        self.round_trip_us.store(micros.max(1), Ordering::Relaxed);
        self.answered.send_modify(|answered| *answered = answered.wrapping_add(1));
    }

    /// Resolves when a ping is wanted.
    pub(crate) async fn probed(&self) {
        self.probe.notified().await;
    }

    /// Whether the peer answers a ping in time.
    pub(crate) async fn answers(&self, limit: Duration) -> bool {
        let mut answered = self.answered.subscribe();
        self.probe.notify_one();
        timeout(limit, answered.changed()).await.is_ok_and(|changed| changed.is_ok())
    }

    /// Where others may reach it: where it says, or where it was dialled.
    pub(crate) fn known_address(&self) -> Option<Multiaddr> {
        let dialled = self.is_outgoing.then_some(&self.address);
        self.hello.own.first().or(dialled).map(|address| with_node(address, self.node))
    }

    pub(crate) fn connected(&self) -> Connected {
        Connected {
            peer: self.id,
            node: self.node,
            address: self.address.clone(),
            is_outgoing: self.is_outgoing,
            validator: self.validator().cloned(),
            epoch: self.hello.epoch,
            agent: self.hello.agent.clone(),
        }
    }

    pub(crate) fn info(&self, points: f64) -> PeerInfo {
        let micros = read(&self.round_trip_us);
        PeerInfo {
            peer: self.id,
            node: self.node,
            address: self.address.clone(),
            is_outgoing: self.is_outgoing,
            validator: self.validator().cloned(),
            agent: self.hello.agent.clone(),
            round_trip: (micros > 0).then(|| Duration::from_micros(micros)),
            points,
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            queued: self.queues.each_ref().map(Queue::len),
            queued_bytes: self.queues.each_ref().map(Queue::bytes),
            requests: self.requests.open(),
        }
    }

    /// Why no more is asked for.
    pub(crate) fn busy(&self) -> NetworkError {
        NetworkError::Busy { peer: self.id.0, max: self.requests.max() }
    }
}
