//! Appending, undoing, and writing what follows from the steps.

use super::{Store, Writer, read};
use crate::{
    StorageError, codec,
    error::Doing,
    index,
    pending::{FlatChanges, Pending},
    readers::Reader,
    schema,
    seal::{Opener, Table, numbers_key},
};
use qsdm_primitives::limits::STORE_PENDING_ROWS_MAX;
use qsdm_vm::ports::{Commit, StoredHead};
use rusqlite::{Connection, OptionalExtension};

const COMMIT: &str = "writing a step";
const FLUSH: &str = "writing the flat state and the indexes";
const ROLLBACK: &str = "rolling back";
/// A buffer larger than this is not kept between commits.
const PAYLOAD_KEPT_BYTES: usize = 4 * 1024 * 1024;

fn set_applied(connection: &Connection, sequence: u64, action: &'static str) -> Result<(), StorageError> {
    let mut statement = connection.prepare_cached("REPLACE INTO progress VALUES (0, ?)").doing(action)?;
    statement.execute([sequence as i64]).doing(action).map(|_| ())
}

/// Reads where the chain ends from the newest step and block.
fn stored_head(connection: &Connection, opener: &mut Opener) -> Result<Option<StoredHead>, StorageError> {
    let action = "reading the head";
    let newest = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).doing(action);
    let sequence = newest("SELECT max(sequence) FROM steps")?;
    let block = newest("SELECT max(number) FROM blocks")?;
    match (sequence, block) {
        (None, None) => Ok(None),
        (Some(sequence), Some(block)) => {
            let step = read::step(connection, opener, sequence as u64)?;
            Ok(Some(StoredHead { sequence: sequence as u64, block: block as u64, state_root: step.state_root }))
        }
        _ => Err(StorageError::corrupt("steps", "newest", "there are blocks without steps, or steps without blocks")),
    }
}

fn check_order(head: Option<StoredHead>, commit: &Commit) -> Result<(), StorageError> {
    let expected = head.map_or(0, |head| head.sequence + 1);
    if commit.sequence != expected {
        return Err(StorageError::OutOfOrder { what: "step", given: commit.sequence, expected });
    }
    let Some(block) = &commit.block else {
        return if head.is_some() { Ok(()) } else { Err(StorageError::NoGenesis) };
    };
    let expected = head.map_or(0, |head| head.block + 1);
    if block.number() != expected {
        return Err(StorageError::OutOfOrder { what: "block", given: block.number(), expected });
    }
    Ok(())
}

impl Writer {
    /// Writes the step, its block and its new codes in one transaction.
    fn write(&mut self, commit: &Commit) -> Result<(), StorageError> {
        let Self { reader: Reader { connection, .. }, sealer, payload } = self;
        let connection = &*connection;
        let number = commit.block.as_ref().map(|block| block.number());
        payload.clear();
        codec::step::put_step(payload, commit);
        let step = sealer.seal(Table::Steps, &numbers_key(commit.sequence, number), payload)?;
        let block = match &commit.block {
            Some(block) => {
                payload.clear();
                codec::block::put_block(payload, block);
                let key = numbers_key(block.number(), Some(commit.sequence));
                Some(sealer.seal(Table::Blocks, &key, payload)?)
            }
            None => None,
        };
        if payload.capacity() > PAYLOAD_KEPT_BYTES {
            *payload = Vec::new();
        }
        let execute = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).doing(COMMIT)
        };
        let sequence = commit.sequence as i64;
        let number = number.map(|number| number as i64);
        schema::transaction(connection, COMMIT, || {
            execute("INSERT INTO steps VALUES (?, ?, ?)", &[&sequence, &number, &step])?;
            if let Some(block) = &block {
                execute("INSERT INTO blocks VALUES (?, ?, ?)", &[&number, &sequence, block])?;
            }
            for (hash, code) in &commit.diff.codes {
                let mut known = connection.prepare_cached("SELECT 1 FROM codes WHERE hash = ?").doing(COMMIT)?;
                if !known.exists([&hash[..]]).doing(COMMIT)? {
                    let blob = sealer.seal(Table::Codes, &hash[..], code)?;
                    execute("INSERT INTO codes VALUES (?, ?)", &[&&hash[..], &blob])?;
                }
            }
            Ok(())
        })
    }
}

impl Store {
    /// Loads the head, and makes what follows from the steps that were not applied when the folder was last closed.
    pub(super) fn catch_up(&self) -> Result<(), StorageError> {
        let writer = &mut *self.writer.lock();
        let head = stored_head(&writer.reader.connection, &mut writer.reader.opener)?;
        let sql = "SELECT applied FROM progress";
        let applied = writer.reader.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let applied = applied.optional().doing("reading the progress")?;
        let next = applied.map_or(0, |applied| applied as u64 + 1);
        let end = head.map_or(0, |head| head.sequence + 1);
        if next > end {
            let problem = format!("step {} was applied, but the newest is {head:?}", next - 1);
            return Err(StorageError::corrupt("progress", 0, problem));
        }
        for sequence in next..end {
            let Reader { connection, opener } = &mut writer.reader;
            let step = read::step(connection, opener, sequence)?;
            let block = match step.block {
                Some(number) => {
                    let missing = || StorageError::corrupt("blocks", number, "the row is missing");
                    Some(read::block(connection, opener, number)?.ok_or_else(missing)?.1)
                }
                None => None,
            };
            self.pending.write().add(sequence, block.as_ref(), &step.diff);
            self.flush_if_full(writer)?;
        }
        *self.head.write() = head;
        Ok(())
    }

    pub(super) fn append(&self, commit: &Commit) -> Result<(), StorageError> {
        let writer = &mut *self.writer.lock();
        check_order(*self.head.read(), commit)?;
        // full only if writing failed before: then the cause is reported here, and memory stays bounded
        self.flush_if_full(writer)?;
        writer.write(commit)?;
        let block = commit.block.as_deref();
        self.pending.write().add(commit.sequence, block, &commit.diff);
        let mut head = self.head.write();
        let number = block.map(|block| block.number()).or_else(|| head.map(|head| head.block));
        *head = number.map(|block| StoredHead { sequence: commit.sequence, block, state_root: commit.state_root });
        drop(head);
        if let Err(error) = self.flush_if_full(writer) {
            // the step itself is safe
            tracing::warn!(%error, "indexes not written, next attempt at the next block");
        }
        Ok(())
    }

    fn flush_if_full(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let full = self.pending.read().is_full();
        if full { self.flush(writer) } else { Ok(()) }
    }

    /// Writes the pending rows.
    pub(super) fn flush(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let connection = &writer.reader.connection;
        // only the holder of `writer` changes it, so reading meanwhile is safe and readers go on
        let pending = self.pending.read();
        let Some(newest) = pending.newest() else { return Ok(()) };
        schema::transaction(connection, FLUSH, || {
            pending.write(connection)?;
            set_applied(connection, newest, FLUSH)
        })?;
        drop(pending);
        *self.pending.write() = Pending::default();
        Ok(())
    }

    pub(super) fn truncate(&self, sequence: u64) -> Result<(), StorageError> {
        let writer = &mut *self.writer.lock();
        let old = *self.head.read();
        let newest = old.map(|head| head.sequence);
        match newest {
            Some(newest) if newest == sequence => return Ok(()),
            Some(newest) if newest > sequence => {}
            newest => return Err(StorageError::NoSuchStep { asked: sequence, newest }),
        }
        self.flush(writer)?;
        let Reader { connection, opener } = &mut writer.reader;
        let end = newest.unwrap_or_default();
        let result = schema::transaction(connection, ROLLBACK, || {
            undo(connection, opener, sequence, end)?;
            let head = stored_head(connection, opener)?;
            // before the rows are gone for readers, so that none of them takes a dropped block for a damaged one
            *self.head.write() = head;
            Ok(())
        });
        if result.is_err() {
            *self.head.write() = old;
        }
        result
    }
}

/// Drops the steps after `sequence` up to `newest`, newest first.
fn undo(connection: &Connection, opener: &mut Opener, sequence: u64, newest: u64) -> Result<(), StorageError> {
    let execute = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).doing(ROLLBACK)
    };
    let mut flat = FlatChanges::default();
    for dropped in (sequence + 1..=newest).rev() {
        let step = read::step(connection, opener, dropped)?;
        flat.undo(&step.diff);
        if flat.len() >= STORE_PENDING_ROWS_MAX {
            std::mem::take(&mut flat).write(connection)?;
        }
        if let Some(number) = step.block {
            let missing = || StorageError::corrupt("blocks", number, "the row is missing");
            let (_, block) = read::block(connection, opener, number)?.ok_or_else(missing)?;
            for (hash, named) in index::hashes(&block) {
                index::remove(connection, &hash, named)?;
            }
            for fingerprint in index::fingerprints(block.receipts.iter().flat_map(|receipt| &receipt.logs)) {
                let sql = "DELETE FROM logs WHERE fingerprint = ? AND block = ?";
                execute(sql, &[&fingerprint, &(number as i64)])?;
            }
            execute("DELETE FROM blocks WHERE number = ?", &[&(number as i64)])?;
        }
        execute("DELETE FROM steps WHERE sequence = ?", &[&(dropped as i64)])?;
    }
    flat.write(connection)?;
    set_applied(connection, sequence, ROLLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::Header;
    use alloy_primitives::{B256, Bytes};
    use qsdm_primitives::ChainSpec;
    use qsdm_vm::{block::Block, diff::StateDiff, ports::ChainStore};
    use std::sync::Arc;

    /// A step with an empty block and code that no compression makes smaller.
    fn commit(sequence: u64) -> Commit {
        let header = Header { number: sequence, ..Header::default() };
        let (transactions, receipts, segments) = (vec![], vec![], vec![]);
        let block = Block { hash: header.hash_slow(), header, size: 0, transactions, receipts, segments };
        let mut code = vec![0; 20_000];
        blake3::Hasher::new().update(&sequence.to_le_bytes()).finalize_xof().fill(&mut code);
        let hash = B256::from(*blake3::hash(&code).as_bytes());
        let diff = StateDiff { accounts: vec![], codes: vec![(hash, Bytes::from(code))] };
        Commit { sequence, block: Some(Arc::new(block)), patches: vec![], diff, state_root: hash }
    }

    #[test]
    fn a_full_disk_is_named_loses_nothing_and_the_store_goes_on_when_there_is_space_again() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ChainSpec::dev(1);
        let store = Store::open(folder.path(), &spec).unwrap();
        let limit_pages = |pages: u32| {
            let writer = store.writer.lock();
            writer.reader.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
        };
        limit_pages(60);
        let mut sequence = 0;
        let error = loop {
            match store.append(&commit(sequence)) {
                Ok(()) => sequence += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StorageError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("the disk is full, while writing a step"), "{error}");
        assert!(sequence > 1);
        for _ in 0..2 {
            assert!(matches!(store.append(&commit(sequence)), Err(StorageError::DiskFull { .. })));
            assert_eq!(store.head().unwrap().unwrap().sequence, sequence - 1);
            assert!(store.block(sequence - 1).unwrap().is_some());
            assert_eq!(store.code(&commit(sequence).state_root).unwrap(), None, "half of a step was kept");
        }
        limit_pages(u32::MAX / 4);
        store.append(&commit(sequence)).unwrap();
        assert!(store.check(&mut |_| {}).unwrap().is_sound());
        drop(store);
        let store = Store::open(folder.path(), &spec).unwrap();
        assert_eq!(store.head().unwrap().unwrap().sequence, sequence);
    }
}
