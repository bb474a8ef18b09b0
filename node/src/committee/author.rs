//! From the pool into the own lane.

use super::sightings::Sightings;
use alloy_consensus::Transaction;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use parking_lot::Mutex;
use qsdm_mesh::pinned_author;
use qsdm_pool::{Pool, encode};
use qsdm_primitives::{
    CellBody, CellId, SubmeshId, ValidatorIndex, ValidatorSet,
    limits::{CELL_BODY_BYTES_WRITTEN_MAX, CELL_TRANSACTIONS_MAX, PINNED_AUTHOR_MS, SUBMITTED_KEPT},
};
use qsdm_rpc::ports::Event;
use qsdm_vm::block::SharedTx;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::broadcast;

/// A transaction that was submitted to this node, and to whom it was passed on.
#[derive(Clone, Copy, Debug)]
struct Submitted {
    sender: Address,
    since_ms: u64,
    attempt: usize,
}

/// What is in own cells, and what was submitted here.
#[derive(Debug, Default)]
struct State {
    in_cells: HashSet<B256>,
    submitted: HashMap<B256, Submitted>,
}

/// Chooses transactions.
#[derive(Debug)]
pub(crate) struct Author {
    pool: Arc<Pool>,
    state: Mutex<State>,
}

/// Transactions that belong to another author now.
#[derive(Debug)]
pub(crate) struct Forward {
    pub author: ValidatorIndex,
    pub transactions: Vec<Bytes>,
}

/// How the own next cell is filled.
#[derive(Debug)]
pub(crate) struct Filling {
    pub body: CellBody,
    pub gas_limit: u64,
    pub transactions: Vec<SharedTx>,
}

impl Author {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Self { pool, state: Mutex::default() }
    }

    /// A transaction was submitted here. Whoever is pinned to its sender includes it.
    pub(crate) fn submitted(&self, tx: &SharedTx, now_ms: u64) {
        let mut state = self.state.lock();
        if state.submitted.len() < SUBMITTED_KEPT {
            let entry = Submitted { sender: tx.signer(), since_ms: now_ms, attempt: 0 };
            state.submitted.insert(*tx.tx_hash(), entry);
        }
    }

    /// What to pass on to other authors: new transactions to the first in line, those that are in no block after a second
    /// to the next one.
    pub(crate) fn forwards(&self, set: &ValidatorSet, me: Option<ValidatorIndex>, now_ms: u64) -> Vec<Forward> {
        let mut to: HashMap<ValidatorIndex, Vec<Bytes>> = HashMap::new();
        let state = &mut *self.state.lock();
        state.submitted.retain(|hash, _| self.pool.contains(hash));
        for (hash, submitted) in &mut state.submitted {
            let attempt = (now_ms.saturating_sub(submitted.since_ms) / PINNED_AUTHOR_MS) as usize;
            if attempt < submitted.attempt {
                continue;
            }
            submitted.attempt = attempt + 1;
            let author = pinned_author(&submitted.sender.into_array(), set.epoch(), set, attempt);
            if Some(author) != me
                && let Some(tx) = self.pool.get(hash)
            {
                to.entry(author).or_default().push(encode(&tx).into());
            }
        }
        to.into_iter().map(|(author, transactions)| Forward { author, transactions }).collect()
    }

    /// Whether a transaction may go into an own cell: it was passed on to this node, or this node is in line for it.
    fn is_mine(state: &State, tx: &SharedTx, set: &ValidatorSet, me: ValidatorIndex, now_ms: u64) -> bool {
        let Some(submitted) = state.submitted.get(tx.tx_hash()) else { return true };
        let attempt = (now_ms.saturating_sub(submitted.since_ms) / PINNED_AUTHOR_MS) as usize;
        let sender = submitted.sender.into_array();
        // whoever was in line before may still include it, and then the second one is skipped
        (0..=attempt.min(set.len())).any(|attempt| pinned_author(&sender, set.epoch(), set, attempt) == me)
    }

    /// The best transactions for the own next cell in a submesh; `None` where there are none.
    pub(crate) fn fill(
        &self,
        submesh: SubmeshId,
        set: &ValidatorSet,
        me: ValidatorIndex,
        base_fee: u64,
        gas_max: u64,
        now_ms: u64,
    ) -> Option<Filling> {
        let state = self.state.lock();
        let mut best = self.pool.best(submesh, base_fee);
        let (mut bytes, mut gas_limit) = (0, 0_u64);
        let (mut body, mut transactions) = (CellBody::default(), Vec::new());
        while let Some(tx) = best.next() {
            if state.in_cells.contains(tx.tx_hash()) {
                continue;
            }
            let encoded = tx.encode_2718_len();
            // one that needs more gas than a cell's part has a cell of its own
            let fits = bytes + encoded <= CELL_BODY_BYTES_WRITTEN_MAX
                && (transactions.is_empty() || gas_limit.saturating_add(tx.gas_limit()) <= gas_max);
            if !fits || !Self::is_mine(&state, &tx, set, me, now_ms) {
                best.skip_sender();
                continue;
            }
            bytes += encoded;
            gas_limit += tx.gas_limit();
            body.transactions.push(encode(&tx).into());
            transactions.push(tx);
            if transactions.len() == CELL_TRANSACTIONS_MAX {
                break;
            }
        }
        (!transactions.is_empty()).then_some(Filling { body, gas_limit, transactions })
    }

    /// Compares what another's cell holds with what waits here: a second spend may never get into a cell, and whoever
    /// listens is warned all the same.
    pub(crate) fn compare(
        &self,
        cell: CellId,
        transactions: &[SharedTx],
        sightings: &Sightings,
        events: &broadcast::Sender<Event>,
    ) {
        for tx in transactions {
            let waiting = self.pool.get_by_nonce(&tx.signer(), tx.nonce());
            if let Some(other) = waiting.filter(|other| other.tx_hash() != tx.tx_hash()) {
                tracing::info!(%cell, nonce = tx.nonce(), "a transaction that waits here is spent elsewhere");
                sightings.pair(tx, &other, events);
            }
        }
    }

    /// Transactions are in an own cell.
    pub(crate) fn written(&self, transactions: &[SharedTx]) {
        self.state.lock().in_cells.extend(transactions.iter().map(|tx| *tx.tx_hash()));
    }

    /// Cells with these transactions were executed: what was skipped may be written again.
    pub(crate) fn executed(&self, transactions: &[SharedTx]) {
        let mut state = self.state.lock();
        for tx in transactions {
            state.in_cells.remove(tx.tx_hash());
        }
    }

    /// Cells that were not committed died with their epoch.
    pub(crate) fn next_epoch(&self) {
        self.state.lock().in_cells.clear();
    }
}
