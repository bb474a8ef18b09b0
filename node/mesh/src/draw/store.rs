//! Committed cells in memory.

use crate::ports::{CellStore, StoredPlace};
use qsdm_primitives::{CellId, LaneId, SignedCellHeader};
use std::collections::BTreeMap;

/// The committed cells of a test.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    cells: BTreeMap<CellId, SignedCellHeader>,
    places: BTreeMap<(LaneId, u64), CellId>,
}

impl MemoryStore {
    /// Notes that a cell is committed.
    pub fn insert(&mut self, signed: SignedCellHeader) {
        let id = signed.header.id();
        self.places.insert((signed.header.lane, signed.header.seq), id);
        self.cells.insert(id, signed);
    }
}

impl CellStore for MemoryStore {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        let header = &self.cells.get(id)?.header;
        Some(StoredPlace { lane: header.lane, seq: header.seq, depth: header.depth, time_ms: header.time_ms })
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        self.cells.get(self.places.get(&(lane, seq))?).cloned()
    }
}
