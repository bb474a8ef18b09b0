//! Rules that a test can switch off.
//!
//! Without the feature `mutants` every question is answered `false` at compile time. With it, a rule is only broken in a
//! core that was told so through [`Config`](crate::Config).

/// A rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "mutants"), allow(dead_code, unreachable_pub))]
pub enum Mutant {
    /// Commits a block when any descendant is certified, consecutive rounds or not.
    CommitNonConsecutive,
    /// Votes for a block whose certificate is older than the timeout certificate allows.
    VoteStaleCertificate,
    /// Votes again in a round.
    VoteTwice,
    /// Votes in a round that it has timed out.
    VoteAfterTimeout,
    /// Takes one voter less than a quorum for a quorum.
    SmallQuorum,
    /// Sends before the safety record is durable.
    SendBeforeDurable,
    /// Loses the newest certificate when it restarts.
    ForgetCertificate,
    /// Votes without holding the cells of the cut.
    VoteWithoutCells,
    /// Accepts a block of anybody in any round.
    AnyLeader,
    /// Accepts a cut whose cells link to cells outside it.
    OpenCut,
    /// Votes without comparing what was executed.
    IgnoreExecution,
    /// Includes cells after the epoch's last block.
    CutAfterBoundary,
    /// Commits the blocks of a chain newest first.
    CommitNewestFirst,
    /// Orders the cells of a block by their arrival.
    OrderByArrival,
    /// Doesn't join the timeouts of one correct validator or more.
    NoTimeoutJoin,
    /// Repeats neither timeouts nor questions.
    NoRepeat,
    /// Starts the next epoch without a certificate of the last.
    EpochWithoutCertificate,
    /// Lets a voter that votes for two blocks in a round count for both.
    CountDoubleVotes,
    /// Goes on voting after an execution that a quorum disagrees with.
    VoteAfterDivergence,
    /// Includes cells of authors against whom evidence is committed.
    ThawFrozen,
}

impl Mutant {
    /// All of them.
    #[cfg(feature = "mutants")]
    pub const ALL: [Self; 20] = [
        Self::CommitNonConsecutive,
        Self::VoteStaleCertificate,
        Self::VoteTwice,
        Self::VoteAfterTimeout,
        Self::SmallQuorum,
        Self::SendBeforeDurable,
        Self::ForgetCertificate,
        Self::VoteWithoutCells,
        Self::AnyLeader,
        Self::OpenCut,
        Self::IgnoreExecution,
        Self::CutAfterBoundary,
        Self::CommitNewestFirst,
        Self::OrderByArrival,
        Self::NoTimeoutJoin,
        Self::NoRepeat,
        Self::EpochWithoutCertificate,
        Self::CountDoubleVotes,
        Self::VoteAfterDivergence,
        Self::ThawFrozen,
    ];
}
