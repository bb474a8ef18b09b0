//! Where a proposal stands, and what comes next.

use core::fmt;
use serde::{Serialize, Serializer};

/// State of a proposal, as OpenZeppelin's Governor numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProposalState {
    /// Proposed; its vote has not begun.
    Pending,
    /// Voting.
    Active,
    /// Cancelled by its proposer or the guardian.
    Canceled,
    /// Voted down, or short of quorum.
    Defeated,
    /// Passed, to be queued.
    Succeeded,
    /// In the timelock.
    Queued,
    /// Passed, but not queued or executed in time.
    Expired,
    /// Done.
    Executed,
}

impl ProposalState {
    /// All states in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Active,
        Self::Canceled,
        Self::Defeated,
        Self::Succeeded,
        Self::Queued,
        Self::Expired,
        Self::Executed,
    ];

    /// What it means for members.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pending => "its vote has not begun",
            Self::Active => "members vote on it",
            Self::Canceled => "it was cancelled and cannot come back",
            Self::Defeated => "it was voted down or missed its quorum",
            Self::Succeeded => "it passed and can be queued",
            Self::Queued => "it waits in the timelock, then it can be executed",
            Self::Expired => "it passed but was not carried out in time; propose it again",
            Self::Executed => "its actions were carried out",
        }
    }

    /// True if nothing can change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Defeated | Self::Expired | Self::Executed)
    }
}

impl TryFrom<u8> for ProposalState {
    type Error = u8;

    fn try_from(number: u8) -> Result<Self, u8> {
        Self::ALL.get(usize::from(number)).copied().ok_or(number)
    }
}

impl fmt::Display for ProposalState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl Serialize for ProposalState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Deadlines of a proposal, seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Times {
    /// Votes count from after this second on; also the moment whose reputation counts.
    pub vote_start: u64,
    /// Last second of the vote.
    pub vote_end: u64,
    /// From when it can be executed; `None` until it is queued.
    pub executable_from: Option<u64>,
    /// Last second to queue it, or once queued, to execute it.
    pub expires: u64,
}

/// Something that somebody can do with a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Vote on it.
    Vote,
    /// Put it into the timelock.
    Queue,
    /// Carry it out.
    Execute,
    /// Withdraw it.
    Cancel,
}

impl Step {
    /// Seconds until the step becomes possible: 0 if it is possible now, `None` if it never will be by waiting.
    pub fn possible_in(self, state: ProposalState, times: &Times, now_s: u64) -> Option<u64> {
        let after = |moment: u64| moment.saturating_add(1).saturating_sub(now_s);
        match (self, state) {
            (Self::Vote, ProposalState::Active)
            | (Self::Queue, ProposalState::Succeeded)
            | (Self::Cancel, ProposalState::Pending | ProposalState::Active)
            | (Self::Cancel, ProposalState::Succeeded | ProposalState::Queued) => Some(0),
            (Self::Vote, ProposalState::Pending) => Some(after(times.vote_start).max(1)),
            (Self::Queue, ProposalState::Pending | ProposalState::Active) => Some(after(times.vote_end).max(1)),
            (Self::Execute, ProposalState::Queued) => {
                Some(times.executable_from.map_or(0, |moment| moment.saturating_sub(now_s)))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Vote => "voting",
            Self::Queue => "queueing",
            Self::Execute => "executing",
            Self::Cancel => "cancelling",
        })
    }
}
