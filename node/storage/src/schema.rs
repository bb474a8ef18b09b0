//! Tables, connections and their settings.

use crate::{
    StorageError,
    error::Doing,
    folder::{self, DATABASE, DATABASE_NEW, DATABASES_NEW},
    seal::{Opener, Sealer, Table},
};
use qsdm_primitives::{ChainSpec, limits};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{fs, io, path::Path};

/// "QSDM": tells our databases from those of other programs (`PRAGMA application_id`).
pub(crate) const APPLICATION_ID: u32 = 0x5153_444d;
/// Version of the tables and encodings (`PRAGMA user_version`).
pub(crate) const VERSION: u32 = 1;

/// `blocks` and `steps` are the truth; `hashes`, `logs`, `accounts` and `slots` follow from them and may trail by the
/// steps after `progress.applied`.
pub(crate) const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 0), applied INTEGER NOT NULL);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE steps (sequence INTEGER PRIMARY KEY, block INTEGER, data BLOB NOT NULL);
CREATE TABLE codes (hash BLOB PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE hashes (prefix INTEGER PRIMARY KEY, rest BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER);
CREATE TABLE colliding_hashes (hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER,
    checksum BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE logs (fingerprint INTEGER NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (fingerprint, block)) WITHOUT ROWID;
CREATE TABLE accounts (hashed_address BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE slots (hashed_address BLOB, hashed_key BLOB, data BLOB NOT NULL,
    PRIMARY KEY (hashed_address, hashed_key)) WITHOUT ROWID;
";

const SPECIFICATION: &str = "specification";

/// Makes the database of a new chain in `folder`: complete under another name first, so that a half-made one is never
/// taken for a chain.
pub(crate) fn create(folder: &Path, spec: &ChainSpec) -> Result<(), StorageError> {
    let new = folder.join(DATABASE_NEW);
    for leftover in DATABASES_NEW.map(|name| folder.join(name)) {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StorageError::io("remove", leftover)(error));
            }
            _ => {}
        }
    }
    let action = "creating the database";
    let json = serde_json::to_vec(spec)
        .map_err(|error| StorageError::Specification { path: new.clone(), problem: error.to_string() })?;
    let blob = Sealer::new()?.seal(Table::Meta, SPECIFICATION.as_bytes(), &json)?;
    let connection = Connection::open(&new).doing(action)?;
    // synced once at the end, because nothing of it counts before it has its name
    let sql = format!(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; BEGIN; {TABLES}"
    );
    connection.execute_batch(&sql).doing(action)?;
    connection.execute("INSERT INTO meta VALUES (?, ?)", params![SPECIFICATION, blob]).doing(action)?;
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;").doing(action)?;
    connection.close().map_err(|(_, error)| error).doing(action)?;
    let path = folder.join(DATABASE);
    folder::sync(&new)?;
    fs::rename(&new, &path).map_err(StorageError::io("create", path))?;
    folder::sync(folder)
}

/// The connection that writes.
///
/// In WAL mode with `synchronous = NORMAL` a commit is a write to the log without a sync: it survives the death of the
/// process, and after a loss of power the newest steps may be missing but nothing is torn.
pub(crate) fn writer(path: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let action = "opening the database";
    let connection = Connection::open_with_flags(path, flags).doing(action)?;
    let sql = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = {}; \
         PRAGMA journal_size_limit = {}; PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY;",
        limits::STORE_WAL_PAGES,
        limits::STORE_WAL_KEPT_BYTES,
        limits::STORE_WRITER_CACHE_KIB,
    );
    connection.execute_batch(&sql).doing(action)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A connection that can't write.
pub(crate) fn reader(path: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let action = "opening the database for reading";
    let connection = Connection::open_with_flags(path, flags).doing(action)?;
    let sql = format!("PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY;", limits::STORE_READER_CACHE_KIB);
    connection.execute_batch(&sql).doing(action)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The address under which SQLite reads the file as it is: without locks, without the log, without leaving files.
fn immutable(path: &Path) -> String {
    let escaped = path.as_os_str().as_encoded_bytes().iter().map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(*byte).to_string(),
        byte => format!("%{byte:02x}"),
    });
    format!("file:{}?immutable=1", escaped.collect::<String>())
}

/// The specification in the database at `path`. It is in the file from the moment the file has its name and never
/// changes, so it can be read beside another process and without touching the folder.
pub(crate) fn specification(path: &Path) -> Result<ChainSpec, StorageError> {
    let action = "reading the chain specification";
    let table = Table::Meta;
    let missing = || StorageError::corrupt(table.name(), SPECIFICATION, "the row is missing");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(immutable(path), flags).doing(action)?;
    let mut statement = connection.prepare("SELECT value FROM meta WHERE key = ?").doing(action)?;
    let blob: Option<Vec<u8>> = statement.query_row([SPECIFICATION], |row| row.get(0)).optional().doing(action)?;
    let blob = blob.ok_or_else(missing)?;
    let json = Opener::new()?
        .open(table, SPECIFICATION.as_bytes(), &blob)
        .map_err(|problem| StorageError::corrupt(table.name(), SPECIFICATION, problem))?;
    let unusable = |problem: String| StorageError::Specification { path: path.into(), problem };
    let spec: ChainSpec = serde_json::from_slice(&json).map_err(|error| unusable(error.to_string()))?;
    spec.check().map_err(|error| unusable(error.to_string()))?;
    Ok(spec)
}

/// The first field in which two specifications differ.
pub(crate) fn difference(stored: &ChainSpec, given: &ChainSpec) -> Option<String> {
    let numbers = [
        ("version", u64::from(stored.version), u64::from(given.version)),
        ("chain id", stored.chain_id, given.chain_id),
        ("genesis time", stored.genesis_time, given.genesis_time),
        ("gas limit", stored.gas_limit, given.gas_limit),
        ("base fee", stored.base_fee, given.base_fee),
        ("time scale", stored.time_scale, given.time_scale),
    ];
    let number = numbers.into_iter().find(|(_, stored, given)| stored != given);
    match number {
        Some((name, stored, given)) => Some(format!("its {name} is {stored}, not {given}")),
        None if stored != given => Some("its genesis accounts or contracts are others".into()),
        None => None,
    }
}

/// Runs `body` in a transaction that is there entirely or not at all.
pub(crate) fn transaction<T>(
    connection: &Connection,
    action: &'static str,
    body: impl FnOnce() -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    if !connection.is_autocommit() {
        // left open by a panic in an earlier body
        run("ROLLBACK").doing(action)?;
    }
    run("BEGIN IMMEDIATE").doing(action)?;
    let result = body().and_then(|value| run("COMMIT").doing(action).map(|_| value));
    if result.is_err() && !connection.is_autocommit() {
        run("ROLLBACK").doing(action)?;
    }
    result
}
