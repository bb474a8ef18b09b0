//! The end of an epoch.

use super::{
    BlockId, CodecError, Decode, Domain, Encode, Epoch, ExecutionHash, Height, Reader, SetId, Signature, Signers,
    Statement, ValidatorIndex, encode_list, hash_of, signatures,
};

/// How an epoch ended: where, in which state, and who comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochClaim {
    /// The epoch that ends.
    pub epoch: Epoch,
    /// Height of its last block.
    pub height: Height,
    /// Its last block: the first committed one at or after the epoch's end in time.
    pub block: BlockId,
    /// State root after that block.
    pub state_root: ExecutionHash,
    /// The validator set of the next epoch.
    pub next_set: SetId,
}

/// A validator's signature of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochVote {
    /// What is signed.
    pub claim: EpochClaim,
    /// Who signs.
    pub voter: ValidatorIndex,
    /// The signature.
    pub signature: Signature,
}

/// The claim with the signatures of a quorum: the first certificate of the next epoch, and a light client's step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochCertificate {
    /// What is signed.
    pub claim: EpochClaim,
    /// Who signed.
    pub signers: Signers,
    /// The signatures in ascending order of the signers.
    pub signatures: Vec<Signature>,
}

impl Statement for EpochClaim {
    const DOMAIN: Domain = Domain::Epoch;

    fn statement_id(&self) -> [u8; 32] {
        hash_of(self)
    }
}

impl Encode for EpochClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        self.epoch.encode(out);
        self.height.encode(out);
        self.block.encode(out);
        self.state_root.encode(out);
        self.next_set.encode(out);
    }
}

impl Decode for EpochClaim {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            epoch: Decode::decode(reader)?,
            height: Decode::decode(reader)?,
            block: Decode::decode(reader)?,
            state_root: Decode::decode(reader)?,
            next_set: Decode::decode(reader)?,
        })
    }
}

impl Encode for EpochVote {
    fn encode(&self, out: &mut Vec<u8>) {
        self.claim.encode(out);
        self.voter.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for EpochVote {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { claim: Decode::decode(reader)?, voter: Decode::decode(reader)?, signature: Decode::decode(reader)? })
    }
}

impl Encode for EpochCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.claim.encode(out);
        self.signers.encode(out);
        encode_list(&self.signatures, out);
    }
}

impl Decode for EpochCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (claim, signers) = (Decode::decode(reader)?, Decode::decode(reader)?);
        let signatures = signatures(reader, signers)?;
        Ok(Self { claim, signers, signatures })
    }
}
