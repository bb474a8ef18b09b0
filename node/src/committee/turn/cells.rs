//! Cells: received, admitted, written.

use super::{Turn, now_ms};
use crate::committee::{author::Filling, held::HeldCell, wire::Packet};
use qsdm_consensus::{Event, FetchRequest, PeerId};
use qsdm_crypto::Verified;
use qsdm_mesh::{CellPlan, CellRef, ConflictKind, ConflictSet, Effect, Origin, Severity, TransactionKey};
use qsdm_primitives::{
    Cell, CellBody, CellHeader, CellId, Signature, SignedCellHeader, SubmeshId, ValidatorIndex,
    limits::{CELL_GAS_PART, CELL_PAUSE_MS, CELL_REPEAT_MS, CELLS_REPEATED},
};
use qsdm_rpc::ports::{Conflict, Sighted};
use std::sync::Arc;

/// The connection to the node itself, for the mesh.
const SELF: PeerId = PeerId(u32::MAX);

impl Turn {
    pub(super) fn on_cell(&mut self, from: PeerId, cell: Verified<Cell>, held: HeldCell, keys: Vec<TransactionKey>) {
        let id = cell.header().id();
        let was_asked = self.state.asked.remove(&id);
        let origin = match self.core.is_certified(&id) {
            true => Origin::Certified,
            false if was_asked => Origin::Fetched,
            false => Origin::Pushed,
        };
        if self.mesh.signed(&id).is_some() || self.held.has_place(&id) {
            // the acknowledgement may have been lost
            if !self.state.unkept.contains(&id) && self.core.status().me.is_some() {
                self.wire.send(from, Packet::Acknowledge(self.core.status().epoch, vec![id]));
            }
            return;
        }
        self.held.insert(id, held);
        let effects = self.mesh.receive(cell, keys, from, origin, now_ms());
        self.follow(effects);
    }

    /// Does what the mesh wants.
    pub(super) fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Admit { reference, cell, .. } => {
                    let id = reference.id;
                    let cell = Arc::new(cell.into_inner());
                    if self.held.get(&id).is_none() {
                        self.held.insert(id, HeldCell::new(Arc::clone(&cell)));
                    }
                    if let Some(held) = self.held.get(&id) {
                        self.sightings.seen(id, &held.transactions);
                        self.author.compare(id, &held.transactions, &self.sightings, &self.events);
                    }
                    self.state.unkept.insert(id);
                    self.state.keep.batch.cells.push(cell);
                    self.state.keep.cells.push(reference);
                }
                Effect::Wait { cell, reason, .. } => tracing::trace!(%cell, %reason, "a cell waits"),
                Effect::Refuse { cell, from, error } => {
                    self.held.forget(&[cell]);
                    if error.severity() == Severity::Peer && from != SELF {
                        self.wire.penalise(from, &error.to_string());
                    } else {
                        tracing::debug!(%cell, %error, "a cell is not kept");
                    }
                }
                Effect::Fetch { cell, from } => {
                    // who did not answer is not the only one to have it
                    let from = (from != SELF && !self.state.asked.contains(&cell)).then_some(from);
                    self.ask(FetchRequest::Cells(vec![cell]), from, 0);
                }
                Effect::Evidence(evidence) => match self.checker.verify(evidence) {
                    Ok(evidence) => self.step(Event::Evidence(evidence)),
                    Err(error) => tracing::error!(%error, "a proof of the mesh proves nothing"),
                },
                Effect::Conflict(conflict) => {
                    tracing::info!(kind = ?conflict.kind, nonce = conflict.nonce, "transactions exclude one another");
                    self.sightings.conflict(port(&conflict), &self.events);
                }
            }
        }
    }

    /// Writes a cell where there is something to write, and passes on what belongs to others.
    pub(super) fn look(&mut self) {
        self.tick();
        let (now, set) = (now_ms(), Arc::clone(&self.checker.set.read()));
        let me = self.core.status().me;
        for forward in self.author.forwards(&set, me, now) {
            let peer = set.get(forward.author).and_then(|author| self.wire.peer_of(&author.key));
            if let Some(peer) = peer {
                self.wire.send(peer, Packet::Transactions(forward.transactions));
            }
        }
        let Some(me) = me else { return };
        self.repeat(me, now);
        if self.finish_draft() || now < self.state.last_cell_ms + CELL_PAUSE_MS {
            return;
        }
        let submesh = SubmeshId::ROOT;
        let gas_max = self.gas() / CELL_GAS_PART;
        let filling = self.author.fill(submesh, &set, me, (self.base_fee)(), gas_max, now);
        let is_witness = filling.is_none() && self.mesh.wants_witness(now).contains(&submesh);
        if filling.is_none() && !is_witness {
            return;
        }
        match self.mesh.plan(submesh, now) {
            Ok(plan) => self.write(plan, filling, now),
            Err(error) => tracing::trace!(%error, "no cell can be written now"),
        }
    }

    /// Sends own cells again that should be committed by now: they, or acknowledgements of them, may have been lost.
    fn repeat(&mut self, me: ValidatorIndex, now: u64) {
        if now < self.state.last_repeat_ms + CELL_REPEAT_MS {
            return;
        }
        self.state.last_repeat_ms = now;
        let is_overdue = |cell: &&CellRef| cell.lane.author == me && cell.time_ms + CELL_REPEAT_MS < now;
        let mut overdue: Vec<(u64, CellId)> =
            self.mesh.cells().filter(is_overdue).map(|cell| (cell.seq, cell.id)).collect();
        overdue.sort_unstable();
        for (_, id) in overdue.into_iter().take(CELLS_REPEATED) {
            if let Some(held) = self.held.get(&id) {
                self.wire.broadcast(Packet::Cell(held.cell));
            }
        }
    }

    fn gas(&self) -> u64 {
        self.rules.submeshes.get(&SubmeshId::ROOT).copied().unwrap_or(self.rules.block_gas)
    }

    fn write(&mut self, plan: CellPlan, filling: Option<Filling>, now: u64) {
        let empty = Filling { body: CellBody::default(), gas_limit: 0, transactions: Vec::new() };
        let Filling { body, gas_limit, transactions } = filling.unwrap_or(empty);
        let header = CellHeader {
            chain_id: self.chain_id,
            epoch: self.core.status().epoch,
            lane: plan.lane,
            seq: plan.seq,
            depth: plan.depth,
            links: plan.links,
            time_ms: plan.time_ms,
            gas_limit,
            transactions: transactions.len() as u32,
            body: body.hash(),
        };
        self.author.written(&transactions);
        self.state.last_cell_ms = now;
        self.reserve(header, body);
    }

    /// The draft is durable with the record that says what is signed, before it is signed.
    fn reserve(&mut self, header: CellHeader, body: CellBody) {
        self.state.writing.insert(header.lane.submesh, (header.id(), body.clone()));
        self.state.keep.batch.drafts.push((header.clone(), body));
        self.step(Event::WriteCell(Box::new(header)));
    }

    /// Whether an own cell is on its way. One that was reserved before a crash and is not here is written again, as it was.
    fn finish_draft(&mut self) -> bool {
        let submesh = SubmeshId::ROOT;
        let Some((_, reserved)) = self.core.record().lanes.get(&submesh).copied() else {
            return !self.state.writing.is_empty();
        };
        let is_here = self.mesh.signed(&reserved).is_some() || self.held.has_place(&reserved);
        if is_here {
            return !self.state.writing.is_empty();
        }
        if self.state.writing.contains_key(&submesh) {
            return true;
        }
        match self.store.draft(submesh) {
            Ok(Some((header, body))) if header.id() == reserved => {
                self.reserve(header, body);
                true
            }
            Ok(_) => {
                tracing::error!(cell = %reserved, "the draft of an own cell is gone: this node writes no more cells in this epoch");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the draft of an own cell can't be read");
                true
            }
        }
    }

    /// An own cell is signed: to everybody, and into the own mesh.
    pub(super) fn publish(&mut self, header: CellHeader, signature: Signature) {
        let id = header.id();
        let submesh = header.lane.submesh;
        let Some((_, body)) = self.state.writing.remove(&submesh).filter(|(of, _)| *of == id) else { return };
        let cell = Cell { signed: SignedCellHeader { header, signature }, body };
        match self.checker.verify(cell) {
            Ok(cell) => {
                let held = HeldCell::new(Arc::new((*cell).clone()));
                self.wire.broadcast(Packet::Cell(Arc::clone(&held.cell)));
                let keys = held.keys();
                self.held.insert(id, held);
                let effects = self.mesh.receive(cell, keys, SELF, Origin::Stored, now_ms());
                self.follow(effects);
            }
            Err(error) => tracing::error!(%error, "an own cell is wrong: the key or the memory is damaged"),
        }
    }
}

/// A conflict as JSON-RPC tells of it.
fn port(conflict: &ConflictSet) -> Conflict {
    let sighted = |(cell, hash): &(CellId, [u8; 32])| Sighted { cell: Some(cell.0.into()), transaction: hash.into() };
    Conflict {
        sender: conflict.sender.into(),
        nonce: conflict.nonce,
        is_replacement: conflict.kind == ConflictKind::Replacement,
        newest: sighted(&conflict.newest),
        others: conflict.others.iter().map(sighted).collect(),
    }
}
