//! Validators of one process, connected by queues.

use super::wire::{Arrival, Inbox, News, Packet, Reply, Wire};
use alloy_primitives::keccak256;
use parking_lot::RwLock;
use qsdm_consensus::PeerId;
use qsdm_network::SyncRequest;
use qsdm_primitives::{PublicKey, ValidatorSet};
use qsdm_rpc::ports::Peer;
use std::sync::Arc;

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

    fn deliver(&self, to: PeerId, news: News) {
        let nodes = self.switch.nodes.read();
        let (Some((_, inbox)), Some((key, _))) = (nodes.get(to.0 as usize), nodes.get(self.me)) else { return };
        inbox.try_put(Arrival { from: self.id(), key: Some(key.clone()), news });
    }
}

impl Wire for Port {
    fn send(&self, to: PeerId, packet: Packet) {
        self.deliver(to, News::Packet(packet));
    }

    fn broadcast(&self, packet: Packet) {
        self.peers().into_iter().for_each(|peer| self.send(peer, packet.clone()));
    }

    fn ask(&self, to: PeerId, request: SyncRequest) {
        let reply = {
            let nodes = self.switch.nodes.read();
            let (Some((_, mine)), Some((key, _))) = (nodes.get(self.me), nodes.get(to.0 as usize)) else { return };
            Reply::Inbox { to: mine.clone(), from: to, key: key.clone() }
        };
        self.deliver(to, News::Request(request, reply));
    }

    fn peers(&self) -> Vec<PeerId> {
        let count = self.switch.nodes.read().len();
        (0..count).filter(|node| *node != self.me).map(|node| PeerId(node as u32)).collect()
    }

    fn peer_of(&self, key: &PublicKey) -> Option<PeerId> {
        let nodes = self.switch.nodes.read();
        nodes.iter().position(|(of, _)| of == key).map(|place| PeerId(place as u32))
    }

    fn describe_peers(&self) -> Vec<Peer> {
        let nodes = self.switch.nodes.read();
        let others = nodes.iter().enumerate().filter(|(place, _)| *place != self.me);
        let describe = |(place, (key, _)): (usize, &(PublicKey, Inbox))| Peer {
            node: place.to_string(),
            address: "in this process".to_owned(),
            validator: Some(keccak256(key.bytes())),
            is_outgoing: self.me < place,
            agent: concat!("qsdm/", env!("CARGO_PKG_VERSION")).to_owned(),
            round_trip_us: None,
            points: 0,
            bytes_in: 0,
            bytes_out: 0,
            queued: 0,
        };
        others.map(describe).collect()
    }

    fn penalise(&self, peer: PeerId, why: &str) {
        tracing::warn!(peer = peer.0, why, "a validator of this process breaks a rule");
    }

    fn set_validators(&self, _: &ValidatorSet) {}
}
