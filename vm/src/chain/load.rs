//! Opening a chain that a store already has.

use super::{Head, Recent};
use crate::{
    VmError,
    ports::{ChainStore, StoreError, StoredAccount, StoredHead},
    state::{Account, RecentHashes, State},
};
use alloy_primitives::{B256, Bytes};
use revm::{bytecode::Bytecode, primitives::KECCAK_EMPTY};
use std::{collections::HashMap, sync::mpsc, thread};

/// Accounts travel from the reading to the building thread in batches of this many, so that the hand-over costs little.
const BATCH: usize = 1_024;
/// Batches under way between the two threads.
const BATCHES: usize = 16;

/// Loads the flat state at the stored head and checks its root.
pub(super) fn load(store: &dyn ChainStore, stored: StoredHead) -> Result<(Head, Recent), VmError> {
    let state = load_state(store)?;
    let computed = state.root();
    if computed != stored.state_root {
        let (sequence, recorded) = (stored.sequence, stored.state_root);
        return Err(VmError::StateRoot { sequence, recorded, computed });
    }
    let block = store.block(stored.block)?.ok_or(VmError::MissingBlock { number: stored.block })?;
    let hashes = recent_hashes(store, stored.block)?;
    Ok((Head { block, state, hashes, sequence: stored.sequence }, Recent::default()))
}

/// Hashes of the newest blocks up to `newest`.
pub(super) fn recent_hashes(store: &dyn ChainStore, newest: u64) -> Result<RecentHashes, VmError> {
    let first = newest.saturating_sub(RecentHashes::MAX as u64 - 1);
    let mut hashes = Vec::with_capacity(RecentHashes::MAX);
    for number in first..=newest {
        hashes.push(store.block(number)?.ok_or(VmError::MissingBlock { number })?.hash);
    }
    Ok(RecentHashes::new(newest, &hashes))
}

/// Code that must be there.
pub(super) fn code(store: &dyn ChainStore, hash: &B256) -> Result<Bytes, VmError> {
    store.code(hash)?.ok_or(VmError::MissingCode { hash: *hash })
}

fn load_state(store: &dyn ChainStore) -> Result<State, VmError> {
    let (sender, receiver) = mpsc::sync_channel::<Vec<StoredAccount>>(BATCHES);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(store, &sender));
        let mut codes = HashMap::new();
        let mut failure = None;
        let accounts = receiver
            .iter()
            .flatten()
            .map_while(|stored| build(store, &mut codes, stored).map_err(|error| failure = Some(error)).ok());
        let state = State::from_sorted(accounts);
        drop(receiver);
        let read = reader.join().map_err(|_| StoreError("the reader of the state panicked".into()))?;
        if let Some(error) = failure {
            return Err(error);
        }
        read?;
        Ok(state?)
    })
}

fn read(store: &dyn ChainStore, sender: &mpsc::SyncSender<Vec<StoredAccount>>) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(BATCH);
    store.visit_accounts(&mut |account| {
        batch.push(account);
        if batch.len() == BATCH {
            // the builder is gone only when it failed, and then nobody needs the rest
            let _ = sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
        }
    })?;
    let _ = sender.send(batch);
    Ok(())
}

fn build(
    store: &dyn ChainStore,
    codes: &mut HashMap<B256, Bytecode>,
    stored: StoredAccount,
) -> Result<(B256, Account), VmError> {
    let mut account = Account::empty(stored.address);
    account.nonce = stored.fields.nonce;
    account.balance = stored.fields.balance;
    let hash = stored.fields.code_hash;
    if hash != KECCAK_EMPTY {
        let code = match codes.get(&hash) {
            Some(code) => code.clone(),
            None => {
                let analysed = Bytecode::new_raw(code(store, &hash)?);
                codes.insert(hash, analysed.clone());
                analysed
            }
        };
        account.set_code(hash, code);
    }
    account.set_sorted_slots(&stored.slots)?;
    Ok((stored.hashed_address, account))
}
