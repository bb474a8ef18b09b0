//! Transactions that exclude one another: the same sender and nonce in concurrent cells.

use qsdm_primitives::{
    CellId, ValidatorIndex,
    limits::{CONFLICT_KEYS_PER_AUTHOR_MAX, CONFLICT_SET_MAX},
};
use std::collections::BTreeMap;

/// What the mesh needs to know of a transaction. Who decodes transactions fills it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionKey {
    /// The account that pays.
    pub sender: [u8; 20],
    /// Its nonce.
    pub nonce: u64,
    /// Hash of the transaction.
    pub hash: [u8; 32],
    /// Hash of recipient, value and data: two transactions in which it is equal differ in fees only.
    pub effect: [u8; 32],
}

/// What kind of conflict it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// All have the same recipient, value and data: a sender who pays another fee.
    Replacement,
    /// They do different things: an attempt to spend twice, or an error.
    Conflict,
}

/// Transactions with one sender and nonce in concurrent cells. Execution decides: the first in the committed order counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictSet {
    /// The account that signed them.
    pub sender: [u8; 20],
    /// Their nonce.
    pub nonce: u64,
    /// What they are to one another.
    pub kind: ConflictKind,
    /// Cell and hash of the newly admitted transaction.
    pub newest: (CellId, [u8; 32]),
    /// Cell and hash of those it excludes.
    pub others: Vec<(CellId, [u8; 32])>,
}

/// One appearance of a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appearance {
    pub(crate) cell: CellId,
    pub(crate) hash: [u8; 32],
    pub(crate) effect: [u8; 32],
}

/// Which transactions appear in which cells, by sender and nonce.
#[derive(Debug, Default)]
pub(crate) struct KeyIndex {
    keys: BTreeMap<([u8; 20], u64), Vec<Appearance>>,
    /// How many entries each author's cells have.
    counts: BTreeMap<ValidatorIndex, usize>,
}

impl KeyIndex {
    /// The appearances of other transactions with the same sender and nonce.
    pub(crate) fn rivals<'a>(&'a self, key: &'a TransactionKey) -> impl Iterator<Item = &'a Appearance> {
        let all = self.keys.get(&(key.sender, key.nonce)).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|appearance| appearance.hash != key.hash)
    }

    /// Remembers a cell's transactions, as far as the limits go: the first so many of them are looked at.
    pub(crate) fn insert(&mut self, cell: CellId, author: ValidatorIndex, keys: &[TransactionKey]) -> usize {
        let count = self.counts.entry(author).or_default();
        for (index, key) in keys.iter().enumerate() {
            if *count >= CONFLICT_KEYS_PER_AUTHOR_MAX {
                return index;
            }
            let appearances = self.keys.entry((key.sender, key.nonce)).or_default();
            if appearances.len() < CONFLICT_SET_MAX {
                appearances.push(Appearance { cell, hash: key.hash, effect: key.effect });
                *count += 1;
            }
        }
        keys.len()
    }

    /// Forgets them.
    pub(crate) fn remove(&mut self, cell: CellId, author: ValidatorIndex, keys: &[TransactionKey]) {
        for key in keys {
            let Some(appearances) = self.keys.get_mut(&(key.sender, key.nonce)) else { continue };
            let before = appearances.len();
            appearances.retain(|appearance| appearance.cell != cell);
            let gone = before - appearances.len();
            if appearances.is_empty() {
                self.keys.remove(&(key.sender, key.nonce));
            }
            if let Some(count) = self.counts.get_mut(&author) {
                *count = count.saturating_sub(gone);
            }
        }
    }

    /// Entries of all authors.
    pub(crate) fn len(&self) -> usize {
        self.counts.values().sum()
    }
}

/// The conflict of one key with the appearances that are concurrent with its cell; `None` where there are none.
pub(crate) fn conflict_set(cell: CellId, key: &TransactionKey, rivals: &[Appearance]) -> Option<ConflictSet> {
    if rivals.is_empty() {
        return None;
    }
    let is_replacement = rivals.iter().all(|rival| rival.effect == key.effect);
    Some(ConflictSet {
        sender: key.sender,
        nonce: key.nonce,
        kind: if is_replacement { ConflictKind::Replacement } else { ConflictKind::Conflict },
        newest: (cell, key.hash),
        others: rivals.iter().map(|rival| (rival.cell, rival.hash)).collect(),
    })
}
