//! Blocks of the consensus chain: each commits a cut through the lanes.

use crate::{
    certificate::{QcRef, TimeoutCertificate},
    codec::{CodecError, Decode, Encode, Reader, ascending, encode_list},
    evidence::Evidence,
    ids::{BlockId, BodyHash, CellId, Epoch, ExecutionHash, Height, LaneId, Round, ValidatorIndex},
    limits::{BLOCK_BYTES_MAX, BLOCK_CUT_CHANGES_MAX, BLOCK_EVIDENCE_MAX},
    signature::Signature,
    statement::{Domain, Statement, hash_of},
};

/// The newest cell of a lane that a block includes, with all before it in that lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CutChange {
    /// The lane.
    pub lane: LaneId,
    /// Place of the cell in the lane.
    pub seq: u64,
    /// The cell.
    pub cell: CellId,
}

/// What execution had computed when a block was proposed. A quorum that votes for the block agrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Executed {
    /// Number of the newest EVM block that the proposer had executed.
    pub number: u64,
    /// Its hash.
    pub hash: ExecutionHash,
}

/// The signed part of a block. Its hash is the block's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The epoch whose set proposes and votes.
    pub epoch: Epoch,
    /// The round it was proposed in.
    pub round: Round,
    /// The parent's height and one.
    pub height: Height,
    /// The block it extends; the one that `qc` certifies.
    pub parent: BlockId,
    /// The certificate of the parent, by reference: which votes count is thereby part of what is committed.
    pub qc: QcRef,
    /// BLAKE3-256 of the body's canonical bytes.
    pub body: BodyHash,
    /// What the proposer has executed.
    pub executed: Executed,
    /// Milliseconds since the Unix epoch, by the proposer's clock; never before the parent's.
    pub time_ms: u64,
    /// Who proposes.
    pub proposer: ValidatorIndex,
}

impl BlockHeader {
    /// BLAKE3-256 of the canonical bytes.
    pub fn id(&self) -> BlockId {
        BlockId(hash_of(self))
    }
}

/// The rest of a block, under the hash in its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockBody {
    /// Why no block of the round before is extended, where none is.
    pub timeout: Option<TimeoutCertificate>,
    /// The lanes that advance, in ascending order.
    pub cut: Vec<CutChange>,
    /// Proofs of misbehaviour.
    pub evidence: Vec<Evidence>,
}

impl BlockBody {
    /// BLAKE3-256 of the canonical bytes.
    pub fn hash(&self) -> BodyHash {
        BodyHash(hash_of(self))
    }
}

/// A header with its proposer's signature: all that is needed to prove what was proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBlockHeader {
    /// The signed part.
    pub header: BlockHeader,
    /// The proposer's signature of the header's id.
    pub signature: Signature,
}

/// A whole block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What is signed, and the signature.
    pub signed: SignedBlockHeader,
    /// The rest.
    pub body: BlockBody,
}

impl Block {
    /// The signed part.
    pub fn header(&self) -> &BlockHeader {
        &self.signed.header
    }
}

impl Statement for BlockHeader {
    const DOMAIN: Domain = Domain::Block;

    fn statement_id(&self) -> [u8; 32] {
        self.id().0
    }
}

/// Version of the block format, the first byte of a header.
const BLOCK_VERSION: u8 = 1;
const CUT_CHANGE_BYTES: usize = 4 + 2 + 8 + 32;

impl Encode for CutChange {
    fn encode(&self, out: &mut Vec<u8>) {
        self.lane.encode(out);
        self.seq.encode(out);
        self.cell.encode(out);
    }
}

impl Decode for CutChange {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { lane: Decode::decode(reader)?, seq: Decode::decode(reader)?, cell: Decode::decode(reader)? })
    }
}

impl Encode for Executed {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number.encode(out);
        self.hash.encode(out);
    }
}

impl Decode for Executed {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { number: Decode::decode(reader)?, hash: Decode::decode(reader)? })
    }
}

impl Encode for BlockHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(BLOCK_VERSION);
        self.chain_id.encode(out);
        self.epoch.encode(out);
        self.round.encode(out);
        self.height.encode(out);
        self.parent.encode(out);
        self.qc.encode(out);
        self.body.encode(out);
        self.executed.encode(out);
        self.time_ms.encode(out);
        self.proposer.encode(out);
    }
}

impl Decode for BlockHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::decode(reader)? {
            BLOCK_VERSION => {}
            found => return Err(CodecError::Unknown { what: "version of a block", found }),
        }
        Ok(Self {
            chain_id: Decode::decode(reader)?,
            epoch: Decode::decode(reader)?,
            round: Decode::decode(reader)?,
            height: Decode::decode(reader)?,
            parent: Decode::decode(reader)?,
            qc: Decode::decode(reader)?,
            body: Decode::decode(reader)?,
            executed: Decode::decode(reader)?,
            time_ms: Decode::decode(reader)?,
            proposer: Decode::decode(reader)?,
        })
    }
}

impl Encode for BlockBody {
    fn encode(&self, out: &mut Vec<u8>) {
        self.timeout.encode(out);
        encode_list(&self.cut, out);
        encode_list(&self.evidence, out);
    }
}

impl Decode for BlockBody {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let timeout = Decode::decode(reader)?;
        let cut: Vec<CutChange> = reader.list("cut changes of a block", BLOCK_CUT_CHANGES_MAX, CUT_CHANGE_BYTES)?;
        ascending("the lanes of a cut", cut.iter().map(|change| change.lane))?;
        let evidence: Vec<Evidence> = reader.list("proofs of misbehaviour in a block", BLOCK_EVIDENCE_MAX, 1)?;
        Ok(Self { timeout, cut, evidence })
    }
}

impl Encode for SignedBlockHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedBlockHeader {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { header: Decode::decode(reader)?, signature: Decode::decode(reader)? })
    }
}

impl Encode for Block {
    fn encode(&self, out: &mut Vec<u8>) {
        self.signed.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Block {
    /// The body must be the one that the header commits to.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let before = reader.left();
        let block = Self { signed: Decode::decode(reader)?, body: BlockBody::decode(reader)? };
        let found = before - reader.left();
        if found > BLOCK_BYTES_MAX {
            return Err(CodecError::TooLong { what: "block", found, max: BLOCK_BYTES_MAX });
        }
        if block.header().body != block.body.hash() {
            return Err(CodecError::WrongHash { what: "body of a block" });
        }
        Ok(block)
    }
}
