//! Cuts: how far the chain includes each lane.

mod extend;
mod propose;

pub use extend::extend;
pub use propose::propose;

use crate::cell_ref::{CellRef, Tip};
use qsdm_primitives::{
    CellId, CutChange, LaneId, SubmeshId,
    codec::{CodecError, Decode, Encode, Reader, ascending, encode_count},
    limits::{SUBMESHES_MAX, VALIDATORS_MAX},
};
use std::collections::BTreeMap;

/// The newest included cell of each lane, however it is kept: as a [`Cut`], or as one with the changes of some blocks
/// on top.
pub trait CutView {
    /// `None` where no cell of the lane is included in this epoch.
    fn tip(&self, lane: LaneId) -> Option<Tip>;
}

/// The uncommitted cells that are held.
pub trait CellSource {
    /// `None` where the cell is not held, or already included in a committed block.
    fn cell(&self, id: &CellId) -> Option<&CellRef>;
}

impl CellSource for BTreeMap<CellId, CellRef> {
    fn cell(&self, id: &CellId) -> Option<&CellRef> {
        self.get(id)
    }
}

/// What the cells that one block includes may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutRules {
    /// Gas of all of them together.
    pub block_gas: u64,
    /// The submeshes of the epoch, and the gas that the cells of each may have in a block.
    pub submeshes: BTreeMap<SubmeshId, u64>,
}

/// A cut through all lanes of an epoch. An epoch begins with the empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut(BTreeMap<LaneId, Tip>);

impl Cut {
    /// Moves the lanes of a block's changes to their new tips. Whether they may move is [`extend`]'s matter.
    pub fn apply(&mut self, changes: &[CutChange]) {
        self.0.extend(changes.iter().map(|change| (change.lane, Tip { seq: change.seq, cell: change.cell })));
    }

    /// The lanes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (LaneId, Tip)> + '_ {
        self.0.iter().map(|(lane, tip)| (*lane, *tip))
    }

    /// How many lanes have an included cell.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no lane has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl CutView for Cut {
    fn tip(&self, lane: LaneId) -> Option<Tip> {
        self.0.get(&lane).copied()
    }
}

/// A lane of every author in every submesh.
const LANES_MAX: usize = SUBMESHES_MAX * VALIDATORS_MAX;
const ENTRY_BYTES: usize = 4 + 2 + 8 + 32;

impl Encode for Cut {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_count(self.0.len(), out);
        for (lane, tip) in &self.0 {
            CutChange { lane: *lane, seq: tip.seq, cell: tip.cell }.encode(out);
        }
    }
}

impl Decode for Cut {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let entries: Vec<CutChange> = reader.list("lanes of a cut", LANES_MAX, ENTRY_BYTES)?;
        ascending("lanes of a cut", entries.iter().map(|entry| entry.lane))?;
        let mut cut = Self::default();
        cut.apply(&entries);
        Ok(cut)
    }
}
