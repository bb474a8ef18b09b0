//! Who is connected.

mod admission;
mod peer;

pub(crate) use admission::{Admitted, Slot};
pub(crate) use peer::{Closer, Peer};

use crate::{
    bucket::Pacer,
    config::Config,
    error::NetworkError,
    hello::{Binding, Hello, Refusal},
    inbound::{Bulk, Control, Vote},
    metrics::Counters,
    score::Scores,
    swarm::Command,
};
use libp2p::{Multiaddr, PeerId as NodeId, multiaddr::Protocol};
use parking_lot::Mutex;
use qsdm_mesh::PeerId;
use qsdm_primitives::{
    Epoch, PublicKey,
    limits::{HELLO_ADDRESSES_MAX, OWN_ADDRESSES_MAX},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};
use tokio::sync::mpsc;

/// What the tasks of a network share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) node: NodeId,
    binding: Option<Binding>,
    instance: u64,
    pub(crate) scores: Arc<Mutex<Scores>>,
    pub(crate) counters: Counters,
    pub(crate) pacer: Pacer,
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) votes: mpsc::Sender<Vote>,
    pub(crate) bulk: mpsc::Sender<Bulk>,
    pub(crate) commands: mpsc::Sender<Command>,
    table: Mutex<Table>,
}

/// Connections, and what is known of the network.
#[derive(Default)]
struct Table {
    is_stopping: bool,
    epoch: Epoch,
    /// Validators of the epoch, whose nodes find room where others do not.
    members: BTreeSet<PublicKey>,
    /// Nodes that are configured.
    named: BTreeSet<NodeId>,
    /// The last number that a peer was given.
    last: u32,
    slots: BTreeMap<NodeId, Slot>,
    peers: BTreeMap<PeerId, Arc<Peer>>,
    /// Connections by address that have not said who they are.
    greeting: BTreeMap<IpAddr, usize>,
    /// What this node listens on.
    listening: Vec<Multiaddr>,
}

/// The channels out of the network's tasks.
pub(crate) struct Channels {
    pub(crate) control: mpsc::Sender<Control>,
    pub(crate) votes: mpsc::Sender<Vote>,
    pub(crate) bulk: mpsc::Sender<Bulk>,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl Shared {
    pub(crate) fn new(config: Config, channels: Channels) -> Result<Self, NetworkError> {
        let node = config.key.node_id();
        let binding = config.signer.as_deref().map(|signer| Binding::new(signer, &node, &config.chain)).transpose()?;
        let Channels { control, votes, bulk, commands } = channels;
        let table = Table {
            epoch: config.chain.epoch,
            named: config.peers.iter().filter_map(node_of).collect(),
            ..Table::default()
        };
        Ok(Self {
            node,
            binding,
            instance: RandomState::new().build_hasher().finish(),
            scores: Arc::new(Mutex::new(Scores::new(&config.limits))),
            counters: Counters::default(),
            pacer: Pacer::new(config.limits.bulk_bytes_per_second),
            control,
            votes,
            bulk,
            commands,
            table: Mutex::new(table),
            config,
        })
    }

    /// What this node says of itself to a node at an address.
    pub(crate) fn hello(&self, to: &Multiaddr) -> Hello {
        let chain = &self.config.chain;
        let table = self.table.lock();
        let own = if self.config.external.is_empty() { &table.listening } else { &self.config.external };
        let tellable = |address: &&Multiaddr| is_tellable(address, to);
        let own = own.iter().filter(tellable).take(OWN_ADDRESSES_MAX).map(|address| with_node(address, self.node));
        Hello {
            chain_id: chain.chain_id,
            genesis: chain.genesis,
            epoch: table.epoch,
            instance: self.instance,
            agent: self.config.agent.clone(),
            own: own.collect(),
            known: table.known_to(to),
            binding: self.binding.clone(),
        }
    }

    /// Where others are reached, for a node at an address.
    pub(crate) fn known_to(&self, to: &Multiaddr) -> Vec<Multiaddr> {
        self.table.lock().known_to(to)
    }

    /// The key of this validator, if the node is one.
    pub(crate) fn own_key(&self) -> Option<&PublicKey> {
        self.binding.as_ref().map(|binding| &binding.key)
    }

    pub(crate) fn set_epoch(&self, epoch: Epoch, members: BTreeSet<PublicKey>) {
        let mut table = self.table.lock();
        table.epoch = epoch;
        table.members = members;
    }

    pub(crate) fn set_listening(&self, addresses: Vec<Multiaddr>) {
        self.table.lock().listening = addresses;
    }

    pub(crate) fn listening(&self) -> Vec<Multiaddr> {
        self.table.lock().listening.iter().map(|address| with_node(address, self.node)).collect()
    }

    pub(crate) fn peer(&self, peer: PeerId) -> Result<Arc<Peer>, NetworkError> {
        self.table.lock().peers.get(&peer).cloned().ok_or(NetworkError::NotConnected { peer: peer.0 })
    }

    pub(crate) fn peers(&self) -> Vec<Arc<Peer>> {
        self.table.lock().peers.values().cloned().collect()
    }

    /// The peer that a node is, if it is one.
    pub(crate) fn peer_of(&self, node: &NodeId) -> Option<Arc<Peer>> {
        self.table.lock().peers.values().find(|peer| peer.node == *node).cloned()
    }

    /// Whether a connection with a node is there or being set up.
    pub(crate) fn has_slot(&self, node: &NodeId) -> bool {
        self.table.lock().slots.contains_key(node)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.table.lock().is_stopping
    }

    /// Says farewell to all, and lets nobody in any more.
    pub(crate) fn stop(&self) {
        let mut table = self.table.lock();
        table.is_stopping = true;
        table.slots.values().for_each(|slot| slot.closer.close(Refusal::Stopping));
    }

    /// Whether all connections have ended.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.lock().slots.is_empty()
    }

    /// Counts points against a node; enough of them end its connection.
    pub(crate) fn penalise(&self, node: NodeId, points: u32, reason: &str) {
        let is_banned = self.scores.lock().penalise(node, points, Instant::now());
        tracing::debug!(%node, points, reason, is_banned, "network.penalise");
        if is_banned {
            let table = self.table.lock();
            table.slots.get(&node).into_iter().for_each(|slot| slot.closer.close(Refusal::Banned));
        }
    }
}

impl Table {
    /// A few peers' addresses, other ones for each that asks.
    fn known_to(&self, to: &Multiaddr) -> Vec<Multiaddr> {
        let addresses = self.peers.values().filter(|peer| peer.address != *to).filter_map(|peer| peer.known_address());
        let mut known: Vec<_> = addresses.filter(|address| is_tellable(address, to)).collect();
        let start = to.as_ref().iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        if !known.is_empty() {
            let places = known.len();
            known.rotate_left(start % places);
        }
        known.truncate(HELLO_ADDRESSES_MAX);
        known
    }
}

/// The node that an address names.
pub(crate) fn node_of(address: &Multiaddr) -> Option<NodeId> {
    address.iter().find_map(|part| match part {
        Protocol::P2p(node) => Some(node),
        _ => None,
    })
}

/// The IP address of an address.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

/// An address with the node that is reached there.
pub(crate) fn with_node(address: &Multiaddr, node: NodeId) -> Multiaddr {
    match node_of(address) {
        Some(_) => address.clone(),
        None => address.clone().with(Protocol::P2p(node)),
    }
}

/// Whether an address means the same elsewhere: loopback is only told to loopback, and no address at all to nobody.
fn is_tellable(address: &Multiaddr, to: &Multiaddr) -> bool {
    let is_local = |address: &Multiaddr| ip_of(address).is_some_and(|ip| ip.is_loopback());
    ip_of(address).is_some_and(|ip| !ip.is_unspecified()) && (!is_local(address) || is_local(to))
}
