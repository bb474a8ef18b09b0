//! Acknowledged transactions that are in no block yet, kept for the next start.

use alloy_consensus::{TxEnvelope, transaction::Recovered};
use alloy_eips::Decodable2718;
use parking_lot::Mutex;
use qsdm_pool::{Pool, Submission, encode, recover_raw};
use qsdm_primitives::SubmeshId;
use qsdm_rpc::ports::NodeError;
use qsdm_storage::{JournalRecord, PoolJournal, StorageError};
use qsdm_vm::{block::SharedTx, ports::StoreError};
use std::sync::Arc;

/// Journal bytes that are tolerated beyond twice the pool, so that small pools don't rewrite at every block.
const JOURNAL_SLACK_BYTES: u64 = 1 << 20;

/// What a pool would lose with its process. A chain in a temporary folder keeps nothing.
#[derive(Debug)]
pub(crate) struct Journal {
    pool: Arc<Pool>,
    file: Option<Mutex<PoolJournal>>,
}

impl Journal {
    pub(crate) fn new(pool: Arc<Pool>, file: Option<PoolJournal>) -> Self {
        Self { pool, file: file.map(Mutex::new) }
    }

    /// Makes an acknowledged transaction that is not in a block yet durable.
    pub(crate) fn remember(&self, tx: &SharedTx) -> Result<(), NodeError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock();
        match file.append(&[record(tx)]) {
            // most of a full journal is in blocks by now; the transaction is in the pool, and so in what is kept
            Err(StorageError::JournalFull { .. }) => self.rewrite(&mut file),
            written => written.map_err(failed),
        }
    }

    /// Rewrites the journal once most of it is in blocks.
    pub(crate) fn forget_included(&self) -> Result<(), NodeError> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut file = file.lock();
        let (waiting, written) = (self.pool.bytes() as u64, file.size());
        if written > 2 * waiting + JOURNAL_SLACK_BYTES || (waiting == 0 && written > 0) {
            self.rewrite(&mut file)?;
        }
        Ok(())
    }

    fn rewrite(&self, file: &mut PoolJournal) -> Result<(), NodeError> {
        let content = self.pool.content();
        let held = content.pending.iter().chain(&content.queued).flat_map(|(_, txs)| txs.values());
        file.rewrite(&held.map(record).collect::<Vec<_>>()).map_err(failed)
    }

    /// What a previous process acknowledged, for the pool.
    pub(crate) fn recover(&self, chain_id: u64) -> Result<Vec<Submission>, NodeError> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        let recovered = file.lock().recover().map_err(failed)?;
        if recovered.dropped_bytes > 0 {
            tracing::warn!(bytes = recovered.dropped_bytes, "the pool journal ended in a torn record");
        }
        Ok(recovered.records.iter().filter_map(|record| submission(record, chain_id)).collect())
    }
}

/// A transaction of the journal. One whose signature is not its sender's was impersonated.
fn submission(record: &JournalRecord, chain_id: u64) -> Option<Submission> {
    let signed = recover_raw(&record.transaction, chain_id).ok();
    if let Some(tx) = signed.filter(|tx| tx.signer() == record.sender) {
        return Some(tx.into());
    }
    let envelope = TxEnvelope::decode_2718_exact(&record.transaction).ok()?;
    let tx = Arc::new(Recovered::new_unchecked(envelope, record.sender));
    Some(Submission { tx, submesh: SubmeshId::ROOT, impersonated: true })
}

fn record(tx: &SharedTx) -> JournalRecord {
    JournalRecord { sender: tx.signer(), transaction: encode(tx).into() }
}

fn failed(error: StorageError) -> NodeError {
    NodeError::Chain(StoreError(Box::new(error)).into())
}
