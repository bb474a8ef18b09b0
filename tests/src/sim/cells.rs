//! The cells of one simulated node: the real mesh over a simulated disk.

use super::{Micros, payments, run::CHAIN_ID, scenario::ms};
use qsdm_crypto::Verified;
use qsdm_mesh::{
    CellPlan, Effect, Mesh, MeshConfig, Origin, PeerId, Phase, SubmeshRules,
    ports::{CellStore, StoredPlace},
};
use qsdm_primitives::{
    Cell, CellBody, CellHeader, CellId, Dimension, LaneId, SignedCellHeader, Signers, SubmeshId, ValidatorIndex, limits,
};
use std::{collections::BTreeMap, sync::Arc};

/// After this long a question counts as unanswered for good. The mesh and the core repeat theirs sooner.
const ANSWER_WITHIN: Micros = ms(8 * limits::FETCH_REPEAT_MS);

/// A cell that is shared by all that keep or carry it.
pub(super) type SharedCell = Arc<Verified<Cell>>;

/// The submeshes of a simulated chain: the root submesh, and others of three dimensions beside it.
pub(super) fn submeshes(count: usize, gas: u64) -> BTreeMap<SubmeshId, SubmeshRules> {
    let rules =
        |dimension| SubmeshRules { dimension, phase: Phase::Open, gas_per_block: gas, authors: Signers(u64::MAX) };
    let dimension = |id: u32| if id == 0 { Dimension::Two } else { Dimension::Three };
    (0..count.max(1) as u32).map(|id| (SubmeshId(id), rules(dimension(id)))).collect()
}

/// The committed cells of an epoch.
#[derive(Debug, Default)]
pub(super) struct Committed {
    cells: BTreeMap<CellId, SharedCell>,
    places: BTreeMap<(LaneId, u64), CellId>,
}

impl Committed {
    pub(super) fn insert(&mut self, id: CellId, cell: SharedCell) {
        let header = cell.header();
        self.places.insert((header.lane, header.seq), id);
        self.cells.insert(id, cell);
    }

    pub(super) fn contains(&self, id: &CellId) -> bool {
        self.cells.contains_key(id)
    }
}

impl CellStore for Committed {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        let header = self.cells.get(id)?.header();
        Some(StoredPlace { lane: header.lane, seq: header.seq, depth: header.depth, time_ms: header.time_ms })
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        self.cells.get(self.places.get(&(lane, seq))?).map(|cell| cell.signed.clone())
    }
}

/// The cells of one node.
pub(super) struct Cells {
    mesh: Mesh<Committed>,
    /// All that were admitted, of all epochs: what lies on disk.
    stored: BTreeMap<CellId, SharedCell>,
    /// What peers were asked for, and when.
    asked: BTreeMap<CellId, Micros>,
    /// When a cell was acknowledged last. Nothing is before it is durable.
    acknowledged_at: BTreeMap<CellId, Micros>,
}

impl Cells {
    /// A mesh that knows what is committed. The other cells of the epoch are given to it by [`Self::give_back`].
    pub(super) fn new(config: MeshConfig, committed: Committed, stored: BTreeMap<CellId, SharedCell>) -> Self {
        let acknowledged_at = stored.keys().map(|id| (*id, 0)).collect();
        Self { mesh: Mesh::new(config, committed), stored, asked: BTreeMap::new(), acknowledged_at }
    }

    /// Questions are repeated after half a round.
    pub(super) fn hurry(&mut self, round_ms: u64) {
        self.mesh.set_fetch_repeat_ms((round_ms / 2).max(1));
    }

    pub(super) fn mesh(&self) -> &Mesh<Committed> {
        &self.mesh
    }

    pub(super) fn stored(&self) -> &BTreeMap<CellId, SharedCell> {
        &self.stored
    }

    pub(super) fn get(&self, id: &CellId) -> Option<&SharedCell> {
        self.stored.get(id)
    }

    pub(super) fn header(&self, id: &CellId) -> Option<&CellHeader> {
        self.stored.get(id).map(|cell| cell.header())
    }

    /// The header of the own next cell with this body; nothing where none can be written now.
    pub(super) fn plan(&self, submesh: SubmeshId, now_ms: u64, body: &CellBody) -> Option<CellHeader> {
        let CellPlan { lane, seq, depth, links, time_ms } = self.mesh.plan(submesh, now_ms).ok()?;
        let transactions = body.transactions.len() as u32;
        let gas_limit = u64::from(transactions) * payments::GAS;
        let (chain_id, epoch, body) = (CHAIN_ID, self.mesh.epoch(), body.hash());
        Some(CellHeader { chain_id, epoch, lane, seq, depth, links, time_ms, gas_limit, transactions, body })
    }

    /// Gives the mesh a cell.
    pub(super) fn receive(&mut self, cell: &SharedCell, from: usize, origin: Origin, now_ms: u64) -> Vec<Effect> {
        let keys = payments::keys(&cell.body);
        self.mesh.receive(cell.as_ref().clone(), keys, PeerId(from as u32), origin, now_ms)
    }

    /// After a start: the uncommitted cells of the epoch in the order in which they were admitted.
    pub(super) fn give_back(&mut self, cells: &[SharedCell], frozen: Signers, me: usize, now_ms: u64) -> Vec<Effect> {
        frozen.iter().for_each(|author| self.mesh.void(author));
        let effects: Vec<Effect> =
            cells.iter().flat_map(|cell| self.receive(cell, me, Origin::Stored, now_ms)).collect();
        // what is on disk needs not be written again
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Admit { .. })).collect()
    }

    pub(super) fn store(&mut self, id: CellId, cell: SharedCell) {
        self.stored.insert(id, cell);
    }

    pub(super) fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        self.mesh.tick(now_ms)
    }

    /// A block is committed.
    pub(super) fn commit(&mut self, cells: &[CellId], offenders: Signers, now_ms: u64) -> Vec<Effect> {
        for id in cells {
            if let Some(cell) = self.stored.get(id) {
                self.mesh.store_mut().insert(*id, Arc::clone(cell));
            }
        }
        offenders.iter().for_each(|author| self.mesh.void(author));
        self.mesh.include(cells, now_ms)
    }

    pub(super) fn next_epoch(&mut self, config: MeshConfig) {
        *self.mesh.store_mut() = Committed::default();
        self.mesh.next_epoch(config);
        self.asked.clear();
    }

    /// Notes that peers are asked for cells: what comes then was not pushed.
    pub(super) fn asks(&mut self, cells: &[CellId], now: Micros) {
        if self.asked.len() + cells.len() > limits::ASKED_CELLS_MAX {
            self.asked.retain(|_, asked| now < *asked + ANSWER_WITHIN);
        }
        let room = limits::ASKED_CELLS_MAX.saturating_sub(self.asked.len());
        self.asked.extend(cells.iter().take(room).map(|id| (*id, now)));
    }

    /// Whether somebody was asked for a cell and has not answered.
    pub(super) fn is_asked(&self, id: &CellId) -> bool {
        self.asked.contains_key(id)
    }

    /// Whether a cell that came was asked for.
    pub(super) fn was_asked(&mut self, id: &CellId) -> bool {
        self.asked.remove(id).is_some()
    }

    /// A cell is durable, and acknowledged.
    pub(super) fn acknowledges(&mut self, id: CellId, now: Micros) {
        self.acknowledged_at.insert(id, now);
    }

    /// Whether a durable cell is to be acknowledged once more: the last acknowledgement may have been lost.
    pub(super) fn acknowledges_again(&mut self, id: &CellId, now: Micros, pause: Micros) -> bool {
        match self.acknowledged_at.get_mut(id) {
            Some(last) if *last == 0 || *last + pause <= now => {
                *last = now;
                true
            }
            _ => false,
        }
    }

    /// The lane of an author in the root submesh.
    pub(super) fn lane(author: ValidatorIndex) -> LaneId {
        LaneId { submesh: SubmeshId::ROOT, author }
    }
}
