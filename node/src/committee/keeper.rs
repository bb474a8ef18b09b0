//! The thread that writes: cells, blocks and commits first, then the safety record. What comes back is durable.

use qsdm_consensus::{PersistSeq, SafetyRecord};
use qsdm_mesh::CellRef;
use qsdm_storage::{MeshBatch, MeshStore, SafetyLog, StorageError};
use std::{sync::Arc, thread, time::Duration};
use tokio::sync::mpsc::{Receiver, Sender};

/// What one turn of the core wants kept.
#[derive(Debug, Default)]
pub(crate) struct Keep {
    pub batch: MeshBatch,
    pub record: Option<(Box<SafetyRecord>, PersistSeq)>,
    /// The cells of the batch, for the core.
    pub cells: Vec<CellRef>,
}

/// What is durable.
#[derive(Debug)]
pub(crate) struct Kept {
    pub seq: Option<PersistSeq>,
    pub cells: Vec<CellRef>,
}

impl Keep {
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.record.is_none()
    }

    /// Adds what a later turn wants.
    pub(crate) fn merge(&mut self, later: Self) {
        let Self { batch, record, cells } = later;
        self.batch.drafts.extend(batch.drafts);
        self.batch.cells.extend(batch.cells);
        self.batch.blocks.extend(batch.blocks);
        self.batch.commits.extend(batch.commits);
        self.batch.epochs.extend(batch.epochs);
        self.cells.extend(cells);
        if record.is_some() {
            self.record = record;
        }
    }
}

/// How long the keeper waits before it tries a write again that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Writes until the core is gone. While a write fails nothing is reported durable, so nothing is signed: the node follows
/// the others and says why it is silent.
pub(crate) fn run(store: &Arc<MeshStore>, mut log: Option<SafetyLog>, mut wanted: Receiver<Keep>, done: &Sender<Kept>) {
    while let Some(mut keep) = wanted.blocking_recv() {
        while let Ok(later) = wanted.try_recv() {
            keep.merge(later);
        }
        let mut attempt = 0_u32;
        while let Err(error) = write(store, log.as_mut(), &keep) {
            if attempt.is_multiple_of(60) {
                tracing::error!(%error, "nothing can be kept, so nothing is signed; next attempt in a second");
            }
            attempt += 1;
            if wanted.is_closed() {
                return;
            }
            thread::sleep(RETRY);
        }
        if attempt > 0 {
            tracing::info!(attempt, "the disk takes writes again");
        }
        let kept = Kept { seq: keep.record.map(|(_, seq)| seq), cells: keep.cells };
        if done.blocking_send(kept).is_err() {
            return;
        }
    }
}

fn write(store: &MeshStore, log: Option<&mut SafetyLog>, keep: &Keep) -> Result<(), StorageError> {
    store.write(&keep.batch)?;
    match (log, &keep.record) {
        (Some(log), Some((record, _))) => log.append(record),
        _ => Ok(()),
    }
}
