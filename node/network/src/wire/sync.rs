//! Requests and answers.

use super::decode_cell;
use crate::error::DecodeError;
use alloy_primitives::Bytes;
use qsdm_consensus::FetchRequest;
use qsdm_primitives::{
    Block, BlockId, Cell, CellId, Epoch, EpochCertificate, Height, QcRef, QuorumCertificate,
    codec::{self, CodecError, Decode, Encode, Reader, encode_byte_string, encode_list},
    compression,
    limits::{
        ANSWER_ITEMS_MAX, REFUSAL_BYTES_MAX, REQUESTED_CELLS_MAX, REQUESTED_HEIGHTS_MAX, SNAPSHOT_CHUNK_BYTES_MAX,
        SNAPSHOT_MANIFEST_BYTES_MAX,
    },
};
use std::sync::Arc;

/// What a peer is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncRequest {
    /// What consensus misses, by id.
    Fetch(FetchRequest),
    /// Certificates of the committed blocks of these heights, both included.
    Certificates {
        /// First height.
        from: Height,
        /// Last height.
        to: Height,
    },
    /// Committed blocks of these heights, each with the certificate of its parent.
    Blocks {
        /// First height.
        from: Height,
        /// Last height.
        to: Height,
    },
    /// The cells that the committed blocks of these heights include.
    Cells {
        /// First height.
        from: Height,
        /// Last height.
        to: Height,
    },
    /// What the newest snapshot consists of.
    SnapshotManifest,
    /// One piece of a snapshot.
    SnapshotChunk {
        /// The snapshot's height.
        height: Height,
        /// Which piece, from 0.
        index: u32,
    },
}

impl SyncRequest {
    /// Most items of an answer.
    pub fn items_max(&self) -> usize {
        let heights = |from: &Height, to: &Height| to.0.saturating_sub(from.0).saturating_add(1) as usize;
        match self {
            Self::Fetch(FetchRequest::Cells(cells)) => cells.len(),
            Self::Fetch(FetchRequest::Certificate(_) | FetchRequest::EpochCertificate(_)) => 1,
            Self::Certificates { from, to } | Self::Blocks { from, to } => heights(from, to),
            Self::SnapshotManifest | Self::SnapshotChunk { .. } => 1,
            Self::Fetch(FetchRequest::Block { .. }) | Self::Cells { .. } => ANSWER_ITEMS_MAX,
        }
    }

    /// Whether an answer may hold such an item. What it proves is for the node to check.
    pub fn accepts(&self, item: &SyncItem) -> bool {
        match (self, item) {
            (Self::Fetch(FetchRequest::Block { .. }) | Self::Blocks { .. }, SyncItem::Block(..)) => true,
            (Self::Certificates { .. }, SyncItem::Certificate(_)) => true,
            (Self::Fetch(FetchRequest::Certificate(wanted)), SyncItem::Certificate(certificate)) => {
                certificate.reference == *wanted
            }
            (Self::Fetch(FetchRequest::Cells(ids)), SyncItem::Cell(cell)) => ids.contains(&cell.header().id()),
            (Self::Cells { .. }, SyncItem::Cell(_)) => true,
            (Self::Fetch(FetchRequest::EpochCertificate(epoch)), SyncItem::EpochCertificate(certificate)) => {
                certificate.claim.epoch == *epoch
            }
            (Self::SnapshotManifest, SyncItem::Manifest { .. }) => true,
            (Self::SnapshotChunk { height, index }, SyncItem::Chunk { height: of, index: at, .. }) => {
                height == of && index == at
            }
            _ => false,
        }
    }
}

impl Encode for SyncRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        let range = |tag: u8, from: &Height, to: &Height, out: &mut Vec<u8>| {
            out.push(tag);
            from.encode(out);
            to.encode(out);
        };
        match self {
            Self::Fetch(FetchRequest::Block { id, above }) => {
                out.push(1);
                id.encode(out);
                above.encode(out);
            }
            Self::Fetch(FetchRequest::Certificate(reference)) => {
                out.push(2);
                reference.encode(out);
            }
            Self::Fetch(FetchRequest::Cells(cells)) => {
                out.push(3);
                encode_list(cells, out);
            }
            Self::Fetch(FetchRequest::EpochCertificate(epoch)) => {
                out.push(4);
                epoch.encode(out);
            }
            Self::Certificates { from, to } => range(5, from, to, out),
            Self::Blocks { from, to } => range(6, from, to, out),
            Self::Cells { from, to } => range(7, from, to, out),
            Self::SnapshotManifest => out.push(8),
            Self::SnapshotChunk { height, index } => {
                out.push(9);
                height.encode(out);
                index.encode(out);
            }
        }
    }
}

impl Decode for SyncRequest {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::decode(reader)? {
            1 => Self::Fetch(FetchRequest::Block { id: BlockId::decode(reader)?, above: u64::decode(reader)? }),
            2 => Self::Fetch(FetchRequest::Certificate(QcRef::decode(reader)?)),
            3 => Self::Fetch(FetchRequest::Cells(reader.list::<CellId>("cells asked for", REQUESTED_CELLS_MAX, 32)?)),
            4 => Self::Fetch(FetchRequest::EpochCertificate(Epoch::decode(reader)?)),
            5 => range(reader).map(|(from, to)| Self::Certificates { from, to })?,
            6 => range(reader).map(|(from, to)| Self::Blocks { from, to })?,
            7 => range(reader).map(|(from, to)| Self::Cells { from, to })?,
            8 => Self::SnapshotManifest,
            9 => Self::SnapshotChunk { height: Height::decode(reader)?, index: u32::decode(reader)? },
            found => return Err(CodecError::Unknown { what: "kind of request", found }),
        })
    }
}

fn range(reader: &mut Reader<'_>) -> Result<(Height, Height), CodecError> {
    let (from, to) = (Height::decode(reader)?, Height::decode(reader)?);
    match to.0.checked_sub(from.0) {
        Some(more) if more < REQUESTED_HEIGHTS_MAX => Ok((from, to)),
        // a range that ends before it begins names no height at all
        more => Err(CodecError::TooMany {
            what: "heights asked for",
            found: more.map_or(0, |more| more.saturating_add(1)),
            max: REQUESTED_HEIGHTS_MAX,
        }),
    }
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncItem {
    /// A block with the certificate of its parent, unless that is the start of the epoch.
    Block(Box<Block>, Option<Box<QuorumCertificate>>),
    /// A certificate.
    Certificate(Box<QuorumCertificate>),
    /// A cell.
    Cell(Arc<Cell>),
    /// The end of an epoch.
    EpochCertificate(Box<EpochCertificate>),
    /// What a snapshot consists of, as the store writes it.
    Manifest {
        /// The snapshot's height.
        height: Height,
        /// The list.
        bytes: Bytes,
    },
    /// A piece of a snapshot.
    Chunk {
        /// The snapshot's height.
        height: Height,
        /// Which piece.
        index: u32,
        /// Its content.
        bytes: Bytes,
    },
}

impl SyncItem {
    /// Whether a receiver takes it: what the store hands out may be too long. Blocks and cells have limits of their own.
    pub(crate) fn is_sendable(&self) -> bool {
        match self {
            Self::Manifest { bytes, .. } => bytes.len() <= SNAPSHOT_MANIFEST_BYTES_MAX,
            Self::Chunk { bytes, .. } => bytes.len() <= SNAPSHOT_CHUNK_BYTES_MAX,
            Self::Block(..) | Self::Certificate(_) | Self::Cell(_) | Self::EpochCertificate(_) => true,
        }
    }
}

/// A request with the number that its answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) request: SyncRequest,
}

impl Encode for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number.encode(out);
        self.request.encode(out);
    }
}

impl Decode for Request {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { number: u64::decode(reader)?, request: SyncRequest::decode(reader)? })
    }
}

/// What an answer's frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One more item.
    Item(SyncItem),
    /// That was all.
    End,
    /// There is no answer, or no more of it.
    Refused(String),
}

impl Answer {
    /// The content of its frame.
    pub(crate) fn to_frame(&self, number: u64) -> Vec<u8> {
        let mut out = number.to_bytes();
        match self {
            Self::End => out.push(0),
            Self::Refused(reason) => {
                out.push(1);
                let end = reason.floor_char_boundary(REFUSAL_BYTES_MAX);
                encode_byte_string(&reason.as_bytes()[..end], &mut out);
            }
            Self::Item(item) => encode_item(item, &mut out),
        }
        out
    }

    /// Reads the content of an answer's frame.
    pub(crate) fn from_frame(frame: &[u8]) -> Result<(u64, Self), DecodeError> {
        let mut reader = Reader::new(frame);
        let number = u64::decode(&mut reader)?;
        let answer = match u8::decode(&mut reader)? {
            0 => Self::End,
            1 => {
                let reason = reader.byte_string("bytes of a reason", REFUSAL_BYTES_MAX)?;
                Self::Refused(String::from_utf8_lossy(reason).into_owned())
            }
            tag => Self::Item(decode_item(tag, &mut reader)?),
        };
        match reader.left() {
            0 => Ok((number, answer)),
            left => Err(CodecError::Trailing { left }.into()),
        }
    }
}

fn encode_item(item: &SyncItem, out: &mut Vec<u8>) {
    match item {
        SyncItem::Block(block, certificate) => {
            out.push(2);
            block.encode(out);
            match certificate {
                None => out.push(0),
                Some(certificate) => {
                    out.push(1);
                    certificate.encode(out);
                }
            }
        }
        SyncItem::Certificate(certificate) => {
            out.push(3);
            certificate.encode(out);
        }
        SyncItem::Cell(cell) => {
            out.push(4);
            out.extend_from_slice(&compression::compress(&cell.to_bytes()));
        }
        SyncItem::EpochCertificate(certificate) => {
            out.push(5);
            certificate.encode(out);
        }
        SyncItem::Manifest { height, bytes } => {
            out.push(6);
            height.encode(out);
            encode_byte_string(bytes, out);
        }
        SyncItem::Chunk { height, index, bytes } => {
            out.push(7);
            height.encode(out);
            index.encode(out);
            encode_byte_string(bytes, out);
        }
    }
}

fn decode_item(tag: u8, reader: &mut Reader<'_>) -> Result<SyncItem, DecodeError> {
    Ok(match tag {
        2 => {
            let block = Box::new(Block::decode(reader)?);
            SyncItem::Block(block, Option::<QuorumCertificate>::decode(reader)?.map(Box::new))
        }
        3 => SyncItem::Certificate(Box::new(Decode::decode(reader)?)),
        // the rest of the frame is one of zstd's
        4 => SyncItem::Cell(Arc::new(decode_cell(reader.take(reader.left())?)?)),
        5 => SyncItem::EpochCertificate(Box::new(Decode::decode(reader)?)),
        6 => SyncItem::Manifest {
            height: Height::decode(reader)?,
            bytes: Bytes::copy_from_slice(reader.byte_string("bytes of a manifest", SNAPSHOT_MANIFEST_BYTES_MAX)?),
        },
        7 => SyncItem::Chunk {
            height: Height::decode(reader)?,
            index: u32::decode(reader)?,
            bytes: Bytes::copy_from_slice(reader.byte_string("bytes of a chunk", SNAPSHOT_CHUNK_BYTES_MAX)?),
        },
        found => return Err(CodecError::Unknown { what: "kind of answer", found }.into()),
    })
}

/// Reads a request's frame.
pub(crate) fn decode_request(frame: &[u8]) -> Result<Request, DecodeError> {
    Ok(codec::decode(frame)?)
}
