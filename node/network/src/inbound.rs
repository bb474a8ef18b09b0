//! What the network tells the node.

mod gossip;
mod responder;

pub use gossip::Judgement;
pub use responder::Responder;

use crate::{
    error::HelloError,
    hello::Refusal,
    wire::{Acks, Announcement, SyncRequest},
};
use alloy_primitives::Bytes;
use libp2p::{Multiaddr, PeerId as NodeId};
use qsdm_consensus::Message;
use qsdm_mesh::PeerId;
use qsdm_primitives::{Cell, Epoch, PublicKey};
use tokio::sync::mpsc;

/// What comes in, by urgency. Whoever takes from all of them takes from `control` first, then from `votes`: a peer's
/// [`Connected`] is in its channel before anything else of that peer is in another.
///
/// A full channel stops the reading of the streams that fill it, and of no others.
#[derive(Debug)]
pub struct Inbound {
    /// Connections.
    pub control: mpsc::Receiver<Control>,
    /// Consensus messages. They are decoded; no signature is verified.
    pub votes: mpsc::Receiver<Vote>,
    /// All else.
    pub bulk: mpsc::Receiver<Bulk>,
}

/// A peer that has introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Its number while it is connected.
    pub peer: PeerId,
    /// Who it is on the network.
    pub node: NodeId,
    /// Where it is.
    pub address: Multiaddr,
    /// Whether this node dialled.
    pub is_outgoing: bool,
    /// The validator that proved to run it. Whether that is one of the current set is for the node to see.
    pub validator: Option<PublicKey>,
    /// The epoch it says it is in.
    pub epoch: Epoch,
    /// Name and version of its program.
    pub agent: String,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It broke.
    Lost,
    /// This node ended it.
    Closed(Refusal),
    /// The peer ended it.
    Farewell(Refusal),
}

/// News of connections.
#[derive(Debug)]
#[non_exhaustive]
pub enum Control {
    /// A peer is there.
    Connected(Box<Connected>),
    /// A peer is gone. Nothing more comes from this number.
    Disconnected {
        /// Its number.
        peer: PeerId,
        /// Who it was.
        node: NodeId,
        /// Why.
        ending: Ending,
    },
    /// A node did not become a peer.
    Refused {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: Multiaddr,
        /// Why.
        error: HelloError,
    },
    /// Another node uses the key of this validator. Two that sign with one key are slashed: this one had better stop.
    KeySeenElsewhere {
        /// The other node, where it is known.
        node: Option<NodeId>,
        /// The peer that says so, where it was not seen from here. A single peer may lie.
        reported_by: Option<PeerId>,
    },
    /// Two connected nodes claim the same validator.
    KeyClaimedTwice {
        /// The validator.
        key: Box<PublicKey>,
        /// The one that was there.
        first: NodeId,
        /// The one that came.
        second: NodeId,
    },
}

/// A consensus message and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who sent it; not necessarily who signed it.
    pub from: PeerId,
    /// The message.
    pub message: Message,
}

/// What may wait.
#[derive(Debug)]
#[non_exhaustive]
pub enum Bulk {
    /// A peer holds cells.
    Acks {
        /// The peer.
        from: PeerId,
        /// Which cells.
        acks: Acks,
    },
    /// A cell.
    Cell {
        /// Who sent it; not necessarily its author.
        from: PeerId,
        /// The cell.
        cell: Box<Cell>,
    },
    /// Transactions for this node as an author, each as its EIP-2718 bytes.
    Transactions {
        /// Who forwards them.
        from: PeerId,
        /// The transactions.
        transactions: Vec<Bytes>,
    },
    /// A peer asks.
    Request {
        /// Who asks.
        from: PeerId,
        /// For what.
        request: SyncRequest,
        /// Takes the answer.
        responder: Responder,
    },
    /// Something that was told to everybody.
    Announcement {
        /// Who passed it on.
        from: PeerId,
        /// What was told.
        announcement: Announcement,
        /// Whether it is passed on.
        judgement: Judgement,
    },
}
