//! What travels between validators, whatever carries it.

use alloy_primitives::Bytes;
use qsdm_consensus::{Message, PeerId};
use qsdm_network::{Responder, SyncItem, SyncRequest};
use qsdm_primitives::{Cell, CellId, Epoch, PublicKey, ValidatorSet, limits::ARRIVALS_WAITING_MAX};
use qsdm_rpc::ports::Peer;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What is sent unasked.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    /// About blocks.
    Message(Arc<Message>),
    /// Cells that the sender holds, of an epoch.
    Acknowledge(Epoch, Vec<CellId>),
    /// A cell, from its author or because it was asked for.
    Cell(Arc<Cell>),
    /// Transactions for the author that their senders are pinned to.
    Transactions(Vec<Bytes>),
}

/// What arrives.
#[derive(Debug)]
pub(crate) enum News {
    /// Something that was sent, or is part of an answer.
    Packet(Packet),
    /// A question, and who takes the answer.
    Request(SyncRequest, Reply),
}

/// What arrives, and from whom.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The connection.
    pub from: PeerId,
    /// The validator at its other end, as the handshake showed.
    pub key: Option<PublicKey>,
    /// What came.
    pub news: News,
}

/// The way to the other nodes. Sending never waits: a connection that takes nothing more drops bulk first.
pub(crate) trait Wire: Send + Sync + 'static {
    /// To one node.
    fn send(&self, to: PeerId, packet: Packet);

    /// To all nodes.
    fn broadcast(&self, packet: Packet);

    /// Asks a node. What it answers arrives like everything else.
    fn ask(&self, to: PeerId, request: SyncRequest);

    /// The nodes that are connected.
    fn peers(&self) -> Vec<PeerId>;

    /// The connection to a validator.
    fn peer_of(&self, key: &PublicKey) -> Option<PeerId>;

    /// The same, as JSON-RPC tells of them.
    fn describe_peers(&self) -> Vec<Peer>;

    /// A node broke a rule.
    fn penalise(&self, peer: PeerId, why: &str);

    /// A new epoch has these validators.
    fn set_validators(&self, set: &ValidatorSet);
}

/// Where a node puts what arrives: what consensus needs, and everything else.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    votes: mpsc::Sender<Arrival>,
    bulk: mpsc::Sender<Arrival>,
}

/// Where a validator listens.
#[derive(Debug)]
pub(crate) struct Ears {
    pub votes: mpsc::Receiver<Arrival>,
    pub bulk: mpsc::Receiver<Arrival>,
}

impl Inbox {
    pub(crate) fn new() -> (Self, Ears) {
        let (votes, votes_from) = mpsc::channel(ARRIVALS_WAITING_MAX);
        let (bulk, bulk_from) = mpsc::channel(ARRIVALS_WAITING_MAX);
        (Self { votes, bulk }, Ears { votes: votes_from, bulk: bulk_from })
    }

    fn channel(&self, news: &News) -> &mpsc::Sender<Arrival> {
        if matches!(news, News::Packet(Packet::Message(_))) { &self.votes } else { &self.bulk }
    }

    /// Puts it in when there is room; false where nobody listens any more.
    pub(crate) async fn put(&self, arrival: Arrival) -> bool {
        self.channel(&arrival.news).send(arrival).await.is_ok()
    }

    /// Puts it in where there is room. What finds none is lost; it is repeated or asked for.
    pub(crate) fn try_put(&self, arrival: Arrival) {
        if let Err(mpsc::error::TrySendError::Full(arrival)) = self.channel(&arrival.news).try_send(arrival) {
            tracing::debug!(from = arrival.from.0, "a queue is full");
        }
    }
}

/// Takes the answer to one question.
#[derive(Debug)]
pub(crate) enum Reply {
    /// In this process: into the inbox of whoever asked.
    Inbox {
        to: Inbox,
        from: PeerId,
        key: PublicKey,
    },
    Peer(Responder),
}

impl Reply {
    /// Sends a part of the answer; false where nobody takes it any more.
    pub(crate) async fn send(&self, item: SyncItem) -> bool {
        match self {
            Self::Peer(responder) => responder.send(item).await,
            Self::Inbox { to, from, key } => match packet_of(item) {
                Some(packet) => {
                    to.put(Arrival { from: *from, key: Some(key.clone()), news: News::Packet(packet) }).await
                }
                None => true,
            },
        }
    }

    /// That was all.
    pub(crate) fn finish(self) {
        if let Self::Peer(responder) = self {
            responder.finish();
        }
    }

    /// There is no answer.
    pub(crate) fn refuse(self, why: &str) {
        if let Self::Peer(responder) = self {
            responder.refuse(why);
        }
    }
}

/// A part of an answer as if it had been sent unasked. Pieces of a snapshot are nothing of that kind.
pub(crate) fn packet_of(item: SyncItem) -> Option<Packet> {
    let message = match item {
        SyncItem::Cell(cell) => return Some(Packet::Cell(cell)),
        SyncItem::Block(block, certificate) => Message::Block(block, certificate),
        SyncItem::Certificate(certificate) => Message::Certificate(certificate),
        SyncItem::EpochCertificate(certificate) => Message::EpochCertificate(certificate),
        SyncItem::Manifest { .. } | SyncItem::Chunk { .. } => return None,
    };
    Some(Packet::Message(Arc::new(message)))
}
