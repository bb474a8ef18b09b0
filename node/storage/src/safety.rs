//! The safety log: what a validator must not forget, durable before anything that depends on it leaves the node.
//!
//! ```text
//! safety.log = "QSDMSL\0\x01" │ chain id u64 │ BLAKE3 of the public key [32] │ frame │ frame │ …
//! ```
//! The frames are those of [`qsdm_consensus::append_to_log`]. An append is a write and a sync. A file that grows beyond
//! [`SAFETY_LOG_BYTES_MAX`] is replaced by one with the newest record: written under another name, synced, renamed, and the
//! folder synced. After a failed write or sync nobody knows what the file holds, so the next append replaces it too.

mod medium;
#[cfg(test)]
mod tests;

use crate::{
    StorageError,
    folder::{self, FolderLock},
};
use medium::{Folder, Medium};
use qsdm_consensus::{LogError, SafetyRecord, append_to_log, read_log};
use qsdm_primitives::{PublicKey, limits::SAFETY_LOG_BYTES_MAX};
use std::path::{Path, PathBuf};

/// Name of the log in the data folder.
pub(crate) const FILE: &str = "safety.log";
/// Name of its replacement while that is being written.
pub(crate) const FILE_NEW: &str = "safety.log.new";
/// Locked while a safety log is open. Stays behind empty.
pub(crate) const LOCK: &str = "safety.lock";

const MAGIC: [u8; 8] = *b"QSDMSL\0\x01";
const HEADER_BYTES: usize = 8 + 8 + 32;

/// Why a safety log is not used. A validator whose log is refused signs nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SafetyLogError {
    /// The log can't be read, written or locked.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A frame is damaged.
    #[error("{0}. `qsdm doctor` explains; a validator goes on with its newest intact log or with a new key")]
    Damaged(#[from] LogError),
    /// The beginning is not that of a safety log.
    #[error("the safety log does not begin like one of this release: it is damaged, or another program's file")]
    Foreign,
    /// It belongs to another key or chain.
    #[error(
        "the safety log is of another {what}: a validator that signs by it can be slashed; use the data folder of this \
         key and chain"
    )]
    Other {
        /// `chain` or `key`.
        what: &'static str,
    },
    /// There is one already.
    #[error(
        "{path} is there already: it says what a key signed, and is not overwritten; move it away together with that key"
    )]
    Begun {
        /// The file.
        path: PathBuf,
    },
}

/// What is in a safety log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyReport {
    /// The newest record; nothing where the key has never signed.
    pub newest: Option<SafetyRecord>,
    /// Bytes of a frame that a loss of power tore. Nothing was sent on its account.
    pub torn_bytes: usize,
}

/// The log of one key on one chain. One process has it at a time.
#[derive(Debug)]
pub struct SafetyLog {
    log: Log<Folder>,
    _lock: FolderLock,
}

impl SafetyLog {
    /// Opens the log in `folder`, or begins one there, and the newest record in it.
    ///
    /// # Errors
    /// [`SafetyLogError`] where the log is in use, damaged, or of another key or chain. A torn last frame is dropped.
    pub fn open(folder: &Path, chain_id: u64, key: &PublicKey) -> Result<(Self, Option<SafetyRecord>), SafetyLogError> {
        folder::create(folder)?;
        let lock = FolderLock::acquire_named(folder, LOCK)?;
        let (log, newest) = Log::open(Folder::new(folder), header(chain_id, key))?;
        Ok((Self { log, _lock: lock }, newest))
    }

    /// Begins the log of a key that was made a moment ago: it has signed nothing, and a log without a record says so.
    ///
    /// # Errors
    /// [`SafetyLogError::Begun`] where there is a log; it may be of another key, and is never overwritten.
    pub fn begin(folder: &Path, chain_id: u64, key: &PublicKey) -> Result<(), SafetyLogError> {
        folder::create(folder)?;
        let _lock = FolderLock::acquire_named(folder, LOCK)?;
        let medium = Folder::new(folder);
        if medium.read()?.is_some() {
            return Err(SafetyLogError::Begun { path: folder.join(FILE) });
        }
        Log { medium, header: header(chain_id, key), bytes: 0, is_uncertain: false }.replace(None)?;
        Ok(())
    }

    /// Makes a record durable. When this returns, it and nothing older is what the next start reads.
    ///
    /// # Errors
    /// Where the disk is full or fails. The record may or may not be there then; nothing may be sent on its account.
    pub fn append(&mut self, record: &SafetyRecord) -> Result<(), StorageError> {
        self.log.append(record)
    }

    /// What the log in `folder` holds, for those who only look; nothing where there is none. Changes nothing.
    ///
    /// # Errors
    /// As [`SafetyLog::open`], except that a log in use can be looked at.
    pub fn inspect(folder: &Path, chain_id: u64, key: &PublicKey) -> Result<Option<SafetyReport>, SafetyLogError> {
        let bytes = Folder::new(folder).read()?;
        bytes.map(|bytes| inspect(&bytes, &header(chain_id, key))).transpose()
    }
}

fn header(chain_id: u64, key: &PublicKey) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..16].copy_from_slice(&chain_id.to_le_bytes());
    header[16..].copy_from_slice(blake3::hash(key.bytes()).as_bytes());
    header
}

fn inspect(bytes: &[u8], header: &[u8; HEADER_BYTES]) -> Result<SafetyReport, SafetyLogError> {
    let (found, frames) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(SafetyLogError::Foreign)?;
    if found[..8] != MAGIC {
        return Err(SafetyLogError::Foreign);
    }
    for (what, range) in [("chain", 8..16), ("key", 16..HEADER_BYTES)] {
        if found[range.clone()] != header[range] {
            return Err(SafetyLogError::Other { what });
        }
    }
    let (newest, whole) = read_log(frames)?;
    Ok(SafetyReport { newest, torn_bytes: frames.len() - whole })
}

/// The log on a medium.
#[derive(Debug)]
struct Log<M> {
    medium: M,
    header: [u8; HEADER_BYTES],
    bytes: usize,
    /// Whether the next append replaces the file.
    is_uncertain: bool,
}

impl<M: Medium> Log<M> {
    fn open(medium: M, header: [u8; HEADER_BYTES]) -> Result<(Self, Option<SafetyRecord>), SafetyLogError> {
        let mut log = Self { medium, header, bytes: 0, is_uncertain: false };
        let Some(bytes) = log.medium.read()? else {
            log.replace(None)?;
            return Ok((log, None));
        };
        let report = inspect(&bytes, &header)?;
        log.bytes = bytes.len();
        // also where nothing is torn: the file may have been written by a process that was killed before it synced
        log.replace(report.newest.as_ref())?;
        Ok((log, report.newest))
    }

    fn append(&mut self, record: &SafetyRecord) -> Result<(), StorageError> {
        let mut frame = Vec::new();
        append_to_log(&mut frame, record);
        if self.is_uncertain || self.bytes + frame.len() > SAFETY_LOG_BYTES_MAX {
            return self.replace(Some(record));
        }
        self.is_uncertain = true;
        self.medium.append(&frame)?;
        self.bytes += frame.len();
        self.is_uncertain = false;
        Ok(())
    }

    fn replace(&mut self, newest: Option<&SafetyRecord>) -> Result<(), StorageError> {
        let mut bytes = self.header.to_vec();
        newest.into_iter().for_each(|record| append_to_log(&mut bytes, record));
        self.is_uncertain = true;
        self.medium.replace(&bytes)?;
        self.bytes = bytes.len();
        self.is_uncertain = false;
        Ok(())
    }
}
