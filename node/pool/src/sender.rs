//! The pooled transactions of one sender.

use crate::{
    entry::Entry,
    heads::Heads,
    queue::Queue,
    room::{Floor, FloorCount, Floors},
};
use alloy_primitives::{Address, B256, U256};
use std::{collections::BTreeMap, sync::Arc};

/// Indexes over the entries of all senders that follow what of each sender is executable.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    pub(crate) heads: Heads,
    pub(crate) floors: Floors,
    pub(crate) queue: Queue,
    /// Number of executable entries.
    pub(crate) executable: usize,
}

/// A sender as the newest block left it, and its transactions.
///
/// Executable are those with consecutive nonces from the account's on, as many as the balance covers at their greatest
/// cost. The others are queued.
#[derive(Debug)]
pub(crate) struct Sender {
    address: Address,
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) txs: BTreeMap<u64, Arc<Entry>>,
    executable: u64,
    executable_cost: U256,
    /// The newest block changed it: kept until the next block even without transactions, so that an admission which
    /// still holds the state before that block does not bring back a transaction that it included.
    pub(crate) fresh: bool,
    head: Option<Arc<Entry>>,
    floor: Option<Floor>,
    floor_count: FloorCount,
}

impl Sender {
    pub(crate) fn new(address: Address, nonce: u64, balance: U256) -> Self {
        Self {
            address,
            nonce,
            balance,
            txs: BTreeMap::new(),
            executable: 0,
            executable_cost: U256::ZERO,
            fresh: false,
            head: None,
            floor: None,
            floor_count: FloorCount::NONE,
        }
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }

    /// The first nonce that no executable transaction has.
    pub(crate) fn next(&self) -> u64 {
        self.nonce + self.executable
    }

    /// Most that the executable transactions can cost together, wei.
    pub(crate) fn executable_cost(&self) -> U256 {
        self.executable_cost
    }

    pub(crate) fn is_executable(&self, nonce: u64) -> bool {
        nonce >= self.nonce && nonce < self.next()
    }

    pub(crate) fn executable_at(&self, nonce: u64) -> Option<&Arc<Entry>> {
        self.is_executable(nonce).then(|| self.txs.get(&nonce)).flatten()
    }

    pub(crate) fn executable(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.txs.range(self.nonce..self.next()).map(|(_, entry)| entry)
    }

    pub(crate) fn last_executable(&self) -> Option<&Arc<Entry>> {
        self.executable.checked_sub(1).and_then(|last| self.txs.get(&(self.nonce + last)))
    }

    /// Takes an entry, which replaces the one with its nonce. Appends the hashes of queued ones that became executable
    /// to `promoted`. The executable ones must stay within the balance.
    pub(crate) fn insert(&mut self, entry: Arc<Entry>, indexes: &mut Indexes, promoted: &mut Vec<B256>) {
        let nonce = entry.nonce();
        let old = self.txs.insert(nonce, Arc::clone(&entry));
        match old {
            Some(old) if self.is_executable(nonce) => {
                self.executable_cost = self.executable_cost - old.cost + entry.cost;
                self.floor_count.remove(&old);
                self.floor_count.add(&entry);
            }
            None if nonce == self.next() && self.affords(&entry) => self.count_in(&entry, indexes),
            old => {
                if let Some(old) = old {
                    indexes.queue.remove(&old);
                }
                indexes.queue.insert(&entry);
            }
        }
        self.promote(indexes, promoted);
        self.sync(indexes);
    }

    /// Takes an entry out; the executable ones behind it are queued.
    pub(crate) fn remove(&mut self, nonce: u64, indexes: &mut Indexes) -> Option<Arc<Entry>> {
        if self.is_executable(nonce) {
            self.demote_to(nonce, indexes);
        }
        let entry = self.txs.remove(&nonce)?;
        indexes.queue.remove(&entry);
        self.sync(indexes);
        Some(entry)
    }

    /// Follows the account to a new nonce and balance; returns the entries whose nonces are used.
    pub(crate) fn advance(
        &mut self,
        nonce: u64,
        balance: U256,
        indexes: &mut Indexes,
        promoted: &mut Vec<B256>,
    ) -> Vec<Arc<Entry>> {
        let mut used = Vec::new();
        if nonce < self.nonce {
            self.demote_to(self.nonce, indexes);
        }
        while let Some(first) = self.txs.first_entry()
            && *first.key() < nonce
        {
            let entry = first.remove();
            if self.is_executable(entry.nonce()) {
                // the chain is counted from its end: taking the first one must not move that
                self.count_out(&entry, indexes);
                self.nonce += 1;
            } else {
                indexes.queue.remove(&entry);
            }
            used.push(entry);
        }
        self.nonce = nonce;
        self.balance = balance;
        while self.executable_cost > self.balance {
            self.demote_to(self.next() - 1, indexes);
        }
        self.promote(indexes, promoted);
        self.sync(indexes);
        used
    }

    fn affords(&self, entry: &Entry) -> bool {
        self.executable_cost.checked_add(entry.cost).is_some_and(|cost| cost <= self.balance)
    }

    fn promote(&mut self, indexes: &mut Indexes, promoted: &mut Vec<B256>) {
        while let Some(entry) = self.txs.get(&self.next()).cloned() {
            if !self.affords(&entry) {
                break;
            }
            indexes.queue.remove(&entry);
            self.count_in(&entry, indexes);
            promoted.push(*entry.hash());
        }
    }

    /// Queues the executable entries from `nonce` on.
    fn demote_to(&mut self, nonce: u64, indexes: &mut Indexes) {
        while self.executable > 0 && self.next() > nonce {
            let Some(entry) = self.last_executable().cloned() else { break };
            self.count_out(&entry, indexes);
            indexes.queue.insert(&entry);
        }
    }

    fn count_in(&mut self, entry: &Entry, indexes: &mut Indexes) {
        self.executable += 1;
        self.executable_cost += entry.cost;
        self.floor_count.add(entry);
        indexes.executable += 1;
    }

    fn count_out(&mut self, entry: &Entry, indexes: &mut Indexes) {
        self.executable -= 1;
        self.executable_cost -= entry.cost;
        self.floor_count.remove(entry);
        indexes.executable -= 1;
    }

    /// Brings the indexes over senders up to date.
    fn sync(&mut self, indexes: &mut Indexes) {
        let head = self.executable_at(self.nonce).cloned();
        let same = match (&self.head, &head) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !same {
            if let Some(old) = &self.head {
                indexes.heads.remove(old);
            }
            if let Some(new) = &head {
                indexes.heads.insert(new);
            }
            self.head = head;
        }
        let floor = if self.executable == 0 {
            self.floor_count = FloorCount::NONE;
            None
        } else {
            if self.floor_count.floor().is_none() {
                self.floor_count = FloorCount::of(self.executable().map(AsRef::as_ref));
            }
            self.floor_count.floor()
        };
        indexes.floors.update(self.address, self.floor, floor);
        self.floor = floor;
    }
}
