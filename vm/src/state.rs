//! The state: every account, its code and its storage, as one persistent trie of tries.
//!
//! A clone is a snapshot and costs nothing; a change copies the touched path only. The same structure answers reads,
//! gives the state root and the proofs, and serves as the database of the EVM.

use crate::{
    diff::{AccountChange, AccountFields, SlotChange, StateDiff},
    trie::{Trie, TrieValue},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use revm::{bytecode::Bytecode, primitives::KECCAK_EMPTY};
use std::sync::Arc;

mod database;

pub use database::{RecentHashes, StateDatabase};

/// A storage slot. The slot itself is kept beside its value, because the trie knows only its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The slot.
    pub key: U256,
    /// Its value, never zero.
    pub value: U256,
}

impl TrieValue for Slot {
    fn encode_value(&self, out: &mut Vec<u8>) {
        self.value.encode(out);
    }
}

/// What an account has besides nonce and balance.
#[derive(Clone)]
pub struct Contract {
    /// keccak-256 of the code.
    pub code_hash: B256,
    /// Code, analysed for jump destinations.
    pub code: Bytecode,
    /// Storage by keccak-256 of the slot.
    pub storage: Trie<Slot>,
}

/// An account of the state.
#[derive(Clone)]
pub struct Account {
    /// The address, which the trie knows only by its hash.
    pub address: Address,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// `None` while there is neither code nor storage, as for nearly all accounts.
    pub contract: Option<Arc<Contract>>,
}

impl Account {
    /// An account without anything.
    pub const fn empty(address: Address) -> Self {
        Self { address, nonce: 0, balance: U256::ZERO, contract: None }
    }

    /// keccak-256 of the code.
    pub fn code_hash(&self) -> B256 {
        self.contract.as_ref().map_or(KECCAK_EMPTY, |contract| contract.code_hash)
    }

    /// Runtime code.
    pub fn code(&self) -> Bytes {
        self.contract.as_ref().map_or_else(Bytes::new, |contract| contract.code.original_bytes())
    }

    /// Root of the storage trie.
    pub fn storage_root(&self) -> B256 {
        self.contract.as_ref().map_or(alloy_trie::EMPTY_ROOT_HASH, |contract| contract.storage.root())
    }

    /// Nonce, balance and code hash.
    pub fn fields(&self) -> AccountFields {
        AccountFields { nonce: self.nonce, balance: self.balance, code_hash: self.code_hash() }
    }

    /// Value of a slot, zero if absent.
    pub fn slot(&self, key: U256) -> U256 {
        self.contract
            .as_ref()
            .and_then(|contract| contract.storage.get(&hashed_slot(key)[..]))
            .map_or(U256::ZERO, |slot| slot.value)
    }

    /// Slots in ascending order of keccak-256 of the slot.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.contract.iter().flat_map(|contract| contract.storage.iter().map(|(_, slot)| slot))
    }

    fn storage(&self) -> Trie<Slot> {
        self.contract.as_ref().map_or_else(Trie::default, |contract| contract.storage.clone())
    }

    fn contract_mut(&mut self) -> &mut Contract {
        let contract = self.contract.get_or_insert_with(|| {
            Arc::new(Contract { code_hash: KECCAK_EMPTY, code: Bytecode::default(), storage: Trie::default() })
        });
        Arc::make_mut(contract)
    }

    /// Replaces the code.
    pub(crate) fn set_code(&mut self, code_hash: B256, code: Bytecode) {
        if self.code_hash() != code_hash {
            let contract = self.contract_mut();
            contract.code_hash = code_hash;
            contract.code = code;
            self.normalise();
        }
    }

    /// Writes a slot; zero deletes it.
    pub(crate) fn set_slot(&mut self, key: U256, value: U256) {
        self.set_hashed_slot(hashed_slot(key), key, value);
    }

    fn set_hashed_slot(&mut self, hashed: B256, key: U256, value: U256) {
        if value.is_zero() {
            if self.contract.is_some() {
                self.contract_mut().storage.remove(&hashed[..]);
                self.normalise();
            }
        } else {
            self.contract_mut().storage.insert(&hashed[..], Slot { key, value });
        }
    }

    /// Fills an empty storage from (keccak-256 of the slot, slot, value) in ascending order of the hash.
    pub(crate) fn set_sorted_slots(&mut self, slots: &[(B256, U256, U256)]) -> Result<(), crate::trie::TrieError> {
        if !slots.is_empty() {
            let sorted = slots.iter().map(|(hashed, key, value)| (*hashed, Slot { key: *key, value: *value }));
            self.contract_mut().storage = Trie::from_sorted(sorted)?;
        }
        Ok(())
    }

    /// Drops code-less, storage-less contract parts, so that equal accounts have equal forms.
    fn normalise(&mut self) {
        if self.contract.as_ref().is_some_and(|c| c.code_hash == KECCAK_EMPTY && c.storage.is_empty()) {
            self.contract = None;
        }
    }
}

impl TrieValue for Account {
    fn encode_value(&self, out: &mut Vec<u8>) {
        let (root, code_hash) = (self.storage_root(), self.code_hash());
        let length = self.nonce.length() + self.balance.length() + root.length() + code_hash.length();
        alloy_rlp::Header { list: true, payload_length: length }.encode(out);
        self.nonce.encode(out);
        self.balance.encode(out);
        root.encode(out);
        code_hash.encode(out);
    }
}

fn hashed_slot(key: U256) -> B256 {
    keccak256(key.to_be_bytes::<32>())
}

/// A state of the chain. Cloning takes a snapshot in constant time.
#[derive(Clone, Default)]
pub struct State {
    accounts: Trie<Account>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").field("accounts", &self.accounts.len()).finish()
    }
}

impl State {
    /// A state out of accounts in ascending order of keccak-256 of their addresses, in linear time.
    pub fn from_sorted(accounts: impl Iterator<Item = (B256, Account)>) -> Result<Self, crate::trie::TrieError> {
        Ok(Self { accounts: Trie::from_sorted(accounts)? })
    }

    /// Number of accounts.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// True if there is no account.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The state root; follows what changed since it was last asked for.
    pub fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// An account, if it exists.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(&keccak256(address)[..])
    }

    /// Nonce, 0 for an account that does not exist.
    pub fn nonce(&self, address: &Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    /// Balance in wei, 0 for an account that does not exist.
    pub fn balance(&self, address: &Address) -> U256 {
        self.account(address).map_or(U256::ZERO, |account| account.balance)
    }

    /// Runtime code.
    pub fn code(&self, address: &Address) -> Bytes {
        self.account(address).map_or_else(Bytes::new, Account::code)
    }

    /// Value of a storage slot.
    pub fn slot(&self, address: &Address, key: U256) -> U256 {
        self.account(address).map_or(U256::ZERO, |account| account.slot(key))
    }

    /// Accounts in ascending order of keccak-256 of their addresses, from `start` on.
    pub fn accounts_from(&self, start: B256) -> impl Iterator<Item = &Account> {
        self.accounts.iter_from(&start[..]).map(|(_, account)| account)
    }

    /// Nodes that prove the account (or its absence) against [`root`](Self::root), from the root down (EIP-1186).
    pub fn prove_account(&self, address: &Address) -> Vec<Bytes> {
        self.accounts.prove(&keccak256(address)[..])
    }

    /// Nodes that prove a slot against the account's storage root.
    pub fn prove_slot(&self, address: &Address, key: U256) -> Vec<Bytes> {
        match self.account(address).and_then(|account| account.contract.as_ref()) {
            Some(contract) => contract.storage.prove(&hashed_slot(key)[..]),
            None => Vec::new(),
        }
    }

    /// Changes one account; the closure gets an empty one if it does not exist, and the result is stored even if empty.
    pub(crate) fn modify(&mut self, address: Address, change: impl FnOnce(&mut Account)) {
        let key = keccak256(address);
        let mut account = self.accounts.get(&key[..]).cloned().unwrap_or_else(|| Account::empty(address));
        change(&mut account);
        self.accounts.insert(&key[..], account);
    }

    /// Deletes an account with its storage.
    pub(crate) fn delete(&mut self, address: &Address) {
        self.accounts.remove(&keccak256(address)[..]);
    }

    /// What changed from `before` to `self`. Costs as much as there are changes: shared parts are skipped.
    pub fn diff(&self, before: &Self) -> StateDiff {
        let mut diff = StateDiff::default();
        for (key, old, new) in before.accounts.diff(&self.accounts) {
            let Some(address) = new.or(old).map(|account| account.address) else { continue };
            let slots = slot_changes(old, new);
            if let Some(account) = new
                && old.map(Account::code_hash) != Some(account.code_hash())
                && account.code_hash() != KECCAK_EMPTY
            {
                diff.codes.push((account.code_hash(), account.code()));
            }
            let (before, after) = (old.map(Account::fields), new.map(Account::fields));
            diff.accounts.push(AccountChange { hashed_address: B256::from_slice(key), address, before, after, slots });
        }
        diff
    }

    /// Applies a difference. `code` finds the bytes of code that the difference does not carry.
    pub fn apply<E>(&mut self, diff: &StateDiff, mut code: impl FnMut(&B256) -> Result<Bytes, E>) -> Result<(), E> {
        for change in &diff.accounts {
            let Some(after) = change.after else {
                self.accounts.remove(&change.hashed_address[..]);
                continue;
            };
            let known = self.accounts.get(&change.hashed_address[..]).cloned();
            let mut account = known.unwrap_or_else(|| Account::empty(change.address));
            account.nonce = after.nonce;
            account.balance = after.balance;
            if account.code_hash() != after.code_hash {
                let carried = diff.codes.iter().find(|(hash, _)| *hash == after.code_hash);
                let bytes = match carried {
                    Some((_, bytes)) => bytes.clone(),
                    None if after.code_hash == KECCAK_EMPTY => Bytes::new(),
                    None => code(&after.code_hash)?,
                };
                account.set_code(after.code_hash, Bytecode::new_raw(bytes));
            }
            for slot in &change.slots {
                account.set_hashed_slot(slot.hashed_key, slot.key, slot.after);
            }
            self.accounts.insert(&change.hashed_address[..], account);
        }
        Ok(())
    }
}

fn slot_changes(old: Option<&Account>, new: Option<&Account>) -> Vec<SlotChange> {
    let (before, after) = (old.map(Account::storage), new.map(Account::storage));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let changes = before.diff(&after).filter_map(|(hashed, old, new)| {
        let key = new.or(old)?.key;
        let value = |slot: Option<&Slot>| slot.map_or(U256::ZERO, |slot| slot.value);
        Some(SlotChange { hashed_key: B256::from_slice(hashed), key, before: value(old), after: value(new) })
    });
    changes.collect()
}
