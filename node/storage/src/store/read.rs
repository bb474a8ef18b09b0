//! Single rows: blocks, steps, codes, candidates for logs.

use super::Store;
use crate::{
    StorageError, codec,
    error::Doing,
    index,
    seal::{Opener, Table, numbers_key},
};
use alloy_primitives::{B256, Bytes};
use qsdm_vm::{
    block::Block,
    ports::{LogQuery, Step},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{collections::BTreeSet, ops::RangeInclusive};

const READ_BLOCK: &str = "reading a block";
const READ_STEP: &str = "reading a step";
const READ_LOGS: &str = "reading the log index";

/// Up to this many candidates are looked up one by one in the next list instead of reading that list's whole range.
const LOOK_UP_MAX: usize = 64;

/// A block and the sequence of its step from a row (number, sequence, data).
pub(super) fn block_of_row(opener: &mut Opener, row: &Row<'_>) -> Result<(u64, Block), StorageError> {
    let sequence: i64 = row.get(1).doing(READ_BLOCK)?;
    let height: i64 = row.get(0).doing(READ_BLOCK)?;
    let corrupt = |problem: &str| StorageError::corrupt(Table::Blocks.name(), height, problem);
    let blob = row.get_ref(2).doing(READ_BLOCK)?.as_blob().map_err(|_| corrupt("its data is no blob"))?;
    let key = numbers_key(height as u64, Some(sequence as u64));
    let payload = opener.open(Table::Blocks, &key, blob).map_err(corrupt)?;
    let block = codec::block::block(&payload).map_err(|malformed| corrupt(malformed.0))?;
    Ok((sequence as u64, block))
}

/// A block and the sequence of its step.
pub(super) fn block(
    connection: &Connection,
    opener: &mut Opener,
    number: u64,
) -> Result<Option<(u64, Block)>, StorageError> {
    let sql = "SELECT number, sequence, data FROM blocks WHERE number = ?";
    let mut statement = connection.prepare_cached(sql).doing(READ_BLOCK)?;
    let mut rows = statement.query([number as i64]).doing(READ_BLOCK)?;
    rows.next().doing(READ_BLOCK)?.map(|row| block_of_row(opener, row)).transpose()
}

/// A step from a row (sequence, block, data).
pub(super) fn step_of_row(opener: &mut Opener, row: &Row<'_>) -> Result<Step, StorageError> {
    let sequence: i64 = row.get(0).doing(READ_STEP)?;
    let block: Option<i64> = row.get(1).doing(READ_STEP)?;
    let block = block.map(|block| block as u64);
    let corrupt = |problem: &str| StorageError::corrupt(Table::Steps.name(), sequence, problem);
    let blob = row.get_ref(2).doing(READ_STEP)?.as_blob().map_err(|_| corrupt("its data is no blob"))?;
    let payload = opener.open(Table::Steps, &numbers_key(sequence as u64, block), blob).map_err(corrupt)?;
    codec::step::step(sequence as u64, block, &payload).map_err(|malformed| corrupt(malformed.0))
}

/// A step that must be there.
pub(super) fn step(connection: &Connection, opener: &mut Opener, sequence: u64) -> Result<Step, StorageError> {
    let sql = "SELECT sequence, block, data FROM steps WHERE sequence = ?";
    let mut statement = connection.prepare_cached(sql).doing(READ_STEP)?;
    let mut rows = statement.query([sequence as i64]).doing(READ_STEP)?;
    let missing = || StorageError::corrupt(Table::Steps.name(), sequence, "the row is missing");
    step_of_row(opener, rows.next().doing(READ_STEP)?.ok_or_else(missing)?)
}

/// Code by its hash.
pub(super) fn code(connection: &Connection, opener: &mut Opener, hash: &B256) -> Result<Option<Bytes>, StorageError> {
    let action = "reading code";
    let mut statement = connection.prepare_cached("SELECT data FROM codes WHERE hash = ?").doing(action)?;
    let blob: Option<Vec<u8>> = statement.query_row([&hash[..]], |row| row.get(0)).optional().doing(action)?;
    let Some(blob) = blob else { return Ok(None) };
    let payload = opener
        .open(Table::Codes, &hash[..], &blob)
        .map_err(|problem| StorageError::corrupt(Table::Codes.name(), hash, problem))?;
    Ok(Some(payload.into_owned().into()))
}

/// Blocks of one fingerprint in a range.
fn scan(connection: &Connection, list: &[i64], start: u64, end: u64) -> Result<BTreeSet<u64>, StorageError> {
    let sql = "SELECT block FROM logs WHERE fingerprint = ? AND block BETWEEN ? AND ?";
    let mut statement = connection.prepare_cached(sql).doing(READ_LOGS)?;
    let mut blocks = BTreeSet::new();
    for fingerprint in list {
        let mut rows = statement.query(params![fingerprint, start as i64, end as i64]).doing(READ_LOGS)?;
        while let Some(row) = rows.next().doing(READ_LOGS)? {
            blocks.insert(row.get::<_, i64>(0).doing(READ_LOGS)? as u64);
        }
    }
    Ok(blocks)
}

fn has(connection: &Connection, list: &[i64], block: u64) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM logs WHERE fingerprint = ? AND block = ?";
    let mut statement = connection.prepare_cached(sql).doing(READ_LOGS)?;
    for fingerprint in list {
        if statement.exists(params![fingerprint, block as i64]).doing(READ_LOGS)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Blocks in the log index that have one fingerprint out of each list.
fn indexed(connection: &Connection, wanted: &[Vec<i64>], start: u64, end: u64) -> Result<BTreeSet<u64>, StorageError> {
    let Some((first, others)) = wanted.split_first() else { return Ok(BTreeSet::new()) };
    let mut blocks = scan(connection, first, start, end)?;
    for list in others {
        if blocks.len() <= LOOK_UP_MAX {
            let mut kept = BTreeSet::new();
            for block in blocks {
                if has(connection, list, block)? {
                    kept.insert(block);
                }
            }
            blocks = kept;
        } else {
            let other = scan(connection, list, start, end)?;
            blocks.retain(|block| other.contains(block));
        }
    }
    Ok(blocks)
}

impl Store {
    fn head_number(&self) -> Option<u64> {
        self.head.read().map(|head| head.block)
    }

    /// Answers from the row of block `number`; a row that must be there and is not is damage.
    fn with_block_row<T>(
        &self,
        number: u64,
        read: impl Fn(&Connection, &mut Opener) -> Result<Option<T>, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        if self.head_number().is_none_or(|head| number > head) {
            return Ok(None);
        }
        let found = self.readers.with(|reader| read(&reader.connection, &mut reader.opener))?;
        if found.is_some() {
            return Ok(found);
        }
        // A rollback may have come between; with the writer in hand nothing can.
        let writer = &mut *self.writer.lock();
        let found = read(&writer.reader.connection, &mut writer.reader.opener)?;
        if found.is_none() && self.head_number().is_some_and(|head| number <= head) {
            return Err(StorageError::corrupt(Table::Blocks.name(), number, "the row is missing"));
        }
        Ok(found)
    }

    pub(super) fn read_block(&self, number: u64) -> Result<Option<(u64, Block)>, StorageError> {
        self.with_block_row(number, |connection, opener| block(connection, opener, number))
    }

    /// From the blob's row without opening the blob, but its step's checksum is verified and must name the block.
    pub(super) fn read_sequence(&self, number: u64) -> Result<Option<u64>, StorageError> {
        self.with_block_row(number, |connection, opener| {
            let sql = "SELECT sequence FROM blocks WHERE number = ?";
            let mut statement = connection.prepare_cached(sql).doing(READ_BLOCK)?;
            let sequence = statement.query_row([number as i64], |row| row.get(0)).optional().doing(READ_BLOCK)?;
            let Some(sequence): Option<i64> = sequence else { return Ok(None) };
            if step(connection, opener, sequence as u64)?.block != Some(number) {
                let problem = format!("step {sequence} made another block");
                return Err(StorageError::corrupt(Table::Blocks.name(), number, problem));
            }
            Ok(Some(sequence as u64))
        })
    }

    pub(super) fn candidates(&self, range: RangeInclusive<u64>, query: &LogQuery) -> Result<Vec<u64>, StorageError> {
        let Some(head) = self.head_number() else { return Ok(Vec::new()) };
        let (start, end) = (*range.start(), head.min(*range.end()));
        if start > end || range.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = index::wanted(query);
        // pending first: a block leaves it for the index with all its fingerprints at once
        let mut blocks = self.pending.read().blocks_with(&wanted, start, end);
        blocks.extend(self.readers.with(|reader| indexed(&reader.connection, &wanted, start, end))?);
        Ok(blocks.into_iter().collect())
    }
}
