//! Cells: written, sent, received, stored, acknowledged.

use super::{Happening, Packet, Simulation};
use crate::sim::{cells::Cells, disk::Entry, node::Running};
use qsdm_consensus::{Event, FetchRequest};
use qsdm_mesh::{CellRef, CutView};
use qsdm_primitives::{Evidence, SignedCellHeader, ValidatorIndex};
use std::sync::Arc;

impl Simulation {
    pub(super) fn write_cell(&mut self, node: usize) {
        if self.now < self.scenario.cells_until {
            let pause = self.scenario.cell_every / 2 + self.random.below(self.scenario.cell_every.max(1));
            self.at(self.now + pause, Happening::WriteCell { node });
        }
        let (clock, salt) = (self.nodes[node].clock_ms(self.now), self.random.bits());
        let transactions = self.random.below(3) as u32;
        let Some(running) = &self.nodes[node].running else { return };
        let Some(author) = running.core.status().me else { return };
        let lane = Cells::lane(author);
        let mut header = running.cells.plan(lane, clock, transactions, salt);
        if let Some(hostile) = &self.hostile[node]
            && !hostile.plans(&mut header, &running.cells)
        {
            return;
        }
        let reserved = running.core.record().lanes.get(&lane.submesh);
        let is_stored = reserved.is_none_or(|(_, id)| running.holds(id));
        let uncommitted = running.core.status().cells;
        if is_stored && uncommitted < 32 * self.scenario.validators {
            self.nodes[node].disk.write(Entry::Draft(header.clone()));
            self.step(node, Event::WriteCell(Box::new(header)));
        }
    }

    pub(super) fn publish_cell(&mut self, node: usize, cell: Arc<SignedCellHeader>) {
        let id = cell.header.id();
        self.written_at.entry(id).or_insert((node, self.now));
        if let Some(hostile) = &mut self.hostile[node] {
            let sendings = hostile.publish(&cell);
            let pretends = hostile.pretends_acknowledgements();
            self.deliver(node, sendings);
            self.receive_cell(node, node, &cell);
            let validators = (0..self.scenario.validators).filter(|_| pretends);
            validators.for_each(|voter| self.step(node, Event::Acknowledged(ValidatorIndex(voter as u16), id)));
            return;
        }
        self.send_all(node, &Packet::Cell(Arc::clone(&cell)));
        self.receive_cell(node, node, &cell);
    }

    pub(super) fn receive_cell(&mut self, from: usize, to: usize, cell: &Arc<SignedCellHeader>) {
        let id = cell.header.id();
        let Some(running) = &mut self.nodes[to].running else { return };
        let (now, pause) = (self.now, self.scenario.parameters.round_ms * 1_000);
        if running.holds(&id) {
            // the acknowledgement may have been lost; one that is under way is on time
            let is_stored = running.stored_cells.contains_key(&id);
            if is_stored && Running::is_due(&mut running.acknowledged_at, id, now, pause) {
                self.send_all(to, &Packet::Acknowledge(id));
            }
            return;
        }
        let epoch = running.core.status().epoch;
        if cell.header.epoch != epoch {
            return;
        }
        if self.hostile[from].is_some()
            && let Err(error) = self.chain.verify(epoch, cell.as_ref().clone())
        {
            return self.refuse(from, &error);
        }
        let other = running.other_in_place(cell);
        running.arrived.insert(id, Arc::clone(cell));
        let received = running.cells.receive(cell.header.clone());
        let asked_at = &mut running.asked_at;
        let mut missing = received.missing;
        missing.retain(|cell| Running::is_due(asked_at, *cell, now, pause / 4));
        if !missing.is_empty() && from != to {
            self.send(to, from, Packet::Request(FetchRequest::Cells(missing)));
        }
        if !received.admitted.is_empty() {
            self.store_cells(to, received.admitted);
        }
        if let Some(other) = other {
            self.find_fork(to, &other, cell);
        }
    }

    fn find_fork(&mut self, node: usize, one: &SignedCellHeader, other: &SignedCellHeader) {
        let (place, author, epoch) = (one.header.seq, one.header.lane.author, one.header.epoch);
        let evidence = Evidence::lane_fork(one.clone(), other.clone());
        match self.chain.verify(epoch, evidence) {
            Ok(evidence) => {
                self.trace(node, || format!("finds two cells {place} of {author}"));
                self.step(node, Event::Evidence(evidence));
            }
            Err(error) => self.oracles.report(self.now, node, format!("finds a fork that proves nothing: {error}")),
        }
    }

    fn store_cells(&mut self, node: usize, cells: Vec<CellRef>) {
        for cell in &cells {
            let Some(running) = &mut self.nodes[node].running else { return };
            if let Some(signed) = running.arrived.remove(&cell.id) {
                running.stored_cells.insert(cell.id, Arc::clone(&signed));
                self.nodes[node].disk.write(Entry::Cell(cell.clone(), signed));
            }
        }
        self.sync_later(node, None, cells);
    }

    pub(super) fn cell_is_durable(&mut self, node: usize, cell: CellRef) {
        let now = self.now;
        let Some(running) = self.nodes[node].running.as_mut() else { return };
        // the epoch may have changed meanwhile, for the core or for all
        let epoch = running.core.status().epoch;
        let id = cell.id;
        if running.cells.header(&id).is_none_or(|header| header.epoch != epoch) {
            return;
        }
        running.acknowledged_at.insert(id, now);
        self.step(node, Event::CellHeld(cell));
        self.send_all(node, &Packet::Acknowledge(id));
    }

    /// An author sends its newest cells again: messages get lost, and so do acknowledgements.
    pub(super) fn repeat_cells(&mut self, node: usize) {
        let pause = self.scenario.parameters.round_ms * 1_000 * 2;
        self.at(self.now + pause, Happening::Repeat { node });
        if let Some(running) = &self.nodes[node].running {
            self.oracles.looks_around(self.now, &self.nodes[node], &self.chain.set(running.core.status().epoch));
        }
        if self.hostile[node].as_ref().is_some_and(|hostile| !hostile.repeats_cells()) {
            return;
        }
        let Some(running) = &self.nodes[node].running else { return };
        let Some(me) = running.core.status().me else { return };
        let (_, cut) = running.core.committed();
        let committed = cut.tip(Cells::lane(me)).map(|tip| tip.seq);
        let own = running.cells.headers().filter(|(_, header)| header.lane.author == me);
        let uncommitted = own.filter(|(_, header)| committed.is_none_or(|seq| header.seq > seq));
        // the oldest ones that should have been committed by now
        let overdue_ms = self.nodes[node].clock_ms(self.now).saturating_sub(5 * self.scenario.parameters.round_ms);
        let overdue = uncommitted.filter(|(_, header)| header.time_ms < overdue_ms);
        let mut overdue: Vec<Arc<SignedCellHeader>> =
            overdue.filter_map(|(id, _)| running.stored_cells.get(id)).cloned().collect();
        overdue.sort_by_key(|cell| cell.header.seq);
        overdue.truncate(2);
        overdue.into_iter().for_each(|cell| self.send_all(node, &Packet::Cell(cell)));
    }
}
