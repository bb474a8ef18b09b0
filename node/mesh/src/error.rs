//! What can be wrong with a cell, with a cut, and with the wish to write a cell.

mod cell;
mod cut;

pub use cell::{CellError, Severity};
pub use cut::CutError;

use qsdm_primitives::{SubmeshId, ValidatorIndex};

/// Why no own cell can be written now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The node is no author, or none of this submesh.
    #[error("this node is no author of submesh {submesh}")]
    NotAuthor {
        /// The submesh.
        submesh: SubmeshId,
    },
    /// The submesh takes no cells in this epoch.
    #[error("submesh {submesh} takes no cells in this epoch")]
    NotOpen {
        /// The submesh.
        submesh: SubmeshId,
    },
    /// The own lane is forked, or evidence against its author is committed.
    #[error("author {author} is quarantined: its cells are not committed in this epoch any more")]
    Quarantined {
        /// The own index.
        author: ValidatorIndex,
    },
    /// An own cell waits for its parents; another one in its place would be a fork.
    #[error("an own cell of submesh {submesh} still waits for its parents")]
    OwnCellWaits {
        /// The submesh.
        submesh: SubmeshId,
    },
    /// As many own cells as may be are not committed yet.
    #[error("{count} own cells are not committed yet, {max} may be")]
    TooManyUncommitted {
        /// Own uncommitted cells.
        count: usize,
        /// Most of them.
        max: usize,
    },
    /// No other author has a cell that is deep enough.
    #[error("no other author of submesh {submesh} has a cell of depth {least} or more to link to")]
    NoPeer {
        /// The submesh.
        submesh: SubmeshId,
        /// Least depth that rule V6 allows.
        least: u64,
    },
    /// The lane or its depth has reached the end of the numbers.
    #[error("the lane in submesh {submesh} is full")]
    LaneFull {
        /// The submesh.
        submesh: SubmeshId,
    },
}
