//! Figures for whoever watches the node.

use crate::wire::Class;
use libp2p::{Multiaddr, PeerId as NodeId};
use qsdm_mesh::PeerId;
use qsdm_primitives::PublicKey;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Sums over all peers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassMetrics {
    /// Messages that were written.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that were read.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages that were dropped from a full queue.
    pub dropped: u64,
    /// Messages that mean nothing.
    pub undecodable: u64,
    /// Times that a stream was not read because its peer sends too much.
    pub throttled: u64,
}

/// A look at the whole network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// By [`Class::ALL`].
    pub classes: [ClassMetrics; 6],
    /// Peers.
    pub peers: usize,
    /// Banned nodes.
    pub banned: usize,
    /// Nodes that did not become peers.
    pub refused: u64,
    /// Messages in [`crate::Inbound::control`].
    pub control_waiting: usize,
    /// Messages in [`crate::Inbound::votes`].
    pub votes_waiting: usize,
    /// Messages in [`crate::Inbound::bulk`].
    pub bulk_waiting: usize,
    /// Announcements by gossip that came in.
    pub announcements: u64,
    /// Of those, how many found no room.
    pub announcements_dropped: u64,
}

impl Metrics {
    /// The figures of one class.
    pub fn class(&self, class: Class) -> ClassMetrics {
        self.classes[class as usize]
    }
}

/// A look at one peer.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerInfo {
    /// Its number.
    pub peer: PeerId,
    /// Who it is.
    pub node: NodeId,
    /// Where it is.
    pub address: Multiaddr,
    /// Whether this node dialled.
    pub is_outgoing: bool,
    /// The validator that runs it.
    pub validator: Option<PublicKey>,
    /// Name and version of its program.
    pub agent: String,
    /// Time of the last ping there and back.
    pub round_trip: Option<Duration>,
    /// Points against it, of [`BAN_POINTS`](qsdm_primitives::limits::BAN_POINTS).
    pub points: f64,
    /// Bytes that came from it.
    pub bytes_in: u64,
    /// Bytes that went to it.
    pub bytes_out: u64,
    /// Messages that wait for it, of consensus, acks, cells and transactions.
    pub queued: [usize; 4],
    /// Their bytes.
    pub queued_bytes: [usize; 4],
    /// Requests to it that are open.
    pub requests: usize,
}

/// The counters behind [`ClassMetrics`].
#[derive(Debug, Default)]
pub(crate) struct ClassCounters {
    pub(crate) sent: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) received_bytes: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) undecodable: AtomicU64,
    pub(crate) throttled: AtomicU64,
}

/// All counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    classes: [ClassCounters; 6],
    pub(crate) refused: AtomicU64,
    pub(crate) announcements: AtomicU64,
    pub(crate) announcements_dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn class(&self, class: Class) -> &ClassCounters {
        &self.classes[class as usize]
    }

    pub(crate) fn classes(&self) -> [ClassMetrics; 6] {
        self.classes.each_ref().map(|counters| ClassMetrics {
            sent: read(&counters.sent),
            sent_bytes: read(&counters.sent_bytes),
            received: read(&counters.received),
            received_bytes: read(&counters.received_bytes),
            dropped: read(&counters.dropped),
            undecodable: read(&counters.undecodable),
            throttled: read(&counters.throttled),
        })
    }
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}
