//! Walks over history and over the flat state.

use super::{Store, read};
use crate::{StorageError, codec, error::Doing, readers::Reader, seal::Table};
use alloy_primitives::{B256, U256};
use qsdm_primitives::limits::{STORE_WALK_BYTES, STORE_WALK_STEPS};
use qsdm_vm::ports::{Step, StoredAccount};
use rusqlite::{Rows, params};
use std::{cmp::Ordering, ops::RangeInclusive};

const READ_STEPS: &str = "reading steps";
const READ_STATE: &str = "reading the flat state";

impl Store {
    /// In portions, so that neither a connection nor a snapshot is held while the caller's code runs.
    pub(super) fn walk_steps(
        &self,
        range: RangeInclusive<u64>,
        newest_first: bool,
        visit: &mut dyn FnMut(Step) -> bool,
    ) -> Result<(), StorageError> {
        let Some(newest) = self.head.read().map(|head| head.sequence) else { return Ok(()) };
        let (mut start, mut end) = (*range.start(), newest.min(*range.end()));
        while start <= end && !range.is_empty() {
            let portion = self.readers.with(|reader| portion(reader, start, end, newest_first))?;
            // nothing is there any more if a rollback came between two portions
            let Some(last) = portion.last().map(|step| step.sequence) else { return Ok(()) };
            for step in portion {
                if !visit(step) {
                    return Ok(());
                }
            }
            match newest_first {
                true if last == 0 => return Ok(()),
                true => end = last - 1,
                false => start = last + 1,
            }
        }
        Ok(())
    }

    /// A reader of its own whose snapshot has the flat state of the head at the time of the call.
    pub(super) fn snapshot(&self) -> Result<Reader, StorageError> {
        let reader = self.readers.dedicated()?;
        let writer = &mut *self.writer.lock();
        self.flush(writer)?;
        // the first read takes the snapshot
        let begin = "BEGIN; SELECT count(*) FROM meta;";
        reader.connection.execute_batch(begin).doing(READ_STATE)?;
        Ok(reader)
    }

    pub(super) fn walk_accounts(&self, visit: &mut dyn FnMut(StoredAccount)) -> Result<(), StorageError> {
        let reader = self.snapshot()?;
        let prepare = |sql| reader.connection.prepare(sql).doing(READ_STATE);
        let mut accounts = prepare("SELECT hashed_address, data FROM accounts ORDER BY hashed_address")?;
        let mut slots =
            prepare("SELECT hashed_address, hashed_key, data FROM slots ORDER BY hashed_address, hashed_key")?;
        let mut accounts = accounts.query([]).doing(READ_STATE)?;
        let mut slots = Slots::new(slots.query([]).doing(READ_STATE)?)?;
        while let Some(row) = accounts.next().doing(READ_STATE)? {
            let blob = |index| row.get_ref(index).doing(READ_STATE)?.as_blob().map_err(|_| not_a_blob("accounts"));
            let hashed_address = hash(blob(0)?, "accounts")?;
            let (address, fields) = codec::account::account(&hashed_address[..], blob(1)?)
                .map_err(|malformed| StorageError::corrupt("accounts", hashed_address, malformed.0))?;
            let slots = slots.of(&hashed_address)?;
            visit(StoredAccount { hashed_address, address, fields, slots });
        }
        slots.finish()
    }
}

fn not_a_blob(table: &'static str) -> StorageError {
    StorageError::corrupt(table, "unknown", "a column is no blob")
}

fn hash(bytes: &[u8], table: &'static str) -> Result<B256, StorageError> {
    B256::try_from(bytes).map_err(|_| StorageError::corrupt(table, "unknown", "a key is no hash"))
}

/// Steps of `start..=end`, at most as many as fit the limits of a portion.
fn portion(reader: &mut Reader, start: u64, end: u64, newest_first: bool) -> Result<Vec<Step>, StorageError> {
    let Reader { connection, opener } = reader;
    let sql = match newest_first {
        true => "SELECT sequence, block, data FROM steps WHERE sequence BETWEEN ? AND ? ORDER BY sequence DESC",
        false => "SELECT sequence, block, data FROM steps WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
    };
    let mut statement = connection.prepare_cached(sql).doing(READ_STEPS)?;
    let mut rows = statement.query(params![start as i64, end as i64]).doing(READ_STEPS)?;
    let mut steps: Vec<Step> = Vec::with_capacity(STORE_WALK_STEPS);
    let mut bytes = 0;
    while steps.len() < STORE_WALK_STEPS && bytes < STORE_WALK_BYTES {
        let Some(row) = rows.next().doing(READ_STEPS)? else { break };
        bytes += row.get_ref(2).doing(READ_STEPS)?.as_blob().map_or(0, <[u8]>::len);
        let step = read::step_of_row(opener, row)?;
        let expected = match steps.last() {
            Some(last) if newest_first => last.sequence.checked_sub(1),
            Some(last) => last.sequence.checked_add(1),
            None if newest_first => Some(step.sequence),
            None => Some(start),
        };
        if let Some(expected) = expected.filter(|expected| *expected != step.sequence) {
            return Err(StorageError::corrupt(Table::Steps.name(), expected, "the row is missing"));
        }
        steps.push(step);
    }
    Ok(steps)
}

/// keccak-256 of the slot, the slot, its value.
type Slot = (B256, U256, U256);

/// The slots of all accounts in order, read alongside the accounts.
struct Slots<'a> {
    rows: Rows<'a>,
    /// The first slot that no account has taken yet.
    next: Option<(B256, Slot)>,
}

impl<'a> Slots<'a> {
    fn new(rows: Rows<'a>) -> Result<Self, StorageError> {
        let mut slots = Self { rows, next: None };
        slots.next = slots.read()?;
        Ok(slots)
    }

    fn read(&mut self) -> Result<Option<(B256, Slot)>, StorageError> {
        let Some(row) = self.rows.next().doing(READ_STATE)? else { return Ok(None) };
        let blob = |index| row.get_ref(index).doing(READ_STATE)?.as_blob().map_err(|_| not_a_blob("slots"));
        let (hashed_address, hashed_key) = (hash(blob(0)?, "slots")?, hash(blob(1)?, "slots")?);
        let (slot, value) =
            codec::account::slot(&hashed_address[..], &hashed_key[..], blob(2)?).map_err(|malformed| {
                StorageError::corrupt("slots", format!("{hashed_address}/{hashed_key}"), malformed.0)
            })?;
        Ok(Some((hashed_address, (hashed_key, slot, value))))
    }

    /// The slots of the next account, which must be asked for in ascending order.
    fn of(&mut self, account: &B256) -> Result<Vec<Slot>, StorageError> {
        let mut slots = Vec::new();
        while let Some((owner, slot)) = &self.next {
            match owner.cmp(account) {
                Ordering::Equal => slots.push(*slot),
                Ordering::Greater => break,
                Ordering::Less => return Err(orphan(owner)),
            }
            self.next = self.read()?;
        }
        Ok(slots)
    }

    fn finish(self) -> Result<(), StorageError> {
        self.next.map_or(Ok(()), |(owner, _)| Err(orphan(&owner)))
    }
}

fn orphan(owner: &B256) -> StorageError {
    StorageError::corrupt("accounts", owner, "the row is missing, but it has slots")
}
