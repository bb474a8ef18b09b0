#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod behaviour;
mod bucket;
mod config;
mod error;
mod handle;
mod hello;
mod identity;
mod inbound;
mod metrics;
mod peers;
mod queue;
mod score;
mod session;
mod swarm;
pub mod wire;

pub use config::{Chain, Config, Limits, QueueLimit, Rate};
pub use error::{DecodeError, FrameError, HelloError, NetworkError, RequestError};
pub use handle::{Announced, Audience, Network};
pub use hello::{Binding, Hello, Refusal};
pub use identity::NodeKey;
pub use inbound::{Bulk, Connected, Control, Ending, Inbound, Judgement, Responder, Vote};
pub use metrics::{ClassMetrics, Metrics, PeerInfo};
pub use session::Answers;
pub use wire::{Acks, Announcement, Class, Outgoing, SyncItem, SyncRequest};

/// Local number of a peer for as long as it is connected. A peer that comes back has another one.
pub use qsdm_mesh::PeerId;

/// Addresses as libp2p writes them: `/ip4/192.0.2.1/udp/7545/quic-v1/p2p/12D3KooW…`.
pub use libp2p::Multiaddr;

/// Who a node is on the network: the hash of, or the Ed25519 key that its TLS certificate is signed with.
pub use libp2p::PeerId as NodeId;
