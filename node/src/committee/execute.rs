//! Execution of committed blocks, in their order.

use super::{
    held::HeldCells,
    sightings::{Sightings, Spent},
    turn::now_ms,
};
use crate::journal::Journal;
use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use qsdm_mesh::CutRules;
use qsdm_pool::Pool;
use qsdm_primitives::{Block, BlockId, CellId, Epoch, Executed, ExecutionHash, SetError, SubmeshId, ValidatorSet};
use qsdm_rpc::ports::Event;
use qsdm_storage::{MeshStore, Skipped, StorageError};
use qsdm_vm::{
    VmError,
    block::{Block as EvmBlock, SharedTx},
    builder::{BlockAttributes, PushError},
    chain::{Appended, Chain},
};
use std::sync::Arc;
use tokio::sync::{
    broadcast,
    mpsc::{Receiver, Sender},
};

/// A committed block to be executed.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub block: Arc<Block>,
    /// Number of the EVM block that it makes, if it makes one.
    pub number: Option<u64>,
    pub is_boundary: bool,
    pub seed: BlockId,
    pub cells: Vec<CellId>,
    /// The validators of its epoch.
    pub set: Arc<ValidatorSet>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub executed: Option<Executed>,
    /// The last block of an epoch: the validators and rules of the next one.
    pub end: Option<Box<qsdm_consensus::EpochEnd>>,
    pub cells: Vec<CellId>,
}

/// Why execution stops. The node serves what it has and signs nothing more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecutionError {
    /// The EVM or its store failed.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// The store of the mesh failed.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// The next validators are no set.
    #[error(transparent)]
    Set(#[from] SetError),
    /// A committed cell is gone.
    #[error("cell {0} of a committed block is not in the store: the data folder is damaged, restore a copy of it")]
    MissingCell(CellId),
    /// The chain on disk does not continue where the committed blocks are.
    #[error(
        "EVM block {found} is next in the store, block {wanted} is committed: restore the data folder from a backup"
    )]
    Gap {
        /// The next one.
        found: u64,
        /// The committed one.
        wanted: u64,
    },
}

/// Executes.
#[derive(Debug)]
pub(crate) struct Executor {
    pub chain: Arc<Chain>,
    pub pool: Arc<Pool>,
    pub held: Arc<HeldCells>,
    pub journal: Arc<Journal>,
    pub store: Arc<MeshStore>,
    pub rules: CutRules,
    pub events: broadcast::Sender<Event>,
    pub sightings: Arc<Sightings>,
    pub spent: Spent,
}

/// The hash that validators compare: of the EVM block.
pub(crate) fn result(block: &EvmBlock) -> Executed {
    Executed { number: block.number(), hash: ExecutionHash(block.hash.0) }
}

impl Executor {
    /// Executes until the core is gone or execution fails.
    pub(crate) fn run(mut self, mut jobs: Receiver<Job>, done: &Sender<Done>) -> Result<(), ExecutionError> {
        while let Some(job) = jobs.blocking_recv() {
            let done_with = self.execute(&job)?;
            if done.blocking_send(done_with).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn execute(&mut self, job: &Job) -> Result<Done, ExecutionError> {
        let executed = match job.number {
            None => None,
            Some(number) => Some(self.execute_block(job, number)?),
        };
        let end = if job.is_boundary { Some(Box::new(self.end_of(job)?)) } else { None };
        Ok(Done { executed, end, cells: job.cells.clone() })
    }

    /// The result of a block; one that the store is ahead of was executed before a crash.
    fn execute_block(&mut self, job: &Job, number: u64) -> Result<Executed, ExecutionError> {
        let head = self.chain.head();
        if number <= head.block.number() {
            let missing = ExecutionError::Gap { found: head.block.number() + 1, wanted: number };
            let known = self.chain.block(number)?.ok_or(missing)?;
            return Ok(result(&known));
        }
        if number != head.block.number() + 1 {
            return Err(ExecutionError::Gap { found: head.block.number() + 1, wanted: number });
        }
        let header = job.block.header();
        let attributes = BlockAttributes {
            // blocks of one second share it, and none is before its parent
            timestamp: (header.time_ms / 1_000).max(head.block.header.timestamp),
            beneficiary: account(&job.set, header.proposer),
            gas_limit: self.chain.spec().gas_limit,
            base_fee: head.next_base_fee(),
            prevrandao: randomness(&job.seed, number),
            extra_data: Bytes::new(),
        };
        let base_fee = attributes.base_fee;
        let mut builder = self.chain.builder(&head, attributes)?;
        let mut skipped = Vec::new();
        for id in &job.cells {
            let held = self.held.get(id).ok_or(ExecutionError::MissingCell(*id))?;
            let lane = held.cell.header().lane;
            builder.open_segment(lane.submesh, base_fee, account(&job.set, lane.author));
            for tx in held.transactions.iter() {
                match builder.push(tx.clone()) {
                    Ok(_) => {
                        *self.spent.entry((tx.signer(), tx.nonce())) = *tx.tx_hash();
                        skipped.extend(self.losers(number, tx));
                    }
                    Err(error) => skipped.extend(self.skip(Some(*id), number, tx, &error)),
                }
            }
        }
        // before the block: what is repeated after a crash is known already
        self.store.note_skipped(&skipped)?;
        let Appended { head, touched } = self.chain.append(&head, builder.finish())?;
        let promoted = self.pool.on_block(&head.state, &head.block.transactions, touched);
        self.pool.expire(now_ms() / 1_000);
        if let Err(error) = self.journal.forget_included() {
            tracing::warn!(%error, "the pool journal keeps what is in blocks; next attempt at the next block");
        }
        // nobody listening is fine
        let _ = self.events.send(Event::Block(head.block.clone()));
        for tx in promoted.iter().filter_map(|hash| self.pool.get(hash)) {
            let _ = self.events.send(Event::Pending(tx));
        }
        Ok(result(&head.block))
    }

    /// The record of a transaction that is not executed: the first in the committed order counts. The same one in a second
    /// cell leaves none.
    fn skip(&self, cell: Option<CellId>, block: u64, tx: &SharedTx, error: &PushError) -> Option<([u8; 32], Skipped)> {
        let winner = self.spent.get(&(tx.signer(), tx.nonce())).copied();
        if winner == Some(*tx.tx_hash()) {
            return None;
        }
        let reason = winner.map_or_else(|| error.to_string(), |winner| lost(winner, tx));
        tracing::debug!(hash = %tx.tx_hash(), ?cell, %reason, "skipped");
        Some((tx.tx_hash().0, Skipped { cell, block, winner: winner.map(|winner| winner.0), reason }))
    }

    /// The records of those that were known to exclude an executed transaction, wherever they are.
    fn losers(&self, block: u64, tx: &SharedTx) -> Vec<([u8; 32], Skipped)> {
        let winner = *tx.tx_hash();
        let losers = self.sightings.of(&winner).conflicts.into_iter();
        let record = |(loser, _): (B256, bool)| {
            let cell = self.sightings.of(&loser).cells.first().copied();
            (loser.0, Skipped { cell, block, winner: Some(winner.0), reason: lost(winner, tx) })
        };
        losers.map(record).collect()
    }

    /// The same validators go on.
    fn end_of(&self, job: &Job) -> Result<qsdm_consensus::EpochEnd, ExecutionError> {
        let head = self.chain.head();
        let next = ValidatorSet::new(Epoch(job.set.epoch().0 + 1), job.set.members().to_vec())?;
        Ok(qsdm_consensus::EpochEnd {
            block: job.block.header().id(),
            state_root: ExecutionHash(head.block.header.state_root.0),
            next,
            rules: self.rules.clone(),
        })
    }
}

fn lost(winner: B256, tx: &SharedTx) -> String {
    format!("ConflictLost: {winner} used nonce {} of {} first", tx.nonce(), tx.signer())
}

fn account(set: &ValidatorSet, index: qsdm_primitives::ValidatorIndex) -> Address {
    set.get(index).map(|validator| validator.account).unwrap_or_default()
}

/// `prevrandao`: keccak-256 of the order's seed and the EVM block's number. Proposers can predict it.
fn randomness(seed: &BlockId, number: u64) -> B256 {
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(&seed.0);
    bytes[32..].copy_from_slice(&number.to_be_bytes());
    keccak256(bytes)
}

/// The gas of the root submesh, for chains whose submeshes have no lanes of their own.
pub(crate) fn root_rules(gas_limit: u64) -> CutRules {
    CutRules { block_gas: gas_limit, submeshes: [(SubmeshId::ROOT, gas_limit)].into() }
}
