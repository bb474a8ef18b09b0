//! Who becomes a peer, and which of two connections stays.

use super::{Closer, Peer, Shared, Table};
use crate::{
    behaviour::Link,
    hello::{Hello, Refusal},
};
use libp2p::{PeerId as NodeId, swarm::ConnectionId};
use qsdm_mesh::PeerId;
use qsdm_primitives::{PublicKey, limits::RIVAL_MS_MAX};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// The one connection with a node.
pub(crate) struct Slot {
    connection: ConnectionId,
    is_outgoing: bool,
    instance: u64,
    validator: Option<PublicKey>,
    /// Whether both sides have said welcome.
    is_live: bool,
    pub(crate) closer: Arc<Closer>,
}

/// A place for a node that may become a peer.
pub(crate) struct Admitted {
    pub(crate) closer: Arc<Closer>,
    /// Another node that claims the same validator.
    pub(crate) elsewhere: Option<NodeId>,
    /// Whether that validator is this node's own.
    pub(crate) is_own_key: bool,
}

/// One of the connections of an address that have not said who they are; counted until it is dropped.
pub(crate) struct Greeting<'a> {
    shared: &'a Shared,
    ip: Option<IpAddr>,
}

impl Drop for Greeting<'_> {
    fn drop(&mut self) {
        let mut table = self.shared.table.lock();
        let Some(ip) = self.ip else { return };
        if let Some(count) = table.greeting.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                table.greeting.remove(&ip);
            }
        }
    }
}

impl Shared {
    /// Counts a connection from an address; none where there are too many.
    pub(crate) fn greeting(&self, link: &Link) -> Option<Greeting<'_>> {
        let ip = super::ip_of(&link.address).filter(|_| !link.is_outgoing);
        if let Some(ip) = ip {
            let mut table = self.table.lock();
            let count = table.greeting.entry(ip).or_default();
            if *count >= self.config.limits.hellos_per_address {
                return None;
            }
            *count += 1;
        }
        Some(Greeting { shared: self, ip })
    }

    /// Whether another process with the node's identity is connected and alive. One that was killed a moment ago is
    /// connected and does not answer: its successor takes its place.
    pub(crate) async fn has_living_rival(&self, node: &NodeId, instance: u64) -> bool {
        let rival = {
            let table = self.table.lock();
            let is_other = table.slots.get(node).is_some_and(|slot| slot.is_live && slot.instance != instance);
            table.peers.values().find(|peer| is_other && peer.node == *node).cloned()
        };
        match rival {
            Some(rival) => rival.answers(Duration::from_millis(RIVAL_MS_MAX)).await,
            None => false,
        }
    }

    /// Gives a place to a node that said hello. The connection that has to yield to it, if any, is closed.
    pub(crate) fn admit(&self, link: &Link, hello: &Hello) -> Result<Admitted, Refusal> {
        let mut table = self.table.lock();
        if table.is_stopping {
            return Err(Refusal::Stopping);
        }
        let validator = hello.binding.as_ref().map(|binding| binding.key.clone());
        if let Some(slot) = table.slots.get(&link.node) {
            let reason = slot.yields_to(link, hello.instance, &self.node)?;
            slot.closer.close(reason);
        } else {
            table.check_room(&link.node, validator.as_ref(), &self.config.limits)?;
        }
        let same_key = |slot: &Slot| validator.is_some() && slot.validator == validator;
        let elsewhere =
            table.slots.iter().find(|(node, slot)| **node != link.node && same_key(slot)).map(|(node, _)| *node);
        let is_own_key = validator.is_some() && validator.as_ref() == self.own_key();
        let closer = Arc::new(Closer::default());
        let slot = Slot {
            connection: link.connection,
            is_outgoing: link.is_outgoing,
            instance: hello.instance,
            validator,
            is_live: false,
            closer: closer.clone(),
        };
        table.slots.insert(link.node, slot);
        Ok(Admitted { closer, elsewhere, is_own_key })
    }

    /// Makes a peer of an admitted node; none where another connection has taken its place.
    pub(crate) fn enter(&self, link: &Link, hello: Hello, closer: Arc<Closer>) -> Option<Arc<Peer>> {
        let mut table = self.table.lock();
        let slot = table.slots.get_mut(&link.node).filter(|slot| slot.connection == link.connection)?;
        slot.is_live = true;
        let id = table.next_id();
        let seat = (link.node, link.address.clone(), link.is_outgoing);
        let peer = Arc::new(Peer::new(id, seat, hello, closer, &self.config.limits));
        table.peers.insert(id, peer.clone());
        Some(peer)
    }

    /// Frees the place of a connection that ended.
    pub(crate) fn leave(&self, link: &Link, peer: Option<PeerId>) {
        let mut table = self.table.lock();
        peer.and_then(|peer| table.peers.remove(&peer));
        if table.slots.get(&link.node).is_some_and(|slot| slot.connection == link.connection) {
            table.slots.remove(&link.node);
        }
    }
}

impl Slot {
    /// Why this connection gives way to a new one with the same node; the refusal of the new one where it doesn't. Both
    /// sides judge alike where both dialled at once.
    fn yields_to(&self, link: &Link, instance: u64, own: &NodeId) -> Result<Refusal, Refusal> {
        if self.instance != instance {
            return Ok(Refusal::Replaced);
        }
        let dialled_by_smaller = link.is_outgoing == (*own < link.node);
        if !self.is_live && (link.is_outgoing == self.is_outgoing || dialled_by_smaller) {
            return Ok(Refusal::Duplicate);
        }
        Err(Refusal::Duplicate)
    }
}

impl Table {
    /// Validators of the epoch and configured nodes find room up to the limit, others up to theirs.
    fn check_room(
        &self,
        node: &NodeId,
        validator: Option<&PublicKey>,
        limits: &crate::config::Limits,
    ) -> Result<(), Refusal> {
        let is_observer = |node: &NodeId, validator: Option<&PublicKey>| {
            !self.named.contains(node) && !validator.is_some_and(|key| self.members.contains(key))
        };
        if self.slots.len() >= limits.peers {
            return Err(Refusal::Full);
        }
        if !is_observer(node, validator) {
            return Ok(());
        }
        let observers = self.slots.iter().filter(|(node, slot)| is_observer(node, slot.validator.as_ref())).count();
        if observers < limits.observers { Ok(()) } else { Err(Refusal::Full) }
    }

    fn next_id(&mut self) -> PeerId {
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.peers.contains_key(&PeerId(self.last)) {
                return PeerId(self.last);
            }
        }
    }
}
