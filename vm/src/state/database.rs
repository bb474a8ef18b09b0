//! The state as the EVM's database: reads walk the trie, commits write into it.

use super::{Account, Contract, State};
use alloy_primitives::{Address, B256, U256, map::AddressMap};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    primitives::KECCAK_EMPTY,
    state::{Account as EvmAccount, AccountInfo},
};
use std::{convert::Infallible, sync::Arc};

/// Hashes of the newest blocks, for `BLOCKHASH`: at most 256, ending at the parent of the block that executes.
#[derive(Clone, Debug, Default)]
pub struct RecentHashes {
    newest: u64,
    hashes: Arc<Vec<B256>>,
}

impl RecentHashes {
    /// How many hashes `BLOCKHASH` can see.
    pub const MAX: usize = 256;

    /// Hashes of consecutive blocks, oldest first, the last one that of block `newest`. Only the last 256 are kept.
    pub fn new(newest: u64, hashes: &[B256]) -> Self {
        let kept = &hashes[hashes.len().saturating_sub(Self::MAX)..];
        Self { newest, hashes: Arc::new(kept.to_vec()) }
    }

    /// The same with the next block appended.
    pub fn extended(&self, number: u64, hash: B256) -> Self {
        let skip = (self.hashes.len() + 1).saturating_sub(Self::MAX);
        let mut hashes = Vec::with_capacity(self.hashes.len() + 1 - skip);
        hashes.extend_from_slice(&self.hashes[skip..]);
        hashes.push(hash);
        Self { newest: number, hashes: Arc::new(hashes) }
    }

    /// Hash of block `number`, zero if it is out of reach.
    pub fn get(&self, number: u64) -> B256 {
        let back = self.newest.checked_sub(number).and_then(|back| usize::try_from(back).ok());
        let position = back.and_then(|back| self.hashes.len().checked_sub(back + 1));
        position.map_or(B256::ZERO, |position| self.hashes[position])
    }
}

/// A state together with the block hashes that execution on it can see.
#[derive(Clone, Debug, Default)]
pub struct StateDatabase {
    /// The state that is read and written.
    pub state: State,
    /// For `BLOCKHASH`.
    pub hashes: RecentHashes,
    /// Before Spurious Dragon (EIP-161) an empty account that was touched stays in the state.
    pub keep_empty_accounts: bool,
}

impl StateDatabase {
    /// A database under the rules since EIP-161.
    pub fn new(state: State, hashes: RecentHashes) -> Self {
        Self { state, hashes, keep_empty_accounts: false }
    }

    fn commit_account(&mut self, address: Address, touched: EvmAccount) {
        if !touched.is_touched() {
            return;
        }
        if touched.is_selfdestructed() || (touched.is_empty() && !self.keep_empty_accounts) {
            self.state.delete(&address);
            return;
        }
        self.state.modify(address, |account| {
            if touched.is_created() {
                // EIP-7610: whatever storage a pre-existing account had is not part of the new contract
                *account = Account::empty(address);
            }
            account.nonce = touched.info.nonce;
            account.balance = touched.info.balance;
            let shown = touched.info.code_hash;
            let code_hash = if shown.is_zero() { KECCAK_EMPTY } else { shown };
            if account.code_hash() != code_hash {
                account.set_code(code_hash, touched.info.code.unwrap_or_default());
            }
            for (key, slot) in touched.storage.iter().filter(|(_, slot)| slot.is_changed()) {
                account.set_slot(*key, slot.present_value);
            }
        });
    }
}

/// The account as the EVM sees it.
///
/// EIP-7610: no contract may be created where storage is left, even without code and nonce. The EVM refuses a creation
/// only by nonce and code hash, so such an account shows the hash zero, which the EVM takes for empty code otherwise.
/// Since EIP-161 no transaction can bring such an account about; state tests and `anvil_setStorageAt` do.
fn info(account: &Account) -> AccountInfo {
    let (code_hash, code) = match account.contract.as_deref() {
        Some(Contract { code_hash, .. }) if *code_hash == KECCAK_EMPTY && account.nonce == 0 => {
            (B256::ZERO, Bytecode::default())
        }
        Some(Contract { code_hash, code, .. }) => (*code_hash, code.clone()),
        None => (KECCAK_EMPTY, Bytecode::default()),
    };
    AccountInfo { balance: account.balance, nonce: account.nonce, code_hash, code: Some(code), account_id: None }
}

impl DatabaseRef for StateDatabase {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.state.account(&address).map(info))
    }

    fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Infallible> {
        // every account carries its code, so the EVM asks by hash for empty code only
        Ok(Bytecode::default())
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, Infallible> {
        Ok(self.state.slot(&address, key))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.hashes.get(number))
    }
}

impl Database for StateDatabase {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        self.basic_ref(address)
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        self.code_by_hash_ref(hash)
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, Infallible> {
        self.storage_ref(address, key)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        self.block_hash_ref(number)
    }
}

impl DatabaseCommit for StateDatabase {
    fn commit(&mut self, changes: AddressMap<EvmAccount>) {
        for (address, account) in changes {
            self.commit_account(address, account);
        }
    }
}
