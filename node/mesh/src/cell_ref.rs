//! A cell as consensus sees it.

use qsdm_primitives::{CellId, LaneId};

/// What consensus needs to know of an admitted cell: no transactions, and its links resolved to places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRef {
    /// The cell.
    pub id: CellId,
    /// Submesh and author.
    pub lane: LaneId,
    /// Place in the lane, from 0.
    pub seq: u64,
    /// 1 + the greatest depth among the links into the same submesh.
    pub depth: u64,
    /// The author's last cell in this lane; the submesh's root cell where `seq` is 0.
    pub own: CellId,
    /// Where the peer link and the bridge point, root cells left out.
    pub links: Vec<Place>,
    /// What its transactions may use together, in gas.
    pub gas_limit: u64,
    /// How many transactions it has.
    pub transactions: u32,
    /// Milliseconds since the Unix epoch, by the author's clock.
    pub time_ms: u64,
}

impl CellRef {
    /// The ids it links to, the own one among them. A root cell may be there for it.
    pub fn parents(&self) -> impl Iterator<Item = CellId> + '_ {
        core::iter::once(self.own).chain(self.links.iter().map(|link| link.cell))
    }

    /// Where it lies.
    pub fn place(&self) -> Place {
        Place { lane: self.lane, seq: self.seq, cell: self.id }
    }
}

/// Where a link points. The cell is named too, because a forked lane has two in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Submesh and author.
    pub lane: LaneId,
    /// Place in the lane.
    pub seq: u64,
    /// The cell that the link names.
    pub cell: CellId,
}

/// The newest cell of a lane that a cut includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tip {
    /// Its place in the lane.
    pub seq: u64,
    /// The cell.
    pub cell: CellId,
}
