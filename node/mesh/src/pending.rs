//! The cells that wait: for parents, for the clock, for room, or for their author's quota.

use crate::{
    conflict::{KeyIndex, TransactionKey},
    error::CellError,
    origin::{Origin, PeerId},
};
use qsdm_crypto::Verified;
use qsdm_primitives::{
    Cell, CellHeader, CellId, Signers, ValidatorIndex,
    limits::{CELLS_PENDING_BYTES_PER_AUTHOR_MAX, CELLS_PENDING_PER_AUTHOR_MAX},
};
use std::collections::{BTreeMap, BTreeSet};

/// A cell on its way in.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: CellId,
    pub(crate) cell: Verified<Cell>,
    pub(crate) keys: Vec<TransactionKey>,
    pub(crate) from: PeerId,
    pub(crate) origin: Origin,
    /// Length of its canonical encoding.
    pub(crate) bytes: usize,
    /// How many generations it lies above a cell that was pushed.
    pub(crate) generation: usize,
    /// Whether it shows a fork: kept although its author is quarantined.
    pub(crate) shows_fork: bool,
    pub(crate) since_ms: u64,
}

impl Arrival {
    pub(crate) fn header(&self) -> &CellHeader {
        self.cell.header()
    }

    pub(crate) fn author(&self) -> ValidatorIndex {
        self.header().lane.author
    }
}

/// For what a cell waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// These parents.
    Parents(Vec<CellId>),
    /// Its own time.
    Clock,
    /// The commitment of other cells of its author.
    Room,
    /// Time, because its author sends more than it may.
    Quota,
}

#[derive(Debug)]
struct Waiting {
    arrival: Arrival,
    need: Need,
}

#[derive(Debug, Default)]
struct OfAuthor {
    /// By depth: where one has to go, it is the deepest.
    by_depth: BTreeSet<(u64, CellId)>,
    bytes: usize,
}

/// The buffer, bounded per author. Where it is full, the cells of smallest depth stay: they are what the others wait for,
/// so the buffer can't fill with cells none of which can be admitted.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    cells: BTreeMap<CellId, Waiting>,
    authors: BTreeMap<ValidatorIndex, OfAuthor>,
    /// The children that wait for a parent, held here or not.
    children: BTreeMap<CellId, BTreeSet<CellId>>,
    clock: BTreeSet<(u64, CellId)>,
    room: BTreeMap<ValidatorIndex, BTreeSet<(u64, CellId)>>,
    quota: BTreeMap<ValidatorIndex, BTreeSet<(u64, CellId)>>,
    keys: KeyIndex,
}

impl Pending {
    pub(crate) fn get(&self, id: &CellId) -> Option<&Arrival> {
        self.cells.get(id).map(|waiting| &waiting.arrival)
    }

    /// The parents that a waiting cell waits for.
    pub(crate) fn parents(&self, id: &CellId) -> &[CellId] {
        match self.cells.get(id).map(|waiting| &waiting.need) {
            Some(Need::Parents(parents)) => parents,
            _ => &[],
        }
    }

    /// Whether a waiting cell needs this one.
    pub(crate) fn is_wanted(&self, id: &CellId) -> bool {
        self.children.contains_key(id)
    }

    /// Whether a waiting cell of this author needs this one.
    pub(crate) fn is_wanted_by(&self, id: &CellId, author: ValidatorIndex) -> bool {
        let mut children = self.children.get(id).into_iter().flatten();
        children.any(|child| self.get(child).is_some_and(|child| child.author() == author))
    }

    /// Whether a waiting cell of another author needs this one.
    pub(crate) fn is_wanted_by_others(&self, id: &CellId, author: ValidatorIndex) -> bool {
        let mut children = self.children.get(id).into_iter().flatten();
        children.any(|child| self.get(child).is_some_and(|child| child.author() != author))
    }

    /// The other authors whose waiting cells need this one, also by way of waiting cells of its own author.
    pub(crate) fn wanted_by(&self, id: &CellId, author: ValidatorIndex) -> Signers {
        let (mut others, mut seen, mut open) = (Signers::NONE, BTreeSet::new(), vec![*id]);
        while let Some(next) = open.pop() {
            for child in self.children.get(&next).into_iter().flatten() {
                match self.get(child).map(Arrival::author) {
                    Some(of_child) if of_child == author => open.extend(seen.insert(*child).then_some(*child)),
                    Some(other) => {
                        others.insert(other);
                    }
                    None => {}
                }
            }
        }
        others
    }

    /// Whether a waiting cell that no local rule may refuse needs this one.
    pub(crate) fn is_wanted_by_certified(&self, id: &CellId) -> bool {
        let mut children = self.children.get(id).into_iter().flatten();
        children.any(|child| self.get(child).is_some_and(|child| child.origin == Origin::Certified))
    }

    /// The waiting cells that need this one.
    pub(crate) fn children(&self, id: &CellId) -> Vec<CellId> {
        self.children.get(id).into_iter().flatten().copied().collect()
    }

    pub(crate) fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    /// What has to go so that a cell fits: its author's deepest ones, if they are deeper than it or, for a cell that no local
    /// rule may refuse, were not certified themselves.
    ///
    /// # Errors
    /// [`CellError::PendingFull`] where that is not enough.
    pub(crate) fn make_room(&self, arrival: &Arrival) -> Result<Vec<CellId>, CellError> {
        let author = arrival.author();
        let Some(of_author) = self.authors.get(&author) else { return Ok(Vec::new()) };
        let (mut cells, mut bytes) = (of_author.by_depth.len(), of_author.bytes);
        let is_over = |cells: usize, bytes: usize| {
            cells >= CELLS_PENDING_PER_AUTHOR_MAX
                || bytes.saturating_add(arrival.bytes) > CELLS_PENDING_BYTES_PER_AUTHOR_MAX
        };
        let mut leaving = Vec::new();
        for (depth, id) in of_author.by_depth.iter().rev() {
            if !is_over(cells, bytes) {
                break;
            }
            let Some(other) = self.get(id) else { continue };
            let is_weaker = !arrival.origin.is_limited() && other.origin.is_limited();
            if is_weaker || (arrival.header().depth, arrival.id) < (*depth, *id) {
                cells -= 1;
                bytes -= other.bytes;
                leaving.push(*id);
            }
        }
        if is_over(cells, bytes) {
            return Err(self.full(author));
        }
        Ok(leaving)
    }

    /// How full the buffer is for an author.
    pub(crate) fn full(&self, author: ValidatorIndex) -> CellError {
        let (cells, bytes) = self.authors.get(&author).map_or((0, 0), |of| (of.by_depth.len(), of.bytes));
        CellError::PendingFull {
            author,
            cells,
            bytes,
            cells_max: CELLS_PENDING_PER_AUTHOR_MAX,
            bytes_max: CELLS_PENDING_BYTES_PER_AUTHOR_MAX,
        }
    }

    /// Adds a cell; [`Self::make_room`] has said that it fits.
    pub(crate) fn insert(&mut self, arrival: Arrival, need: Need) {
        let (id, author, depth) = (arrival.id, arrival.author(), arrival.header().depth);
        match &need {
            Need::Parents(parents) => {
                for parent in parents {
                    self.children.entry(*parent).or_default().insert(id);
                }
            }
            Need::Clock => {
                self.clock.insert((arrival.header().time_ms, id));
            }
            Need::Room => {
                self.room.entry(author).or_default().insert((depth, id));
            }
            Need::Quota => {
                self.quota.entry(author).or_default().insert((depth, id));
            }
        }
        let of_author = self.authors.entry(author).or_default();
        of_author.by_depth.insert((depth, id));
        of_author.bytes += arrival.bytes;
        self.keys.insert(id, author, &arrival.keys);
        self.cells.insert(id, Waiting { arrival, need });
    }

    /// Takes a cell out. The second part are the parents that nobody waits for any more.
    pub(crate) fn take(&mut self, id: &CellId) -> Option<(Arrival, Vec<CellId>)> {
        let Waiting { arrival, need } = self.cells.remove(id)?;
        let (author, depth) = (arrival.author(), arrival.header().depth);
        let mut unwanted = Vec::new();
        match need {
            Need::Parents(parents) => {
                for parent in parents {
                    remove_from(&mut self.children, parent, id);
                    unwanted.extend(Some(parent).filter(|parent| !self.children.contains_key(parent)));
                }
            }
            Need::Clock => {
                self.clock.remove(&(arrival.header().time_ms, *id));
            }
            Need::Room => remove_from(&mut self.room, author, &(depth, *id)),
            Need::Quota => remove_from(&mut self.quota, author, &(depth, *id)),
        }
        if let Some(of_author) = self.authors.get_mut(&author) {
            of_author.by_depth.remove(&(depth, *id));
            of_author.bytes -= arrival.bytes;
            if of_author.by_depth.is_empty() {
                self.authors.remove(&author);
            }
        }
        self.keys.remove(*id, author, &arrival.keys);
        Some((arrival, unwanted))
    }

    /// A parent was admitted: it is crossed out, and the children that wait for no other one are named.
    pub(crate) fn release(&mut self, parent: &CellId) -> Vec<CellId> {
        let mut ready = Vec::new();
        for child in self.children.remove(parent).into_iter().flatten() {
            if let Some(Need::Parents(parents)) = self.cells.get_mut(&child).map(|waiting| &mut waiting.need) {
                parents.retain(|other| other != parent);
                if parents.is_empty() {
                    ready.push(child);
                }
            }
        }
        ready
    }

    /// Those that wait for a time up to `until_ms`.
    pub(crate) fn due(&self, until_ms: u64) -> Vec<CellId> {
        self.clock.range(..=(until_ms, CellId([u8::MAX; 32]))).map(|(_, id)| *id).collect()
    }

    /// Those of an author that wait for room, the shallowest first.
    pub(crate) fn waiting_for_room(&self, author: ValidatorIndex) -> Vec<CellId> {
        self.room.get(&author).into_iter().flatten().map(|(_, id)| *id).collect()
    }

    /// The shallowest cell of each author that waits for its quota.
    pub(crate) fn waiting_for_quota(&self) -> Vec<CellId> {
        self.quota.values().filter_map(|of| of.first()).map(|(_, id)| *id).collect()
    }

    /// Whether a cell waits for its author's quota and nothing else.
    pub(crate) fn waits_for_quota(&self, id: &CellId) -> bool {
        self.cells.get(id).is_some_and(|waiting| waiting.need == Need::Quota)
    }

    /// All of an author's.
    pub(crate) fn of_author(&self, author: ValidatorIndex) -> Vec<CellId> {
        self.authors.get(&author).into_iter().flat_map(|of| &of.by_depth).map(|(_, id)| *id).collect()
    }

    /// How many wait, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.cells.len(), self.authors.values().map(|of| of.bytes).sum())
    }

    /// The greatest number and the greatest bytes that one author has here.
    pub(crate) fn greatest(&self) -> (usize, usize) {
        let cells = self.authors.values().map(|of| of.by_depth.len()).max().unwrap_or(0);
        (cells, self.authors.values().map(|of| of.bytes).max().unwrap_or(0))
    }
}

fn remove_from<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: K, value: &V) {
    if let Some(set) = sets.get_mut(&key) {
        set.remove(value);
        if set.is_empty() {
            sets.remove(&key);
        }
    }
}
