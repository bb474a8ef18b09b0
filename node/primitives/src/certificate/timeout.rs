//! The end of a round without a certificate.

use super::{
    BlockId, CodecError, Decode, Domain, Encode, Epoch, QcRef, Reader, Round, SIGNATURE_BYTES_MIN, Signature, Signers,
    Statement, VALIDATORS_MAX, ValidatorIndex, ascending, encode_list, hash_of,
};

/// What a timeout says: I vote for nothing in this round any more, and this is the newest certificate I know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeoutStatement {
    /// The epoch.
    pub epoch: Epoch,
    /// The round that ends.
    pub round: Round,
    /// Round of the newest certificate the signer knows.
    pub high_round: Round,
    /// The block that it certifies.
    pub high_block: BlockId,
}

/// A validator's timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// The round that ends.
    pub round: Round,
    /// The newest certificate that the signer knows. The signature covers its round and block; whoever counts the
    /// timeout holds votes of a quorum for it.
    pub high_qc: QcRef,
    /// Who signs.
    pub voter: ValidatorIndex,
    /// The signature of [`Timeout::statement`].
    pub signature: Signature,
}

impl Timeout {
    /// What is signed.
    pub fn statement(&self) -> TimeoutStatement {
        let high = self.high_qc.statement;
        TimeoutStatement { epoch: high.epoch, round: self.round, high_round: high.round, high_block: high.block }
    }
}

/// One timeout within a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeoutEntry {
    /// Who signed.
    pub voter: ValidatorIndex,
    /// Round of the newest certificate that the voter knew.
    pub high_round: Round,
    /// The block that it certifies.
    pub high_block: BlockId,
    /// The signature of the statement.
    pub signature: Signature,
}

/// The timeouts of a quorum for one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeoutCertificate {
    /// The round that ended.
    pub round: Round,
    /// The newest certificate among the entries. A block of the next round extends this one or a newer one.
    pub high_qc: QcRef,
    /// The timeouts in ascending order of their voters.
    pub entries: Vec<TimeoutEntry>,
}

impl TimeoutCertificate {
    /// The epoch.
    pub fn epoch(&self) -> Epoch {
        self.high_qc.statement.epoch
    }

    /// Who timed out.
    pub fn signers(&self) -> Signers {
        self.entries.iter().map(|entry| entry.voter).collect()
    }

    /// What the voter of `entry` signed.
    pub fn statement(&self, entry: &TimeoutEntry) -> TimeoutStatement {
        TimeoutStatement {
            epoch: self.epoch(),
            round: self.round,
            high_round: entry.high_round,
            high_block: entry.high_block,
        }
    }
}

impl Statement for TimeoutStatement {
    const DOMAIN: Domain = Domain::Timeout;

    fn statement_id(&self) -> [u8; 32] {
        hash_of(self)
    }
}

impl Encode for TimeoutStatement {
    fn encode(&self, out: &mut Vec<u8>) {
        self.epoch.encode(out);
        self.round.encode(out);
        self.high_round.encode(out);
        self.high_block.encode(out);
    }
}

impl Encode for Timeout {
    fn encode(&self, out: &mut Vec<u8>) {
        self.round.encode(out);
        self.high_qc.encode(out);
        self.voter.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Timeout {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            round: Decode::decode(reader)?,
            high_qc: Decode::decode(reader)?,
            voter: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for TimeoutEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.voter.encode(out);
        self.high_round.encode(out);
        self.high_block.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for TimeoutEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            voter: Decode::decode(reader)?,
            high_round: Decode::decode(reader)?,
            high_block: Decode::decode(reader)?,
            signature: Decode::decode(reader)?,
        })
    }
}

impl Encode for TimeoutCertificate {
    fn encode(&self, out: &mut Vec<u8>) {
        self.round.encode(out);
        self.high_qc.encode(out);
        encode_list(&self.entries, out);
    }
}

impl Decode for TimeoutCertificate {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let (round, high_qc) = (Decode::decode(reader)?, Decode::decode(reader)?);
        let item_bytes = 2 + 8 + 32 + SIGNATURE_BYTES_MIN;
        let entries: Vec<TimeoutEntry> = reader.list("timeouts of a certificate", VALIDATORS_MAX, item_bytes)?;
        ascending("the voters of a timeout certificate", entries.iter().map(|entry| entry.voter))?;
        Ok(Self { round, high_qc, entries })
    }
}
