//! What can go wrong with a data folder.

use std::{io, path::PathBuf};

/// A failure of the store. Every message names the thing, the numbers and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}; check that the folder is writable and its disk has free space")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another process, or another store of this process, has the folder.
    #[error("data folder {path} is in use by another process: stop that one, or name another data folder")]
    Locked {
        /// The data folder.
        path: PathBuf,
    },
    /// A file stands where the folder should be.
    #[error("data folder {path} is not a folder: name another one")]
    NotAFolder {
        /// The path given.
        path: PathBuf,
    },
    /// Someone else's files.
    #[error("{path} holds `{found}` but no chain database; nothing was changed: name an empty folder")]
    ForeignFolder {
        /// The path given.
        path: PathBuf,
        /// A file or folder in it that is none of ours.
        found: String,
    },
    /// A file with our name and another's contents.
    #[error("{path} is no chain database of this node ({found}); nothing was changed: name another data folder")]
    ForeignDatabase {
        /// The database file.
        path: PathBuf,
        /// What the file is instead.
        found: String,
    },
    /// Made by another release.
    #[error(
        "{path} has schema version {found}, this release knows version {known}: use the release that made it, or name another data folder"
    )]
    SchemaVersion {
        /// The database file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Version of this release.
        known: u32,
    },
    /// The folder belongs to a chain with another specification.
    #[error(
        "{path} belongs to another chain ({difference}): name another data folder, or start with the specification stored in it"
    )]
    OtherChain {
        /// The data folder.
        path: PathBuf,
        /// The first field that differs, with both values.
        difference: String,
    },
    /// The stored specification is not one that this release can use.
    #[error("the chain specification stored in {path} is unusable: {problem}")]
    Specification {
        /// The database file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A row whose checksum or contents are wrong.
    #[error(
        "table {table}, key {key}: {problem}; the disk or another program damaged the database: restore a copy of the data folder"
    )]
    Corrupt {
        /// Table of the row.
        table: &'static str,
        /// Key of the row.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database file itself is damaged.
    #[error("the database is damaged ({source}, while {action}): restore a copy of the data folder")]
    Damaged {
        /// What was being done.
        action: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// No space left. The step that was being written is not in the store; everything before it is.
    #[error("the disk is full, while {action}: free some space and try again; nothing written before is lost")]
    DiskFull {
        /// What was being done.
        action: &'static str,
    },
    /// SQLite may not open or write a file.
    #[error(
        "the database can't be opened or written ({source}, while {action}): check the rights on the data folder and on every file in it"
    )]
    NotWritable {
        /// What was being done.
        action: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// Any other failure of SQLite.
    #[error("database error while {action}: {source}")]
    Sqlite {
        /// What was being done.
        action: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// A step that does not continue the stored chain.
    #[error("{what} {given} does not continue the stored chain, {expected} is next")]
    OutOfOrder {
        /// `step` or `block`.
        what: &'static str,
        /// The number given.
        given: u64,
        /// The only number that is accepted.
        expected: u64,
    },
    /// A step that carries no block although it is the first.
    #[error("step 0 must carry the genesis block")]
    NoGenesis,
    /// A rollback to a step that is not there.
    #[error("cannot return to step {asked}: the newest is {newest:?}")]
    NoSuchStep {
        /// The step asked for.
        asked: u64,
        /// The newest step, `None` if the store is empty.
        newest: Option<u64>,
    },
    /// More bytes than a row may have.
    #[error("{what} of {bytes} bytes exceeds the limit of {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The pool journal must be rewritten with the transactions that are still wanted.
    #[error("the pool journal would grow from {size} to {wanted} bytes, its limit is {max}: rewrite it first")]
    JournalFull {
        /// Bytes in the file.
        size: u64,
        /// Bytes after the append.
        wanted: u64,
        /// The limit.
        max: u64,
    },
    /// zstd failed.
    #[error("compression failed: {0}")]
    Compression(#[source] io::Error),
}

impl StorageError {
    pub(crate) fn corrupt(table: &'static str, key: impl ToString, problem: impl Into<String>) -> Self {
        Self::Corrupt { table, key: key.to_string(), problem: problem.into() }
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl From<StorageError> for qsdm_vm::ports::StoreError {
    fn from(error: StorageError) -> Self {
        Self(Box::new(error))
    }
}

/// Names what was being done when SQLite failed.
pub(crate) trait Doing<T> {
    fn doing(self, action: &'static str) -> Result<T, StorageError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, action: &'static str) -> Result<T, StorageError> {
        use rusqlite::ErrorCode;
        self.map_err(|source| match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StorageError::DiskFull { action },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageError::Damaged { action, source },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StorageError::NotWritable { action, source }
            }
            _ => StorageError::Sqlite { action, source },
        })
    }
}
