//! Cells, blocks, commits and epochs of the mesh, in a database of their own.
//!
//! A batch is one transaction with a sync: what [`MeshStore::write`] took is there after a loss of power, so a vote that
//! leaves afterwards stands for cells and blocks that this node can serve.

mod codec;
mod read;
mod recover;
mod schema;
mod skipped;
#[cfg(test)]
mod tests;
mod write;

pub use recover::MeshRecovery;
pub use skipped::Skipped;

use crate::{StorageError, error::Doing, folder::FolderLock, readers::Readers, seal::Sealer};
use parking_lot::Mutex;
use qsdm_consensus::{CommitTip, CommittedBlock};
use qsdm_mesh::CutRules;
use qsdm_primitives::{
    Block, BlockId, Cell, CellBody, CellHeader, CellId, EpochCertificate, QuorumCertificate, ValidatorSet,
};
use rusqlite::Connection;
use std::{fmt, path::Path, sync::Arc};

/// Name of the database in the data folder.
pub(crate) const DATABASE: &str = "mesh.db";
/// It, the files that SQLite may leave beside it, and its lock.
pub(crate) const FILES: [&str; 4] = [DATABASE, "mesh.db-wal", "mesh.db-shm", LOCK];
const LOCK: &str = "mesh.lock";

/// What is kept together or not at all.
#[derive(Clone, Debug, Default)]
pub struct MeshBatch {
    /// The own next cell of a lane, before it is signed: what is signed after a crash must be this one.
    pub drafts: Vec<(CellHeader, CellBody)>,
    /// Admitted cells. One that is there already stays as it is.
    pub cells: Vec<Arc<Cell>>,
    /// Blocks, each with the certificate of its parent; none at an epoch's start.
    pub blocks: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    /// Committed blocks in the order of the chain. Their cells and they themselves are kept already, or in this batch.
    pub commits: Vec<CommittedBlock>,
    /// Ended epochs, each with who decides in the next one and by which rules.
    pub epochs: Vec<EndedEpoch>,
}

/// How an epoch ended, and what begins.
#[derive(Clone, Debug)]
pub struct EndedEpoch {
    /// The signatures of a quorum.
    pub certificate: Arc<EpochCertificate>,
    /// The validators of the next epoch.
    pub next: ValidatorSet,
    /// Gas and open submeshes of the next epoch.
    pub rules: CutRules,
}

/// A committed block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCommit {
    /// The block.
    pub id: BlockId,
    /// Number of the EVM block it makes, if it makes one.
    pub number: Option<u64>,
    /// Whether it is the last of its epoch.
    pub is_boundary: bool,
    /// The seed of the order.
    pub seed: BlockId,
    /// The cells it includes in the order in which they run.
    pub cells: Vec<CellId>,
}

impl MeshBatch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
            && self.cells.is_empty()
            && self.blocks.is_empty()
            && self.commits.is_empty()
            && self.epochs.is_empty()
    }
}

struct Writer {
    connection: Connection,
    sealer: Sealer,
}

/// The mesh of one chain in a data folder. One process has it at a time.
pub struct MeshStore {
    // the writer closes last, so that it can fold the log into the database
    readers: Readers,
    writer: Mutex<Writer>,
    lock: FolderLock,
}

impl MeshStore {
    /// Opens the mesh in `folder`, or begins one there: at `genesis`, with the first validators and rules.
    ///
    /// # Errors
    /// Where the folder is in use, or the database is damaged, another program's, or of another chain.
    pub fn open(
        folder: &Path,
        genesis: &CommitTip,
        set: &ValidatorSet,
        rules: &CutRules,
    ) -> Result<Self, StorageError> {
        crate::folder::create(folder)?;
        let lock = FolderLock::acquire_named(folder, LOCK)?;
        let path = folder.join(DATABASE);
        let connection = schema::open(&path)?;
        let store = Self {
            readers: Readers::new(path.clone()),
            writer: Mutex::new(Writer { connection, sealer: Sealer::new()? }),
            lock,
        };
        store.begin(genesis, set, rules)?;
        let first = store.first()?;
        if first != genesis.block {
            let difference = format!("its first block follows {first}, not {}", genesis.block);
            return Err(StorageError::OtherChain { path: folder.into(), difference });
        }
        Ok(store)
    }

    /// Writes a batch: all of it is durable when this returns, or none of it is there.
    ///
    /// # Errors
    /// Where the disk is full or fails, or a commit does not follow the newest one.
    pub fn write(&self, batch: &MeshBatch) -> Result<(), StorageError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.writer.lock().write(batch)
    }
}

impl fmt::Debug for MeshStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MeshStore").field("folder", &self.lock.folder()).finish_non_exhaustive()
    }
}

/// Closing folds the log into the database.
impl Drop for MeshStore {
    fn drop(&mut self) {
        let folded = self.writer.lock().connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let Err(error) = folded.doing("closing the mesh database") {
            tracing::warn!(%error, "the next start reads the log");
        }
    }
}
