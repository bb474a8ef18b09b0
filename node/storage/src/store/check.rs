//! The whole database read and verified, for `qsdm doctor`.

use super::{Store, read};
use crate::{StorageError, codec, error::Doing, index, readers::Reader, seal::Opener};
use alloy_primitives::B256;
use qsdm_primitives::limits::STORE_CHECK_DAMAGES_MAX;
use rusqlite::{Connection, Row};

const ACTION: &str = "checking the database";
/// Rows between two calls of the progress callback.
const REPORT_EVERY: u64 = 1_024;

/// How far a check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Table being read, or `pages` for SQLite's own structures.
    pub stage: &'static str,
    /// Rows read.
    pub done: u64,
    /// Rows there are.
    pub total: u64,
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Blocks read.
    pub blocks: u64,
    /// Steps read.
    pub steps: u64,
    /// Codes read.
    pub codes: u64,
    /// Accounts read.
    pub accounts: u64,
    /// Slots read.
    pub slots: u64,
    /// The first damages in words, at most [`STORE_CHECK_DAMAGES_MAX`].
    pub damages: Vec<String>,
    /// How many damages there are.
    pub damaged: u64,
}

impl CheckReport {
    /// True if nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damaged == 0
    }

    fn note(&mut self, damage: impl ToString) {
        self.damaged += 1;
        if self.damages.len() < STORE_CHECK_DAMAGES_MAX {
            self.damages.push(damage.to_string());
        }
    }
}

impl Store {
    /// Verifies SQLite's structures, every checksum, that no block or step is missing, and that the indexes know every
    /// hash and log. Reads everything; the store stays usable meanwhile.
    ///
    /// # Errors
    /// Only if the check can't be made; damage is in the report.
    pub fn check(&self, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport, StorageError> {
        let mut reader = self.snapshot()?;
        let mut report = CheckReport::default();
        progress(Progress { stage: "pages", done: 0, total: 1 });
        check_pages(&reader.connection, &mut report)?;
        progress(Progress { stage: "pages", done: 1, total: 1 });
        let Reader { connection, opener } = &mut reader;
        let mut next = 0;
        report.steps = each(connection, "steps", "sequence, block, data", progress, &mut report, |row| {
            let step = read::step_of_row(opener, row)?;
            expect_next("steps", &mut next, step.sequence)
        })?;
        next = 0;
        report.blocks = each(connection, "blocks", "number, sequence, data", progress, &mut report, |row| {
            check_block(connection, opener, row, &mut next)
        })?;
        report.codes = each(connection, "codes", "hash", progress, &mut report, |row| {
            let hash =
                B256::try_from(blob(row, 0)?).map_err(|_| StorageError::corrupt("codes", "unknown", "no hash"))?;
            read::code(connection, opener, &hash).map(|_| ())
        })?;
        report.accounts = each(connection, "accounts", "hashed_address, data", progress, &mut report, |row| {
            let key = blob(row, 0)?;
            let corrupt = |problem: codec::Malformed| StorageError::corrupt("accounts", hex(key), problem.0);
            codec::account::account(key, blob(row, 1)?).map(|_| ()).map_err(corrupt)
        })?;
        let columns = "hashed_address, hashed_key, data";
        report.slots = each(connection, "slots", columns, progress, &mut report, |row| {
            let (account, key) = (blob(row, 0)?, blob(row, 1)?);
            let name = || format!("{}/{}", hex(account), hex(key));
            let corrupt = |problem: codec::Malformed| StorageError::corrupt("slots", name(), problem.0);
            codec::account::slot(account, key, blob(row, 2)?).map(|_| ()).map_err(corrupt)
        })?;
        Ok(report)
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

fn blob<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a [u8], StorageError> {
    row.get_ref(index).doing(ACTION)?.as_blob().map_err(|error| StorageError::Sqlite {
        action: ACTION,
        source: rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Blob, Box::new(error)),
    })
}

fn check_pages(connection: &Connection, report: &mut CheckReport) -> Result<(), StorageError> {
    let sql = format!("PRAGMA quick_check({STORE_CHECK_DAMAGES_MAX})");
    let mut statement = connection.prepare(&sql).doing(ACTION)?;
    let mut rows = statement.query([]).doing(ACTION)?;
    loop {
        match rows.next() {
            Ok(Some(row)) => match row.get::<_, String>(0).doing(ACTION)? {
                line if line == "ok" => {}
                line => report.note(line),
            },
            Ok(None) => return Ok(()),
            Err(error) => {
                report.note(error);
                return Ok(());
            }
        }
    }
}

/// Checks each row of a table and counts them.
fn each(
    connection: &Connection,
    table: &'static str,
    columns: &str,
    progress: &mut dyn FnMut(Progress),
    report: &mut CheckReport,
    mut check: impl FnMut(&Row<'_>) -> Result<(), StorageError>,
) -> Result<u64, StorageError> {
    let sql = format!("SELECT count(*) FROM {table}");
    let total = match connection.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
        Ok(total) => total as u64,
        Err(error) => {
            report.note(format!("table {table} can't be counted: {error}"));
            0
        }
    };
    let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}")).doing(ACTION)?;
    let mut rows = statement.query([]).doing(ACTION)?;
    let mut done = 0;
    progress(Progress { stage: table, done, total });
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                if let Err(damage) = check(row) {
                    report.note(damage);
                }
            }
            Ok(None) => break,
            Err(error) => {
                report.note(format!("table {table} can't be read after {done} rows: {error}"));
                break;
            }
        }
        done += 1;
        if done % REPORT_EVERY == 0 {
            progress(Progress { stage: table, done, total });
        }
    }
    progress(Progress { stage: table, done, total });
    Ok(done)
}

fn expect_next(table: &'static str, next: &mut u64, found: u64) -> Result<(), StorageError> {
    let expected = std::mem::replace(next, found + 1);
    if found == expected { Ok(()) } else { Err(StorageError::corrupt(table, expected, "the row is missing")) }
}

fn check_block(
    connection: &Connection,
    opener: &mut Opener,
    row: &Row<'_>,
    next: &mut u64,
) -> Result<(), StorageError> {
    let (_, block) = read::block_of_row(opener, row)?;
    for (hash, _) in index::hashes(&block) {
        if index::find(connection, &hash)?.is_none() {
            return Err(StorageError::corrupt("hashes", hash, "the row is missing"));
        }
    }
    for fingerprint in index::fingerprints(block.receipts.iter().flat_map(|receipt| &receipt.logs)) {
        let sql = "SELECT 1 FROM logs WHERE fingerprint = ? AND block = ?";
        let mut statement = connection.prepare_cached(sql).doing(ACTION)?;
        if !statement.exists((fingerprint, block.number() as i64)).doing(ACTION)? {
            let key = format!("{fingerprint}/{}", block.number());
            return Err(StorageError::corrupt("logs", key, "the row is missing"));
        }
    }
    expect_next("blocks", next, block.number())
}
