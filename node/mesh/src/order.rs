//! The linear order of the cells that a block includes.

use crate::cell_ref::CellRef;
use core::cmp::Reverse;
use qsdm_primitives::{BlockId, CellId, LaneId, codec::Encode};
use std::collections::{BTreeMap, BinaryHeap};

/// Where a lane stands among those of equal depth: BLAKE3(seed ‖ lane).
pub(crate) fn lane_rank(seed: &BlockId, lane: LaneId) -> [u8; 32] {
    let mut bytes = seed.0.to_vec();
    lane.encode(&mut bytes);
    *blake3::hash(&bytes).as_bytes()
}

/// The linear order of the newly included cells of one block.
///
/// Kahn's topological order; of the cells whose parents all stand before them, the next is the one with the smallest
/// (depth, BLAKE3(seed ‖ lane), seq, id). `seed` is the id of the newest ancestor block by another proposer, so that no
/// author is always first and a proposer can't choose it. The result depends on the set of cells and on the seed alone:
/// not on the order of `included`, on arrival or on any clock.
///
/// Only links to cells among `included` bind; they name cells, not places, so a link to the losing branch of a fork
/// binds nothing.
pub fn order(included: &[CellRef], seed: &BlockId) -> Vec<CellId> {
    let mut cells: Vec<&CellRef> = included.iter().collect();
    cells.sort_unstable_by_key(|cell| cell.id);
    cells.dedup_by_key(|cell| cell.id);
    let ranks = ranks(&cells, seed);
    let key = |index: usize| {
        let cell = cells[index];
        Reverse((cell.depth, ranks[&cell.lane], cell.seq, index))
    };
    let find = |id: &CellId| cells.binary_search_by_key(id, |cell| cell.id).ok();

    let mut children: Vec<Vec<usize>> = vec![Vec::new(); cells.len()];
    let mut open: Vec<usize> = vec![0; cells.len()];
    for (index, cell) in cells.iter().enumerate() {
        for parent in cell.parents().filter_map(|id| find(&id)) {
            children[parent].push(index);
            open[index] += 1;
        }
    }
    let mut ready: BinaryHeap<_> = (0..cells.len()).filter(|index| open[*index] == 0).map(key).collect();
    let mut ordered = Vec::with_capacity(cells.len());
    while let Some(Reverse((.., index))) = ready.pop() {
        ordered.push(cells[index].id);
        for child in &children[index] {
            open[*child] -= 1;
            if open[*child] == 0 {
                ready.push(key(*child));
            }
        }
    }
    ordered
}

/// The rank of each lane as a small number: lanes are few and cells are many.
fn ranks(cells: &[&CellRef], seed: &BlockId) -> BTreeMap<LaneId, usize> {
    let lanes: BTreeMap<LaneId, ()> = cells.iter().map(|cell| (cell.lane, ())).collect();
    let mut ranked: Vec<LaneId> = lanes.into_keys().collect();
    ranked.sort_by_cached_key(|lane| lane_rank(seed, *lane));
    ranked.into_iter().enumerate().map(|(rank, lane)| (lane, rank)).collect()
}
