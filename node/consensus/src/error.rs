//! Why a block is refused.

use qsdm_mesh::CutError;
use qsdm_primitives::{EvidenceKind, Height, Round, ValidatorIndex};

/// Why a block is refused whose signatures are right. Every node that knows the parent refuses it for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// Not one above its parent.
    #[error("a block of height {found} on a parent of height {parent}")]
    Height {
        /// The block's height.
        found: Height,
        /// The parent's.
        parent: Height,
    },
    /// The certificate says another round for the parent than the parent does.
    #[error("a certificate of round {found} for a parent of round {parent}")]
    CertificateRound {
        /// Round in the certificate.
        found: Round,
        /// The parent's round.
        parent: Round,
    },
    /// Of somebody who doesn't lead the round.
    #[error("round {round} is led by validator {leader}, the block is of validator {proposer}")]
    NotLeader {
        /// The round.
        round: Round,
        /// Who leads it after this parent.
        leader: ValidatorIndex,
        /// Who proposed.
        proposer: ValidatorIndex,
    },
    /// Extends an older certificate than a quorum knew when it timed out.
    #[error("the block extends a certificate of round {found}, its timeout certificate demands {least}")]
    StaleCertificate {
        /// Round of the block's certificate.
        found: Round,
        /// Newest round in the timeout certificate.
        least: Round,
    },
    /// Before its parent.
    #[error("a block of time {found} ms on a parent of {parent} ms")]
    Time {
        /// The block's time.
        found: u64,
        /// The parent's time.
        parent: u64,
    },
    /// Says that less, or something else, was executed than the parent says.
    #[error("the block says that EVM block {found} was executed, its parent says {parent} or another hash")]
    ExecutedBack {
        /// Number in the block.
        found: u64,
        /// Number in the parent.
        parent: u64,
    },
    /// Says that more was executed than the chain holds.
    #[error("the block says that EVM block {found} was executed, its chain makes {most}")]
    ExecutedAhead {
        /// Number in the block.
        found: u64,
        /// Newest EVM block of the chain.
        most: u64,
    },
    /// Cells or evidence where only an empty block is valid.
    #[error("the block includes something although {why}")]
    NotEmpty {
        /// Why it has to be empty.
        why: &'static str,
    },
    /// Evidence for which the offender was punished before.
    #[error("validator {offender} was punished for {kind:?} in this epoch before")]
    PunishedBefore {
        /// The offender.
        offender: ValidatorIndex,
        /// For what.
        kind: EvidenceKind,
    },
    /// A cut that breaks a rule.
    #[error("the cut is invalid: {0}")]
    Cut(CutError),
}
