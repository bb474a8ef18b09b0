//! `qsdm dev`: one process that produces blocks by itself, on the real chain, pool and store.
//!
//! It implements the ports of the JSON-RPC layer; a validator committee implements the same ports without [`Dev`].

use crate::journal::Journal;
use alloy_primitives::{Address, B256, Signature};
use clock::Clock;
use keys::Keyring;
use parking_lot::Mutex;
use qsdm_pool::{Pool, PoolEnv, Submission};
use qsdm_primitives::{SubmeshId, limits::EVENT_BACKLOG};
use qsdm_rpc::ports::{Committee, Dev, Event, NextBlock, Node, NodeError, Peer, Sighting};
use qsdm_storage::PoolJournal;
use qsdm_vm::{
    block::SharedTx,
    chain::{Chain, Head},
};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};
use tokio::sync::{Notify, broadcast};

pub(crate) mod clock;
mod control;
mod dump;
pub(crate) mod keys;
mod produce;
pub(crate) mod validators;

/// A moment that `evm_revert` can go back to.
#[derive(Clone, Debug)]
struct Snapshot {
    id: u64,
    sequence: u64,
    clock: Clock,
    next_base_fee: Option<u64>,
}

/// What decides about the next block. Its lock is held for moments only: a block under construction keeps nobody from
/// asking the time.
#[derive(Debug)]
struct Producer {
    automine: bool,
    interval_ms: Option<u64>,
    clock: Clock,
    gas_limit: u64,
    coinbase: Address,
    next_base_fee: Option<u64>,
    next_prevrandao: Option<B256>,
    min_gas_price: u128,
    snapshots: VecDeque<Snapshot>,
    snapshots_made: u64,
}

/// Settings that `reset` returns to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DevSettings {
    /// Milliseconds between blocks; `None` includes each transaction at once.
    pub block_time_ms: Option<u64>,
    /// Gas limit of new blocks.
    pub gas_limit: u64,
    /// Fee recipient.
    pub coinbase: Address,
}

/// The development node.
#[derive(Debug)]
pub(crate) struct DevNode {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    journal: Journal,
    keys: Arc<Keyring>,
    settings: DevSettings,
    producer: Mutex<Producer>,
    /// Held while the chain changes: one block, patch or rollback at a time. Taken before `producer`.
    making: Mutex<()>,
    impersonated: Mutex<Impersonated>,
    events: broadcast::Sender<Event>,
    interval_changed: Notify,
}

#[derive(Debug, Default)]
struct Impersonated {
    accounts: HashSet<Address>,
    everyone: bool,
}

impl DevNode {
    /// A node over an open chain. `journal` keeps acknowledged transactions that are not in a block yet; a chain in a
    /// temporary folder needs none.
    pub(crate) fn new(
        chain: Arc<Chain>,
        pool: Arc<Pool>,
        journal: Option<PoolJournal>,
        keys: Arc<Keyring>,
        settings: DevSettings,
    ) -> Self {
        let mut clock = Clock::default();
        let head_s = chain.head().block.header.timestamp;
        if head_s > clock.now_s() {
            // a reopened chain whose time was moved forward goes on from there
            clock.set(head_s);
        }
        let producer = Producer::new(settings, clock);
        Self {
            journal: Journal::new(Arc::clone(&pool), journal),
            chain,
            pool,
            keys,
            settings,
            producer: Mutex::new(producer),
            making: Mutex::new(()),
            impersonated: Mutex::default(),
            events: broadcast::Sender::new(EVENT_BACKLOG),
            interval_changed: Notify::new(),
        }
    }

    fn pool_env(&self, head: &Head) -> PoolEnv {
        let producer = self.producer.lock();
        PoolEnv {
            base_fee: producer.base_fee(head),
            block_gas_limit: producer.gas_limit,
            chain_id: self.chain.spec().chain_id,
            // real time: a clock that a test moves must not make waiting transactions expire
            now_s: clock::system_now_s(),
            fee_min: producer.min_gas_price,
            refuse_below_base_fee: producer.automine,
        }
    }

    fn admit(&self, tx: SharedTx, impersonated: bool) -> Result<B256, NodeError> {
        let hash = *tx.tx_hash();
        let head = self.chain.head();
        let submission = Submission { tx: tx.clone(), submesh: SubmeshId::ROOT, impersonated };
        let added = self.pool.add(submission, &head.state, &self.pool_env(&head))?;
        if added.executable {
            // nobody listening is fine
            let _ = self.events.send(Event::Pending(tx.clone()));
        }
        self.announce(&added.promoted);
        if self.producer.lock().automine {
            self.include_pending()?;
        }
        if self.pool.contains(&hash) {
            self.journal.remember(&tx)?;
        }
        Ok(hash)
    }

    /// Tells subscribers of transactions that became executable.
    fn announce(&self, promoted: &[B256]) {
        for tx in promoted.iter().filter_map(|hash| self.pool.get(hash)) {
            let _ = self.events.send(Event::Pending(tx));
        }
    }
}

impl Producer {
    /// Base fee of the block after `head`.
    fn base_fee(&self, head: &Head) -> u64 {
        self.next_base_fee.unwrap_or_else(|| head.next_base_fee())
    }

    fn new(settings: DevSettings, clock: Clock) -> Self {
        Self {
            automine: settings.block_time_ms.is_none(),
            interval_ms: settings.block_time_ms,
            clock,
            gas_limit: settings.gas_limit,
            coinbase: settings.coinbase,
            next_base_fee: None,
            next_prevrandao: None,
            min_gas_price: 0,
            snapshots: VecDeque::new(),
            snapshots_made: 0,
        }
    }
}

impl Node for DevNode {
    fn submit(&self, tx: SharedTx) -> Result<B256, NodeError> {
        self.admit(tx, false)
    }

    fn now_s(&self) -> u64 {
        self.producer.lock().clock.now_s()
    }

    fn next_timestamp(&self) -> u64 {
        let parent_s = self.chain.head().block.header.timestamp;
        self.producer.lock().clock.next_timestamp(parent_s)
    }

    fn next_block(&self) -> NextBlock {
        let head = self.chain.head();
        let producer = self.producer.lock();
        NextBlock {
            timestamp: producer.clock.next_timestamp(head.block.header.timestamp),
            beneficiary: producer.coinbase,
            gas_limit: producer.gas_limit,
            base_fee: producer.base_fee(&head),
        }
    }

    fn finalized(&self) -> Option<u64> {
        None
    }

    fn committee(&self) -> Option<Committee> {
        None
    }

    fn peers(&self) -> Option<Vec<Peer>> {
        None
    }

    fn sighting(&self, _: &B256) -> Option<Sighting> {
        None
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn accounts(&self) -> Vec<Address> {
        self.keys.addresses().to_vec()
    }

    fn sign_digest(&self, address: Address, digest: B256) -> Result<Signature, NodeError> {
        self.keys.sign(&address, &digest).ok_or(NodeError::NoSigner(address))
    }

    fn is_impersonated(&self, address: Address) -> bool {
        let impersonated = self.impersonated.lock();
        impersonated.everyone || impersonated.accounts.contains(&address)
    }

    fn dev(&self) -> Option<&dyn Dev> {
        Some(self)
    }
}
