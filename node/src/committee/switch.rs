//! Validators of one process, connected by queues.

use super::wire::{Arrival, Packet, Wire};
use parking_lot::RwLock;
use qsdm_consensus::PeerId;
use qsdm_primitives::PublicKey;
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, error::TrySendError};

/// Where a node listens: what consensus needs, and everything else.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    pub votes: Sender<Arrival>,
    pub bulk: Sender<Arrival>,
}

/// A switch that knows all nodes.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    nodes: RwLock<Vec<(PublicKey, Inbox)>>,
}

/// A node's place at a switch.
#[derive(Debug)]
pub(crate) struct Port {
    switch: Arc<Switch>,
    me: usize,
}

impl Switch {
    /// Connects a node.
    pub(crate) fn connect(self: &Arc<Self>, key: PublicKey, inbox: Inbox) -> Port {
        let mut nodes = self.nodes.write();
        nodes.push((key, inbox));
        Port { switch: Arc::clone(self), me: nodes.len() - 1 }
    }
}

impl Port {
    fn id(&self) -> PeerId {
        PeerId(self.me as u32)
    }
}

impl Wire for Port {
    fn send(&self, to: PeerId, packet: Packet) {
        let nodes = self.switch.nodes.read();
        let (Some((_, inbox)), Some((key, _))) = (nodes.get(to.0 as usize), nodes.get(self.me)) else { return };
        let queue = if matches!(packet, Packet::Message(_)) { &inbox.votes } else { &inbox.bulk };
        match queue.try_send(Arrival { from: self.id(), key: Some(key.clone()), packet }) {
            // what is lost is repeated or asked for
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => tracing::debug!(to = to.0, "a queue is full"),
        }
    }

    fn broadcast(&self, packet: Packet) {
        self.peers().into_iter().for_each(|peer| self.send(peer, packet.clone()));
    }

    fn peers(&self) -> Vec<PeerId> {
        let count = self.switch.nodes.read().len();
        (0..count).filter(|node| *node != self.me).map(|node| PeerId(node as u32)).collect()
    }

    fn peer_of(&self, key: &PublicKey) -> Option<PeerId> {
        let nodes = self.switch.nodes.read();
        nodes.iter().position(|(of, _)| of == key).map(|place| PeerId(place as u32))
    }

    fn penalise(&self, peer: PeerId, why: &str) {
        tracing::warn!(peer = peer.0, why, "a validator of this process breaks a rule");
    }
}
