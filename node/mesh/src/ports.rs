//! What the mesh needs from outside.

use qsdm_primitives::{CellId, LaneId, SignedCellHeader};
use std::sync::Arc;

/// A committed cell as far as its children need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPlace {
    /// Submesh and author.
    pub lane: LaneId,
    /// Place in the lane.
    pub seq: u64,
    /// Depth below the root cell.
    pub depth: u64,
    /// Milliseconds since the Unix epoch, by the author's clock.
    pub time_ms: u64,
}

/// The committed cells of the current epoch.
pub trait CellStore {
    /// Where a committed cell lies; `None` where no committed cell has this id. Every cell is known here from the moment
    /// on at which [`Mesh::include`](crate::Mesh::include) is told of it.
    fn place(&self, id: &CellId) -> Option<StoredPlace>;

    /// The signed header of the committed cell in a place: what proves a fork that shows late.
    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader>;
}

impl<S: CellStore + ?Sized> CellStore for &S {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        (**self).place(id)
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        (**self).signed(lane, seq)
    }
}

impl<S: CellStore + ?Sized> CellStore for Arc<S> {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        (**self).place(id)
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        (**self).signed(lane, seq)
    }
}
