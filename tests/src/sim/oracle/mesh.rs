//! What must hold of every mesh: its buffers, whom it mistrusts, what it counts.

use super::Oracles;
use crate::sim::{
    Micros,
    cells::{Cells, Committed, SharedCell},
    node::{Node, Running},
};
use qsdm_mesh::{CellError, CellSource, Mesh, Severity, Usage};
use qsdm_primitives::{CellId, Signers, ValidatorIndex, ValidatorSet, limits};
use std::{cmp::Reverse, collections::BTreeMap};

impl Oracles {
    /// Every buffer of a mesh stays within its limit.
    pub(in crate::sim) fn mesh_bounded(&mut self, at: Micros, node: usize, mesh: &Mesh<Committed>) {
        if !self.correct[node] {
            return;
        }
        let (usage, authors) = (mesh.usage(), self.validators);
        // what is certified has no limit but a cut's: a lane may have both branches of a fork, one of them certified
        let held = 2 * limits::CELLS_UNCOMMITTED_PER_AUTHOR_MAX * authors * self.submeshes;
        let bounds = [
            ("uncommitted cells", usage.held, held),
            ("waiting cells of one author", usage.pending_of_one, limits::CELLS_PENDING_PER_AUTHOR_MAX),
            (
                "bytes of waiting cells of one author",
                usage.pending_bytes_of_one,
                limits::CELLS_PENDING_BYTES_PER_AUTHOR_MAX,
            ),
            ("missing parents", usage.wanted, 3 * usage.pending),
            ("questions about cells", usage.asked, limits::FETCHES_OPEN_MAX),
            ("transactions", usage.keys, 2 * authors * limits::CONFLICT_KEYS_PER_AUTHOR_MAX),
            ("peers", usage.peers, limits::MESH_PEERS_MAX),
        ];
        for (what, found, max) in bounds {
            if found > max {
                self.report(at, node, format!("its mesh keeps {found} {what}, the limit is {max}"));
            }
        }
        self.peak = greatest(&self.peak, &usage);
    }

    /// The most that a correct node's mesh kept.
    pub(in crate::sim) fn peak(&self) -> Usage {
        self.peak
    }

    /// What a correct node passes on breaks no rule.
    pub(in crate::sim) fn cell_refused(&mut self, at: Micros, node: usize, from: usize, error: &CellError) {
        if error.severity() == Severity::Peer && self.correct.get(from) == Some(&true) {
            self.report(at, node, format!("refuses a cell that correct node {from} sent: {error}"));
        }
    }

    /// No correct author is mistrusted, and nobody's weight counts twice for a cell.
    pub(super) fn judge_mesh(&mut self, at: Micros, node: &Node, running: &Running, set: &ValidatorSet) {
        let mesh = running.cells.mesh();
        let is_correct = |author: &ValidatorIndex| self.correct.get(usize::from(author.0)) == Some(&true);
        if let Some(author) = mesh.quarantined().iter().find(is_correct) {
            self.report(at, node.id, format!("quarantines correct author {author}"));
        }
        if let Some(wrong) = wrong_weight(&running.cells, set) {
            self.report(at, node.id, wrong);
        }
    }
}

/// The entangled weight of each uncommitted cell once more, from the links of all cells: at least that of the authors
/// with an uncommitted cell in its future, at most that of those with any cell there.
fn wrong_weight(cells: &Cells, set: &ValidatorSet) -> Option<String> {
    let mesh = cells.mesh();
    let oldest = mesh.cells().map(|cell| cell.time_ms).min()?;
    let of_epoch = cells.stored().iter().filter(|(_, cell)| {
        let header = cell.header();
        header.epoch == set.epoch() && header.time_ms >= oldest
    });
    let mut newest_first: Vec<(&CellId, &SharedCell)> = of_epoch.collect();
    newest_first.sort_by_key(|(id, cell)| Reverse((cell.header().time_ms, cell.header().depth, **id)));
    let mut futures: BTreeMap<CellId, Future> = BTreeMap::new();
    // one pass is enough but where links lead from one submesh to another within a millisecond
    while pass(&newest_first, mesh, &mut futures) {}
    for (id, _) in newest_first {
        let Some(found) = mesh.entangled_weight(id) else { continue };
        let future = futures.get(id).copied().unwrap_or_default();
        let (least, most) = (set.weight_of(future.held), set.weight_of(future.all));
        if found < least || found > most || found > set.total() {
            return Some(format!("gives cell {} the weight {found}, not {least} to {most}", id.short()));
        }
    }
    None
}

/// The authors with a cell in the future of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Future {
    /// One that is not committed, nor any between the two: a frozen lane may link to what others have committed.
    held: Signers,
    /// Any.
    all: Signers,
}

/// From each cell to its parents; whether that changed anything.
fn pass(cells: &[(&CellId, &SharedCell)], mesh: &Mesh<Committed>, futures: &mut BTreeMap<CellId, Future>) -> bool {
    let mut has_changed = false;
    for (id, cell) in cells {
        let mut future = futures.get(*id).copied().unwrap_or_default();
        let author = cell.header().lane.author;
        future.all.insert(author);
        match mesh.cell(id) {
            Some(_) => {
                future.held.insert(author);
            }
            None => future.held = Signers::NONE,
        }
        for parent in cell.header().links.iter() {
            let of_parent = futures.entry(parent).or_default();
            let before = *of_parent;
            *of_parent = Future { held: before.held.union(future.held), all: before.all.union(future.all) };
            has_changed |= *of_parent != before;
        }
    }
    has_changed
}

fn greatest(one: &Usage, other: &Usage) -> Usage {
    Usage {
        held: one.held.max(other.held),
        held_of_one: one.held_of_one.max(other.held_of_one),
        pending: one.pending.max(other.pending),
        pending_bytes: one.pending_bytes.max(other.pending_bytes),
        pending_of_one: one.pending_of_one.max(other.pending_of_one),
        pending_bytes_of_one: one.pending_bytes_of_one.max(other.pending_bytes_of_one),
        wanted: one.wanted.max(other.wanted),
        asked: one.asked.max(other.asked),
        keys: one.keys.max(other.keys),
        peers: one.peers.max(other.peers),
    }
}
