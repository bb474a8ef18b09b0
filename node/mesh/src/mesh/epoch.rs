//! What the chain decides: commits, evidence, and the ends of epochs.

use super::{Mesh, place_of};
use crate::{
    config::{MeshConfig, Rules},
    cut::CutView,
    effect::Effect,
    fetch::Fetches,
    held::Held,
    pending::Pending,
    ports::{CellStore, StoredPlace},
};
use qsdm_primitives::{CellId, CutChange, Signers, ValidatorIndex};
use std::collections::{BTreeMap, BTreeSet};

impl<S: CellStore> Mesh<S> {
    /// These cells are committed, and the store knows them: they leave the mesh, and cells that waited for them or for room
    /// are admitted.
    pub fn include(&mut self, cells: &[CellId], now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut freed = BTreeSet::new();
        let mut ready = Vec::new();
        for id in cells {
            let was_held = self.held.remove(id).map(|reference| place_of(&reference));
            let Some(place) = was_held.or_else(|| self.store.place(id)) else { continue };
            self.take_all(vec![*id]);
            self.fetches.cancel(id);
            self.borrowed.remove(id);
            self.places.remove(&(place.lane, place.seq, *id));
            self.note_included(*id, place);
            freed.insert(place.lane.author);
            let released = self.pending.release(id);
            ready.extend(self.take_all(released));
        }
        for author in freed {
            let waiting = self.pending.waiting_for_room(author);
            ready.extend(self.take_all(waiting));
        }
        self.settle(ready, now_ms, &mut effects);
        self.ask(now_ms, &mut effects);
        effects
    }

    fn note_included(&mut self, id: CellId, place: StoredPlace) {
        self.note_head(id, place);
        if self.included.tip(place.lane).is_none_or(|tip| tip.seq < place.seq) {
            self.included.apply(&[CutChange { lane: place.lane, seq: place.seq, cell: id }]);
        }
    }

    /// Evidence against an author is committed (rule V9): its cells are not linked to any more, and those that wait and
    /// that no other author's cell needs are dropped.
    pub fn void(&mut self, author: ValidatorIndex) {
        self.void.insert(author);
        // the deepest first: what only they needed can then go too
        for id in self.pending.of_author(author).into_iter().rev() {
            if !self.pending.is_wanted(&id) {
                for arrival in self.take_all(vec![id]) {
                    self.places.remove(&(arrival.header().lane, arrival.header().seq, id));
                }
            }
        }
    }

    /// A new epoch begins: phases, set and lanes are those of `config`, and nobody is quarantined. Returns the cells that
    /// were admitted and are not committed, in the order of their ids: they die, and their transactions go back to the
    /// pools.
    pub fn next_epoch(&mut self, config: MeshConfig) -> Vec<CellId> {
        let left: Vec<CellId> = self.cells().map(|cell| cell.id).collect();
        self.held = Held::new(config.me, config.submeshes.keys().copied());
        self.included = config.included.clone();
        self.rules = Rules::new(config);
        self.pending = Pending::default();
        self.fetches = Fetches::new(self.fetches.repeat_ms());
        self.quotas.next_epoch();
        self.heads = BTreeMap::new();
        self.places = BTreeSet::new();
        self.forked = Signers::NONE;
        self.void = Signers::NONE;
        self.borrowed = BTreeMap::new();
        self.read_heads();
        left
    }
}
