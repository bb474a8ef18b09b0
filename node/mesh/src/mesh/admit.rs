//! What becomes of a cell: admitted, kept waiting or refused; and what that means for those that wait for it.

use super::{Mesh, place_of};
use crate::{
    cell_ref::{CellRef, Place},
    effect::Effect,
    error::{CellError, Severity},
    origin::{Origin, PeerId},
    pending::{Arrival, Need},
    ports::CellStore,
    validity::{Parent, Parents, check_parents},
};
use qsdm_primitives::{
    CellId, ValidatorIndex,
    limits::{CELLS_UNCOMMITTED_PER_AUTHOR_MAX, CLOCK_AHEAD_MS_MAX},
};
use std::collections::{BTreeSet, VecDeque};

/// The links of a cell that can be admitted: those that point to cells, and the slots of the ones that are held.
struct Resolved {
    links: Vec<Place>,
    slots: Vec<usize>,
    /// For whose sake the cell gets a place that its lane has not.
    borrows: Option<ValidatorIndex>,
}

/// Why a cell is not admitted now.
enum Obstacle {
    Waits(Need, CellError),
    Refused(CellError),
}

impl<S: CellStore> Mesh<S> {
    /// Judges cells, and then those that waited for the ones that were admitted, until none is left: a queue and no
    /// recursion, however long the chains are.
    pub(super) fn settle(&mut self, arrivals: Vec<Arrival>, now_ms: u64, effects: &mut Vec<Effect>) {
        let mut open = VecDeque::from(arrivals);
        while let Some(mut arrival) = open.pop_front() {
            self.inherit(&mut arrival);
            match self.judge(&arrival, now_ms) {
                Ok(resolved) => {
                    let id = arrival.id;
                    self.admit(arrival, resolved, effects);
                    let ready = self.pending.release(&id);
                    open.extend(self.take_all(ready));
                }
                Err(Obstacle::Waits(need, reason)) => {
                    let lifted = self.lift(&arrival, &need, now_ms);
                    self.park(arrival, need, reason, now_ms, effects);
                    open.extend(lifted);
                }
                Err(Obstacle::Refused(error)) => self.refuse(arrival.id, arrival.from, error, now_ms, effects),
            }
        }
    }

    /// Takes cells out of the buffer, and forgets the questions that only they needed an answer to.
    pub(super) fn take_all(&mut self, ids: Vec<CellId>) -> Vec<Arrival> {
        let mut arrivals = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some((arrival, unwanted)) = self.pending.take(&id) {
                unwanted.iter().for_each(|parent| self.fetches.cancel(parent));
                arrivals.push(arrival);
            }
        }
        arrivals
    }

    /// A parent of a certified cell is as good as certified: it was part of what the voters held.
    pub(super) fn inherit(&self, arrival: &mut Arrival) {
        if self.pending.is_wanted_by_certified(&arrival.id) {
            arrival.origin = arrival.origin.max(Origin::Certified);
        }
    }

    /// What another cell waits for does not wait for its author's quota, and what a certified cell waits for waits for no
    /// clock and no room either: such parents are judged again.
    fn lift(&mut self, arrival: &Arrival, need: &Need, now_ms: u64) -> Vec<Arrival> {
        let Need::Parents(parents) = need else { return Vec::new() };
        if arrival.origin != Origin::Certified {
            let waiting = parents.iter().filter(|id| self.pending.waits_for_quota(id)).copied().collect();
            let lifted = self.take_all(waiting);
            for parent in &lifted {
                // what others wait for is counted and never refused
                let _ = self.quotas.charge_author(parent.author(), parent.bytes, true, now_ms);
            }
            return lifted;
        }
        let is_limited = |id: &&CellId| self.pending.get(id).is_some_and(|parent| parent.origin.is_limited());
        let limited = parents.iter().filter(is_limited).copied().collect();
        let mut lifted = self.take_all(limited);
        lifted.iter_mut().for_each(|parent| parent.origin = Origin::Certified);
        lifted
    }

    fn judge(&self, arrival: &Arrival, now_ms: u64) -> Result<Resolved, Obstacle> {
        if let Some(error) = self.quarantine(arrival) {
            return Err(Obstacle::Refused(error));
        }
        let mut resolved = self.resolve(arrival)?;
        if arrival.origin.is_limited() {
            self.check_clock(arrival, now_ms)?;
            resolved.borrows = self.check_room(arrival)?;
        }
        Ok(resolved)
    }

    /// V7, and what depends on the parents.
    fn resolve(&self, arrival: &Arrival) -> Result<Resolved, Obstacle> {
        let header = arrival.header();
        let located = header.links.iter().map(|link| (link, self.locate(&link)));
        let mut missing = Vec::new();
        let mut found = Vec::with_capacity(3);
        let mut resolved = Resolved { links: Vec::with_capacity(2), slots: Vec::with_capacity(3), borrows: None };
        for (index, (link, located)) in located.enumerate() {
            let Some((parent, slot)) = located else {
                missing.push(link);
                continue;
            };
            found.push(parent);
            resolved.slots.extend(slot);
            if let (1.., Parent::Cell(place)) = (index, parent) {
                resolved.links.push(Place { lane: place.lane, seq: place.seq, cell: link });
            }
        }
        let parents = match found.as_slice() {
            [own, peer] if missing.is_empty() => Parents { own: *own, peer: *peer, bridge: None },
            [own, peer, bridge] => Parents { own: *own, peer: *peer, bridge: Some(*bridge) },
            _ => {
                let reason = CellError::ParentsMissing { cells: missing.clone() };
                return Err(Obstacle::Waits(Need::Parents(missing), reason));
            }
        };
        check_parents(header, &parents).map_err(Obstacle::Refused)?;
        Ok(resolved)
    }

    fn locate(&self, id: &CellId) -> Option<(Parent, Option<usize>)> {
        if let Some(submesh) = self.rules.root_of(id) {
            return Some((Parent::Root(submesh), None));
        }
        if let Some(slot) = self.held.slot(id) {
            return self.held.at(slot).map(|entry| (Parent::Cell(place_of(&entry.reference)), Some(slot)));
        }
        self.store.place(id).map(|place| (Parent::Cell(place), None))
    }

    /// V8, the local half.
    fn check_clock(&self, arrival: &Arrival, now_ms: u64) -> Result<(), Obstacle> {
        let (time_ms, max) = (arrival.header().time_ms, CLOCK_AHEAD_MS_MAX);
        if time_ms <= now_ms.saturating_add(max) {
            return Ok(());
        }
        Err(Obstacle::Waits(Need::Clock, CellError::AheadOfClock { time_ms, now_ms, max }))
    }

    /// A lane has at most as many uncommitted cells as a cut may include, and an author as many over all lanes. The second
    /// limit does not bind where the cell was asked for or another author's cell waits for it. Whose place is used up where
    /// neither leaves one is the answer.
    fn check_room(&self, arrival: &Arrival) -> Result<Option<ValidatorIndex>, Obstacle> {
        let (author, lane) = (arrival.author(), arrival.header().lane);
        let max = CELLS_UNCOMMITTED_PER_AUTHOR_MAX;
        let is_needed = arrival.origin != Origin::Pushed || self.pending.is_wanted_by_others(&arrival.id, author);
        let count = if is_needed { self.held.of_lane(lane) } else { self.held.of_author(author) };
        if count < max {
            return Ok(None);
        }
        let borrows = self.borrows_from(arrival);
        let full = || Obstacle::Waits(Need::Room, CellError::TooManyUncommitted { author, count, max });
        borrows.map(Some).ok_or_else(full)
    }

    /// A forked lane may be full with one branch when another one is needed. Each correct author has linked to one branch
    /// of it at most, before it knew of the fork, and everybody has to hold that one: else no cut with such a cell would
    /// find its voters. So a forked author's cells have as many places more for each author whose cells wait for them.
    fn borrows_from(&self, arrival: &Arrival) -> Option<ValidatorIndex> {
        let (author, lane) = (arrival.author(), arrival.header().lane);
        if !self.quarantined().contains(author) {
            return None;
        }
        let borrowed = |other: ValidatorIndex| self.borrowed.values().filter(|by| **by == (lane, other)).count();
        let mut others = self.pending.wanted_by(&arrival.id, author).iter();
        others.find(|other| borrowed(*other) < CELLS_UNCOMMITTED_PER_AUTHOR_MAX)
    }

    fn admit(&mut self, arrival: Arrival, resolved: Resolved, effects: &mut Vec<Effect>) {
        let Arrival { id, cell, keys, from, .. } = arrival;
        let header = cell.header();
        let reference = CellRef {
            id,
            lane: header.lane,
            seq: header.seq,
            depth: header.depth,
            own: header.links.own,
            links: resolved.links,
            gas_limit: header.gas_limit,
            transactions: header.transactions,
            time_ms: header.time_ms,
        };
        self.fetches.cancel(&id);
        self.places.insert((reference.lane, reference.seq, id));
        if let Some(other) = resolved.borrows {
            self.borrowed.insert(id, (reference.lane, other));
        }
        self.note_head(id, place_of(&reference));
        let conflicts = self.held.insert(reference.clone(), cell.signed.clone(), keys, resolved.slots);
        effects.push(Effect::Admit { reference, cell: Box::new(cell), from });
        effects.extend(conflicts.into_iter().map(Effect::Conflict));
    }

    pub(super) fn park(
        &mut self,
        arrival: Arrival,
        need: Need,
        reason: CellError,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        let (id, from, author, generation) = (arrival.id, arrival.from, arrival.author(), arrival.generation);
        let place = (arrival.header().lane, arrival.header().seq, id);
        let leaving = match self.pending.make_room(&arrival) {
            Ok(leaving) => leaving,
            Err(error) => return self.refuse(id, from, error, now_ms, effects),
        };
        self.evict(leaving, now_ms, effects);
        self.fetches.cancel(&id);
        self.places.insert(place);
        let parents = if let Need::Parents(parents) = &need { parents.clone() } else { Vec::new() };
        self.pending.insert(arrival, need);
        let mut waiting = self.pending.wanted_by(&id, author);
        waiting.insert(author);
        for parent in parents {
            waiting.iter().for_each(|author| self.want(parent, author, from, generation));
        }
        effects.push(Effect::Wait { cell: id, from, reason });
    }

    /// Asks for a parent of a waiting cell. Where the parent waits itself, what it waits for is asked for in the name of this
    /// author too: the questions of the parent's author may be many, and have no answer.
    pub(super) fn want(&mut self, parent: CellId, author: ValidatorIndex, from: PeerId, generation: usize) {
        let (mut seen, mut open) = (BTreeSet::new(), vec![parent]);
        while let Some(next) = open.pop() {
            match self.pending.get(&next).map(Arrival::author) {
                None => self.fetches.want(next, author, from, generation.saturating_add(1)),
                // in its own name it has asked already
                Some(of_next) if of_next == author || !seen.insert(next) => {}
                Some(_) => open.extend_from_slice(self.pending.parents(&next)),
            }
        }
    }

    /// Drops cells for want of space. Where others wait for one, it is asked for again, though not at once.
    fn evict(&mut self, leaving: Vec<CellId>, now_ms: u64, effects: &mut Vec<Effect>) {
        for id in leaving {
            let Some(arrival) = self.take_all(vec![id]).pop() else { continue };
            let (lane, seq) = (arrival.header().lane, arrival.header().seq);
            self.places.remove(&(lane, seq, id));
            for child in self.pending.children(&id) {
                if let Some((author, from, generation)) =
                    self.pending.get(&child).map(|child| (child.author(), child.from, child.generation))
                {
                    self.want(id, author, from, generation);
                }
            }
            self.fetches.defer(&id, now_ms);
            let error = self.pending.full(lane.author);
            effects.push(Effect::Refuse { cell: id, from: arrival.from, error });
        }
    }

    /// Refuses a cell that is in no buffer. One that is asked for and can't be kept now is asked for again later. Where it breaks a structural rule, whatever waits for it can never be admitted.
    pub(super) fn refuse(
        &mut self,
        id: CellId,
        from: PeerId,
        error: CellError,
        now_ms: u64,
        effects: &mut Vec<Effect>,
    ) {
        let is_final = error.severity() == Severity::Peer;
        effects.push(Effect::Refuse { cell: id, from, error });
        if !is_final {
            return self.fetches.defer(&id, now_ms);
        }
        let mut open = vec![id];
        while let Some(parent) = open.pop() {
            self.fetches.cancel(&parent);
            for arrival in self.take_all(self.pending.children(&parent)) {
                self.places.remove(&(arrival.header().lane, arrival.header().seq, arrival.id));
                let error = CellError::ParentRefused { parent };
                effects.push(Effect::Refuse { cell: arrival.id, from: arrival.from, error });
                open.push(arrival.id);
            }
        }
    }
}
