//! The chain that correct nodes agree on, judged again by rules written down a second time.

use crate::sim::cells::SharedCell;
use qsdm_consensus::CommittedBlock;
use qsdm_mesh::{CellRef, Place, order};
use qsdm_primitives::{BlockId, CellId, Epoch, Height, LaneId, Signers, ValidatorIndex};
use std::collections::{BTreeMap, BTreeSet};

type Cells = BTreeMap<CellId, SharedCell>;

/// The first commit of a height, which all others are compared with.
#[derive(Clone, Debug)]
struct Agreed {
    id: BlockId,
    parent: BlockId,
    epoch: Epoch,
    proposer: ValidatorIndex,
    cells: Vec<CellId>,
    number: Option<u64>,
}

/// The agreed chain, and where its newest block leaves it.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    agreed: BTreeMap<Height, Agreed>,
    epoch_length_ms: u64,
    epoch: Epoch,
    epoch_start_ms: u64,
    time_ms: u64,
    is_over: bool,
    number: u64,
    cut: BTreeMap<LaneId, (u64, CellId)>,
    frozen: Signers,
}

impl Chain {
    pub(super) fn new(epoch_length_ms: u64) -> Self {
        Self {
            agreed: BTreeMap::new(),
            epoch_length_ms,
            epoch: Epoch(0),
            epoch_start_ms: crate::sim::run::START_MS,
            time_ms: crate::sim::run::START_MS,
            is_over: false,
            number: 0,
            cut: BTreeMap::new(),
            frozen: Signers::NONE,
        }
    }

    /// Compares a commit with the agreed chain, or makes it the newest block of that. Whether it did, and what is wrong.
    pub(super) fn committed(&mut self, block: &CommittedBlock, cells: &Cells) -> (bool, Vec<String>) {
        let (height, header) = (block.tip.height, block.block.header());
        let agreed = Agreed {
            id: block.id,
            parent: header.parent,
            epoch: header.epoch,
            proposer: header.proposer,
            cells: block.cells.clone(),
            number: block.number,
        };
        let mut wrong = Vec::new();
        let before = height.0.checked_sub(1).and_then(|before| self.agreed.get(&Height(before)));
        if before.is_some_and(|before| before.id != agreed.parent) {
            wrong.push(format!("commits height {height} on another parent than was committed"));
        }
        if let Some(known) = self.agreed.get(&height) {
            if known.id != agreed.id {
                wrong.push(format!("commits another block of height {height}"));
            } else if known.cells != agreed.cells {
                wrong.push(format!("orders the cells of height {height} otherwise"));
            } else if known.number != agreed.number {
                wrong.push(format!("numbers height {height} otherwise"));
            }
            return (false, wrong);
        }
        self.enter_epoch(block, &mut wrong);
        wrong.extend(self.judge(block, cells));
        self.agreed.insert(height, agreed);
        (true, wrong)
    }

    fn enter_epoch(&mut self, block: &CommittedBlock, wrong: &mut Vec<String>) {
        let epoch = block.block.header().epoch;
        if epoch == self.epoch {
            if self.is_over {
                wrong.push(format!("commits height {} after the last block of epoch {epoch}", block.tip.height));
            }
            return;
        }
        if epoch.0 != self.epoch.0 + 1 || !self.is_over {
            wrong.push(format!("goes to epoch {epoch} from epoch {}, which is not over", self.epoch));
        }
        self.epoch = epoch;
        self.epoch_start_ms = self.time_ms;
        self.is_over = false;
        self.cut.clear();
        self.frozen = Signers::NONE;
    }

    fn judge(&mut self, block: &CommittedBlock, cells: &Cells) -> Vec<String> {
        let (height, header, body) = (block.tip.height, block.block.header(), &block.block.body);
        let mut wrong = Vec::new();
        self.is_over = header.time_ms >= self.epoch_start_ms.saturating_add(self.epoch_length_ms);
        self.time_ms = header.time_ms;
        if block.is_boundary != self.is_over {
            wrong.push(format!("takes height {height} for the last block of its epoch, or doesn't"));
        }
        self.frozen = self.frozen.union(body.evidence.iter().map(|evidence| evidence.offender()).collect());
        for change in body.cut.iter().filter(|change| self.frozen.contains(change.lane.author)) {
            wrong.push(format!("height {height} includes cells of {}, who is frozen", change.lane.author));
        }
        match self.included(block, cells) {
            Err(what) => wrong.push(what),
            Ok(included) => {
                self.cut.extend(body.cut.iter().map(|change| (change.lane, (change.seq, change.cell))));
                wrong.extend(self.judge_cells(block, &included, cells));
                let is_evm = self.is_over || !body.evidence.is_empty() || included.iter().any(|c| c.transactions > 0);
                self.number += u64::from(is_evm);
                if block.number != is_evm.then_some(self.number) {
                    wrong.push(format!("numbers height {height} {:?}, not {}", block.number, self.number));
                }
            }
        }
        let seed = self.seed(block);
        if block.seed != seed {
            wrong.push(format!("orders height {height} by another seed than the newest ancestor of somebody else"));
        }
        wrong
    }

    /// From each new tip down to the old one.
    fn included(&self, block: &CommittedBlock, cells: &Cells) -> Result<Vec<CellRef>, String> {
        let height = block.tip.height;
        let mut included = Vec::new();
        for change in &block.block.body.cut {
            let before = self.cut.get(&change.lane);
            let mut next = change.cell;
            for seq in (before.map_or(0, |before| before.0 + 1)..=change.seq).rev() {
                let cell = cells.get(&next).ok_or_else(|| format!("commits height {height} without cell {next}"))?;
                if (cell.header().lane, cell.header().seq) != (change.lane, seq) {
                    return Err(format!("height {height} includes a cell in another place than it is"));
                }
                included.push(reference(next, cell, cells));
                next = cell.header().links.own;
            }
            if before.is_some_and(|before| before.1 != next) {
                return Err(format!("height {height} includes cells of {} that don't follow its last", change.lane));
            }
        }
        Ok(included)
    }

    /// Cells come after their parents, in the order that the seed gives, and none links to what is not included.
    fn judge_cells(&self, block: &CommittedBlock, included: &[CellRef], cells: &Cells) -> Vec<String> {
        let height = block.tip.height;
        let mut wrong = Vec::new();
        let mut left: BTreeSet<CellId> = included.iter().map(|cell| cell.id).collect();
        for id in &block.cells {
            let parents = cells.get(id).map(|cell| cell.header().links.iter());
            if parents.into_iter().flatten().any(|parent| left.contains(&parent)) {
                wrong.push(format!("runs a cell of height {height} before its parent"));
            }
            if !left.remove(id) {
                wrong.push(format!("runs a cell at height {height} that it doesn't include, or one twice"));
            }
        }
        if block.cells != order(included, &block.seed) {
            wrong.push(format!("orders the cells of height {height} by another rule"));
        }
        for link in included.iter().flat_map(|cell| &cell.links) {
            let reached = self.cut.get(&link.lane).is_some_and(|(seq, _)| *seq >= link.seq);
            if !reached && !self.frozen.contains(link.lane.author) {
                wrong.push(format!("height {height} includes a cell whose parent in {} it doesn't", link.lane));
            }
        }
        wrong
    }

    /// The newest ancestor by another proposer; of the epochs before, everybody is another one.
    fn seed(&self, block: &CommittedBlock) -> BlockId {
        let header = block.block.header();
        let ancestors = self.agreed.range(..block.tip.height).rev();
        let found = ancestors
            .map(|(_, ancestor)| ancestor)
            .find(|ancestor| ancestor.epoch != header.epoch || ancestor.proposer != header.proposer);
        found.map_or(BlockId([0; 32]), |ancestor| ancestor.id)
    }
}

fn reference(id: CellId, cell: &SharedCell, cells: &Cells) -> CellRef {
    let header = cell.header();
    let links = header.links.iter().skip(1).filter_map(|link| {
        let parent = cells.get(&link)?.header();
        Some(Place { lane: parent.lane, seq: parent.seq, cell: link })
    });
    CellRef {
        id,
        lane: header.lane,
        seq: header.seq,
        depth: header.depth,
        own: header.links.own,
        links: links.collect(),
        gas_limit: header.gas_limit,
        transactions: header.transactions,
        time_ms: header.time_ms,
    }
}
