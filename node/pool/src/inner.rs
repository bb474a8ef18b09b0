//! What the mutex guards.

use crate::{
    DropReason, PoolConfig, PoolEnv, PoolError, Submission, check,
    dropped::Dropped,
    entry::Entry,
    pool::Added,
    queue::Place,
    room::{Need, plan},
    sender::{Indexes, Sender},
};
use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256};
use qsdm_vm::{block::SharedTx, state::State};
use std::{collections::HashMap, sync::Arc};

/// A sender's account as the caller's state has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccountView {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// It has code other than an EIP-7702 delegation.
    pub(crate) is_contract: bool,
}

impl AccountView {
    pub(crate) fn of(state: &State, address: &Address) -> Self {
        let Some(account) = state.account(address) else {
            return Self { nonce: 0, balance: U256::ZERO, is_contract: false };
        };
        let is_contract =
            account.contract.as_ref().is_some_and(|contract| !contract.code.is_empty() && !contract.code.is_eip7702());
        Self { nonce: account.nonce, balance: account.balance, is_contract }
    }
}

/// The pool's contents.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) senders: HashMap<Address, Sender>,
    pub(crate) by_hash: HashMap<B256, Place>,
    pub(crate) indexes: Indexes,
    pub(crate) dropped: Dropped,
    pub(crate) bytes: usize,
    sequence: u64,
    /// Senders that the newest block changed.
    pub(crate) fresh: Vec<Address>,
}

impl Inner {
    pub(crate) fn new(config: &PoolConfig) -> Self {
        Self {
            senders: HashMap::new(),
            by_hash: HashMap::new(),
            indexes: Indexes::default(),
            dropped: Dropped::new(config.dropped_max),
            bytes: 0,
            sequence: 0,
            fresh: Vec::new(),
        }
    }

    pub(crate) fn entry(&self, hash: &B256) -> Option<&Arc<Entry>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.txs.get(nonce)
    }

    pub(crate) fn add(
        &mut self,
        submission: Submission,
        account: AccountView,
        env: &PoolEnv,
        config: &PoolConfig,
    ) -> Result<Added, PoolError> {
        let Submission { tx, submesh, impersonated } = submission;
        let (hash, address, nonce) = (*tx.tx_hash(), tx.signer(), tx.nonce());
        self.expire(env.now_s, config);
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown { hash });
        }
        if account.is_contract && !impersonated {
            return Err(PoolError::SenderNotEoa { sender: address });
        }
        let newcomer;
        let line = match self.senders.get(&address) {
            Some(line) => line,
            None => {
                newcomer = Sender::new(address, account.nonce, account.balance);
                &newcomer
            }
        };
        check::in_line(&tx, line, account.nonce, config)?;
        let executable = nonce <= line.next();
        let replaced = line.txs.get(&nonce).cloned();
        let displaced = displaced(line, nonce, replaced.is_some(), config)?;
        let entry = Entry::new(tx, submesh, self.sequence, env.now_s);
        let gone = replaced.as_deref().into_iter().chain(displaced.as_deref());
        let victims = self.room(&entry, executable, gone, env, config)?;

        self.sequence += 1;
        if let Some(displaced) = displaced {
            // the line itself stays, even if this was its only entry
            self.take((address, displaced.nonce()), DropReason::Evicted { fee: displaced.fee });
        }
        for place in victims {
            let fee = self.senders.get(&place.0).and_then(|line| line.txs.get(&place.1)).map_or(0, |entry| entry.fee);
            self.drop_at(place, DropReason::Evicted { fee });
        }
        Ok(self.insert(entry, account, replaced))
    }

    fn insert(&mut self, entry: Entry, account: AccountView, replaced: Option<Arc<Entry>>) -> Added {
        let (hash, address, nonce) = (*entry.hash(), entry.sender(), entry.nonce());
        if let Some(old) = &replaced {
            self.by_hash.remove(old.hash());
            self.bytes -= old.bytes;
            self.dropped.record(*old.hash(), DropReason::Replaced { by: hash });
        }
        self.by_hash.insert(hash, (address, nonce));
        self.bytes += entry.bytes;
        self.dropped.forget(&hash);
        let line = self.senders.entry(address).or_insert_with(|| Sender::new(address, account.nonce, account.balance));
        let mut promoted = Vec::new();
        line.insert(Arc::new(entry), &mut self.indexes, &mut promoted);
        let executable = line.is_executable(nonce);
        promoted.retain(|other| *other != hash);
        Added { hash, executable, promoted, replaced: replaced.map(|old| Arc::clone(&old.tx)) }
    }

    /// Makes sure that there is room, without doing anything yet: who has to go. `gone` will be gone anyway.
    fn room<'a>(
        &self,
        newcomer: &Entry,
        executable: bool,
        gone: impl Iterator<Item = &'a Entry>,
        env: &PoolEnv,
        config: &PoolConfig,
    ) -> Result<Vec<Place>, PoolError> {
        let (mut txs, mut bytes) = (self.by_hash.len() + 1, self.bytes + newcomer.bytes);
        for entry in gone {
            (txs, bytes) = (txs - 1, bytes - entry.bytes);
        }
        let (txs, bytes) = (txs.saturating_sub(config.txs_max), bytes.saturating_sub(config.bytes_max));
        if txs == 0 && bytes == 0 {
            return Ok(Vec::new());
        }
        let need = Need { newcomer, executable, base_fee: env.base_fee, txs, bytes };
        plan(&need, &self.indexes.queue, &self.indexes.floors, &self.senders).ok_or(PoolError::Full {
            held: self.by_hash.len(),
            limit: config.txs_max,
            bytes: self.bytes,
            bytes_limit: config.bytes_max,
        })
    }

    /// Drops queued entries whose time is over.
    pub(crate) fn expire(&mut self, now_s: u64, config: &PoolConfig) {
        while let Some((added_s, place)) = self.indexes.queue.oldest()
            && now_s.saturating_sub(added_s) >= config.queued_s_max
        {
            self.drop_at(place, DropReason::Expired { held_s: now_s.saturating_sub(added_s) });
        }
    }

    /// Takes one entry out and remembers why; forgets a sender that has none left.
    pub(crate) fn drop_at(&mut self, place: Place, reason: DropReason) -> Option<SharedTx> {
        let tx = self.take(place, reason)?;
        if self.senders.get(&place.0).is_some_and(|line| line.txs.is_empty() && !line.fresh) {
            self.senders.remove(&place.0);
        }
        Some(tx)
    }

    fn take(&mut self, place: Place, reason: DropReason) -> Option<SharedTx> {
        let entry = self.senders.get_mut(&place.0)?.remove(place.1, &mut self.indexes)?;
        self.by_hash.remove(entry.hash());
        self.bytes -= entry.bytes;
        self.dropped.record(*entry.hash(), reason);
        Some(Arc::clone(&entry.tx))
    }

    pub(crate) fn on_block(
        &mut self,
        state: &State,
        mined: &[SharedTx],
        touched: impl Iterator<Item = Address>,
    ) -> Vec<B256> {
        self.forget_fresh();
        let mut seen: HashMap<Address, AccountView> = HashMap::with_capacity(mined.len());
        let mut order = Vec::with_capacity(mined.len());
        let mut look = |address: Address| {
            *seen.entry(address).or_insert_with(|| {
                order.push(address);
                AccountView::of(state, &address)
            })
        };
        for tx in mined {
            // what the state does not confirm stays: the state is the truth
            if tx.nonce() < look(tx.signer()).nonce
                && let Some((sender, nonce)) = self.by_hash.remove(tx.tx_hash())
                && let Some(entry) = self.senders.get(&sender).and_then(|line| line.txs.get(&nonce))
            {
                self.bytes -= entry.bytes;
            }
        }
        for address in touched {
            if self.senders.contains_key(&address) {
                look(address);
            }
        }
        let mut promoted = Vec::new();
        for address in order {
            self.follow(address, seen[&address], true, &mut promoted);
        }
        promoted
    }

    /// Every sender anew, after a rollback.
    pub(crate) fn reset(&mut self, state: &State) -> Vec<B256> {
        self.forget_fresh();
        let mut promoted = Vec::new();
        let addresses: Vec<_> = self.senders.keys().copied().collect();
        for address in addresses {
            self.follow(address, AccountView::of(state, &address), false, &mut promoted);
        }
        promoted
    }

    fn follow(&mut self, address: Address, account: AccountView, fresh: bool, promoted: &mut Vec<B256>) {
        let line = self.senders.entry(address).or_insert_with(|| Sender::new(address, account.nonce, account.balance));
        for entry in line.advance(account.nonce, account.balance, &mut self.indexes, promoted) {
            // those that the block included are no longer known by their hash
            if self.by_hash.remove(entry.hash()).is_some() {
                self.bytes -= entry.bytes;
                let reason = DropReason::NonceUsed { nonce: entry.nonce(), account_nonce: account.nonce };
                self.dropped.record(*entry.hash(), reason);
            }
        }
        if fresh {
            if !line.fresh {
                line.fresh = true;
                self.fresh.push(address);
            }
        } else if line.txs.is_empty() {
            self.senders.remove(&address);
        }
    }

    fn forget_fresh(&mut self) {
        for address in std::mem::take(&mut self.fresh) {
            if let Some(line) = self.senders.get_mut(&address) {
                line.fresh = false;
                if line.txs.is_empty() {
                    self.senders.remove(&address);
                }
            }
        }
    }
}

/// A sender at its limit gives up its own last queued entry for one that comes before it, so that a gap can be filled.
fn displaced(
    line: &Sender,
    nonce: u64,
    is_replacement: bool,
    config: &PoolConfig,
) -> Result<Option<Arc<Entry>>, PoolError> {
    let held = line.txs.len();
    if is_replacement || held < config.account_txs_max {
        return Ok(None);
    }
    let last = line.txs.last_key_value().filter(|(last, _)| **last > nonce);
    match (last, nonce == line.next()) {
        (Some((_, last)), true) => Ok(Some(Arc::clone(last))),
        _ => Err(PoolError::AccountLimit { sender: line.address(), held, limit: config.account_txs_max }),
    }
}
