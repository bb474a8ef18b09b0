//! What a core wants done.

use crate::{
    error::BlockError,
    event::{PeerId, PersistSeq, TimerId},
    message::Message,
    record::SafetyRecord,
    tip::CommitTip,
};
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, BlockId, CellHeader, CellId, Epoch, EpochCertificate, EpochClaim, Evidence,
    Executed, ExecutionHash, QcRef, QuorumCertificate, Round, VoteStatement,
};
use std::sync::Arc;

/// What a core wants done. The shell carries them out in order; it reports
/// [`Event::Durable`](crate::Event::Durable) when everything up to a [`Action::Persist`] is on disk.
#[derive(Clone, Debug)]
pub enum Action {
    /// Make this record durable, and every block stored before it.
    Persist(Box<SafetyRecord>, PersistSeq),
    /// Keep a block with the certificate of its parent (none at an epoch's start), so that both can be served.
    Store(Arc<Block>, Option<Arc<QuorumCertificate>>),
    /// Sign this, send it to every validator and bring it back as an event.
    Sign(Unsigned),
    /// Send to every validator what others have signed.
    Broadcast(Message),
    /// Send to one peer.
    Send(PeerId, Message),
    /// Fire a timer after so many milliseconds.
    SetTimer(TimerId, u64),
    /// Ask a peer: the one named where there is one, another with each attempt.
    Fetch {
        /// What is missing.
        request: FetchRequest,
        /// Who should have it.
        from: Option<PeerId>,
        /// How often it was asked for before.
        attempt: u32,
    },
    /// A block is committed: hand it to execution. They come in the order of the chain, each once.
    Commit(Box<CommittedBlock>),
    /// A quorum agrees on this execution result: what Ethereum calls `finalized`.
    Finalized(Executed),
    /// A peer sent a block that breaks a rule.
    Reject(PeerId, BlockError),
    /// A proof of misbehaviour was found: the mesh stops linking to the offender.
    Evidence(Box<Evidence>),
    /// The epoch ended and the next began. The mesh starts anew; cells not committed are dropped and their transactions
    /// go back to the pools.
    EpochChanged(Arc<EpochCertificate>),
    /// This node signs nothing more, and says why. It still follows the chain.
    Halt(HaltReason),
}

/// What only the holder of the key can finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// A block.
    Block(Box<UnsignedBlock>),
    /// A vote.
    Vote(VoteStatement),
    /// The end of a round.
    Timeout {
        /// The round.
        round: Round,
        /// The newest certificate known.
        high_qc: QcRef,
    },
    /// The end of an epoch.
    Epoch(EpochClaim),
    /// A cell of the own lane.
    Cell(Box<CellHeader>),
}

/// A block that lacks its proposer's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedBlock {
    /// What is to be signed.
    pub header: BlockHeader,
    /// The rest.
    pub body: BlockBody,
}

/// Something that a peer is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchRequest {
    /// This block and its ancestors above the height, oldest first, each with the certificate of its parent.
    Block {
        /// The block.
        id: BlockId,
        /// Height of the newest committed block here.
        above: u64,
    },
    /// The votes of a certificate.
    Certificate(QcRef),
    /// Cells of a cut.
    Cells(Vec<CellId>),
    /// The certificate that ended an epoch.
    EpochCertificate(Epoch),
}

/// A committed block with its order.
#[derive(Clone, Debug)]
pub struct CommittedBlock {
    /// The block.
    pub block: Arc<Block>,
    /// Its id.
    pub id: BlockId,
    /// The cells it includes in the order in which they run.
    pub cells: Vec<CellId>,
    /// The seed of that order: the newest ancestor by another proposer.
    pub seed: BlockId,
    /// Number of the EVM block it makes, if it makes one.
    pub number: Option<u64>,
    /// Whether it is the last of its epoch.
    pub is_boundary: bool,
    /// Where the chain stands with it; stored together with what the block changes.
    pub tip: CommitTip,
}

/// Why a node signs nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HaltReason {
    /// A quorum computed something else.
    #[error(
        "execution of EVM block {number} gave {ours}, a quorum has {theirs}: this node votes no more; \
         compare the versions, then restore the data folder from a snapshot"
    )]
    ExecutionDiverged {
        /// Number of the EVM block.
        number: u64,
        /// Hash here.
        ours: ExecutionHash,
        /// Hash of the quorum.
        theirs: ExecutionHash,
    },
    /// A quorum ended the epoch otherwise.
    #[error(
        "the end of epoch {epoch} was computed otherwise by a quorum: this node votes no more; \
         compare the versions, then restore the data folder from a snapshot"
    )]
    EpochDiverged {
        /// The epoch.
        epoch: Epoch,
    },
}
