//! What can be wrong with a cut.

use qsdm_primitives::{CellId, LaneId, SubmeshId};

/// Why a block's cut is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// Cells that are not held. Once they are, the cut can be judged.
    #[error("{} cells of the cut are not held", cells.len())]
    Missing {
        /// Which, in ascending order; their ancestors may be missing too.
        cells: Vec<CellId>,
    },
    /// More lanes than one block advances.
    #[error("the cut changes {found} lanes, {max} are allowed")]
    TooManyChanges {
        /// Lanes changed.
        found: usize,
        /// Most lanes.
        max: usize,
    },
    /// Lanes that are not in strictly ascending order.
    #[error("lane {lane} is not above the one before it")]
    NotAscending {
        /// The first lane out of order.
        lane: LaneId,
    },
    /// A lane of a submesh that the epoch does not have.
    #[error("lane {lane} is of a submesh that is not part of this epoch")]
    UnknownSubmesh {
        /// The lane.
        lane: LaneId,
    },
    /// A lane whose author's misbehaviour is proved.
    #[error("lane {lane} advances though evidence against its author is committed")]
    Frozen {
        /// The lane.
        lane: LaneId,
    },
    /// A lane that stays or goes back.
    #[error("lane {lane} goes from cell {from} to {to}")]
    NotAdvancing {
        /// The lane.
        lane: LaneId,
        /// Place of the newest included cell.
        from: u64,
        /// Place that the change names.
        to: u64,
    },
    /// More cells of one lane than an author may have uncommitted.
    #[error("lane {lane} advances by {steps} cells, {max} are allowed")]
    StepTooLong {
        /// The lane.
        lane: LaneId,
        /// Cells on the way.
        steps: u64,
        /// Most cells.
        max: u64,
    },
    /// A cell that lies elsewhere than the change says.
    #[error("cell {cell} is {found_seq} of lane {found_lane}, the cut says {seq} of lane {lane}")]
    WrongPlace {
        /// The cell.
        cell: CellId,
        /// Lane of the change.
        lane: LaneId,
        /// Place that the change puts it in.
        seq: u64,
        /// The cell's lane.
        found_lane: LaneId,
        /// The cell's place.
        found_seq: u64,
    },
    /// A cell that does not descend from the newest included one of its lane.
    #[error("lane {lane} leaves its included cell {tip} of place {seq} for {found}")]
    NotDescendant {
        /// The lane.
        lane: LaneId,
        /// Place of the newest included cell.
        seq: u64,
        /// That cell.
        tip: CellId,
        /// The cell in the same place that the change descends from.
        found: CellId,
    },
    /// A cell whose parent is left out.
    #[error("cell {cell} links to {link}, {seq} of lane {lane}, where the cut reaches {reached:?}")]
    NotClosed {
        /// The cell.
        cell: CellId,
        /// Its parent.
        link: CellId,
        /// Lane of the parent.
        lane: LaneId,
        /// Place of the parent.
        seq: u64,
        /// How far the cut includes that lane.
        reached: Option<u64>,
    },
    /// More gas than a block has, or than it has for one submesh.
    #[error("the cells of the cut have {gas} gas, {max} are allowed{}", of_submesh(*submesh))]
    TooMuchGas {
        /// The submesh whose share is exceeded; `None` for the block's limit.
        submesh: Option<SubmeshId>,
        /// Sum of the gas limits.
        gas: u128,
        /// Greatest sum.
        max: u64,
    },
}

fn of_submesh(submesh: Option<SubmeshId>) -> String {
    submesh.map_or_else(String::new, |submesh| format!(" in submesh {submesh}"))
}
