//! The pool.

use crate::{
    BestTransactions, Content, DropReason, PoolConfig, PoolEnv, PoolError, Submission, check,
    inner::{AccountView, Inner},
};
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;
use qsdm_primitives::{SubmeshId, limits};
use qsdm_vm::{block::SharedTx, state::State};
use std::sync::Arc;

/// What an admission did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Hash of the transaction.
    pub hash: B256,
    /// True if it can execute now, whatever the base fee; false if it waits for earlier nonces or funds.
    pub executable: bool,
    /// Others that can execute now because of it.
    pub promoted: Vec<B256>,
    /// The one that it replaced.
    pub replaced: Option<SharedTx>,
}

/// The transactions that wait for a block. Every method may be called from any thread.
///
/// The node tells the pool about each change of state by [`on_block`](Self::on_block) or [`reset`](Self::reset): what
/// the pool knows of a sender that it holds is as of then.
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    pub(crate) inner: Mutex<Inner>,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(PoolConfig::default())
    }
}

impl Pool {
    /// An empty pool.
    pub fn new(config: PoolConfig) -> Self {
        let inner = Mutex::new(Inner::new(&config));
        Self { config, inner }
    }

    /// The limits it was made with.
    pub const fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Takes a transaction, or says why not; then nothing has changed. `state` is that of the newest block.
    pub fn add(&self, submission: impl Into<Submission>, state: &State, env: &PoolEnv) -> Result<Added, PoolError> {
        let submission = submission.into();
        check::alone(&submission.tx, env, &self.config)?;
        let account = AccountView::of(state, submission.tx.signer_ref());
        self.inner.lock().add(submission, account, env, &self.config)
    }

    /// Transactions for a block of `submesh` with this base fee in wei per gas, best first. One whose fee cap is below
    /// the base fee stays in the pool and is not yielded, and neither are its sender's later ones. A sender whose next
    /// transaction is in another submesh is not yielded before that one is included.
    pub fn best(&self, submesh: SubmeshId, base_fee: u64) -> BestTransactions<'_> {
        BestTransactions::new(self, submesh, base_fee)
    }

    /// Follows a block, or a change of state between blocks: removes the transactions that it included and those whose
    /// nonces are used, and looks anew at what the senders can pay. `touched` are the accounts that changed in any way
    /// (the addresses of the state's diff); the senders of `mined` need not be among them. Costs as much as the senders
    /// among them hold. Returns the hashes of those that became executable.
    pub fn on_block(&self, state: &State, mined: &[SharedTx], touched: impl IntoIterator<Item = Address>) -> Vec<B256> {
        self.inner.lock().on_block(state, mined, touched.into_iter())
    }

    /// Follows a jump to any other state, such as a rollback, by looking at every sender. Transactions of the blocks that
    /// are gone come back only if they are added again. Returns the hashes of those that became executable.
    pub fn reset(&self, state: &State) -> Vec<B256> {
        self.inner.lock().reset(state)
    }

    /// Drops the queued transactions whose time is over; every [`add`](Self::add) does so too.
    pub fn expire(&self, now_s: u64) {
        self.inner.lock().expire(now_s, &self.config);
    }

    /// Removes a transaction on request; its sender's later ones are queued.
    pub fn remove(&self, hash: &B256) -> Option<SharedTx> {
        let mut inner = self.inner.lock();
        let place = *inner.by_hash.get(hash)?;
        inner.drop_at(place, DropReason::Removed)
    }

    /// Removes a transaction that execution refused, and remembers the first 256 bytes of `why`.
    pub fn remove_invalid(&self, hash: &B256, why: &str) -> Option<SharedTx> {
        let end = why.floor_char_boundary(limits::POOL_DROP_REASON_BYTES_MAX);
        let mut inner = self.inner.lock();
        let place = *inner.by_hash.get(hash)?;
        inner.drop_at(place, DropReason::Invalid(why[..end].to_owned()))
    }

    /// Removes all transactions of a sender, in order of nonce.
    pub fn remove_sender(&self, address: &Address) -> Vec<SharedTx> {
        let mut inner = self.inner.lock();
        let nonces: Vec<_> = inner.senders.get(address).map_or(Vec::new(), |line| line.txs.keys().copied().collect());
        // from the last one on, so that none is queued for the moment
        let removed =
            nonces.into_iter().rev().filter_map(|nonce| inner.drop_at((*address, nonce), DropReason::Removed));
        let mut removed: Vec<_> = removed.collect();
        removed.reverse();
        removed
    }

    /// Removes everything and returns how much that was.
    pub fn remove_all(&self) -> usize {
        let mut inner = self.inner.lock();
        let mut places: Vec<_> = inner.by_hash.values().copied().collect();
        // from the last nonces on, so that none is queued for the moment
        places.sort_unstable_by_key(|(_, nonce)| std::cmp::Reverse(*nonce));
        places.into_iter().filter_map(|place| inner.drop_at(place, DropReason::Removed)).count()
    }

    /// A transaction by its hash.
    pub fn get(&self, hash: &B256) -> Option<SharedTx> {
        self.inner.lock().entry(hash).map(|entry| Arc::clone(&entry.tx))
    }

    /// A transaction by its sender and nonce.
    pub fn get_by_nonce(&self, sender: &Address, nonce: u64) -> Option<SharedTx> {
        let inner = self.inner.lock();
        inner.senders.get(sender)?.txs.get(&nonce).map(|entry| Arc::clone(&entry.tx))
    }

    /// The submesh in which a transaction waits.
    pub fn submesh_of(&self, hash: &B256) -> Option<SubmeshId> {
        self.inner.lock().entry(hash).map(|entry| entry.submesh)
    }

    /// True if the pool holds this transaction.
    pub fn contains(&self, hash: &B256) -> bool {
        self.inner.lock().by_hash.contains_key(hash)
    }

    /// The nonce that the next transaction of `address` should have: behind all executable ones.
    pub fn next_nonce(&self, address: &Address, state: &State) -> u64 {
        let held = self.inner.lock().senders.get(address).map_or(0, |line| line.next());
        held.max(state.nonce(address))
    }

    /// Numbers of executable and of queued transactions.
    pub fn status(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.indexes.executable, inner.indexes.queue.len())
    }

    /// Bytes that the transactions take, by the pool's count.
    pub fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }

    /// Everything.
    pub fn content(&self) -> Content {
        Content::of(self.inner.lock().senders.iter())
    }

    /// Everything of one sender.
    pub fn content_from(&self, address: &Address) -> Content {
        Content::of(self.inner.lock().senders.get_key_value(address).into_iter())
    }

    /// Executable transactions in order of arrival.
    pub fn pending(&self) -> Vec<SharedTx> {
        self.inner.lock().pending().into_iter().map(|(_, tx)| tx).collect()
    }

    /// Hashes of the executable transactions in order of arrival.
    pub fn pending_hashes(&self) -> Vec<B256> {
        self.inner.lock().pending().into_iter().map(|(hash, _)| hash).collect()
    }

    /// Why a transaction left the pool without getting into a block, if that is not long ago.
    pub fn dropped(&self, hash: &B256) -> Option<DropReason> {
        self.inner.lock().dropped.reason(hash).cloned()
    }

    /// Recomputes every count and index from the transactions and compares. For tests and diagnosis.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn audit(&self) -> Result<(), String> {
        self.inner.lock().audit(&self.config)
    }
}
