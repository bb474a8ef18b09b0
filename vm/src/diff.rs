//! What changed between two states, with the values before and after: one form for writing to the store, for undoing a
//! block and for rebuilding an old state.

use alloy_primitives::{Address, B256, Bytes, U256};

/// An account without its code bytes and storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFields {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak-256 of the code.
    pub code_hash: B256,
}

/// A slot that changed. Zero means absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotChange {
    /// keccak-256 of the slot: its key in the storage trie.
    pub hashed_key: B256,
    /// The slot.
    pub key: U256,
    /// Value before.
    pub before: U256,
    /// Value after.
    pub after: U256,
}

/// An account that changed in fields or storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// keccak-256 of the address: its key in the state trie.
    pub hashed_address: B256,
    /// The address.
    pub address: Address,
    /// Before, `None` if it did not exist.
    pub before: Option<AccountFields>,
    /// After, `None` if it no longer exists.
    pub after: Option<AccountFields>,
    /// Changed slots, ascending by `hashed_key`. An account that ceases to exist lists all its slots with `after` zero.
    pub slots: Vec<SlotChange>,
}

/// The difference between two states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Changed accounts, ascending by `hashed_address`.
    pub accounts: Vec<AccountChange>,
    /// Code that the later state has in an account whose code hash changed: (hash, bytes).
    pub codes: Vec<(B256, Bytes)>,
}

impl StateDiff {
    /// True if nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The same difference in the other direction. Code is content-addressed and never deleted, so none is carried.
    pub fn reversed(mut self) -> Self {
        self.codes.clear();
        for account in &mut self.accounts {
            core::mem::swap(&mut account.before, &mut account.after);
            for slot in &mut account.slots {
                core::mem::swap(&mut slot.before, &mut slot.after);
            }
        }
        self
    }
}
