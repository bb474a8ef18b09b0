//! Cells: planned, signed, sent, received, stored, acknowledged.

use super::{CHAIN_ID, Happening, Packet, Simulation, outcome};
use crate::sim::{
    cells::SharedCell,
    disk::Entry,
    node::{Draft, Running},
    payments::Payment,
};
use qsdm_consensus::{Event, FetchRequest};
use qsdm_crypto::Signer;
use qsdm_mesh::{CellError, CellRef, CutView, Effect, Origin, PeerId, Severity};
use qsdm_primitives::{
    Cell, CellBody, CellHeader, CellId, Evidence, SignedCellHeader, Statement, SubmeshId, ValidatorIndex,
    codec::decode_bounded,
    compression::decompress,
    limits::{CELL_BYTES_MAX, DECOMPRESSED_BYTES_MAX},
};
use std::{collections::BTreeMap, sync::Arc};

impl Simulation {
    pub(super) fn write_cell(&mut self, node: usize) {
        if self.now < self.scenario.cells_until {
            let pause = self.scenario.cell_every / 2 + self.random.below(self.scenario.cell_every.max(1));
            self.at(self.now + pause, Happening::WriteCell { node });
        }
        let clock_ms = self.nodes[node].clock_ms(self.now);
        let submesh = SubmeshId(self.random.below(self.scenario.submeshes as u64) as u32);
        let count = self.random.below(3);
        let (random, rules) = (&mut self.random, &self.scenario.payments);
        let payments = (0..count).map(|_| Payment::random(random, rules, clock_ms).to_bytes());
        let body = CellBody { transactions: payments.collect() };
        if self.scenario.writes(node) {
            self.draft_cell(node, submesh, body);
        }
    }

    /// Writes a payment of a nonce that other authors have at the same time. Where the last cell is not signed yet, that
    /// is waited for.
    pub(super) fn spend(&mut self, node: usize, nonce: u64) {
        let is_writing = self.nodes[node].running.as_ref().is_some_and(|running| !is_written(running));
        if is_writing {
            return self.at(self.now + 500, Happening::Spend { node, nonce });
        }
        let body = CellBody { transactions: vec![Payment::contested(nonce, node as u64).to_bytes()] };
        self.draft_cell(node, SubmeshId::ROOT, body);
    }

    /// Plans a cell and has its place reserved.
    fn draft_cell(&mut self, node: usize, submesh: SubmeshId, body: CellBody) {
        let clock_ms = self.nodes[node].clock_ms(self.now);
        let Some(running) = &mut self.nodes[node].running else { return };
        let Some(mut header) = running.cells.plan(submesh, clock_ms, &body) else { return };
        if let Some(hostile) = &self.hostile[node]
            && !hostile.plans(&mut header, &running.cells)
        {
            return;
        }
        // one at a time: the last one may have been signed, and has to be here before another one follows it
        if !is_written(running) {
            return;
        }
        let draft = Draft { header: header.clone(), body };
        running.draft = Some(draft.clone());
        self.nodes[node].disk.write(Entry::Draft(Box::new(draft)));
        self.step(node, Event::WriteCell(Box::new(header)));
    }

    /// The place of the drafted cell is reserved.
    pub(super) fn sign_cell(&mut self, node: usize, header: CellHeader) {
        let draft = self.nodes[node].running.as_ref().and_then(|running| running.draft.clone());
        let Some(Draft { body, .. }) = draft.filter(|draft| draft.header == header) else {
            return self.oracles.report(self.now, node, format!("signs cell {} without its body", header.seq));
        };
        let signature =
            self.nodes[node].signer.sign(&header.message(CHAIN_ID)).expect("invariant: a hash always signs");
        let (epoch, id) = (header.epoch, header.id());
        match self.chain.verify(epoch, Cell { signed: SignedCellHeader { header, signature }, body }) {
            Ok(cell) => self.publish_cell(node, id, &Arc::new(cell)),
            Err(error) => self.oracles.report(self.now, node, format!("writes a bad cell: {error}")),
        }
    }

    fn publish_cell(&mut self, node: usize, id: CellId, cell: &SharedCell) {
        self.written_at.entry(id).or_insert((node, self.now));
        if let Some(hostile) = &mut self.hostile[node] {
            let sendings = hostile.publish(cell);
            let pretends = hostile.pretends_acknowledgements();
            self.deliver(node, sendings);
            self.admit_cell(node, node, cell, Origin::Fetched);
            let validators = (0..self.scenario.validators).filter(|_| pretends);
            validators.for_each(|voter| self.step(node, Event::Acknowledged(ValidatorIndex(voter as u16), id)));
            return;
        }
        self.send_all(node, &Packet::Cell(Arc::clone(cell)));
        // what is signed must not get lost for a quota
        self.admit_cell(node, node, cell, Origin::Fetched);
    }

    /// Something compressed has come from a wire.
    pub(super) fn receive_frame(&mut self, from: usize, to: usize, frame: &[u8]) {
        let content = decompress(frame, DECOMPRESSED_BYTES_MAX).map_err(|error| outcome::rule(&error));
        let cell = content.and_then(|content| {
            decode_bounded::<Cell>("cell", &content, CELL_BYTES_MAX).map_err(|error| outcome::rule(&error))
        });
        match cell {
            Ok(cell) => self.receive_unverified_cell(from, to, &Arc::new(cell)),
            Err(rule) => self.refuse_from(from, &rule),
        }
    }

    pub(super) fn receive_unverified_cell(&mut self, from: usize, to: usize, cell: &Arc<Cell>) {
        let Some(running) = &self.nodes[to].running else { return };
        // the core may be in the next epoch already, the mesh is not yet
        let epoch = running.cells.mesh().epoch();
        if cell.header().epoch != epoch {
            return;
        }
        match self.chain.verify(epoch, cell.as_ref().clone()) {
            Ok(verified) => self.receive_cell(from, to, &Arc::new(verified)),
            Err(error) => self.refuse(from, &error),
        }
    }

    pub(super) fn receive_cell(&mut self, from: usize, to: usize, cell: &SharedCell) {
        let Some(running) = &mut self.nodes[to].running else { return };
        let (id, now) = (cell.header().id(), self.now);
        if running.cells.get(&id).is_some() {
            if running.cells.acknowledges_again(&id, now, self.scenario.parameters.round_ms * 1_000) {
                self.send_all(to, &Packet::Acknowledge(id));
            }
            return;
        }
        if cell.header().epoch != running.cells.mesh().epoch() {
            return;
        }
        let was_asked = running.cells.was_asked(&id);
        let origin = match running.core.is_certified(&id) {
            true => Origin::Certified,
            false if was_asked => Origin::Fetched,
            false => Origin::Pushed,
        };
        self.admit_cell(from, to, cell, origin);
    }

    fn admit_cell(&mut self, from: usize, to: usize, cell: &SharedCell, origin: Origin) {
        let clock_ms = self.nodes[to].clock_ms(self.now);
        let Some(running) = &mut self.nodes[to].running else { return };
        let effects = running.cells.receive(cell, from, origin, clock_ms);
        self.follow(to, effects);
    }

    /// Does what the mesh wants.
    pub(super) fn follow(&mut self, node: usize, effects: Vec<Effect>) {
        let (mut admitted, mut proofs) = (Vec::new(), Vec::new());
        let mut missing: BTreeMap<Option<PeerId>, Vec<CellId>> = BTreeMap::new();
        for effect in effects {
            match effect {
                Effect::Admit { reference, cell, .. } => {
                    let cell = Arc::new(*cell);
                    self.nodes[node].disk.write(Entry::Cell(reference.clone(), Arc::clone(&cell)));
                    if let Some(running) = &mut self.nodes[node].running {
                        running.cells.store(reference.id, cell);
                    }
                    admitted.push(reference);
                }
                Effect::Wait { cell, from, reason } => {
                    self.trace(node, || format!("keeps cell {} from {} waiting: {reason}", cell.short(), from.0));
                }
                Effect::Refuse { cell, from, error } => self.refuse_cell(node, cell, from, &error),
                Effect::Fetch { cell, from } => {
                    // who did not answer is not the only one to have it
                    let running = self.nodes[node].running.as_ref();
                    let is_new = running.is_some_and(|running| !running.cells.is_asked(&cell));
                    missing.entry(Some(from).filter(|_| is_new)).or_default().push(cell);
                }
                Effect::Evidence(proof) => proofs.push(proof),
                Effect::Conflict(set) if self.scenario.is_correct(node) => self.outcome.conflicts.push((node, set)),
                Effect::Conflict(_) => {}
            }
        }
        if !admitted.is_empty() {
            self.sync_later(node, None, admitted);
        }
        missing.into_iter().for_each(|(peer, cells)| self.fetch(node, FetchRequest::Cells(cells), peer));
        if let Some(running) = &self.nodes[node].running {
            self.oracles.mesh_bounded(self.now, node, running.cells.mesh());
        }
        proofs.into_iter().for_each(|proof| self.prove(node, proof));
    }

    fn refuse_cell(&mut self, node: usize, cell: CellId, from: PeerId, error: &CellError) {
        let from = from.0 as usize;
        self.trace(node, || format!("refuses cell {} from {from}: {error}", cell.short()));
        if self.scenario.is_correct(node) {
            *self.outcome.refused_cells.entry(outcome::rule(error)).or_default() += 1;
            self.oracles.cell_refused(self.now, node, from, error);
        }
        if error.severity() == Severity::Peer {
            *self.outcome.scores.entry(from).or_default() += 1;
        }
    }

    /// Two cells in one place.
    fn prove(&mut self, node: usize, evidence: Evidence) {
        let offender = evidence.offender();
        match self.chain.verify(evidence.epoch(), evidence) {
            Ok(evidence) => {
                self.trace(node, || format!("finds a fork of {offender}"));
                self.step(node, Event::Evidence(evidence));
            }
            Err(error) => self.oracles.report(self.now, node, format!("finds a fork that proves nothing: {error}")),
        }
    }

    pub(super) fn cell_is_durable(&mut self, node: usize, cell: CellRef) {
        let now = self.now;
        let Some(running) = self.nodes[node].running.as_mut() else { return };
        // the epoch may have changed meanwhile, for the core or for all
        let (id, epoch) = (cell.id, running.core.status().epoch);
        if running.cells.header(&id).is_none_or(|header| header.epoch != epoch) {
            return;
        }
        running.cells.acknowledges(id, now);
        self.step(node, Event::CellHeld(cell));
        self.send_all(node, &Packet::Acknowledge(id));
    }

    /// Time passes for a mesh: what waited for it comes in, questions are repeated, and idle authors write witnesses.
    pub(super) fn tick(&mut self, node: usize) {
        self.at(self.now + self.scenario.parameters.round_ms * 500, Happening::Tick { node });
        let clock_ms = self.nodes[node].clock_ms(self.now);
        let Some(running) = &mut self.nodes[node].running else { return };
        let effects = running.cells.tick(clock_ms);
        let witnesses = running.cells.mesh().wants_witness(clock_ms);
        self.follow(node, effects);
        for submesh in witnesses {
            self.draft_cell(node, submesh, CellBody::default());
        }
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
        let own = running.cells.mesh().cells().filter(|cell| cell.lane.author == me);
        let uncommitted = own.filter(|cell| cut.tip(cell.lane).is_none_or(|tip| cell.seq > tip.seq));
        // the oldest ones that should have been committed by now
        let overdue_ms = self.nodes[node].clock_ms(self.now).saturating_sub(5 * self.scenario.parameters.round_ms);
        let mut overdue: Vec<&CellRef> = uncommitted.filter(|cell| cell.time_ms < overdue_ms).collect();
        overdue.sort_by_key(|cell| (cell.seq, cell.id));
        let overdue: Vec<SharedCell> =
            overdue.into_iter().take(2).filter_map(|cell| running.cells.get(&cell.id)).cloned().collect();
        overdue.into_iter().for_each(|cell| self.send_all(node, &Packet::Cell(cell)));
    }
}

/// Whether every own cell is signed whose place is reserved.
fn is_written(running: &Running) -> bool {
    running.core.record().lanes.values().all(|(_, id)| running.cells.get(id).is_some())
}
