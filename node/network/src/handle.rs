//! The handle of a running network.

use crate::{
    behaviour::{Behaviour, Direct},
    config::Config,
    error::NetworkError,
    hello::Refusal,
    inbound::Inbound,
    metrics::{Metrics, PeerInfo, add, read},
    peers::{Channels, Peer, Shared},
    session::{Answers, Requests},
    swarm::{self, Command, Loop, is_dialable},
    wire::{Announcement, Class, Outgoing, SyncRequest},
};
use libp2p::{Multiaddr, PeerId as NodeId};
use qsdm_mesh::PeerId;
use qsdm_primitives::{Epoch, PublicKey, codec::Encode, limits::FAREWELL_MS_MAX};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

/// Things that the loop is told and has not done yet.
const COMMANDS_WAITING_MAX: usize = 1_024;

/// To whom something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every peer.
    All,
    /// Peers that a validator runs, of whatever set.
    Validators,
}

/// Whether an announcement was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// It will be told.
    Queued,
    /// Too many wait already; it is not told.
    Dropped,
}

/// A running network. Clones are the same one; it ends with the last of them.
#[derive(Clone)]
pub struct Network {
    guard: Arc<Guard>,
}

/// Ends the network when nobody holds it any more.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.stop();
        let (done, _) = oneshot::channel();
        drop(self.0.commands.try_send(Command::Stop(done)));
    }
}

impl Network {
    /// Listens, and dials the configured peers, on the runtime that is given.
    ///
    /// # Errors
    /// [`NetworkError`] where an address can't be listened on or is none, or the validator's key can't be used.
    pub fn start(config: Config, runtime: &Handle) -> Result<(Self, Inbound), NetworkError> {
        if let Some(bad) = config.peers.iter().find(|address| !is_dialable(address)) {
            return Err(NetworkError::Address { address: bad.to_string() });
        }
        let limits = config.limits.clone();
        let (control_sender, control) = mpsc::channel(limits.control_waiting);
        let (votes_sender, votes) = mpsc::channel(limits.votes_waiting);
        let (bulk_sender, bulk) = mpsc::channel(limits.bulk_waiting);
        let (commands, commanded) = mpsc::channel(COMMANDS_WAITING_MAX);
        let channels = Channels { control: control_sender, votes: votes_sender, bulk: bulk_sender, commands };
        let shared = Arc::new(Shared::new(config, channels)?);
        let protocols = Class::ALL.map(Class::protocol).to_vec();
        let direct = Direct::new(protocols, shared.scores.clone());
        // sockets and timers belong to the runtime
        let _entered = runtime.enter();
        let behaviour = Behaviour::new(&limits, direct, &swarm::topic(&shared))?;
        let swarm = swarm::swarm(&shared, behaviour, runtime);
        let mut state = Loop::new(swarm, shared.clone(), commanded, runtime.clone());
        state.listen()?;
        runtime.spawn(state.run());
        Ok((Self { guard: Arc::new(Guard(shared)) }, Inbound { control, votes, bulk }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.guard.0
    }

    /// Who this node is.
    pub fn node_id(&self) -> NodeId {
        self.shared().node
    }

    /// Where it listens, with its name: what others put among their peers.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.shared().listening()
    }

    /// Says which epoch it is and who its validators are: their nodes find room where others don't.
    pub fn set_epoch(&self, epoch: Epoch, validators: impl IntoIterator<Item = PublicKey>) {
        self.shared().set_epoch(epoch, validators.into_iter().collect());
    }

    /// Puts a message into the queue of a peer. It never waits: where the queue is full, the oldest goes.
    ///
    /// # Errors
    /// [`NetworkError::NotConnected`]; [`NetworkError::TooLong`] where every receiver would refuse it.
    pub fn send(&self, peer: PeerId, message: &Outgoing) -> Result<(), NetworkError> {
        self.put(&[self.shared().peer(peer)?], message)
    }

    /// Puts a message into the queues of all peers of an audience but one, encoded once. How many there are.
    ///
    /// # Errors
    /// [`NetworkError::TooLong`] where every receiver would refuse it.
    pub fn broadcast(
        &self,
        audience: Audience,
        except: Option<PeerId>,
        message: &Outgoing,
    ) -> Result<usize, NetworkError> {
        let mut peers = self.shared().peers();
        peers.retain(|peer| Some(peer.id) != except && (audience == Audience::All || peer.validator().is_some()));
        if !peers.is_empty() {
            self.put(&peers, message)?;
        }
        Ok(peers.len())
    }

    fn put(&self, peers: &[Arc<Peer>], message: &Outgoing) -> Result<(), NetworkError> {
        let class = message.class();
        let frame = message.to_frame();
        let max = class.frame_bytes_max(frame.first().copied().unwrap_or_default());
        if frame.len() > max {
            return Err(NetworkError::TooLong { class, found: frame.len(), max });
        }
        let dropped: usize = peers.iter().map(|peer| peer.push(class, message.rank(), frame.clone())).sum();
        if dropped > 0 {
            add(&self.shared().counters.class(class).dropped, dropped as u64);
            tracing::debug!(%class, dropped, "network.queue_full");
        }
        Ok(())
    }

    /// Asks a peer. Its answer comes item by item.
    ///
    /// # Errors
    /// [`NetworkError::NotConnected`]; [`NetworkError::Busy`] where as many requests to it are open as are allowed;
    /// [`NetworkError::TooLong`].
    pub fn request(&self, peer: PeerId, request: SyncRequest) -> Result<Answers, NetworkError> {
        let peer = self.shared().peer(peer)?;
        let max = Class::Sync.frame_bytes_max(0);
        let found = request.to_bytes().len() + size_of::<u64>();
        if found > max {
            return Err(NetworkError::TooLong { class: Class::Sync, found, max });
        }
        Requests::ask(&peer, request, self.shared().config.limits.answer).ok_or_else(|| peer.busy())
    }

    /// Tells everybody, by gossip.
    pub fn announce(&self, announcement: &Announcement) -> Announced {
        match self.shared().commands.try_send(Command::Announce(announcement.to_bytes())) {
            Ok(()) => Announced::Queued,
            Err(_) => Announced::Dropped,
        }
    }

    /// Counts points against a peer; at [`BAN_POINTS`](qsdm_primitives::limits::BAN_POINTS) it is banned for a while. Half of
    /// them are forgotten every five minutes.
    pub fn penalise(&self, peer: PeerId, points: u32, reason: &str) {
        if let Ok(peer) = self.shared().peer(peer) {
            self.shared().penalise(peer.node, points, reason);
        }
    }

    /// Ends a connection. The peer is told, and is not dialled for a while.
    pub fn disconnect(&self, peer: PeerId) {
        if let Ok(peer) = self.shared().peer(peer) {
            peer.closer.close(Refusal::Unwanted);
        }
    }

    /// All peers, by their numbers.
    pub fn peers(&self) -> Vec<PeerInfo> {
        let peers = self.shared().peers();
        let scores = self.shared().scores.lock();
        let now = Instant::now();
        peers.iter().map(|peer| peer.info(scores.points(&peer.node, now))).collect()
    }

    /// Figures since the start, and of now.
    pub fn metrics(&self) -> Metrics {
        let shared = self.shared();
        let waiting = |max: usize, free: usize| max.saturating_sub(free);
        Metrics {
            classes: shared.counters.classes(),
            peers: shared.peers().len(),
            banned: shared.scores.lock().bans(Instant::now()),
            refused: read(&shared.counters.refused),
            control_waiting: waiting(shared.control.max_capacity(), shared.control.capacity()),
            votes_waiting: waiting(shared.votes.max_capacity(), shared.votes.capacity()),
            bulk_waiting: waiting(shared.bulk.max_capacity(), shared.bulk.capacity()),
            announcements: read(&shared.counters.announcements),
            announcements_dropped: read(&shared.counters.announcements_dropped),
        }
    }

    /// Says farewell to all peers and ends, within a second.
    pub async fn shutdown(&self) {
        let shared = self.shared();
        let limit = Duration::from_millis(FAREWELL_MS_MAX);
        shared.stop();
        let farewells = async {
            while !shared.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        drop(timeout(limit, farewells).await);
        let (done, stopped) = oneshot::channel();
        if timeout(limit / 2, shared.commands.send(Command::Stop(done))).await.is_ok_and(|sent| sent.is_ok()) {
            drop(timeout(limit / 2, stopped).await);
        }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Network({})", self.node_id())
    }
}
