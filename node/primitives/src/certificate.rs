//! Votes and timeouts, and the certificates that a quorum of them makes.
//!
//! ML-DSA signatures don't aggregate, so a certificate is a bitmap of its signers and their signatures in ascending
//! order of the bits. Blocks carry certificates by reference ([`QcRef`]); the signatures are fetched where they lack.

use crate::{
    codec::{CodecError, Decode, Encode, Reader, ascending, encode_list},
    ids::{BlockId, Epoch, ExecutionHash, Height, Round, SetId, ValidatorIndex},
    limits::VALIDATORS_MAX,
    signature::{Algorithm, Signature},
    signers::Signers,
    statement::{Domain, Statement, hash_of},
};

mod epoch;
mod timeout;

pub use epoch::{EpochCertificate, EpochClaim, EpochVote};
pub use timeout::{Timeout, TimeoutCertificate, TimeoutEntry, TimeoutStatement};

/// Least bytes of an encoded signature.
const SIGNATURE_BYTES_MIN: usize = 1 + Algorithm::MlDsa44.signature_bytes();

/// What a vote says: this block may be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoteStatement {
    /// The epoch.
    pub epoch: Epoch,
    /// The block's round.
    pub round: Round,
    /// The block.
    pub block: BlockId,
}

/// A validator's vote for a block. Its voter holds every cell in the block's cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// What is signed.
    pub statement: VoteStatement,
    /// Who signs.
    pub voter: ValidatorIndex,
    /// The voter's signature of the statement.
    pub signature: Signature,
}

/// A quorum certificate by reference: which votes for which block. Round 0 stands for the start of the epoch, which no
/// votes certify but the certificate of the epoch before, or the chain specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QcRef {
    /// What the votes say.
    pub statement: VoteStatement,
    /// Whose votes.
    pub signers: Signers,
}

impl QcRef {
    /// The start of an epoch at its first parent.
    pub fn start(epoch: Epoch, block: BlockId) -> Self {
        Self { statement: VoteStatement { epoch, round: Round(0), block }, signers: Signers::NONE }
    }

    /// The certified round.
    pub fn round(&self) -> Round {
        self.statement.round
    }

    /// The certified block.
    pub fn block(&self) -> BlockId {
        self.statement.block
    }

    /// Whether it is the start of an epoch.
    pub fn is_start(&self) -> bool {
        self.statement.round == Round(0)
    }
}

/// A quorum certificate with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumCertificate {
    /// Which votes.
    pub reference: QcRef,
    /// Their signatures in ascending order of the voters.
    pub signatures: Vec<Signature>,
}

impl QuorumCertificate {
    /// The start of an epoch.
    pub fn start(epoch: Epoch, block: BlockId) -> Self {
        Self { reference: QcRef::start(epoch, block), signatures: Vec::new() }
    }

    /// The certified round.
    pub fn round(&self) -> Round {
        self.reference.round()
    }

    /// The votes it is made of.
    pub fn votes(&self) -> impl Iterator<Item = Vote> {
        let statement = self.reference.statement;
        let signed = self.reference.signers.iter().zip(&self.signatures);
        signed.map(move |(voter, signature)| Vote { statement, voter, signature: signature.clone() })
    }
}

impl Statement for VoteStatement {
    const DOMAIN: Domain = Domain::Vote;

    fn statement_id(&self) -> [u8; 32] {
        hash_of(self)
    }
}

impl Encode for VoteStatement {
    fn encode(&self, out: &mut Vec<u8>) {
        self.epoch.encode(out);
        self.round.encode(out);
        self.block.encode(out);
    }
}

impl Decode for VoteStatement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { epoch: Decode::decode(reader)?, round: Decode::decode(reader)?, block: Decode::decode(reader)? })
    }
}

impl Encode for Vote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.statement.encode(out);
        self.voter.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Vote {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            statement: Decode::decode(reader)?,
            voter: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for QcRef {
    fn encode(&self, out: &mut Vec<u8>) {
        self.statement.encode(out);
        self.signers.encode(out);
    }
}

impl Decode for QcRef {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { statement: Decode::decode(reader)?, signers: Decode::decode(reader)? })
    }
}

impl Encode for QuorumCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.reference.encode(out);
        encode_list(&self.signatures, out);
    }
}

impl Decode for QuorumCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let reference: QcRef = Decode::decode(reader)?;
        let signatures = signatures(reader, reference.signers)?;
        Ok(Self { reference, signatures })
    }
}

/// One signature for each signer.
fn signatures(reader: &mut Reader<'_>, signers: Signers) -> Result<Vec<Signature>, CodecError> {
    let signatures = reader.list("signatures of a certificate", VALIDATORS_MAX, SIGNATURE_BYTES_MIN)?;
    let (found, expected) = (signatures.len() as u64, signers.count() as u64);
    if found != expected {
        return Err(CodecError::Mismatch { what: "signatures of a certificate", found, expected });
    }
    Ok(signatures)
}
