//! Cells: what authors write into their lanes.

use crate::{
    codec::{CodecError, Decode, Encode, Reader, encode_byte_string, encode_count},
    ids::{BodyHash, CellId, Epoch, LaneId},
    limits::{CELL_BYTES_MAX, CELL_TRANSACTIONS_MAX},
    signature::Signature,
    statement::{Domain, Statement, hash_of},
    submesh::SubmeshId,
};
use alloy_primitives::Bytes;

/// How many cells a cell of a submesh links to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Dimension {
    /// Two: the author's own last cell and a peer's.
    Two = 2,
    /// Three: and a bridge into another submesh.
    Three = 3,
}

/// The cells that a cell names as its parents. Where a chain of links begins, a link names the submesh's root cell,
/// [`root_cell`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Links {
    /// The author's own last cell in this lane.
    pub own: CellId,
    /// Another author's cell in the same submesh.
    pub peer: CellId,
    /// A third author's cell in another submesh; in three dimensions only.
    pub bridge: Option<CellId>,
}

impl Links {
    /// Two or three.
    pub fn dimension(&self) -> Dimension {
        if self.bridge.is_some() { Dimension::Three } else { Dimension::Two }
    }

    /// Own, peer, and bridge where there is one.
    pub fn iter(&self) -> impl Iterator<Item = CellId> + use<> {
        [self.own, self.peer].into_iter().chain(self.bridge)
    }
}

/// The signed part of a cell. Its hash is the cell's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellHeader {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The epoch whose set the author belongs to.
    pub epoch: Epoch,
    /// Submesh and author.
    pub lane: LaneId,
    /// Place in the lane, from 0.
    pub seq: u64,
    /// 1 + the greatest depth among the links into the same submesh; a root cell's is 0.
    pub depth: u64,
    /// The parents.
    pub links: Links,
    /// Milliseconds since the Unix epoch, by the author's clock; never before a parent's.
    pub time_ms: u64,
    /// What the transactions may use together, in gas: execution stops there.
    pub gas_limit: u64,
    /// How many transactions the body has. A cell without one is a witness.
    pub transactions: u32,
    /// BLAKE3-256 of the body's canonical bytes.
    pub body: BodyHash,
}

impl CellHeader {
    /// BLAKE3-256 of the canonical bytes.
    pub fn id(&self) -> CellId {
        CellId(hash_of(self))
    }

    /// Whether the cell has no transactions and only entangles others.
    pub fn is_witness(&self) -> bool {
        self.transactions == 0
    }
}

/// The transactions of a cell, each as its EIP-2718 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellBody {
    /// In the order in which they are to run.
    pub transactions: Vec<Bytes>,
}

impl CellBody {
    /// BLAKE3-256 of the canonical bytes.
    pub fn hash(&self) -> BodyHash {
        BodyHash(hash_of(self))
    }
}

/// A header with its author's signature: all that is needed to prove what the author wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCellHeader {
    /// The signed part.
    pub header: CellHeader,
    /// The author's signature of the header's id.
    pub signature: Signature,
}

/// A whole cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What is signed, and the signature.
    pub signed: SignedCellHeader,
    /// The transactions.
    pub body: CellBody,
}

impl Cell {
    /// The signed part.
    pub fn header(&self) -> &CellHeader {
        &self.signed.header
    }
}

/// The root cell R of a submesh in an epoch: where its lanes begin. Nobody writes it; it is a constant.
pub fn root_cell(chain_id: u64, epoch: Epoch, submesh: SubmeshId) -> CellId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"QSDM-root-cell-v1").update(&chain_id.to_le_bytes());
    hasher.update(&epoch.0.to_le_bytes()).update(&submesh.0.to_le_bytes());
    CellId(*hasher.finalize().as_bytes())
}

impl Statement for CellHeader {
    const DOMAIN: Domain = Domain::Cell;

    fn statement_id(&self) -> [u8; 32] {
        self.id().0
    }
}

/// Version of the cell format, the first byte of a header.
const CELL_VERSION: u8 = 1;

impl Encode for Links {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.dimension() as u8);
        self.iter().for_each(|link| link.encode(out));
    }
}

impl Decode for Links {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let dimension = u8::decode(reader)?;
        let (own, peer) = (Decode::decode(reader)?, Decode::decode(reader)?);
        let bridge = match dimension {
            2 => None,
            3 => Some(Decode::decode(reader)?),
            found => return Err(CodecError::Unknown { what: "number of links", found }),
        };
        Ok(Self { own, peer, bridge })
    }
}

impl Encode for CellHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(CELL_VERSION);
        self.chain_id.encode(out);
        self.epoch.encode(out);
        self.lane.encode(out);
        self.seq.encode(out);
        self.depth.encode(out);
        self.links.encode(out);
        self.time_ms.encode(out);
        self.gas_limit.encode(out);
        self.transactions.encode(out);
        self.body.encode(out);
    }
}

impl Decode for CellHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::decode(reader)? {
            CELL_VERSION => {}
            found => return Err(CodecError::Unknown { what: "version of a cell", found }),
        }
        Ok(Self {
            chain_id: Decode::decode(reader)?,
            epoch: Decode::decode(reader)?,
            lane: Decode::decode(reader)?,
            seq: Decode::decode(reader)?,
            depth: Decode::decode(reader)?,
            links: Decode::decode(reader)?,
            time_ms: Decode::decode(reader)?,
            gas_limit: Decode::decode(reader)?,
            transactions: Decode::decode(reader)?,
            body: Decode::decode(reader)?,
        })
    }
}

impl Encode for CellBody {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_count(self.transactions.len(), out);
        self.transactions.iter().for_each(|transaction| encode_byte_string(transaction, out));
    }
}

impl Decode for CellBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let count = reader.count("transactions of a cell", CELL_TRANSACTIONS_MAX, 4)?;
        let mut transactions = Vec::with_capacity(count);
        for _ in 0..count {
            let bytes = reader.byte_string("bytes of a transaction", CELL_BYTES_MAX)?;
            transactions.push(Bytes::copy_from_slice(bytes));
        }
        Ok(Self { transactions })
    }
}

impl Encode for SignedCellHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedCellHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { header: Decode::decode(reader)?, signature: Decode::decode(reader)? })
    }
}

impl Encode for Cell {
    fn encode(&self, out: &mut Vec<u8>) {
        self.signed.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Cell {
    /// The body must be the one that the header commits to: its hash and its count are checked here.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let before = reader.left();
        let cell = Self { signed: Decode::decode(reader)?, body: CellBody::decode(reader)? };
        let found = before - reader.left();
        if found > CELL_BYTES_MAX {
            return Err(CodecError::TooLong { what: "cell", found, max: CELL_BYTES_MAX });
        }
        let (claimed, found) = (cell.header().transactions, cell.body.transactions.len() as u64);
        if u64::from(claimed) != found {
            return Err(CodecError::Mismatch { what: "transactions of a cell", found, expected: claimed.into() });
        }
        if cell.header().body != cell.body.hash() {
            return Err(CodecError::WrongHash { what: "body of a cell" });
        }
        Ok(cell)
    }
}
