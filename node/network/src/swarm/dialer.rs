//! Whom to dial, and when.

use crate::{
    peers::{Shared, node_of},
    session::Outcome,
};
use libp2p::{
    Multiaddr, PeerId as NodeId,
    multiaddr::Protocol,
    swarm::{
        ConnectionId, DialError,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use qsdm_primitives::limits::ADDRESSES_KNOWN_MAX;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};
use tokio::time::Instant;

/// How long the node with the greater name waits for the other one to dial: two connections that meet cost one of them.
const YIELD: Duration = Duration::from_millis(200);

/// Addresses to dial.
pub(super) struct Dialer {
    own: NodeId,
    min: Duration,
    max: Duration,
    refused: Duration,
    targets: Vec<Target>,
    random: RandomState,
}

/// One address.
struct Target {
    address: Multiaddr,
    /// Who is there, once that is known.
    node: Option<NodeId>,
    /// Configured, and not only heard of.
    is_named: bool,
    /// Whether it leads back to this node.
    is_self: bool,
    failures: u32,
    next: Instant,
    dialling: Option<ConnectionId>,
}

impl Dialer {
    pub(super) fn new(shared: &Shared) -> Self {
        let limits = &shared.config.limits;
        let mut dialer = Self {
            own: shared.node,
            min: limits.redial_min,
            max: limits.redial_max,
            refused: limits.refused_redial,
            targets: Vec::new(),
            random: RandomState::new(),
        };
        shared.config.peers.iter().for_each(|address| dialer.add(address.clone(), true));
        dialer
    }

    /// Takes note of addresses that peers told. They have to name the node.
    pub(super) fn learn(&mut self, addresses: Vec<Multiaddr>) {
        for address in addresses.into_iter().filter(|address| is_dialable(address) && node_of(address).is_some()) {
            let is_known = self.targets.iter().any(|target| target.address == address);
            if is_known || node_of(&address) == Some(self.own) {
                continue;
            }
            if self.targets.len() >= ADDRESSES_KNOWN_MAX {
                // one that nobody answers at makes room, else the new one is not remembered
                let worst = (0..self.targets.len()).filter(|place| !self.targets[*place].is_named);
                match worst.max_by_key(|place| self.targets[*place].failures) {
                    Some(place) if self.targets[place].failures > 0 => drop(self.targets.swap_remove(place)),
                    _ => return,
                }
            }
            self.add(address, false);
        }
    }

    fn add(&mut self, address: Multiaddr, is_named: bool) {
        let node = node_of(&address);
        let wait = if node.is_some_and(|node| node < self.own) { YIELD } else { Duration::ZERO };
        self.targets.push(Target {
            address,
            node,
            is_named,
            is_self: node == Some(self.own),
            failures: 0,
            next: Instant::now() + wait,
            dialling: None,
        });
    }

    /// What is to be dialled now.
    pub(super) fn due(&mut self, shared: &Shared, now: Instant) -> Vec<DialOpts> {
        let has_enough = shared.peers().len() >= shared.config.limits.peers_wanted;
        let mut due: Vec<DialOpts> = Vec::new();
        for target in &mut self.targets {
            let is_wanted = target.is_named || !has_enough;
            if !is_wanted || target.is_self || target.dialling.is_some() || target.next > now {
                continue;
            }
            if target
                .node
                .is_some_and(|node| shared.has_slot(&node) || due.iter().any(|other| other.get_peer_id() == Some(node)))
            {
                continue;
            }
            let options = match target.node {
                Some(node) => DialOpts::peer_id(node)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(vec![target.address.clone()])
                    .build(),
                None => DialOpts::unknown_peer_id().address(target.address.clone()).build(),
            };
            target.dialling = Some(options.connection_id());
            due.push(options);
        }
        due
    }

    /// A connection was made.
    pub(super) fn connected(&mut self, connection: ConnectionId, node: NodeId) {
        for target in self.targets.iter_mut().filter(|target| target.dialling == Some(connection)) {
            target.node = Some(node);
        }
    }

    /// An address was dialled in vain.
    pub(super) fn failed(&mut self, connection: ConnectionId, error: &DialError, now: Instant) {
        let wait = (self.min, self.max);
        for target in self.targets.iter_mut().filter(|target| target.dialling == Some(connection)) {
            target.is_self |= matches!(error, DialError::LocalPeerId { .. });
            // somebody else lives there now: whoever it is, if the address did not say whom it leads to
            if matches!(error, DialError::WrongPeerId { .. }) {
                target.node = node_of(&target.address);
            }
            target.retry(now, wait, &self.random);
        }
    }

    /// A connection that was made has ended.
    pub(super) fn ended(&mut self, connection: ConnectionId, node: NodeId, outcome: &Outcome, now: Instant) {
        let (wait, refused) = ((self.min, self.max), self.refused);
        for target in &mut self.targets {
            if target.node != Some(node) && target.dialling != Some(connection) {
                continue;
            }
            if outcome.was_peer {
                target.failures = 0;
            }
            if outcome.is_lasting {
                target.failures += 1;
                target.dialling = None;
                target.next = now + refused;
            } else {
                target.retry(now, wait, &self.random);
            }
        }
    }
}

impl Target {
    /// Twice as long as the last time, and up to half as much again, so that nodes don't dial in step.
    fn retry(&mut self, now: Instant, (min, max): (Duration, Duration), random: &RandomState) {
        self.dialling = None;
        let wait = min.saturating_mul(1 << self.failures.min(16)).min(max);
        self.failures = self.failures.saturating_add(1);
        let jitter = random.hash_one((self.failures, self.address.as_ref())) % 512;
        self.next = now + wait + wait.mul_f64(jitter as f64 / 1_024.0);
    }
}

/// Whether an address is a UDP port that QUIC is spoken on.
pub(crate) fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let is_ip = matches!(parts.next(), Some(Protocol::Ip4(ip)) if !ip.is_unspecified() && !ip.is_multicast())
        || matches!(address.iter().next(), Some(Protocol::Ip6(ip)) if !ip.is_unspecified() && !ip.is_multicast());
    let is_quic = matches!(parts.next(), Some(Protocol::Udp(port)) if port != 0)
        && matches!(parts.next(), Some(Protocol::QuicV1));
    let is_end = match parts.next() {
        None => true,
        Some(Protocol::P2p(_)) => parts.next().is_none(),
        Some(_) => false,
    };
    is_ip && is_quic && is_end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quic_on_udp_is_dialled() {
        let node = NodeId::random();
        for good in [
            "/ip4/127.0.0.1/udp/1/quic-v1",
            "/ip6/::1/udp/7545/quic-v1",
            &format!("/ip4/1.2.3.4/udp/1/quic-v1/p2p/{node}"),
        ] {
            assert!(is_dialable(&good.parse().unwrap()), "{good}");
        }
        let relayed = format!("/ip4/1.2.3.4/udp/1/quic-v1/p2p/{node}/p2p-circuit");
        for bad in [
            "/ip4/0.0.0.0/udp/1/quic-v1",
            "/ip4/1.2.3.4/tcp/1",
            "/ip4/1.2.3.4/udp/0/quic-v1",
            "/dns/x.org/udp/1/quic-v1",
            &relayed,
        ] {
            assert!(!is_dialable(&bad.parse().unwrap()), "{bad}");
        }
    }
}
