//! What the shell has to do.

use crate::{cell_ref::CellRef, conflict::ConflictSet, error::CellError, origin::PeerId};
use qsdm_crypto::Verified;
use qsdm_primitives::{Cell, CellId, Evidence};

/// What follows from an arrival or from the passing of time, in this order.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an admitted cell that is not stored is lost"]
pub enum Effect {
    /// The cell satisfies every rule: store it, then acknowledge it and tell consensus.
    Admit {
        /// What consensus needs.
        reference: CellRef,
        /// The whole cell, to be stored. The mesh keeps no transactions.
        cell: Box<Verified<Cell>>,
        /// Who sent it.
        from: PeerId,
    },
    /// The cell is kept and waits, for the reason given.
    Wait {
        /// The cell.
        cell: CellId,
        /// Who sent it.
        from: PeerId,
        /// Always of [`Severity::Delayed`](crate::Severity::Delayed).
        reason: CellError,
    },
    /// The cell is not kept. [`CellError::severity`] says whose matter that is.
    Refuse {
        /// The cell.
        cell: CellId,
        /// Who sent it.
        from: PeerId,
        /// The rule or limit.
        error: CellError,
    },
    /// A parent is missing: ask for it.
    Fetch {
        /// The parent.
        cell: CellId,
        /// Who sent a child of it and should have it.
        from: PeerId,
    },
    /// An author wrote two cells in one place: to be proposed for a block. Reported once an author and epoch.
    Evidence(Evidence),
    /// Transactions that exclude one another.
    Conflict(ConflictSet),
}
