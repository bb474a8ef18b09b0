//! Where a cell comes from.

/// A connection as the shell numbers them. It is only handed back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// Why a cell arrives. It decides which local rules apply; the structural ones always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Sent unasked: all quotas, the clock and the quarantine apply.
    Pushed,
    /// Asked for, as a parent of a cell that waits or as part of a proposed cut. The clock applies, and a lane has at most
    /// [`CELLS_UNCOMMITTED_PER_AUTHOR_MAX`](qsdm_primitives::limits::CELLS_UNCOMMITTED_PER_AUTHOR_MAX) uncommitted cells,
    /// as many as a cut may include; else a faulty author could keep voters apart by sending each another lane first.
    Fetched,
    /// Part of a cut that has a quorum certificate: no local rule refuses it, nor its parents, whichever way they come.
    Certified,
    /// Admitted before, and read back at a start.
    Stored,
}

impl Origin {
    /// Whether clock and counts of uncommitted cells apply.
    pub(crate) fn is_limited(self) -> bool {
        matches!(self, Self::Pushed | Self::Fetched)
    }
}
