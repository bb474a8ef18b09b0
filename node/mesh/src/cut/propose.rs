//! The cut that a leader proposes.

use super::{CutRules, CutView};
use crate::{
    cell_ref::{CellRef, Place},
    order::lane_rank,
};
use qsdm_primitives::{
    BlockId, CellId, CutChange, LaneId, Signers, SubmeshId,
    limits::{BLOCK_CUT_CHANGES_MAX, CELLS_UNCOMMITTED_PER_AUTHOR_MAX},
};
use std::collections::{BTreeMap, VecDeque};

/// The changes of the cut that a leader proposes on top of `before`: what [`extend`](super::extend) accepts, and to which
/// no further cell can be added. Only `eligible` cells are taken, those that enough others have acknowledged.
///
/// The lanes take turns, one cell at a time, in an order that `seed` rotates: where gas or changes are short, every lane
/// gets its share. A lane whose next cell does not fit stops. Of two branches of a fork the next cell is the eligible one
/// with the smallest id; a cell that waits for a place behind such a fork is taken once the evidence freezes the lane.
pub fn propose(
    before: &dyn CutView,
    cells: &BTreeMap<CellId, CellRef>,
    eligible: &dyn Fn(&CellId) -> bool,
    frozen: Signers,
    rules: &CutRules,
    seed: &BlockId,
) -> Vec<CutChange> {
    let may_enter = |cell: &&CellRef| {
        !frozen.contains(cell.lane.author) && rules.submeshes.contains_key(&cell.lane.submesh) && eligible(&cell.id)
    };
    let mut builder = Builder {
        before,
        frozen,
        rules,
        lanes: chains(before, cells.values().filter(may_enter)),
        waiting: BTreeMap::new(),
        changes: 0,
        gas: 0,
        shares: BTreeMap::new(),
    };
    builder.run(seed);
    let advanced = builder.lanes.iter().filter_map(|(lane, chain)| {
        let newest = chain.cells.get(chain.taken.checked_sub(1)?)?;
        Some(CutChange { lane: *lane, seq: newest.seq, cell: newest.id })
    });
    advanced.collect()
}

/// The cells that can follow a lane's tip, in their order, and how many of them the cut takes.
struct Chain<'a> {
    cells: Vec<&'a CellRef>,
    taken: usize,
}

struct Builder<'a> {
    before: &'a dyn CutView,
    frozen: Signers,
    rules: &'a CutRules,
    lanes: BTreeMap<LaneId, Chain<'a>>,
    /// Lanes whose next cell links to a place that the cut has not reached, by the lane of that place.
    waiting: BTreeMap<LaneId, Vec<LaneId>>,
    changes: usize,
    gas: u64,
    shares: BTreeMap<SubmeshId, u64>,
}

impl Builder<'_> {
    fn run(&mut self, seed: &BlockId) {
        let mut ranked: Vec<LaneId> = self.lanes.keys().copied().collect();
        ranked.sort_by_cached_key(|lane| lane_rank(seed, *lane));
        let mut turns = VecDeque::from(ranked);
        while let Some(lane) = turns.pop_front() {
            let Some(cell) = self.lanes.get(&lane).and_then(|chain| chain.cells.get(chain.taken)).copied() else {
                continue;
            };
            if let Some(open) = cell.links.iter().find(|link| !self.is_closed(link)) {
                self.waiting.entry(open.lane).or_default().push(lane);
            } else if self.take(cell) {
                turns.extend(self.waiting.remove(&lane).into_iter().flatten());
                turns.push_back(lane);
            }
        }
    }

    fn is_closed(&self, link: &Place) -> bool {
        let taken = self.lanes.get(&link.lane).and_then(|chain| chain.cells.get(chain.taken.checked_sub(1)?));
        let reached = taken.map(|cell| cell.seq).or_else(|| self.before.tip(link.lane).map(|tip| tip.seq));
        self.frozen.contains(link.lane.author) || reached.is_some_and(|seq| seq >= link.seq)
    }

    /// Takes the next cell of its lane, unless gas or changes are used up.
    fn take(&mut self, cell: &CellRef) -> bool {
        let share = self.shares.get(&cell.lane.submesh).copied().unwrap_or(0).checked_add(cell.gas_limit);
        let total = self.gas.checked_add(cell.gas_limit);
        let max = self.rules.submeshes.get(&cell.lane.submesh).copied().unwrap_or(0);
        let (Some(share), Some(total)) = (share, total) else { return false };
        let Some(chain) = self.lanes.get_mut(&cell.lane) else { return false };
        let is_new = chain.taken == 0;
        if share > max || total > self.rules.block_gas || (is_new && self.changes == BLOCK_CUT_CHANGES_MAX) {
            return false;
        }
        chain.taken += 1;
        self.changes += usize::from(is_new);
        self.gas = total;
        self.shares.insert(cell.lane.submesh, share);
        true
    }
}

/// For each lane the cells that follow its tip by own links.
fn chains<'a>(before: &dyn CutView, cells: impl Iterator<Item = &'a CellRef>) -> BTreeMap<LaneId, Chain<'a>> {
    let mut sorted: Vec<&CellRef> = cells.collect();
    sorted.sort_unstable_by_key(|cell| cell.place());
    let mut lanes = BTreeMap::new();
    for of_lane in sorted.chunk_by(|one, other| one.lane == other.lane) {
        let Some(lane) = of_lane.first().map(|cell| cell.lane) else { continue };
        let tip = before.tip(lane);
        let mut next = tip.map_or(Some(0), |tip| tip.seq.checked_add(1));
        let mut own = tip.map(|tip| tip.cell);
        let mut chain = Vec::new();
        for cell in of_lane {
            if Some(cell.seq) == next && own.is_none_or(|own| own == cell.own) {
                chain.push(*cell);
                next = cell.seq.checked_add(1);
                own = Some(cell.id);
            }
        }
        chain.truncate(CELLS_UNCOMMITTED_PER_AUTHOR_MAX);
        lanes.insert(lane, Chain { cells: chain, taken: 0 });
    }
    lanes
}
