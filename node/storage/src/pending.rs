//! The newest steps whose rows in the flat state and the indexes are still to be written.
//!
//! Writing them at every step would touch a page for each changed account, hash and fingerprint; a step is safe with one
//! row, and the accounts that every block changes are written once for many blocks. Reads ask here first.

use crate::{
    StorageError,
    codec::account::{put_account, put_slot},
    error::Doing,
    index::{self, Named},
};
use alloy_primitives::{Address, B256, U256};
use qsdm_primitives::limits::{STORE_PENDING_ROWS_MAX, STORE_PENDING_STEPS_MAX};
use qsdm_vm::{
    block::Block,
    diff::{AccountFields, StateDiff},
};
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};

const ACTION: &str = "writing the flat state";

/// Final values of changed accounts and slots.
#[derive(Default)]
pub(crate) struct FlatChanges {
    accounts: HashMap<B256, (Address, Option<AccountFields>)>,
    slots: HashMap<(B256, B256), (U256, U256)>,
}

impl FlatChanges {
    pub(crate) fn len(&self) -> usize {
        self.accounts.len() + self.slots.len()
    }

    /// Adds what `diff` did: the values after it.
    pub(crate) fn add(&mut self, diff: &StateDiff) {
        for change in &diff.accounts {
            self.accounts.insert(change.hashed_address, (change.address, change.after));
            for slot in &change.slots {
                self.slots.insert((change.hashed_address, slot.hashed_key), (slot.key, slot.after));
            }
        }
    }

    /// Adds the values before `diff`.
    pub(crate) fn undo(&mut self, diff: &StateDiff) {
        for change in &diff.accounts {
            self.accounts.insert(change.hashed_address, (change.address, change.before));
            for slot in &change.slots {
                self.slots.insert((change.hashed_address, slot.hashed_key), (slot.key, slot.before));
            }
        }
    }

    /// Writes the changes, in key order so that neighbours share a page.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), StorageError> {
        let mut row = Vec::with_capacity(128);
        let mut accounts: Vec<_> = self.accounts.iter().collect();
        accounts.sort_unstable_by_key(|(hashed_address, _)| **hashed_address);
        let prepare = |sql| connection.prepare_cached(sql).doing(ACTION);
        let mut put = prepare("REPLACE INTO accounts VALUES (?, ?)")?;
        let mut delete = prepare("DELETE FROM accounts WHERE hashed_address = ?")?;
        for (hashed_address, (address, fields)) in accounts {
            if let Some(fields) = fields {
                row.clear();
                put_account(&mut row, hashed_address, address, fields);
                put.execute((&hashed_address[..], &row[..])).doing(ACTION)?;
            } else {
                delete.execute([&hashed_address[..]]).doing(ACTION)?;
            }
        }
        let mut slots: Vec<_> = self.slots.iter().collect();
        slots.sort_unstable_by_key(|(key, _)| **key);
        let mut put = prepare("REPLACE INTO slots VALUES (?, ?, ?)")?;
        let mut delete = prepare("DELETE FROM slots WHERE hashed_address = ? AND hashed_key = ?")?;
        for ((hashed_address, hashed_key), (slot, value)) in slots {
            if value.is_zero() {
                delete.execute((&hashed_address[..], &hashed_key[..])).doing(ACTION)?;
            } else {
                row.clear();
                put_slot(&mut row, hashed_address, hashed_key, *slot, *value);
                put.execute((&hashed_address[..], &hashed_key[..], &row[..])).doing(ACTION)?;
            }
        }
        Ok(())
    }
}

/// Everything that follows from the steps after `progress.applied`.
#[derive(Default)]
pub(crate) struct Pending {
    newest: Option<u64>,
    steps: usize,
    flat: FlatChanges,
    hashes: HashMap<B256, Named>,
    logs: BTreeSet<(i64, u64)>,
}

impl Pending {
    /// Sequence of the newest pending step.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// True if it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        let rows = self.flat.len() + self.hashes.len() + self.logs.len();
        self.steps >= STORE_PENDING_STEPS_MAX || rows >= STORE_PENDING_ROWS_MAX
    }

    pub(crate) fn add(&mut self, sequence: u64, block: Option<&Block>, diff: &StateDiff) {
        self.newest = Some(sequence);
        self.steps += 1;
        self.flat.add(diff);
        let Some(block) = block else { return };
        for (hash, named) in index::hashes(block) {
            self.hashes.entry(hash).or_insert(named);
        }
        let logs = index::fingerprints(block.receipts.iter().flat_map(|receipt| &receipt.logs));
        self.logs.extend(logs.into_iter().map(|fingerprint| (fingerprint, block.number())));
    }

    pub(crate) fn find(&self, hash: &B256) -> Option<Named> {
        self.hashes.get(hash).copied()
    }

    /// True if the pending block `number` has one of `fingerprints`.
    fn has(&self, fingerprints: &[i64], number: u64) -> bool {
        fingerprints.iter().any(|fingerprint| self.logs.contains(&(*fingerprint, number)))
    }

    /// Pending blocks from `start` to `end` that have one fingerprint out of each list.
    pub(crate) fn blocks_with(&self, wanted: &[Vec<i64>], start: u64, end: u64) -> BTreeSet<u64> {
        let Some((first, others)) = wanted.split_first() else { return BTreeSet::new() };
        let of = |fingerprint: &i64| self.logs.range((*fingerprint, start)..=(*fingerprint, end));
        let candidates = first.iter().flat_map(of).map(|(_, number)| *number);
        candidates.filter(|number| others.iter().all(|list| self.has(list, *number))).collect()
    }

    /// Writes all rows.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), StorageError> {
        self.flat.write(connection)?;
        let mut hashes: Vec<_> = self.hashes.iter().collect();
        // as the signed integers that they become
        hashes.sort_unstable_by_key(|(hash, _)| (hash[0] ^ 0x80, **hash));
        for (hash, named) in hashes {
            index::insert(connection, hash, *named)?;
        }
        let action = "writing the log index";
        let mut put = connection.prepare_cached("INSERT OR IGNORE INTO logs VALUES (?, ?)").doing(action)?;
        for (fingerprint, number) in &self.logs {
            put.execute((fingerprint, *number as i64)).doing(action)?;
        }
        Ok(())
    }
}
