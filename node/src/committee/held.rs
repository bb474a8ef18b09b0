//! Cells in memory: those that are not executed yet, with their transactions decoded, and where the newest committed ones
//! lie. Everything older is in the store.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::keccak256;
use parking_lot::RwLock;
use qsdm_mesh::{
    TransactionKey,
    ports::{CellStore, StoredPlace},
};
use qsdm_pool::recover_raw;
use qsdm_primitives::{Cell, CellHeader, CellId, LaneId, SignedCellHeader, limits::PLACES_KEPT};
use qsdm_storage::MeshStore;
use qsdm_vm::block::SharedTx;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// A cell with its transactions decoded. One that can't be decoded is skipped at execution.
#[derive(Clone, Debug)]
pub(crate) struct HeldCell {
    pub cell: Arc<Cell>,
    pub transactions: Arc<[SharedTx]>,
}

impl HeldCell {
    /// Decodes the transactions and recovers their senders.
    pub(crate) fn new(cell: Arc<Cell>) -> Self {
        let chain_id = cell.header().chain_id;
        let decoded = cell.body.transactions.iter().filter_map(|raw| recover_raw(raw, chain_id).ok());
        let transactions = decoded.collect();
        Self { cell, transactions }
    }

    /// What the mesh has to know of the transactions.
    pub(crate) fn keys(&self) -> Vec<TransactionKey> {
        self.transactions.iter().map(key).collect()
    }
}

fn key(tx: &SharedTx) -> TransactionKey {
    use alloy_consensus::Transaction;
    let mut effect = Vec::with_capacity(20 + 32 + tx.input().len());
    effect.extend_from_slice(tx.to().unwrap_or_default().as_slice());
    effect.extend_from_slice(&tx.value().to_be_bytes::<32>());
    effect.extend_from_slice(tx.input());
    TransactionKey {
        sender: tx.signer().into_array(),
        nonce: tx.nonce(),
        hash: tx.trie_hash().0,
        effect: keccak256(effect).0,
    }
}

/// Committed places, newest last.
#[derive(Debug, Default)]
struct Places {
    of: HashMap<CellId, StoredPlace>,
    by_place: HashMap<(LaneId, u64), CellId>,
    order: VecDeque<CellId>,
}

/// What the core, the author and execution share.
#[derive(Debug)]
pub(crate) struct HeldCells {
    store: Arc<MeshStore>,
    cells: RwLock<HashMap<CellId, HeldCell>>,
    places: RwLock<Places>,
}

impl HeldCells {
    pub(crate) fn new(store: Arc<MeshStore>) -> Self {
        Self { store, cells: RwLock::default(), places: RwLock::default() }
    }

    pub(crate) fn insert(&self, id: CellId, cell: HeldCell) {
        self.cells.write().insert(id, cell);
    }

    /// From memory, or from the store.
    pub(crate) fn get(&self, id: &CellId) -> Option<HeldCell> {
        if let Some(held) = self.cells.read().get(id) {
            return Some(held.clone());
        }
        let stored = self.store.cell(id).unwrap_or_else(|error| {
            tracing::error!(%error, cell = %id, "a cell can't be read");
            None
        });
        stored.map(|cell| HeldCell::new(Arc::new(cell)))
    }

    /// Cells are committed: the mesh asks for their places from now on.
    pub(crate) fn commit(&self, cells: &[CellId]) {
        for id in cells {
            let Some(held) = self.get(id) else { continue };
            let CellHeader { lane, seq, depth, time_ms, .. } = *held.cell.header();
            let mut places = self.places.write();
            places.of.insert(*id, StoredPlace { lane, seq, depth, time_ms });
            places.by_place.insert((lane, seq), *id);
            places.order.push_back(*id);
            // by now the store has what is dropped here
            while places.order.len() > PLACES_KEPT {
                let Some(oldest) = places.order.pop_front() else { break };
                if let Some(place) = places.of.remove(&oldest) {
                    places.by_place.remove(&(place.lane, place.seq));
                }
            }
        }
    }

    /// Whether a cell of this epoch is committed.
    pub(crate) fn has_place(&self, id: &CellId) -> bool {
        self.place(id).is_some()
    }

    /// Cells were executed, or died with their epoch.
    pub(crate) fn forget(&self, cells: &[CellId]) {
        let mut held = self.cells.write();
        cells.iter().for_each(|id| drop(held.remove(id)));
    }

    /// An epoch ended: its places are nobody's parents any more.
    pub(crate) fn next_epoch(&self) {
        *self.places.write() = Places::default();
    }
}

impl CellStore for HeldCells {
    fn place(&self, id: &CellId) -> Option<StoredPlace> {
        let recent = self.places.read().of.get(id).copied();
        recent.or_else(|| self.store.place(id))
    }

    fn signed(&self, lane: LaneId, seq: u64) -> Option<SignedCellHeader> {
        let id = self.places.read().by_place.get(&(lane, seq)).copied();
        let recent = id.and_then(|id| self.cells.read().get(&id).map(|held| held.cell.signed.clone()));
        recent.or_else(|| self.store.signed(lane, seq))
    }
}
