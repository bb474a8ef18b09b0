//! Tables and settings.

use crate::{StorageError, error::Doing, folder, schema::APPLICATION_ID};
use qsdm_primitives::limits;
use rusqlite::Connection;
use std::path::Path;

/// Version of the tables and encodings (`PRAGMA user_version`).
const VERSION: u32 = 2;

/// Rowid tables with a unique index on the hash: with the hash as key, large rows would lie in the index.
///
/// `cells.height` is the height of the block that includes the cell, and `commits.cells` the order there; `tips` is the
/// committed part of each lane in the newest epoch. How many of them there are is part of the key of `progress`, so a lost
/// one is noticed.
const TABLES: &str = "
CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 0), first BLOB NOT NULL, tip BLOB NOT NULL);
CREATE TABLE drafts (submesh INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE cells (row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, submesh INTEGER NOT NULL,
    author INTEGER NOT NULL, seq INTEGER NOT NULL, height INTEGER, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX cells_by_place ON cells (epoch, submesh, author, seq);
CREATE TABLE blocks (row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, height INTEGER NOT NULL,
    data BLOB NOT NULL, certificate BLOB);
CREATE INDEX blocks_by_height ON blocks (height);
CREATE TABLE commits (height INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE tips (submesh INTEGER, author INTEGER, data BLOB NOT NULL, PRIMARY KEY (submesh, author)) WITHOUT ROWID;
CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, data BLOB NOT NULL, certificate BLOB);
CREATE TABLE skipped (row INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
";

/// The connection that writes, on a database with all tables.
pub(super) fn open(path: &Path) -> Result<Connection, StorageError> {
    let action = "opening the mesh database";
    let connection = Connection::open(path).doing(action)?;
    // every commit is synced: a vote says that its cells are kept
    let sql = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = {}; \
         PRAGMA journal_size_limit = {}; PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY;",
        limits::STORE_WAL_PAGES,
        limits::STORE_WAL_KEPT_BYTES,
        limits::STORE_WRITER_CACHE_KIB,
    );
    connection.execute_batch(&sql).doing(action)?;
    connection.set_prepared_statement_cache_capacity(64);
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, u32>(0)).doing(action);
    match (number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (0, 0) if is_empty(&connection, action)? => create(&connection, path)?,
        (APPLICATION_ID, VERSION) => {}
        (APPLICATION_ID, found) => {
            return Err(StorageError::SchemaVersion { path: path.into(), found, known: VERSION });
        }
        (found, _) => {
            let found = format!("its application id is {found:#010x}, not {APPLICATION_ID:#010x}");
            return Err(StorageError::ForeignDatabase { path: path.into(), found });
        }
    }
    Ok(connection)
}

fn is_empty(connection: &Connection, action: &'static str) -> Result<bool, StorageError> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).doing(action)?;
    Ok(tables == 0)
}

/// All tables in one transaction: a half-made database has none.
fn create(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let sql =
        format!("BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;");
    connection.execute_batch(&sql).doing("creating the mesh database")?;
    path.parent().map_or(Ok(()), folder::sync)
}
