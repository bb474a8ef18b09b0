//! What the chain needs from a store. `qsdm-storage` implements it with SQLite; tests implement it in memory.

use crate::{
    block::{Block, StatePatch, TxLocation},
    diff::{AccountFields, StateDiff},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use std::{ops::RangeInclusive, sync::Arc};

/// A failure of the store. Fatal for the writer: a chain whose store fails stops producing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(pub Box<dyn std::error::Error + Send + Sync>);

/// One atomic step of the chain's history: a block, or patches between two blocks.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Consecutive number of this step; genesis is 0.
    pub sequence: u64,
    /// The block, unless this step only patches state.
    pub block: Option<Arc<Block>>,
    /// Development operations applied by this step (before the block's transactions, if both are there).
    pub patches: Vec<StatePatch>,
    /// What the step changed.
    pub diff: StateDiff,
    /// State root after the step.
    pub state_root: B256,
}

/// A step as read back. Its block, if it has one, is read by [`ChainStore::block`].
#[derive(Clone, Debug)]
pub struct Step {
    /// Consecutive number of this step.
    pub sequence: u64,
    /// Height of its block, unless it only patched state.
    pub block: Option<u64>,
    /// Development operations of this step.
    pub patches: Vec<StatePatch>,
    /// What the step changed. `codes` is empty: code is read by [`ChainStore::code`].
    pub diff: StateDiff,
    /// State root after the step.
    pub state_root: B256,
}

/// Where the stored chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredHead {
    /// Sequence of the newest step.
    pub sequence: u64,
    /// Height of the newest block.
    pub block: u64,
    /// State root after the newest step.
    pub state_root: B256,
}

/// An account as loaded at start.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// keccak-256 of the address.
    pub hashed_address: B256,
    /// The address.
    pub address: Address,
    /// Fields.
    pub fields: AccountFields,
    /// Slots (keccak-256 of the slot, slot, value), ascending by the hash; no zero values.
    pub slots: Vec<(B256, U256, U256)>,
}

/// What a log must match: an address out of a set and, by position, a topic out of a set. Empty sets match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Emitting contracts.
    pub addresses: Vec<Address>,
    /// Topics by position.
    pub topics: [Vec<B256>; 4],
}

impl LogQuery {
    /// True if `log` satisfies the query.
    pub fn matches(&self, log: &alloy_primitives::Log) -> bool {
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(|(position, wanted)| {
                wanted.is_empty() || log.topics().get(position).is_some_and(|topic| wanted.contains(topic))
            })
    }
}

/// Durable history and flat state. One writer, many readers; every method may be called from any thread.
pub trait ChainStore: Send + Sync {
    /// The end of the stored chain, `None` for a fresh store.
    fn head(&self) -> Result<Option<StoredHead>, StoreError>;

    /// Appends a step atomically: after a crash it is there entirely or not at all. When this returns, the step
    /// survives the death of the process.
    fn commit(&self, commit: &Commit) -> Result<(), StoreError>;

    /// Drops every step after `sequence`, and with them their blocks, transactions, receipts and log index entries;
    /// restores the flat state from the recorded diffs. Atomic.
    fn rollback(&self, sequence: u64) -> Result<(), StoreError>;

    /// A block by height.
    fn block(&self, number: u64) -> Result<Option<Arc<Block>>, StoreError>;

    /// Height of the block with this hash.
    fn block_number(&self, hash: &B256) -> Result<Option<u64>, StoreError>;

    /// Where a transaction is.
    fn tx_location(&self, hash: &B256) -> Result<Option<TxLocation>, StoreError>;

    /// Sequence of the step that made block `number`.
    fn sequence_of_block(&self, number: u64) -> Result<Option<u64>, StoreError>;

    /// Calls `visit` with the steps of `range`, newest first if `newest_first`, until it returns false.
    fn visit_steps(
        &self,
        range: RangeInclusive<u64>,
        newest_first: bool,
        visit: &mut dyn FnMut(Step) -> bool,
    ) -> Result<(), StoreError>;

    /// Heights in `range` whose blocks may have a log that matches, ascending. May name too many, never too few.
    fn blocks_with_logs(&self, range: RangeInclusive<u64>, query: &LogQuery) -> Result<Vec<u64>, StoreError>;

    /// Calls `visit` for every account of the flat state at the head, ascending by `hashed_address`.
    fn visit_accounts(&self, visit: &mut dyn FnMut(StoredAccount)) -> Result<(), StoreError>;

    /// Code by its hash.
    fn code(&self, hash: &B256) -> Result<Option<Bytes>, StoreError>;
}
