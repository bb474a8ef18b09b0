//! Bits that flip and rows that vanish are noticed.

use crate::{
    model::Model,
    samples::{Random, spec},
};
use qsdm_storage::Store;
use qsdm_vm::ports::{ChainStore, StoreError};
use rusqlite::{Connection, params};
use std::{fs, path::Path};

fn chain(folder: &Path, steps: usize, seed: u64) -> (Store, Model) {
    let store = Store::open(folder, &spec()).unwrap();
    let (mut model, mut random) = (Model::default(), Random(seed));
    for _ in 0..steps {
        store.commit(model.grow(&mut random)).unwrap();
    }
    (store, model)
}

/// Reads everything that the store has.
fn read_all(store: &Store) -> Result<(), StoreError> {
    let mut codes = Vec::new();
    store.visit_accounts(&mut |account| codes.push(account.fields.code_hash))?;
    for hash in codes {
        store.code(&hash)?;
    }
    store.visit_steps(0..=u64::MAX, false, &mut |_| true)?;
    for number in 0..=store.head()?.map_or(0, |head| head.block) {
        if let Some(block) = store.block(number)? {
            store.block_number(&block.hash)?;
            for tx in &block.transactions {
                store.tx_location(tx.tx_hash())?;
            }
        }
        store.sequence_of_block(number)?;
    }
    Ok(())
}

/// Flips bits of one blob while the store is open, and expects each read to name the table.
fn assert_flips_are_noticed(store: &Store, other: &Connection, table: &str, column: &str) {
    let sql = format!("SELECT rowid, {column} FROM {table} ORDER BY length({column}) LIMIT 1");
    let key = match table {
        "accounts" => "hashed_address",
        "slots" => "CAST(hashed_address || hashed_key AS BLOB)",
        _ => "CAST(rowid AS BLOB)",
    };
    let sql = sql.replace("rowid", key);
    let (key_value, blob): (Vec<u8>, Vec<u8>) =
        other.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let update = format!("UPDATE {table} SET {column} = ? WHERE {key} = ?");
    let mut update = other.prepare(&update).unwrap();
    // seven has no factor in common with eight: every byte, and over the bytes every bit
    for bit in (0..blob.len() * 8).step_by(if blob.len() < 100 { 7 } else { 41 }) {
        let mut flipped = blob.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(update.execute(params![flipped, key_value]).unwrap(), 1);
        let message = read_all(store).expect_err("a flipped bit was not noticed").to_string();
        assert!(message.contains(&format!("table {table}, key ")), "{message}");
    }
    update.execute(params![blob, key_value]).unwrap();
    read_all(store).unwrap();
}

#[test]
fn a_flipped_bit_in_any_kind_of_row_is_noticed_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = chain(folder.path(), 6, 5);
    read_all(&store).unwrap();
    let other = Connection::open(folder.path().join("chain.db")).unwrap();
    for table in ["blocks", "steps", "codes", "accounts", "slots"] {
        assert_flips_are_noticed(&store, &other, table, "data");
    }
}

#[test]
fn a_damaged_specification_is_noticed_at_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(chain(folder.path(), 1, 1));
    let other = Connection::open(folder.path().join("chain.db")).unwrap();
    other.execute("UPDATE meta SET value = zeroblob(length(value))", []).unwrap();
    drop(other);
    let message = Store::open(folder.path(), &spec()).unwrap_err().to_string();
    assert!(message.contains("table meta, key specification: its checksum is wrong"), "{message}");
}

#[test]
fn numbers_beside_a_blob_and_missing_rows_are_noticed() {
    for (sql, part) in [
        ("UPDATE blocks SET sequence = sequence + 1 WHERE number = 2", "table blocks, key 2"),
        ("UPDATE steps SET block = 77 WHERE sequence = 2", "table steps, key 2"),
        ("UPDATE blocks SET number = -5 WHERE number = 2", "table blocks, key 2: the row is missing"),
        ("UPDATE hashes SET block = block + 1", "table hashes, key 0x"),
        ("UPDATE hashes SET position = 9 WHERE position = 0", "table hashes, key 0x"),
        ("UPDATE hashes SET rest = x'' WHERE block = 1", "table hashes, key 0x"),
        ("DELETE FROM steps WHERE sequence = 2", "table steps, key 2: the row is missing"),
        ("DELETE FROM accounts", "the row is missing, but it has slots"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = chain(folder.path(), 12, 5);
        read_all(&store).unwrap();
        let other = Connection::open(folder.path().join("chain.db")).unwrap();
        other.execute_batch(sql).unwrap();
        let message = read_all(&store).expect_err(sql).to_string();
        assert!(message.contains(part), "{sql}: {message}");
        let report = store.check(&mut |_| {}).unwrap();
        if !sql.starts_with("DELETE FROM accounts") {
            assert!(!report.is_sound(), "{sql}");
        }
    }
}

#[test]
fn a_check_names_what_is_missing_in_the_indexes_and_reports_its_progress() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = chain(folder.path(), 12, 5);
    let mut stages = Vec::new();
    let report = store.check(&mut |progress| {
        assert!(progress.done <= progress.total);
        stages.push(progress.stage);
    });
    assert!(report.unwrap().is_sound());
    stages.dedup();
    assert_eq!(stages, ["pages", "steps", "blocks", "codes", "accounts", "slots"]);
    let other = Connection::open(folder.path().join("chain.db")).unwrap();
    other.execute_batch("DELETE FROM hashes; DELETE FROM logs;").unwrap();
    let report = store.check(&mut |_| {}).unwrap();
    assert_eq!(report.damaged, report.blocks);
    assert!(report.damages[0].contains("table hashes"), "{report:?}");
}

/// Any single bit of the closed file: the store opens or says why not, and what it then reads of history is right.
#[test]
fn a_bit_flipped_anywhere_in_the_file_causes_an_error_or_nothing_but_no_panic_and_no_wrong_history() {
    let folder = tempfile::tempdir().unwrap();
    let (store, model) = chain(folder.path(), 30, 9);
    drop(store);
    let path = folder.path().join("chain.db");
    let bytes = fs::read(&path).unwrap();
    let mut random = Random(1);
    let mut noticed = 0;
    for _ in 0..300 {
        let bit = random.below(bytes.len() as u64 * 8) as usize;
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("chain.db"), &flipped).unwrap();
        let Ok(store) = Store::open(copy.path(), &spec()) else {
            noticed += 1;
            continue;
        };
        let sound = store.check(&mut |_| {}).is_ok_and(|report| report.is_sound());
        if read_all(&store).is_err() || !sound {
            noticed += 1;
        }
        for step in &model.steps {
            let Some(expected) = &step.block else { continue };
            if let Ok(Some(found)) = store.block(expected.number()) {
                crate::samples::assert_same_block(&found, expected);
            }
        }
        store
            .visit_steps(0..=u64::MAX, false, &mut |found| {
                assert_eq!(found.diff.accounts, model.steps[found.sequence as usize].diff.accounts);
                true
            })
            .ok();
    }
    assert!(noticed > 100, "only {noticed} of 300 flips were noticed");
}

#[test]
fn a_truncated_or_garbled_file_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    drop(chain(folder.path(), 30, 9));
    let path = folder.path().join("chain.db");
    let bytes = fs::read(&path).unwrap();
    let mut lengths: Vec<usize> = (0..bytes.len()).step_by(4096).collect();
    lengths.extend([1, 99, 100, 4095]);
    for length in lengths {
        fs::write(&path, &bytes[..length]).unwrap();
        let result = Store::open(folder.path(), &spec());
        let noticed = result.map_or(true, |store| {
            read_all(&store).is_err() || !store.check(&mut |_| {}).is_ok_and(|report| report.is_sound())
        });
        assert!(noticed, "cut at {length}");
    }
    let mut garbled = bytes;
    garbled[..16].copy_from_slice(b"0123456789abcdef");
    fs::write(&path, &garbled).unwrap();
    let message = Store::open(folder.path(), &spec()).unwrap_err().to_string();
    assert!(message.contains("it has no SQLite header"), "{message}");
}
