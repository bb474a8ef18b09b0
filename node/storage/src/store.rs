//! The store: one writer, a few readers, and the newest steps in memory.

mod check;
mod read;
mod visit;
mod write;

pub use check::{CheckReport, Progress};

use crate::{
    StorageError,
    folder::{self, DATABASE, FolderLock, Found},
    index::Named,
    journal::PoolJournal,
    pending::Pending,
    readers::{Reader, Readers},
    schema,
    seal::Sealer,
};
use alloy_primitives::{B256, Bytes};
use parking_lot::{Mutex, RwLock};
use qsdm_primitives::ChainSpec;
use qsdm_vm::{
    block::{Block, TxLocation},
    ports::{ChainStore, Commit, LogQuery, Step, StoreError, StoredAccount, StoredHead},
};
use std::{fmt, ops::RangeInclusive, path::Path, sync::Arc};

/// What only the thread that writes may use.
struct Writer {
    reader: Reader,
    sealer: Sealer,
    /// Kept between commits for its capacity.
    payload: Vec<u8>,
}

/// A chain in a data folder. One process, and in it one `Store`, has the folder at a time.
///
/// A step is safe in its own row when `commit` returns. The flat state, the hash index and the log index follow from the
/// steps and are written for many steps at once; what is not written yet is in memory, and is made again from the steps
/// when the folder is opened.
pub struct Store {
    // the order of the fields is the order of closing: the writer last, so that it can fold the log into the database
    readers: Readers,
    writer: Mutex<Writer>,
    pending: RwLock<Pending>,
    head: RwLock<Option<StoredHead>>,
    lock: Arc<FolderLock>,
}

impl Store {
    /// Opens the chain in `folder`, or makes a new one there for `spec`; the folder is created with mode 0700.
    ///
    /// # Errors
    /// A folder with other files, another program's or release's database, another chain's specification, a folder that
    /// another process has: each with its own error, and nothing in the folder is changed. Damage, a full disk or
    /// missing rights are named as such.
    pub fn open(folder: &Path, spec: &ChainSpec) -> Result<Self, StorageError> {
        let path = folder.join(DATABASE);
        spec.check().map_err(|error| StorageError::Specification { path: path.clone(), problem: error.to_string() })?;
        folder::inspect(folder)?;
        folder::create(folder)?;
        let lock = FolderLock::acquire(folder)?;
        // again, because another process may have made a chain before the lock was ours
        match folder::inspect(folder)? {
            Found::Empty => schema::create(folder, spec)?,
            Found::Chain => {
                if let Some(difference) = schema::difference(&schema::specification(&path)?, spec) {
                    return Err(StorageError::OtherChain { path: folder.into(), difference });
                }
            }
        }
        let reader = Reader::new(schema::writer(&path)?)?;
        let store = Self {
            readers: Readers::new(path),
            writer: Mutex::new(Writer { reader, sealer: Sealer::new()?, payload: Vec::new() }),
            pending: RwLock::default(),
            head: RwLock::new(None),
            lock: Arc::new(lock),
        };
        store.catch_up()?;
        Ok(store)
    }

    /// The specification of the chain in `folder`, `None` if there is no chain yet. Changes nothing.
    ///
    /// # Errors
    /// As [`Store::open`], except that a chain which another process has can be asked.
    pub fn stored_spec(folder: &Path) -> Result<Option<ChainSpec>, StorageError> {
        match folder::inspect(folder)? {
            Found::Empty => Ok(None),
            Found::Chain => schema::specification(&folder.join(DATABASE)).map(Some),
        }
    }

    /// The journal of acknowledged transactions that are in no block yet, in the same folder.
    ///
    /// # Errors
    /// If the file can't be opened, or is none of ours.
    pub fn pool_journal(&self) -> Result<PoolJournal, StorageError> {
        PoolJournal::open(Arc::clone(&self.lock))
    }

    fn find(&self, hash: &B256) -> Result<Option<Named>, StorageError> {
        // pending first: what leaves it is in the database before
        let pending = self.pending.read().find(hash);
        match pending {
            Some(named) => Ok(Some(named)),
            None => self.readers.with(|reader| crate::index::find(&reader.connection, hash)),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let writer = &mut *self.writer.lock();
        if let Err(error) = self.flush(writer) {
            tracing::warn!(%error, "indexes not written at shutdown: they are made again at the next start");
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = *self.head.read();
        formatter.debug_struct("Store").field("folder", &self.lock.folder()).field("head", &head).finish()
    }
}

impl ChainStore for Store {
    fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        Ok(*self.head.read())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        Ok(self.append(commit)?)
    }

    fn rollback(&self, sequence: u64) -> Result<(), StoreError> {
        Ok(self.truncate(sequence)?)
    }

    fn block(&self, number: u64) -> Result<Option<Arc<Block>>, StoreError> {
        Ok(self.read_block(number)?.map(|(_, block)| Arc::new(block)))
    }

    fn block_number(&self, hash: &B256) -> Result<Option<u64>, StoreError> {
        let named = self.find(hash)?;
        Ok(named.filter(|named| named.position.is_none()).map(|named| named.block))
    }

    fn tx_location(&self, hash: &B256) -> Result<Option<TxLocation>, StoreError> {
        let location = |named: Named| named.position.map(|index| TxLocation { block: named.block, index });
        Ok(self.find(hash)?.and_then(location))
    }

    fn sequence_of_block(&self, number: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.read_sequence(number)?)
    }

    fn visit_steps(
        &self,
        range: RangeInclusive<u64>,
        newest_first: bool,
        visit: &mut dyn FnMut(Step) -> bool,
    ) -> Result<(), StoreError> {
        Ok(self.walk_steps(range, newest_first, visit)?)
    }

    fn blocks_with_logs(&self, range: RangeInclusive<u64>, query: &LogQuery) -> Result<Vec<u64>, StoreError> {
        Ok(self.candidates(range, query)?)
    }

    fn visit_accounts(&self, visit: &mut dyn FnMut(StoredAccount)) -> Result<(), StoreError> {
        Ok(self.walk_accounts(visit)?)
    }

    fn code(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.readers.with(|reader| read::code(&reader.connection, &mut reader.opener, hash))?)
    }
}
