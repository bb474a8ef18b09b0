//! The executed chain: its head, its recent past in memory, everything older through the store.
//!
//! One writer at a time; readers take an [`Arc<Head>`] and are never blocked by execution.

use crate::{
    VmError,
    block::{Block, StatePatch, TxLocation},
    builder::{BlockAttributes, BlockBuilder, ExecutedBlock},
    genesis,
    ports::{ChainStore, Commit},
    state::{RecentHashes, State},
};
use alloy_eips::eip1559::BaseFeeParams;
use alloy_primitives::{Address, B256, keccak256};
use parking_lot::{Mutex, RwLock};
use qsdm_primitives::ChainSpec;
use recent::Recent;
use std::sync::Arc;

mod history;
mod load;
mod logs;
mod patch;
mod recent;
mod replay;

pub use logs::FoundLog;
pub use replay::{ReplayReport, replay};

/// The newest block and the state after it.
#[derive(Clone, Debug)]
pub struct Head {
    /// The newest block.
    pub block: Arc<Block>,
    /// The state after it, including development patches made since.
    pub state: State,
    /// Hashes that the next block can see, this block's included.
    pub hashes: RecentHashes,
    /// Step of the store that this head corresponds to.
    pub sequence: u64,
}

impl Head {
    /// Base fee of the next block in wei per gas (EIP-1559).
    pub fn next_base_fee(&self) -> u64 {
        self.block.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(0)
    }

    /// Randomness of the next block: keccak-256 of the parent hash and the height. Predictable by the producer, and
    /// documented as such.
    pub fn next_prevrandao(&self) -> B256 {
        let mut seed = [0; 40];
        seed[..32].copy_from_slice(self.block.hash.as_slice());
        seed[32..].copy_from_slice(&(self.block.number() + 1).to_be_bytes());
        keccak256(seed)
    }
}

/// What appending a block led to.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The new head.
    pub head: Arc<Head>,
    /// Accounts that changed, in no particular order: what a pool has to look at again.
    pub touched: Vec<Address>,
}

/// The executed chain.
pub struct Chain {
    spec: ChainSpec,
    store: Arc<dyn ChainStore>,
    head: RwLock<Arc<Head>>,
    recent: RwLock<Recent>,
    old_states: Mutex<history::OldStates>,
    writer: Mutex<()>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = self.head();
        formatter.debug_struct("Chain").field("head", &head.block.number()).field("hash", &head.block.hash).finish()
    }
}

impl Chain {
    /// Opens the chain of `store`, or begins it with the genesis of `spec` if the store is fresh.
    pub fn open(spec: ChainSpec, store: Arc<dyn ChainStore>) -> Result<Self, VmError> {
        spec.check()?;
        let (head, recent) = match store.head()? {
            Some(stored) => load::load(&*store, stored)?,
            None => Self::begin(&spec, &*store)?,
        };
        Ok(Self {
            spec,
            store,
            head: RwLock::new(Arc::new(head)),
            recent: RwLock::new(recent),
            old_states: Mutex::default(),
            writer: Mutex::default(),
        })
    }

    fn begin(spec: &ChainSpec, store: &dyn ChainStore) -> Result<(Head, Recent), VmError> {
        let (block, state) = genesis::genesis(spec)?;
        let (block, empty) = (Arc::new(block), State::default());
        let diff = state.diff(&empty);
        let recent = Recent::starting_with(block.clone(), empty, state.clone(), &diff);
        let state_root = block.header.state_root;
        store.commit(&Commit { sequence: 0, block: Some(block.clone()), patches: Vec::new(), diff, state_root })?;
        let hashes = RecentHashes::new(0, &[block.hash]);
        Ok((Head { block, state, hashes, sequence: 0 }, recent))
    }

    /// The specification of this chain.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The head as of now.
    pub fn head(&self) -> Arc<Head> {
        self.head.read().clone()
    }

    /// A builder of the block after `head`.
    pub fn builder(&self, head: &Head, attributes: BlockAttributes) -> Result<BlockBuilder, VmError> {
        BlockBuilder::new(self.spec.chain_id, &head.block, head.state.clone(), head.hashes.clone(), attributes)
    }

    /// Appends a block that was built on `parent`, the current head. When this returns, the block survives the death of
    /// the process and readers see it.
    pub fn append(&self, parent: &Head, executed: ExecutedBlock) -> Result<Appended, VmError> {
        let _writing = self.writer.lock();
        let head = self.head();
        if head.sequence != parent.sequence || head.block.hash != parent.block.hash {
            return Err(VmError::UnknownStep { sequence: parent.sequence, newest: head.sequence });
        }
        let ExecutedBlock { block, state } = executed;
        let diff = state.diff(&head.state);
        let commit = Commit {
            sequence: head.sequence + 1,
            block: Some(block.clone()),
            patches: Vec::new(),
            state_root: block.header.state_root,
            diff,
        };
        self.store.commit(&commit)?;
        let (before, after) = (head.state.clone(), state.clone());
        self.recent.write().push(block.clone(), commit.sequence, before, after, &commit.diff);
        let hashes = head.hashes.extended(block.number(), block.hash);
        let head = self.publish(Head { block, state, hashes, sequence: commit.sequence });
        let touched = commit.diff.accounts.iter().map(|change| change.address).collect();
        Ok(Appended { head, touched })
    }

    /// Changes the state by development operations, outside any block. Recorded, so that a replay does the same.
    pub fn patch(&self, patches: Vec<StatePatch>) -> Result<Arc<Head>, VmError> {
        let _writing = self.writer.lock();
        let head = self.head();
        let mut state = head.state.clone();
        patches.iter().for_each(|patch| patch::apply(&mut state, patch));
        let diff = state.diff(&head.state);
        let (sequence, state_root) = (head.sequence + 1, state.root());
        self.store.commit(&Commit { sequence, block: None, patches, diff, state_root })?;
        Ok(self.publish(Head { state, sequence, ..(*head).clone() }))
    }

    /// Goes back to step `sequence`; everything after it is gone, also from the store.
    pub fn rollback(&self, sequence: u64) -> Result<Arc<Head>, VmError> {
        let _writing = self.writer.lock();
        let head = self.head();
        if sequence > head.sequence {
            return Err(VmError::UnknownStep { sequence, newest: head.sequence });
        }
        let state = self.state_at_step(sequence)?;
        self.store.rollback(sequence)?;
        self.old_states.lock().clear();
        let mut recent = self.recent.write();
        recent.truncate(sequence);
        let number = match recent.newest() {
            Some(block) => block.number(),
            None => self.store.head()?.map_or(0, |stored| stored.block),
        };
        drop(recent);
        let cached = self.recent.read().block(number);
        let stored = || self.store.block(number)?.ok_or(VmError::MissingBlock { number });
        let block = cached.map_or_else(stored, Ok)?;
        let hashes = load::recent_hashes(&*self.store, number)?;
        Ok(self.publish(Head { block, state, hashes, sequence }))
    }

    fn publish(&self, head: Head) -> Arc<Head> {
        let head = Arc::new(head);
        *self.head.write() = head.clone();
        head
    }

    /// A block by height.
    pub fn block(&self, number: u64) -> Result<Option<Arc<Block>>, VmError> {
        let head = self.head();
        if number >= head.block.number() {
            return Ok((number == head.block.number()).then(|| head.block.clone()));
        }
        if let Some(block) = self.recent.read().block(number) {
            return Ok(Some(block));
        }
        Ok(self.store.block(number)?)
    }

    /// A block by hash.
    pub fn block_by_hash(&self, hash: &B256) -> Result<Option<Arc<Block>>, VmError> {
        let head = self.head();
        if *hash == head.block.hash {
            return Ok(Some(head.block.clone()));
        }
        if let Some(block) = self.recent.read().block_by_hash(hash) {
            return Ok(Some(block));
        }
        match self.store.block_number(hash)? {
            Some(number) => Ok(self.store.block(number)?),
            None => Ok(None),
        }
    }

    /// Step of the store that made block `number`.
    pub fn sequence_of_block(&self, number: u64) -> Result<Option<u64>, VmError> {
        Ok(self.store.sequence_of_block(number)?)
    }

    /// Where a transaction is.
    pub fn tx_location(&self, hash: &B256) -> Result<Option<TxLocation>, VmError> {
        Ok(self.store.tx_location(hash)?)
    }
}
