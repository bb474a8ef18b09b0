//! The admitted cells that no block includes yet, as a graph.

use crate::{
    cell_ref::CellRef,
    conflict::{ConflictSet, KeyIndex, TransactionKey, conflict_set},
};
use qsdm_primitives::{CellId, LaneId, SignedCellHeader, Signers, SubmeshId, ValidatorIndex};
use std::collections::BTreeMap;

/// A set of up to 256 submeshes.
type SubmeshBits = [u64; 4];

/// One cell in the graph. Parents and children are slots; those that were included are gone from both.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) reference: CellRef,
    pub(crate) signed: SignedCellHeader,
    pub(crate) keys: Vec<TransactionKey>,
    parents: Vec<usize>,
    children: Vec<usize>,
    /// The authors who have a cell in its future.
    authors: Signers,
    /// The submeshes in which it is in the past of my lane.
    past_of_mine: SubmeshBits,
}

/// The graph. Cells lie in slots so that walks compare numbers instead of ids.
#[derive(Debug, Default)]
pub(crate) struct Held {
    slots: Vec<Option<Entry>>,
    free: Vec<usize>,
    index: BTreeMap<CellId, usize>,
    lanes: BTreeMap<LaneId, usize>,
    authors: BTreeMap<ValidatorIndex, usize>,
    keys: KeyIndex,
    me: Option<ValidatorIndex>,
    /// The place of each submesh in [`SubmeshBits`].
    bits: BTreeMap<SubmeshId, usize>,
    /// Others' cells with transactions that are not in the past of my lane of their submesh, by lane.
    uncovered: BTreeMap<LaneId, usize>,
}

impl Held {
    pub(crate) fn new(me: Option<ValidatorIndex>, submeshes: impl Iterator<Item = SubmeshId>) -> Self {
        let bits = submeshes.take(256).enumerate().map(|(bit, submesh)| (submesh, bit)).collect();
        Self { me, bits, ..Self::default() }
    }

    pub(crate) fn slot(&self, id: &CellId) -> Option<usize> {
        self.index.get(id).copied()
    }

    pub(crate) fn at(&self, slot: usize) -> Option<&Entry> {
        self.slots.get(slot).and_then(Option::as_ref)
    }

    pub(crate) fn get(&self, id: &CellId) -> Option<&Entry> {
        self.at(self.slot(id)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.index.values().filter_map(|slot| self.at(*slot))
    }

    pub(crate) fn of_lane(&self, lane: LaneId) -> usize {
        self.lanes.get(&lane).copied().unwrap_or(0)
    }

    pub(crate) fn of_author(&self, author: ValidatorIndex) -> usize {
        self.authors.get(&author).copied().unwrap_or(0)
    }

    /// The greatest number that one author has here.
    pub(crate) fn greatest(&self) -> usize {
        self.authors.values().copied().max().unwrap_or(0)
    }

    pub(crate) fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    pub(crate) fn authors_after(&self, id: &CellId) -> Option<Signers> {
        self.get(id).map(|entry| entry.authors)
    }

    /// Adds a cell whose held parents are `parents`, and says which conflicts it makes.
    pub(crate) fn insert(
        &mut self,
        reference: CellRef,
        signed: SignedCellHeader,
        mut keys: Vec<TransactionKey>,
        parents: Vec<usize>,
    ) -> Vec<ConflictSet> {
        let (id, lane) = (reference.id, reference.lane);
        let conflicts = self.conflicts(id, &keys, &parents);
        let looked_at = self.keys.insert(id, lane.author, &keys);
        keys.truncate(looked_at);
        keys.shrink_to_fit();
        if self.counts_for_witness(&reference) {
            *self.uncovered.entry(lane).or_default() += 1;
        }
        let (children, authors, past_of_mine) = (Vec::new(), Signers::NONE, SubmeshBits::default());
        let entry = Entry { reference, signed, keys, parents, children, authors, past_of_mine };
        let slot = self.place(entry);
        self.index.insert(id, slot);
        *self.lanes.entry(lane).or_default() += 1;
        *self.authors.entry(lane.author).or_default() += 1;
        self.entangle(slot, lane.author);
        if Some(lane.author) == self.me {
            self.cover(slot, lane.submesh);
        }
        conflicts
    }

    fn place(&mut self, entry: Entry) -> usize {
        let slot = self.free.pop().unwrap_or(self.slots.len());
        for parent in &entry.parents {
            if let Some(parent) = self.slots.get_mut(*parent).and_then(Option::as_mut) {
                parent.children.push(slot);
            }
        }
        match self.slots.get_mut(slot) {
            Some(place) => *place = Some(entry),
            None => self.slots.push(Some(entry)),
        }
        slot
    }

    /// Takes a cell out.
    pub(crate) fn remove(&mut self, id: &CellId) -> Option<CellRef> {
        let slot = self.index.remove(id)?;
        let entry = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        for parent in &entry.parents {
            if let Some(parent) = self.slots.get_mut(*parent).and_then(Option::as_mut) {
                parent.children.retain(|child| *child != slot);
            }
        }
        for child in &entry.children {
            if let Some(child) = self.slots.get_mut(*child).and_then(Option::as_mut) {
                child.parents.retain(|parent| *parent != slot);
            }
        }
        let lane = entry.reference.lane;
        self.keys.remove(*id, lane.author, &entry.keys);
        decrease(&mut self.lanes, &lane);
        decrease(&mut self.authors, &lane.author);
        if self.counts_for_witness(&entry.reference) && !self.is_covered(&entry, lane.submesh) {
            decrease(&mut self.uncovered, &lane);
        }
        Some(entry.reference)
    }

    /// Notes an author in all ancestors. Whoever notes an author in a cell notes it in all its ancestors, so the walk stops
    /// where the author is noted: each author is noted in each cell once, whatever the order of arrival.
    fn entangle(&mut self, slot: usize, author: ValidatorIndex) {
        let mut open = self.at(slot).map(|entry| entry.parents.clone()).unwrap_or_default();
        while let Some(next) = open.pop() {
            let Some(entry) = self.slots.get_mut(next).and_then(Option::as_mut) else { continue };
            if entry.authors.insert(author) {
                open.extend_from_slice(&entry.parents);
            }
        }
    }

    /// Notes in a cell of my lane and in all its ancestors that they are in that lane's past; stops as [`Self::entangle`].
    fn cover(&mut self, slot: usize, submesh: SubmeshId) {
        let Some((word, bit)) = self.bit(submesh) else { return };
        let me = self.me;
        let mut open = vec![slot];
        while let Some(next) = open.pop() {
            let Some(entry) = self.slots.get_mut(next).and_then(Option::as_mut) else { continue };
            if entry.past_of_mine[word] & bit != 0 {
                continue;
            }
            entry.past_of_mine[word] |= bit;
            open.extend_from_slice(&entry.parents);
            let lane = entry.reference.lane;
            if lane.submesh == submesh && Some(lane.author) != me && entry.reference.transactions > 0 {
                decrease(&mut self.uncovered, &lane);
            }
        }
    }

    fn bit(&self, submesh: SubmeshId) -> Option<(usize, u64)> {
        self.bits.get(&submesh).map(|bit| (bit / 64, 1u64 << (bit % 64)))
    }

    fn counts_for_witness(&self, reference: &CellRef) -> bool {
        self.me.is_some_and(|me| me != reference.lane.author) && reference.transactions > 0
    }

    /// Whether a cell is in the past of my lane in a submesh.
    pub(crate) fn is_covered(&self, entry: &Entry, submesh: SubmeshId) -> bool {
        self.bit(submesh).is_some_and(|(word, bit)| entry.past_of_mine[word] & bit != 0)
    }

    /// Others' cells with transactions in a submesh that are not in the past of my lane there.
    pub(crate) fn uncovered(&self, submesh: SubmeshId, ignored: Signers) -> usize {
        let lanes =
            LaneId { submesh, author: ValidatorIndex(0) }..=LaneId { submesh, author: ValidatorIndex(u16::MAX) };
        let counted = self.uncovered.range(lanes).filter(|(lane, _)| !ignored.contains(lane.author));
        counted.map(|(_, count)| count).sum()
    }

    /// A new cell is nobody's ancestor, so the cells that are concurrent with it are those that are not its ancestors.
    /// They are collected at most once, and only where a key appears twice.
    fn conflicts(&self, id: CellId, keys: &[TransactionKey], parents: &[usize]) -> Vec<ConflictSet> {
        let mut ancestors: Option<Vec<bool>> = None;
        let mut found = Vec::new();
        for key in keys {
            let mut rivals = Vec::new();
            for rival in self.keys.rivals(key) {
                let past = ancestors.get_or_insert_with(|| self.ancestors(parents));
                let is_ancestor = self.slot(&rival.cell).and_then(|slot| past.get(slot)).copied();
                if is_ancestor == Some(false) {
                    rivals.push(*rival);
                }
            }
            found.extend(conflict_set(id, key, &rivals));
        }
        found
    }

    fn ancestors(&self, parents: &[usize]) -> Vec<bool> {
        let mut past = vec![false; self.slots.len()];
        let mut open = parents.to_vec();
        while let Some(next) = open.pop() {
            if let Some(seen) = past.get_mut(next)
                && !*seen
            {
                *seen = true;
                open.extend(self.at(next).into_iter().flat_map(|entry| &entry.parents));
            }
        }
        past
    }
}

fn decrease<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}
