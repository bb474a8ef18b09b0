//! What goes wrong.

use crate::{hello::Refusal, wire::Class};
use qsdm_primitives::{codec::CodecError, compression::CompressionError};
use std::{io, path::PathBuf};

/// Why the network can't do what it is asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The file with the node's key.
    #[error("{path} can't be {what}: {error}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Read or written.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The file with the node's key can be read by others.
    #[error("{path} has the permissions {mode:o}, others may use the key: chmod 600")]
    KeyPermissions {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file with the node's key holds something else.
    #[error("{path} is no node key: 64 hexadecimal digits are expected")]
    KeyMalformed {
        /// The file.
        path: PathBuf,
    },
    /// An address that can't be listened on.
    #[error("{address} can't be listened on: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// An address of a kind that is not dialled.
    #[error("{address} is no address of a node: /ip4/…/udp/…/quic-v1 or /ip6/…/udp/…/quic-v1, with /p2p/… where known")]
    Address {
        /// The address.
        address: String,
    },
    /// The own key signs nothing.
    #[error("the validator's key did not sign the node's identity: {0}")]
    Binding(#[from] qsdm_crypto::CryptoError),
    /// The library refused its configuration.
    #[error("the network can't be set up: {reason}")]
    Setup {
        /// What it says.
        reason: String,
    },
    /// No such peer is connected.
    #[error("peer {peer} is not connected")]
    NotConnected {
        /// The peer.
        peer: u32,
    },
    /// A message that every receiver would refuse.
    #[error("a message of {found} bytes for {class} is longer than {max}")]
    TooLong {
        /// Its class.
        class: Class,
        /// Its length.
        found: usize,
        /// Most bytes.
        max: usize,
    },
    /// Too much is asked for at the same time.
    #[error("{max} requests to peer {peer} are open already")]
    Busy {
        /// The peer.
        peer: u32,
        /// Most requests.
        max: usize,
    },
    /// The network has been shut down.
    #[error("the network is shut down")]
    Closed,
}

/// Why two nodes have nothing to say to each other.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// We refuse the peer.
    #[error("{0}")]
    Refused(Refusal),
    /// The peer refuses us.
    #[error("the peer refuses this node: {0}")]
    RefusedByPeer(Refusal),
    /// Bytes that are no greeting.
    #[error("no greeting: {0}")]
    Malformed(#[from] CodecError),
    /// The stream broke.
    #[error("the greeting broke off: {0}")]
    Stream(#[from] FrameError),
    /// No stream for the greeting.
    #[error("no stream for the greeting could be opened")]
    NoStream,
    /// Too slow.
    #[error("no greeting within {ms} ms")]
    TimedOut {
        /// How long was waited.
        ms: u64,
    },
}

/// Why no frame can be read from a stream. Such a stream is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame over its class's limit.
    #[error("a frame of {found} bytes on {class} is longer than {max}")]
    TooLong {
        /// The stream's class.
        class: Class,
        /// Claimed length.
        found: usize,
        /// Most bytes.
        max: usize,
    },
    /// A frame without content.
    #[error("an empty frame on {class}")]
    Empty {
        /// The stream's class.
        class: Class,
    },
    /// A frame that takes too long.
    #[error("a frame of {claimed} bytes on {class} was not complete after {ms} ms")]
    Slow {
        /// The stream's class.
        class: Class,
        /// Claimed length.
        claimed: usize,
        /// How long was waited.
        ms: u64,
    },
    /// The stream ended within a frame, or broke.
    #[error("the stream broke: {0}")]
    Broken(#[from] io::Error),
}

impl FrameError {
    /// Whether the peer did what no honest node does, and not only the connection broke.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::Broken(_))
    }
}

/// Why a message means nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not canonical, or over a limit.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// No frame of zstd within the bounds.
    #[error("{0}")]
    Compression(#[from] CompressionError),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The peer says no.
    #[error("the peer refuses: {reason}")]
    Refused {
        /// Why, in its words; for people only.
        reason: String,
    },
    /// Nothing came.
    #[error("no answer within {ms} ms")]
    TimedOut {
        /// How long was waited.
        ms: u64,
    },
    /// Something came that was not asked for.
    #[error("the answer holds what was not asked for")]
    Unasked,
    /// More came than was asked for.
    #[error("the answer has more than {max} items")]
    TooMany {
        /// Most items.
        max: usize,
    },
    /// The connection ended.
    #[error("the peer is gone")]
    Gone,
}
