//! The data folder: whose it is, and that only one process has it.

use crate::{StorageError, schema};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What an operator decides.
const CONFIGURATION: &str = "config.toml";

/// The database.
pub(crate) const DATABASE: &str = "chain.db";
/// The database while it is being made; renamed when it is complete.
pub(crate) const DATABASE_NEW: &str = "chain.db.new";
/// It and the files that SQLite may leave beside it.
pub(crate) const DATABASES_NEW: [&str; 4] =
    [DATABASE_NEW, "chain.db.new-journal", "chain.db.new-wal", "chain.db.new-shm"];
/// Locked while a store is open. Stays behind empty.
const LOCK: &str = "chain.lock";
/// What a data folder may hold beside the database: files of other parts of the node, and what a file system's root has.
const OTHERS: [&str; 14] = [
    CONFIGURATION,
    "genesis.json",
    "keys",
    crate::safety::FILE,
    crate::safety::FILE_NEW,
    crate::safety::LOCK,
    "archive",
    "flower.db",
    "governance.db",
    "models",
    LOCK,
    crate::journal::FILE,
    crate::journal::FILE_NEW,
    "lost+found",
];

/// What stands where a data folder should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No chain yet; the folder may have to be created.
    Empty,
    /// A database with our application id and schema version.
    Chain,
}

/// Looks without touching. Whatever is not ours is an error.
pub(crate) fn inspect(folder: &Path) -> Result<Found, StorageError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Empty),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(StorageError::NotAFolder { path: folder.into() });
        }
        Err(error) => return Err(StorageError::io("read", folder)(error)),
    };
    let (mut foreign, mut is_configured) = (None, false);
    for entry in entries {
        let name = entry.map_err(StorageError::io("read", folder))?.file_name();
        if name == DATABASE {
            return inspect_database(&folder.join(DATABASE)).map(|()| Found::Chain);
        }
        is_configured |= name == CONFIGURATION;
        if !OTHERS.iter().chain(&DATABASES_NEW).chain(&crate::mesh::FILES).any(|other| name == *other) {
            foreign = Some(name.to_string_lossy().into_owned());
        }
    }
    // a folder with a node's configuration was made for a node, whatever its operator keeps there as well
    let foreign = foreign.filter(|_| !is_configured);
    foreign.map_or(Ok(Found::Empty), |found| Err(StorageError::ForeignFolder { path: folder.into(), found }))
}

/// Reads the 100 bytes of SQLite's file header (<https://sqlite.org/fileformat.html>, section 1.3). The database is made
/// complete before it gets its name, so the file says it all, whatever the write-ahead log holds.
fn inspect_database(path: &Path) -> Result<(), StorageError> {
    let mut header = [0; 100];
    let foreign = |found: String| StorageError::ForeignDatabase { path: path.into(), found };
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(foreign("it is shorter than a database header".into()));
        }
        Err(error) => return Err(StorageError::io("read", path)(error)),
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign("it has no SQLite header".into()));
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, application) = (number(60), number(68));
    if application != schema::APPLICATION_ID {
        return Err(foreign(format!(
            "its application id is {application:#010x}, not {:#010x}",
            schema::APPLICATION_ID
        )));
    }
    if version != schema::VERSION {
        return Err(StorageError::SchemaVersion { path: path.into(), found: version, known: schema::VERSION });
    }
    Ok(())
}

/// Creates the folder, readable by its owner only, unless it exists.
pub(crate) fn create(folder: &Path) -> Result<(), StorageError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(StorageError::io("create", folder))
}

/// Makes a file's contents, or a folder's list of files, durable.
pub(crate) fn sync(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StorageError::io("sync", path))
}

/// The folder, held by this process until dropped. The operating system lets go of it when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    path: PathBuf,
    _file: File,
}

impl FolderLock {
    pub(crate) fn acquire(folder: &Path) -> Result<Self, StorageError> {
        Self::acquire_named(folder, LOCK)
    }

    /// The lock of a part of the folder.
    pub(crate) fn acquire_named(folder: &Path, name: &str) -> Result<Self, StorageError> {
        let path = folder.join(name);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(StorageError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: folder.into(), _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked { path: folder.into() }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", path)(error)),
        }
    }

    /// The folder that is locked.
    pub(crate) fn folder(&self) -> &Path {
        &self.path
    }
}
