//! What travels between validators, whatever carries it.

use alloy_primitives::Bytes;
use qsdm_consensus::{FetchRequest, Message, PeerId};
use qsdm_primitives::{Cell, CellId, Epoch, PublicKey};
use std::sync::Arc;

/// What travels between validators.
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
    /// A question; it is answered with messages and cells.
    Request(FetchRequest),
}

/// What arrives.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The connection.
    pub from: PeerId,
    /// The validator at its other end, as the handshake showed.
    pub key: Option<PublicKey>,
    /// What came.
    pub packet: Packet,
}

/// The way to the other nodes. Sending never waits: a connection that takes nothing more drops bulk first.
pub(crate) trait Wire: Send + Sync + 'static {
    /// To one node.
    fn send(&self, to: PeerId, packet: Packet);

    /// To all nodes.
    fn broadcast(&self, packet: Packet);

    /// The nodes that are connected.
    fn peers(&self) -> Vec<PeerId>;

    /// The connection to a validator.
    fn peer_of(&self, key: &PublicKey) -> Option<PeerId>;

    /// A node broke a rule.
    fn penalise(&self, peer: PeerId, why: &str);
}
