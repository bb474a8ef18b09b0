//! The wire between processes: a [`Network`] and what it brings.

use super::wire::{Arrival, Inbox, News, Packet, Reply, Wire, packet_of};
use alloy_primitives::keccak256;
use parking_lot::RwLock;
use qsdm_consensus::PeerId;
use qsdm_network::{
    Acks, Answers, Audience, Bulk, Control, Inbound, Network, NetworkError, Outgoing, PeerInfo, SyncRequest, Vote,
};
use qsdm_primitives::{PublicKey, ValidatorSet, limits::RULE_POINTS};
use qsdm_rpc::ports::Peer;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// The own key is in use elsewhere, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySeen {
    /// The other node, where it is known.
    pub node: Option<String>,
    /// A peer says so; it was not seen from here.
    pub is_hearsay: bool,
}

/// A running network that carries packets.
pub(crate) struct Carrier {
    network: Network,
    inbox: Inbox,
    /// The connected peers, and the validators that run them.
    peers: RwLock<BTreeMap<PeerId, Option<PublicKey>>>,
    /// How many peers there are.
    connected: watch::Sender<usize>,
    key_seen: watch::Sender<Option<KeySeen>>,
}

impl Carrier {
    /// Puts what the network brings into the inbox, from now on.
    pub(crate) fn start(network: Network, inbound: Inbound, inbox: Inbox) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let peers = RwLock::default();
        let (connected, key_seen) = (watch::Sender::new(0), watch::Sender::new(None));
        let carrier = Arc::new(Self { network, inbox, peers, connected, key_seen });
        let Inbound { control, votes, bulk } = inbound;
        let tasks = vec![
            tokio::spawn(Arc::clone(&carrier).hear(control, votes)),
            tokio::spawn(Arc::clone(&carrier).take_bulk(bulk)),
        ];
        (carrier, tasks)
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Follows how many peers are connected.
    pub(crate) fn connected(&self) -> watch::Receiver<usize> {
        self.connected.subscribe()
    }

    /// Follows whether the own key is used elsewhere.
    pub(crate) fn key_seen(&self) -> watch::Receiver<Option<KeySeen>> {
        self.key_seen.subscribe()
    }

    /// Connections first: a peer is known before anything of it is heard.
    async fn hear(self: Arc<Self>, mut control: mpsc::Receiver<Control>, mut votes: mpsc::Receiver<Vote>) {
        loop {
            tokio::select! {
                biased;
                Some(news) = control.recv() => self.on_control(news),
                Some(Vote { from, message }) = votes.recv() => {
                    if !self.put(from, News::Packet(Packet::Message(Arc::new(message)))).await {
                        return;
                    }
                }
                else => return,
            }
        }
    }

    async fn take_bulk(self: Arc<Self>, mut bulk: mpsc::Receiver<Bulk>) {
        while let Some(one) = bulk.recv().await {
            let (from, news) = match one {
                Bulk::Acks { from, acks: Acks { epoch, cells } } => {
                    (from, News::Packet(Packet::Acknowledge(epoch, cells)))
                }
                Bulk::Cell { from, cell } => (from, News::Packet(Packet::Cell(Arc::from(cell)))),
                Bulk::Transactions { from, transactions } => (from, News::Packet(Packet::Transactions(transactions))),
                Bulk::Request { from, request, responder } => (from, News::Request(request, Reply::Peer(responder))),
                // nothing is announced on this version's chain
                _ => continue,
            };
            if !self.put(from, news).await {
                return;
            }
        }
    }

    async fn put(&self, from: PeerId, news: News) -> bool {
        let key = self.peers.read().get(&from).cloned().flatten();
        self.inbox.put(Arrival { from, key, news }).await
    }

    fn on_control(&self, news: Control) {
        match news {
            Control::Connected(peer) => {
                let mut peers = self.peers.write();
                peers.insert(peer.peer, peer.validator);
                self.connected.send_replace(peers.len());
            }
            Control::Disconnected { peer, .. } => {
                let mut peers = self.peers.write();
                peers.remove(&peer);
                self.connected.send_replace(peers.len());
            }
            Control::Refused { node, address, error } => {
                tracing::warn!(%node, %address, %error, "a node is no peer");
            }
            Control::KeySeenElsewhere { node, reported_by } => {
                let node = node.map(|node| node.to_string());
                let is_hearsay = reported_by.is_some();
                tracing::error!(?node, is_hearsay, "the validator's key is in use on another node as well");
                self.key_seen.send_replace(Some(KeySeen { node, is_hearsay }));
            }
            Control::KeyClaimedTwice { first, second, .. } => {
                tracing::warn!(%first, %second, "two nodes claim the same validator");
            }
            _ => {}
        }
    }

    /// Puts an answer into the inbox as it comes.
    async fn follow(self: Arc<Self>, from: PeerId, mut answers: Answers) {
        while let Some(item) = answers.next().await {
            match item {
                Ok(item) => {
                    let Some(packet) = packet_of(item) else { continue };
                    if !self.put(from, News::Packet(packet)).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(peer = from.0, %error, "a question is not answered");
                    return;
                }
            }
        }
    }

    fn outgoing(packet: Packet) -> Outgoing {
        match packet {
            Packet::Message(message) => Outgoing::Consensus(Arc::unwrap_or_clone(message)),
            Packet::Acknowledge(epoch, cells) => Outgoing::Acks(Acks { epoch, cells }),
            Packet::Cell(cell) => Outgoing::Cell(cell),
            Packet::Transactions(transactions) => Outgoing::Transactions(transactions),
        }
    }
}

/// A peer that is gone gets nothing; everything else is a mistake of this node.
fn log(sent: Result<(), NetworkError>) {
    match sent {
        Ok(()) | Err(NetworkError::NotConnected { .. } | NetworkError::Closed) => {}
        Err(error) => tracing::error!(%error, "nothing is sent"),
    }
}

/// The wire that a validator gets.
pub(crate) struct CarrierWire(pub Arc<Carrier>);

impl Wire for CarrierWire {
    fn send(&self, to: PeerId, packet: Packet) {
        log(self.0.network.send(to, &Carrier::outgoing(packet)));
    }

    fn broadcast(&self, packet: Packet) {
        log(self.0.network.broadcast(Audience::All, None, &Carrier::outgoing(packet)).map(drop));
    }

    fn ask(&self, to: PeerId, request: SyncRequest) {
        match self.0.network.request(to, request) {
            Ok(answers) => drop(tokio::spawn(Arc::clone(&self.0).follow(to, answers))),
            // it is asked again, or another one is
            Err(error) => tracing::debug!(peer = to.0, %error, "a question is not asked"),
        }
    }

    fn peers(&self) -> Vec<PeerId> {
        self.0.peers.read().keys().copied().collect()
    }

    fn peer_of(&self, key: &PublicKey) -> Option<PeerId> {
        let peers = self.0.peers.read();
        peers.iter().find(|(_, validator)| validator.as_ref() == Some(key)).map(|(peer, _)| *peer)
    }

    fn describe_peers(&self) -> Vec<Peer> {
        let describe = |peer: PeerInfo| Peer {
            node: peer.node.to_string(),
            address: peer.address.to_string(),
            validator: peer.validator.map(|key| keccak256(key.bytes())),
            is_outgoing: peer.is_outgoing,
            agent: peer.agent,
            round_trip_us: peer.round_trip.map(|time| time.as_micros() as u64),
            points: peer.points as u64,
            bytes_in: peer.bytes_in,
            bytes_out: peer.bytes_out,
            queued: peer.queued.iter().sum::<usize>() as u64,
        };
        self.0.network.peers().into_iter().map(describe).collect()
    }

    fn penalise(&self, peer: PeerId, why: &str) {
        self.0.network.penalise(peer, RULE_POINTS, why);
    }

    fn set_validators(&self, set: &ValidatorSet) {
        self.0.network.set_epoch(set.epoch(), set.members().iter().map(|member| member.key.clone()));
    }
}
