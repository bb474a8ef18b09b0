//! Proofs of misbehaviour: two messages that one key signed and no correct validator signs both of.

use crate::{
    block::SignedBlockHeader,
    cell::SignedCellHeader,
    certificate::Vote,
    codec::{CodecError, Decode, Encode, Reader},
    ids::{Epoch, ValidatorIndex},
    statement::Statement,
};

/// Two signed messages of one validator.
///
/// A vote and a timeout of one round prove nothing: correct validators send both. Silence and slowness prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two cells in one place of a lane.
    LaneFork(Box<[SignedCellHeader; 2]>),
    /// Two votes in a round.
    DoubleVote(Box<[Vote; 2]>),
    /// Two blocks in a round.
    DoubleProposal(Box<[SignedBlockHeader; 2]>),
}

/// What was done. A validator is punished once for each kind in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EvidenceKind {
    /// Two cells in one place of a lane.
    LaneFork = 1,
    /// Two votes in a round.
    DoubleVote = 2,
    /// Two blocks in a round.
    DoubleProposal = 3,
}

/// Why two messages prove nothing. Their signatures are checked elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// They are of two validators.
    #[error("the messages are of validators {first} and {second}")]
    TwoValidators {
        /// Author of the first.
        first: ValidatorIndex,
        /// Author of the second.
        second: ValidatorIndex,
    },
    /// They speak of two places: chains, epochs, lanes, places in a lane, or rounds.
    #[error("the messages are about two {what}: {first} and {second}")]
    TwoPlaces {
        /// In what they differ.
        what: &'static str,
        /// The first.
        first: u64,
        /// The second.
        second: u64,
    },
    /// They say the same.
    #[error("the messages say the same")]
    Same,
    /// The one with the smaller id has to stand first, so that the same proof has one spelling.
    #[error("the messages are not in the order of their ids")]
    NotAscending,
}

impl Evidence {
    /// Two cells as evidence, in the order of their ids.
    pub fn lane_fork(one: SignedCellHeader, other: SignedCellHeader) -> Self {
        Self::LaneFork(Box::new(in_order(one, other, |cell| cell.header.id().0)))
    }

    /// Two votes as evidence, in the order of the statements' ids.
    pub fn double_vote(one: Vote, other: Vote) -> Self {
        Self::DoubleVote(Box::new(in_order(one, other, |vote| vote.statement.statement_id())))
    }

    /// Two blocks as evidence, in the order of their ids.
    pub fn double_proposal(one: SignedBlockHeader, other: SignedBlockHeader) -> Self {
        Self::DoubleProposal(Box::new(in_order(one, other, |block| block.header.id().0)))
    }

    /// What was done.
    pub fn kind(&self) -> EvidenceKind {
        match self {
            Self::LaneFork(_) => EvidenceKind::LaneFork,
            Self::DoubleVote(_) => EvidenceKind::DoubleVote,
            Self::DoubleProposal(_) => EvidenceKind::DoubleProposal,
        }
    }

    /// Who did it, as a place in the set of [`Evidence::epoch`].
    pub fn offender(&self) -> ValidatorIndex {
        match self {
            Self::LaneFork(cells) => cells[0].header.lane.author,
            Self::DoubleVote(votes) => votes[0].voter,
            Self::DoubleProposal(blocks) => blocks[0].header.proposer,
        }
    }

    /// When it was done.
    pub fn epoch(&self) -> Epoch {
        match self {
            Self::LaneFork(cells) => cells[0].header.epoch,
            Self::DoubleVote(votes) => votes[0].statement.epoch,
            Self::DoubleProposal(blocks) => blocks[0].header.epoch,
        }
    }

    /// Checks that the two messages contradict each other. Their signatures are another matter.
    ///
    /// # Errors
    /// [`EvidenceError`] where they don't.
    pub fn check(&self) -> Result<(), EvidenceError> {
        match self {
            Self::LaneFork(cells) => {
                let [one, other] = [&cells[0].header, &cells[1].header];
                same_validator(one.lane.author, other.lane.author)?;
                same_place("chains", one.chain_id, other.chain_id)?;
                same_place("epochs", one.epoch.0, other.epoch.0)?;
                same_place("submeshes", one.lane.submesh.0.into(), other.lane.submesh.0.into())?;
                same_place("places in the lane", one.seq, other.seq)?;
                in_ascending_order(one.id().0, other.id().0)
            }
            Self::DoubleVote(votes) => {
                let [one, other] = &**votes;
                same_validator(one.voter, other.voter)?;
                same_place("epochs", one.statement.epoch.0, other.statement.epoch.0)?;
                same_place("rounds", one.statement.round.0, other.statement.round.0)?;
                in_ascending_order(one.statement.statement_id(), other.statement.statement_id())
            }
            Self::DoubleProposal(blocks) => {
                let [one, other] = [&blocks[0].header, &blocks[1].header];
                same_validator(one.proposer, other.proposer)?;
                same_place("chains", one.chain_id, other.chain_id)?;
                same_place("epochs", one.epoch.0, other.epoch.0)?;
                same_place("rounds", one.round.0, other.round.0)?;
                in_ascending_order(one.id().0, other.id().0)
            }
        }
    }
}

fn in_order<T>(one: T, other: T, id: impl Fn(&T) -> [u8; 32]) -> [T; 2] {
    if id(&one) <= id(&other) { [one, other] } else { [other, one] }
}

fn same_validator(first: ValidatorIndex, second: ValidatorIndex) -> Result<(), EvidenceError> {
    if first == second { Ok(()) } else { Err(EvidenceError::TwoValidators { first, second }) }
}

fn same_place(what: &'static str, first: u64, second: u64) -> Result<(), EvidenceError> {
    if first == second { Ok(()) } else { Err(EvidenceError::TwoPlaces { what, first, second }) }
}

fn in_ascending_order(first: [u8; 32], second: [u8; 32]) -> Result<(), EvidenceError> {
    match first.cmp(&second) {
        core::cmp::Ordering::Less => Ok(()),
        core::cmp::Ordering::Equal => Err(EvidenceError::Same),
        core::cmp::Ordering::Greater => Err(EvidenceError::NotAscending),
    }
}

impl Encode for Evidence {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8);
        match self {
            Self::LaneFork(cells) => cells.iter().for_each(|cell| cell.encode(out)),
            Self::DoubleVote(votes) => votes.iter().for_each(|vote| vote.encode(out)),
            Self::DoubleProposal(blocks) => blocks.iter().for_each(|block| block.encode(out)),
        }
    }
}

impl Decode for Evidence {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        fn pair<T: Decode>(reader: &mut Reader<'_>) -> Result<Box<[T; 2]>, CodecError> {
            Ok(Box::new([T::decode(reader)?, T::decode(reader)?]))
        }
        match u8::decode(reader)? {
            1 => pair(reader).map(Self::LaneFork),
            2 => pair(reader).map(Self::DoubleVote),
            3 => pair(reader).map(Self::DoubleProposal),
            found => Err(CodecError::Unknown { what: "kind of evidence", found }),
        }
    }
}
