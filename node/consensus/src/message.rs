//! What validators send each other about blocks.

use qsdm_crypto::{Authenticate, AuthenticationError, Claim, Context};
use qsdm_primitives::{
    Block, Epoch, EpochCertificate, EpochVote, QuorumCertificate, Timeout, TimeoutCertificate, Vote,
    codec::{CodecError, Decode, Encode, Reader},
};

/// What validators send each other about blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A new block of this round's leader.
    Proposal(Box<Block>),
    /// A vote.
    Vote(Vote),
    /// The end of a round for one validator.
    Timeout(Box<Timeout>),
    /// A certificate, unasked or asked for.
    Certificate(Box<QuorumCertificate>),
    /// The end of a round for a quorum.
    TimeoutCertificate(Box<TimeoutCertificate>),
    /// A block that was asked for, with the certificate of its parent unless that is the start of the epoch.
    Block(Box<Block>, Option<Box<QuorumCertificate>>),
    /// A signature of the end of the epoch.
    EpochVote(EpochVote),
    /// The end of the epoch.
    EpochCertificate(Box<EpochCertificate>),
}

/// The kinds of messages, for queues and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum MessageKind {
    Proposal = 1,
    Vote = 2,
    Timeout = 3,
    Certificate = 4,
    TimeoutCertificate = 5,
    Block = 6,
    EpochVote = 7,
    EpochCertificate = 8,
}

impl Message {
    /// Its kind.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Proposal(_) => MessageKind::Proposal,
            Self::Vote(_) => MessageKind::Vote,
            Self::Timeout(_) => MessageKind::Timeout,
            Self::Certificate(_) => MessageKind::Certificate,
            Self::TimeoutCertificate(_) => MessageKind::TimeoutCertificate,
            Self::Block(..) => MessageKind::Block,
            Self::EpochVote(_) => MessageKind::EpochVote,
            Self::EpochCertificate(_) => MessageKind::EpochCertificate,
        }
    }

    /// The epoch whose validators signed it.
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::Proposal(block) | Self::Block(block, _) => block.header().epoch,
            Self::Vote(vote) => vote.statement.epoch,
            Self::Timeout(timeout) => timeout.high_qc.statement.epoch,
            Self::Certificate(certificate) => certificate.reference.statement.epoch,
            Self::TimeoutCertificate(certificate) => certificate.epoch(),
            Self::EpochVote(vote) => vote.claim.epoch,
            Self::EpochCertificate(certificate) => certificate.claim.epoch,
        }
    }
}

impl Authenticate for Message {
    fn claims<'a>(&'a self, context: &Context<'a>, claims: &mut Vec<Claim<'a>>) -> Result<(), AuthenticationError> {
        match self {
            Self::Proposal(block) | Self::Block(block, None) => block.claims(context, claims),
            Self::Vote(vote) => vote.claims(context, claims),
            Self::Timeout(timeout) => timeout.claims(context, claims),
            Self::Certificate(certificate) => certificate.claims(context, claims),
            Self::TimeoutCertificate(certificate) => certificate.claims(context, claims),
            Self::Block(block, Some(certificate)) => {
                if block.header().qc != certificate.reference {
                    return Err(AuthenticationError::ParentNotCertified);
                }
                block.claims(context, claims)?;
                certificate.claims(context, claims)
            }
            Self::EpochVote(vote) => vote.claims(context, claims),
            Self::EpochCertificate(certificate) => certificate.claims(context, claims),
        }
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8);
        match self {
            Self::Proposal(block) => block.encode(out),
            Self::Vote(vote) => vote.encode(out),
            Self::Timeout(timeout) => timeout.encode(out),
            Self::Certificate(certificate) => certificate.encode(out),
            Self::TimeoutCertificate(certificate) => certificate.encode(out),
            Self::Block(block, certificate) => {
                block.encode(out);
                match certificate {
                    None => out.push(0),
                    Some(certificate) => {
                        out.push(1);
                        certificate.encode(out);
                    }
                }
            }
            Self::EpochVote(vote) => vote.encode(out),
            Self::EpochCertificate(certificate) => certificate.encode(out),
        }
    }
}

impl Decode for Message {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::decode(reader)? {
            1 => Self::Proposal(Box::new(Decode::decode(reader)?)),
            2 => Self::Vote(Decode::decode(reader)?),
            3 => Self::Timeout(Box::new(Decode::decode(reader)?)),
            4 => Self::Certificate(Box::new(Decode::decode(reader)?)),
            5 => Self::TimeoutCertificate(Box::new(Decode::decode(reader)?)),
            6 => {
                let block = Box::new(Decode::decode(reader)?);
                let certificate: Option<QuorumCertificate> = Decode::decode(reader)?;
                Self::Block(block, certificate.map(Box::new))
            }
            7 => Self::EpochVote(Decode::decode(reader)?),
            8 => Self::EpochCertificate(Box::new(Decode::decode(reader)?)),
            found => return Err(CodecError::Unknown { what: "kind of message", found }),
        })
    }
}
