//! Admission: which cells are held, which wait, which are refused.

mod admit;
mod epoch;
mod plan;

pub use plan::CellPlan;

use crate::{
    cell_ref::CellRef,
    config::{MeshConfig, Rules},
    conflict::TransactionKey,
    cut::{CellSource, Cut, CutView},
    effect::Effect,
    error::CellError,
    fetch::Fetches,
    held::Held,
    origin::{Origin, PeerId},
    pending::{Arrival, Need, Pending},
    ports::{CellStore, StoredPlace},
    quota::Quotas,
    validity::check_header,
};
use qsdm_crypto::Verified;
use qsdm_primitives::{
    Cell, CellId, Epoch, Evidence, LaneId, SignedCellHeader, Signers, SubmeshId, ValidatorIndex,
    codec::Encode,
    limits::{CLOCK_AHEAD_MS_MAX, FETCH_REPEAT_MS},
};
use std::collections::{BTreeMap, BTreeSet};

/// The cells of one epoch that are held and not committed, and those that wait.
///
/// Results depend on the calls and their arguments alone. Times are milliseconds since the Unix epoch.
#[derive(Debug)]
pub struct Mesh<S> {
    rules: Rules,
    store: S,
    held: Held,
    pending: Pending,
    fetches: Fetches,
    quotas: Quotas,
    /// The newest admitted cell of each lane, committed or not.
    heads: BTreeMap<LaneId, Head>,
    included: Cut,
    /// Where the held and the waiting cells lie; two in one place are a fork.
    places: BTreeSet<(LaneId, u64, CellId)>,
    forked: Signers,
    void: Signers,
    /// Cells of forked lanes that are held above the lane's limit, and for whose sake.
    borrowed: BTreeMap<CellId, (LaneId, ValidatorIndex)>,
}

/// A cell as far as a link to it goes.
#[derive(Clone, Copy, Debug)]
struct Head {
    id: CellId,
    seq: u64,
    depth: u64,
    time_ms: u64,
}

/// How much a mesh keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Admitted cells that no block includes yet.
    pub held: usize,
    /// Greatest number of those of one author.
    pub held_of_one: usize,
    /// Cells that wait.
    pub pending: usize,
    /// Their bytes.
    pub pending_bytes: usize,
    /// Greatest number of waiting cells of one author.
    pub pending_of_one: usize,
    /// Greatest bytes of waiting cells of one author.
    pub pending_bytes_of_one: usize,
    /// Missing parents that may be asked for.
    pub wanted: usize,
    /// Questions that are open.
    pub asked: usize,
    /// Transactions looked at for conflicts.
    pub keys: usize,
    /// Peers whose bytes are counted.
    pub peers: usize,
}

impl<S: CellStore> Mesh<S> {
    /// A mesh without uncommitted cells. Those of an earlier run are given to it as [`Origin::Stored`].
    pub fn new(config: MeshConfig, store: S) -> Self {
        let mut mesh = Self {
            held: Held::new(config.me, config.submeshes.keys().copied()),
            included: config.included.clone(),
            rules: Rules::new(config),
            store,
            pending: Pending::default(),
            fetches: Fetches::new(FETCH_REPEAT_MS),
            quotas: Quotas::default(),
            heads: BTreeMap::new(),
            places: BTreeSet::new(),
            forked: Signers::NONE,
            void: Signers::NONE,
            borrowed: BTreeMap::new(),
        };
        mesh.read_heads();
        mesh
    }

    fn read_heads(&mut self) {
        let tips: Vec<CellId> = self.included.iter().map(|(_, tip)| tip.cell).collect();
        for id in tips {
            if let Some(place) = self.store.place(&id) {
                self.note_head(id, place);
            }
        }
    }

    /// Unanswered questions are repeated after this long in milliseconds, in place of
    /// [`FETCH_REPEAT_MS`]: somewhat longer than a round trip. Whoever waits for a cell to vote for a block has a fraction
    /// of the round's time for it.
    pub fn set_fetch_repeat_ms(&mut self, repeat_ms: u64) {
        self.fetches.set_repeat_ms(repeat_ms);
    }

    /// A cell has arrived whose signature was checked. `keys` describes its transactions, in any order; `from` is asked for
    /// its parents if they are missing.
    ///
    /// A cell that is known already has no effect, except that one that waits may be admitted if `origin` lifts the limit
    /// it waits for.
    pub fn receive(
        &mut self,
        cell: Verified<Cell>,
        keys: Vec<TransactionKey>,
        from: PeerId,
        origin: Origin,
        now_ms: u64,
    ) -> Vec<Effect> {
        let (id, bytes) = (cell.header().id(), encoded_bytes(&cell));
        let generation = self.generation(&id, cell.header().lane.author);
        let shows_fork = false;
        let mut arrival = Arrival { id, cell, keys, from, origin, bytes, generation, shows_fork, since_ms: now_ms };
        let mut effects = Vec::new();
        if origin == Origin::Pushed
            && let Err(error) = self.quotas.charge_peer(from, bytes, now_ms)
        {
            effects.push(Effect::Refuse { cell: id, from, error });
            return effects;
        }
        self.inherit(&mut arrival);
        if self.pending.get(&id).is_some() {
            self.receive_again(arrival, now_ms, &mut effects);
        } else if !self.is_known(&arrival) {
            self.receive_new(arrival, now_ms, &mut effects);
        }
        self.ask(now_ms, &mut effects);
        effects
    }

    /// How many missing parents of one author were followed in a row to get to a cell; 0 for one that nobody asked for. The
    /// buffer bounds each author's cells, so that counting may begin anew where another author's begin: correct authors may
    /// be that far apart, each with as many cells as it may have, while nothing is committed.
    fn generation(&self, id: &CellId, author: ValidatorIndex) -> usize {
        let followed = self.fetches.generation(id);
        followed.map_or(0, |followed| if self.pending.is_wanted_by(id, author) { followed } else { 1 })
    }

    /// Whether a cell is held or committed. The store is asked only where the lane is committed that far.
    fn is_known(&self, arrival: &Arrival) -> bool {
        let header = arrival.header();
        let may_be_stored = self.included.tip(header.lane).is_some_and(|tip| tip.seq >= header.seq);
        self.held.slot(&arrival.id).is_some() || (may_be_stored && self.store.place(&arrival.id).is_some())
    }

    /// A waiting cell comes again: from somebody who may have its parents, or for a better reason.
    fn receive_again(&mut self, again: Arrival, now_ms: u64, effects: &mut Vec<Effect>) {
        let Some(waiting) = self.pending.get(&again.id) else { return };
        if again.origin > waiting.origin {
            if let Some((mut arrival, _)) = self.pending.take(&again.id) {
                arrival.origin = again.origin;
                self.settle(vec![arrival], now_ms, effects);
            }
            return;
        }
        let generation = waiting.generation;
        for parent in self.pending.parents(&again.id).to_vec() {
            self.want(parent, again.author(), again.from, generation);
        }
    }

    fn receive_new(&mut self, mut arrival: Arrival, now_ms: u64, effects: &mut Vec<Effect>) {
        if let Err(error) = check_header(&self.rules, arrival.header()) {
            return self.refuse(arrival.id, arrival.from, error, now_ms, effects);
        }
        arrival.shows_fork = self.find_fork(&arrival, effects);
        let (author, is_wanted) = (arrival.author(), self.pending.is_wanted(&arrival.id));
        if arrival.origin == Origin::Pushed {
            if let Some(error) = self.quarantine(&arrival) {
                return self.refuse(arrival.id, arrival.from, error, now_ms, effects);
            }
            if let Err(error) = self.quotas.charge_author(author, arrival.bytes, is_wanted, now_ms) {
                return self.park(arrival, Need::Quota, error, now_ms, effects);
            }
        }
        self.settle(vec![arrival], now_ms, effects);
    }

    /// V9, the local half: cells of a quarantined author are kept only where something needs them.
    fn quarantine(&self, arrival: &Arrival) -> Option<CellError> {
        let author = arrival.author();
        let applies = arrival.origin == Origin::Pushed && !arrival.shows_fork && self.quarantined().contains(author);
        (applies && !self.pending.is_wanted(&arrival.id)).then_some(CellError::Quarantined { author })
    }

    /// Two cells in one place: the first fork of an author in an epoch becomes evidence, and the author is quarantined.
    fn find_fork(&mut self, arrival: &Arrival, effects: &mut Vec<Effect>) -> bool {
        let (lane, seq) = (arrival.header().lane, arrival.header().seq);
        if self.forked.contains(lane.author) {
            return false;
        }
        let Some(other) = self.other_in_place(lane, seq, arrival.id) else { return false };
        self.forked.insert(lane.author);
        effects.push(Effect::Evidence(Evidence::lane_fork(other, arrival.cell.signed.clone())));
        true
    }

    fn other_in_place(&self, lane: LaneId, seq: u64, id: CellId) -> Option<SignedCellHeader> {
        let all = (lane, seq, CellId([0; 32]))..=(lane, seq, CellId([u8::MAX; 32]));
        let known = self.places.range(all).map(|(_, _, other)| *other).find(|other| *other != id);
        if let Some(other) = known {
            let held = self.held.get(&other).map(|entry| &entry.signed);
            return held.or_else(|| self.pending.get(&other).map(|arrival| &arrival.cell.signed)).cloned();
        }
        self.included.tip(lane).filter(|tip| tip.seq >= seq)?;
        self.store.signed(lane, seq).filter(|signed| signed.header.id() != id)
    }

    /// Time has passed: cells that waited for it, or for a place in a forked lane, are admitted, and unanswered questions are
    /// asked again.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let due = self.pending.due(now_ms.saturating_add(CLOCK_AHEAD_MS_MAX));
        let mut arrivals = self.take_all(due);
        // others may wait for them by now
        for author in self.quarantined().iter() {
            let mut waiting = self.pending.waiting_for_room(author);
            waiting.retain(|id| !self.pending.wanted_by(id, author).is_empty());
            arrivals.extend(self.take_all(waiting));
        }
        self.settle(arrivals, now_ms, &mut effects);
        self.spend_quotas(now_ms, &mut effects);
        self.ask(now_ms, &mut effects);
        effects
    }

    /// Cells that came too fast are judged as their authors' quotas allow, each author's shallowest ones first: whatever
    /// the order of arrival was, everybody admits the same ones.
    fn spend_quotas(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        loop {
            let mut due = self.pending.waiting_for_quota();
            due.retain(|id| {
                let waiting = self.pending.get(id).map(|arrival| (arrival.author(), arrival.bytes));
                waiting.is_some_and(|(author, bytes)| self.quotas.charge_author(author, bytes, false, now_ms).is_ok())
            });
            if due.is_empty() {
                return;
            }
            let arrivals = self.take_all(due);
            self.settle(arrivals, now_ms, effects);
        }
    }

    fn ask(&mut self, now_ms: u64, effects: &mut Vec<Effect>) {
        let asked = self.fetches.next(self.rules.config.set.len(), now_ms);
        effects.extend(asked.into_iter().map(|(cell, from)| Effect::Fetch { cell, from }));
    }

    /// Weight of the distinct authors who have a cell in the future of a held one: a figure of confidence, never finality.
    /// `None` for a cell that is not held.
    pub fn entangled_weight(&self, id: &CellId) -> Option<u64> {
        self.held.authors_after(id).map(|authors| self.rules.config.set.weight_of(authors))
    }

    /// The epoch whose cells it takes and plans. Consensus may be in the next one already, until it says so.
    pub fn epoch(&self) -> Epoch {
        self.rules.config.set.epoch()
    }

    /// The authors to whose cells no own cell links: those with a forked lane, and those against whom evidence is committed.
    pub fn quarantined(&self) -> Signers {
        self.forked.union(self.void)
    }

    /// The held cells, in the order of their ids.
    pub fn cells(&self) -> impl Iterator<Item = &CellRef> {
        self.held.iter().map(|entry| &entry.reference)
    }

    /// The signed header of a held cell.
    pub fn signed(&self, id: &CellId) -> Option<&SignedCellHeader> {
        self.held.get(id).map(|entry| &entry.signed)
    }

    /// Whether a cell waits.
    pub fn is_pending(&self, id: &CellId) -> bool {
        self.pending.get(id).is_some()
    }

    /// The newest committed cell of each lane.
    pub fn included(&self) -> &Cut {
        &self.included
    }

    /// The committed cells.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The committed cells, to add some.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// How much is kept.
    pub fn usage(&self) -> Usage {
        let (pending, pending_bytes) = self.pending.size();
        let (pending_of_one, pending_bytes_of_one) = self.pending.greatest();
        Usage {
            held: self.held.len(),
            held_of_one: self.held.greatest(),
            pending,
            pending_bytes,
            pending_of_one,
            pending_bytes_of_one,
            wanted: self.fetches.len(),
            asked: self.fetches.open(),
            keys: self.held.keys().len().saturating_add(self.pending.keys().len()),
            peers: self.quotas.peers(),
        }
    }

    fn note_head(&mut self, id: CellId, place: StoredPlace) {
        let head = Head { id, seq: place.seq, depth: place.depth, time_ms: place.time_ms };
        let newest = self.heads.entry(place.lane).or_insert(head);
        if newest.seq < head.seq {
            *newest = head;
        }
    }
}

impl<S> CellSource for Mesh<S> {
    fn cell(&self, id: &CellId) -> Option<&CellRef> {
        self.held.get(id).map(|entry| &entry.reference)
    }
}

/// Length of the canonical encoding, without making it.
fn encoded_bytes(cell: &Cell) -> usize {
    let body: usize = cell.body.transactions.iter().map(|transaction| transaction.len().saturating_add(4)).sum();
    let mut header = Vec::with_capacity(256);
    cell.header().encode(&mut header);
    header.len() + 1 + cell.signed.signature.bytes().len() + 4 + body
}

/// What a held cell's children need of it.
fn place_of(reference: &CellRef) -> StoredPlace {
    StoredPlace { lane: reference.lane, seq: reference.seq, depth: reference.depth, time_ms: reference.time_ms }
}

fn lane_of(author: ValidatorIndex, submesh: SubmeshId) -> LaneId {
    LaneId { submesh, author }
}
