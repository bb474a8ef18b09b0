//! How a network is started.

use crate::identity::NodeKey;
use alloy_primitives::B256;
use libp2p::{Multiaddr, multiaddr::Protocol};
use qsdm_crypto::{Signer, Verifier};
use qsdm_primitives::{Epoch, limits};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// The chain that all peers must be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// EIP-155 id.
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis: B256,
    /// The epoch at the start; [`crate::Network::set_epoch`] moves it on.
    pub epoch: Epoch,
}

/// How a network is started.
#[derive(Clone)]
pub struct Config {
    /// Addresses to listen on. Loopback and any free port unless changed.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others reach this node, where they differ from those it listens on.
    pub external: Vec<Multiaddr>,
    /// Peers that are dialled, and dialled again whenever they are lost.
    pub peers: Vec<Multiaddr>,
    /// Who this node is.
    pub key: NodeKey,
    /// The chain.
    pub chain: Chain,
    /// Name and version of the program.
    pub agent: String,
    /// The validator's key, where the node is one.
    pub signer: Option<Arc<dyn Signer>>,
    /// Checks other validators' keys.
    pub verifier: Arc<dyn Verifier>,
    /// Quotas, queues and times.
    pub limits: Limits,
}

impl Config {
    /// A node that is no validator and listens on loopback only.
    pub fn new(key: NodeKey, chain: Chain, verifier: Arc<dyn Verifier>) -> Self {
        Self {
            listen: vec![address(IpAddr::from([127, 0, 0, 1]), 0)],
            external: Vec::new(),
            peers: Vec::new(),
            key,
            chain,
            agent: concat!("qsdm/", env!("CARGO_PKG_VERSION")).to_owned(),
            signer: None,
            verifier,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("key", &self.key)
            .field("listen", &self.listen)
            .field("peers", &self.peers)
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

/// The address of a UDP port that QUIC is spoken on.
pub(crate) fn address(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::empty().with(ip.into()).with(Protocol::Udp(port)).with(Protocol::QuicV1)
}

/// Most messages and bytes that wait for one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimit {
    /// Messages.
    pub messages: usize,
    /// Bytes.
    pub bytes: usize,
}

/// What one peer may send on average, and for how long it may save that up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages in a second.
    pub messages: u64,
    /// Bytes in a second.
    pub bytes: u64,
    /// What comes in within this time may be sent at once.
    pub burst: Duration,
}

/// Quotas, queues and times; the defaults are [`qsdm_primitives::limits`]'.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Limits {
    pub peers: usize,
    pub observers: usize,
    pub peers_wanted: usize,
    pub hellos_per_address: usize,
    pub hello: Duration,
    pub frame: Duration,
    pub stall: Duration,
    pub idle: Duration,
    pub keep_alive: Duration,
    pub redial_min: Duration,
    pub redial_max: Duration,
    pub refused_redial: Duration,
    pub ban_points: u32,
    pub ban: Duration,
    pub points_half_life: Duration,
    pub throttled: Duration,
    pub bulk_bytes_per_second: u64,
    pub consensus_queue: QueueLimit,
    pub acks_queue: QueueLimit,
    pub cells_queue: QueueLimit,
    pub transactions_queue: QueueLimit,
    pub consensus_rate: Rate,
    pub acks_rate: Rate,
    pub cells_rate: Rate,
    pub transactions_rate: Rate,
    pub requests_rate: Rate,
    pub announcements_rate: Rate,
    pub requests_open: usize,
    pub answer: Duration,
    pub votes_waiting: usize,
    pub bulk_waiting: usize,
    pub control_waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let ms = Duration::from_millis;
        let rate = |messages, bytes| Rate { messages, bytes, burst: Duration::from_secs(limits::PEER_BURST_S) };
        let queue = |messages, bytes| QueueLimit { messages, bytes };
        Self {
            peers: limits::PEERS_MAX,
            observers: limits::OBSERVERS_MAX,
            peers_wanted: limits::PEERS_WANTED,
            hellos_per_address: limits::HELLOS_PER_ADDRESS_MAX,
            hello: ms(limits::HELLO_MS_MAX),
            frame: ms(limits::FRAME_MS_MAX),
            stall: ms(limits::STALL_MS_MAX),
            idle: ms(limits::CONNECTION_IDLE_MS),
            keep_alive: ms(limits::KEEP_ALIVE_MS),
            redial_min: ms(limits::REDIAL_MS_MIN),
            redial_max: ms(limits::REDIAL_MS_MAX),
            refused_redial: ms(limits::REFUSED_REDIAL_MS),
            ban_points: limits::BAN_POINTS,
            ban: ms(limits::BAN_MS),
            points_half_life: ms(limits::POINTS_HALF_LIFE_MS),
            throttled: ms(limits::THROTTLED_MS_MAX),
            bulk_bytes_per_second: limits::BULK_BYTES_PER_SECOND,
            consensus_queue: queue(limits::CONSENSUS_QUEUE_MESSAGES_MAX, limits::CONSENSUS_QUEUE_BYTES_MAX),
            acks_queue: queue(limits::ACKS_QUEUE_MESSAGES_MAX, limits::ACKS_QUEUE_BYTES_MAX),
            cells_queue: queue(limits::CELLS_QUEUE_MESSAGES_MAX, limits::CELLS_QUEUE_BYTES_MAX),
            transactions_queue: queue(limits::TRANSACTIONS_QUEUE_MESSAGES_MAX, limits::TRANSACTIONS_QUEUE_BYTES_MAX),
            consensus_rate: rate(limits::CONSENSUS_PER_SECOND_MAX, limits::CONSENSUS_BYTES_PER_SECOND_MAX),
            acks_rate: rate(limits::ACKS_PER_SECOND_MAX, limits::ACKS_BYTES_PER_SECOND_MAX),
            cells_rate: rate(limits::PEER_CELLS_PER_SECOND_MAX, limits::PEER_BYTES_PER_SECOND_MAX),
            transactions_rate: rate(limits::TRANSACTIONS_PER_SECOND_MAX, limits::TRANSACTIONS_BYTES_PER_SECOND_MAX),
            requests_rate: rate(limits::REQUESTS_PER_SECOND_MAX, limits::REQUESTS_BYTES_PER_SECOND_MAX),
            announcements_rate: rate(limits::ANNOUNCEMENTS_PER_SECOND_MAX, limits::REQUESTS_BYTES_PER_SECOND_MAX),
            requests_open: limits::REQUESTS_OPEN_MAX,
            answer: ms(limits::ANSWER_MS_MAX),
            votes_waiting: limits::VOTES_WAITING_MAX,
            bulk_waiting: limits::BULK_WAITING_MAX,
            control_waiting: limits::CONTROL_WAITING_MAX,
        }
    }
}
