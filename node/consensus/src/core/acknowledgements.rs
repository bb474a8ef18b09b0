//! Who holds which cell.

use qsdm_primitives::{CellId, Signers, ValidatorIndex, ValidatorSet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Acknowledgements of one validator for cells that are not here yet.
const EARLY_PER_VALIDATOR_MAX: usize = 256;

/// Who said that they hold a cell. Cells that one correct validator holds are sure to be found by all.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledgements {
    by_cell: BTreeMap<CellId, Signers>,
    eligible: BTreeSet<CellId>,
    early: BTreeMap<ValidatorIndex, VecDeque<CellId>>,
}

impl Acknowledgements {
    /// A cell is here. A validator that observes its own cell counts as one that holds it.
    pub(super) fn held(&mut self, cell: CellId, me: Option<ValidatorIndex>, set: &ValidatorSet) {
        let mut holders: Signers = me.into_iter().collect();
        for (validator, cells) in &mut self.early {
            if let Some(at) = cells.iter().position(|early| *early == cell) {
                cells.remove(at);
                holders.insert(*validator);
            }
        }
        let known = self.by_cell.entry(cell).or_default();
        *known = known.union(holders);
        self.judge(cell, set);
    }

    /// A validator holds a cell. Whether the cell became eligible by that.
    pub(super) fn insert(
        &mut self,
        validator: ValidatorIndex,
        cell: CellId,
        is_held: bool,
        set: &ValidatorSet,
    ) -> bool {
        if set.get(validator).is_none() {
            return false;
        }
        if !is_held {
            let early = self.early.entry(validator).or_default();
            if !early.contains(&cell) {
                early.push_back(cell);
                if early.len() > EARLY_PER_VALIDATOR_MAX {
                    early.pop_front();
                }
            }
            return false;
        }
        self.by_cell.entry(cell).or_default().insert(validator);
        self.judge(cell, set)
    }

    /// Whether a leader may include the cell.
    pub(super) fn is_eligible(&self, cell: &CellId) -> bool {
        self.eligible.contains(cell)
    }

    /// Whether there is a cell that a leader may include.
    pub(super) fn has_eligible(&self) -> bool {
        !self.eligible.is_empty()
    }

    pub(super) fn forget(&mut self, cell: &CellId) {
        self.by_cell.remove(cell);
        self.eligible.remove(cell);
    }

    fn judge(&mut self, cell: CellId, set: &ValidatorSet) -> bool {
        let holders = self.by_cell.get(&cell).copied().unwrap_or_default();
        set.weight_of(holders) >= set.one_correct() && self.eligible.insert(cell)
    }
}
