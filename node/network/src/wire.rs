//! What goes over the streams, and how it is written.
//!
//! A stream carries frames: a length as `u32`, little-endian, and so many bytes. Each class of messages has a stream of its
//! own and a limit that is checked before anything is reserved for the bytes.

mod announcement;
pub(crate) mod frame;
mod sync;
#[cfg(test)]
mod tests;

pub use announcement::Announcement;
pub use sync::{SyncItem, SyncRequest};

pub(crate) use sync::{Answer, Request, decode_request};

use crate::error::DecodeError;
use alloy_primitives::Bytes as TxBytes;
use bytes::Bytes;
use libp2p::StreamProtocol;
use qsdm_consensus::{Message, MessageKind};
use qsdm_primitives::{
    Cell, CellId, Epoch,
    codec::{self, CodecError, Decode, Encode, Reader, encode_byte_string, encode_count, encode_list},
    compression,
    limits::{
        ACKS_FRAME_BYTES_MAX, ACKS_MAX, ANSWER_FRAME_BYTES_MAX, BLOCK_FRAME_BYTES_MAX, CELL_BYTES_MAX,
        CERTIFICATE_FRAME_BYTES_MAX, FORWARDED_TRANSACTIONS_MAX, FRAME_BYTES_MAX, HELLO_BYTES_MAX,
        REQUEST_FRAME_BYTES_MAX, TRANSACTIONS_FRAME_BYTES_MAX, TX_BYTES_MAX, VOTE_FRAME_BYTES_MAX,
    },
};
use std::{fmt, sync::Arc};

/// Kinds of streams. Each peer opens one of each, when it first needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// The greeting, then pings and a farewell. The only one that runs both ways, with [`Class::Sync`].
    Control = 0,
    /// Proposals, votes, timeouts, certificates.
    Consensus = 1,
    /// Ids of cells that are held.
    Acks = 2,
    /// Cells.
    Cells = 3,
    /// Transactions for their pinned author.
    Transactions = 4,
    /// Requests one way, answers the other.
    Sync = 5,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Control, Self::Consensus, Self::Acks, Self::Cells, Self::Transactions, Self::Sync];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Consensus => "consensus",
            Self::Acks => "acks",
            Self::Cells => "cells",
            Self::Transactions => "transactions",
            Self::Sync => "sync",
        }
    }

    /// Its name on the wire.
    pub const fn protocol(self) -> StreamProtocol {
        StreamProtocol::new(match self {
            Self::Control => "/qsdm/hello/1",
            Self::Consensus => "/qsdm/consensus/1",
            Self::Acks => "/qsdm/acks/1",
            Self::Cells => "/qsdm/cells/1",
            Self::Transactions => "/qsdm/transactions/1",
            Self::Sync => "/qsdm/sync/1",
        })
    }

    /// The class of a name on the wire.
    pub(crate) fn of(protocol: &StreamProtocol) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.protocol() == *protocol)
    }

    /// Most bytes of a frame that begins with this byte; on a stream of requests where that differs.
    pub(crate) fn frame_bytes_max(self, first: u8) -> usize {
        match self {
            Self::Control => HELLO_BYTES_MAX,
            Self::Consensus => message_bytes_max(first),
            Self::Acks => ACKS_FRAME_BYTES_MAX,
            Self::Cells => FRAME_BYTES_MAX,
            Self::Transactions => TRANSACTIONS_FRAME_BYTES_MAX,
            Self::Sync => REQUEST_FRAME_BYTES_MAX,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Most bytes of an answer's frame.
pub(crate) const fn answer_bytes_max() -> usize {
    ANSWER_FRAME_BYTES_MAX
}

/// Most bytes of a consensus message of this kind; of one of no known kind too, whose decoding says so.
fn message_bytes_max(kind: u8) -> usize {
    const PROPOSAL: u8 = MessageKind::Proposal as u8;
    const BLOCK: u8 = MessageKind::Block as u8;
    const CERTIFICATE: u8 = MessageKind::Certificate as u8;
    const TIMEOUT_CERTIFICATE: u8 = MessageKind::TimeoutCertificate as u8;
    const EPOCH_CERTIFICATE: u8 = MessageKind::EpochCertificate as u8;
    match kind {
        PROPOSAL | BLOCK => BLOCK_FRAME_BYTES_MAX,
        CERTIFICATE | TIMEOUT_CERTIFICATE | EPOCH_CERTIFICATE => CERTIFICATE_FRAME_BYTES_MAX,
        _ => VOTE_FRAME_BYTES_MAX,
    }
}

/// Cells that the sender holds durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acks {
    /// Their epoch.
    pub epoch: Epoch,
    /// At most [`ACKS_MAX`] of them.
    pub cells: Vec<CellId>,
}

impl Encode for Acks {
    fn encode(&self, out: &mut Vec<u8>) {
        self.epoch.encode(out);
        encode_list(&self.cells, out);
    }
}

impl Decode for Acks {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { epoch: Epoch::decode(reader)?, cells: reader.list("acknowledged cells", ACKS_MAX, 32)? })
    }
}

/// What is sent unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A proposal, vote, timeout or certificate.
    Consensus(Message),
    /// Cells that are held here.
    Acks(Acks),
    /// A cell.
    Cell(Arc<Cell>),
    /// Transactions for an author, each as its EIP-2718 bytes.
    Transactions(Vec<TxBytes>),
}

impl Outgoing {
    /// The stream it goes on.
    pub fn class(&self) -> Class {
        match self {
            Self::Consensus(_) => Class::Consensus,
            Self::Acks(_) => Class::Acks,
            Self::Cell(_) => Class::Cells,
            Self::Transactions(_) => Class::Transactions,
        }
    }

    /// The content of its frame.
    pub fn to_frame(&self) -> Bytes {
        match self {
            Self::Consensus(message) => message.to_bytes().into(),
            Self::Acks(acks) => acks.to_bytes().into(),
            Self::Cell(cell) => compression::compress(&cell.to_bytes()).into(),
            Self::Transactions(transactions) => {
                let mut out = Vec::new();
                encode_count(transactions.len(), &mut out);
                transactions.iter().for_each(|transaction| encode_byte_string(transaction, &mut out));
                out.into()
            }
        }
    }

    /// What is older goes first where a queue is full: epoch and round of a consensus message, the same for all else.
    pub(crate) fn rank(&self) -> Rank {
        match self {
            Self::Consensus(message) => rank(message),
            _ => (0, 0),
        }
    }
}

/// Epoch and round.
pub(crate) type Rank = (u64, u64);

fn rank(message: &Message) -> Rank {
    let round = match message {
        Message::Proposal(block) | Message::Block(block, _) => block.header().round.0,
        Message::Vote(vote) => vote.statement.round.0,
        Message::Timeout(timeout) => timeout.round.0,
        Message::Certificate(certificate) => certificate.reference.statement.round.0,
        Message::TimeoutCertificate(certificate) => certificate.round.0,
        // the end of an epoch is newer than all its rounds
        Message::EpochVote(_) | Message::EpochCertificate(_) => u64::MAX,
    };
    (message.epoch().0, round)
}

/// Reads the content of a cell's frame.
///
/// # Errors
/// [`DecodeError`] where it is not one frame of zstd with one cell.
pub fn decode_cell(frame: &[u8]) -> Result<Cell, DecodeError> {
    let bytes = compression::decompress(frame, CELL_BYTES_MAX)?;
    Ok(codec::decode_bounded("cell", &bytes, CELL_BYTES_MAX)?)
}

/// Reads the content of a frame of transactions.
///
/// # Errors
/// [`DecodeError`] where there are too many, one is too long, or something follows.
pub fn decode_transactions(frame: &[u8]) -> Result<Vec<TxBytes>, DecodeError> {
    let mut reader = Reader::new(frame);
    let count = reader.count("transactions", FORWARDED_TRANSACTIONS_MAX, 4)?;
    let mut transactions = Vec::with_capacity(count);
    for _ in 0..count {
        transactions.push(TxBytes::copy_from_slice(reader.byte_string("bytes of a transaction", TX_BYTES_MAX)?));
    }
    match reader.left() {
        0 => Ok(transactions),
        left => Err(CodecError::Trailing { left }.into()),
    }
}
