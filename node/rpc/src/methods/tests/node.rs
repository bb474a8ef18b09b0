//! A node that includes each transaction at once, or when told to.

use crate::ports::{Committee, Dev, Event, NextBlock, Node, NodeError, Peer, Sighting};
use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use parking_lot::Mutex;
use qsdm_pool::{Pool, PoolEnv};
use qsdm_primitives::SubmeshId;
use qsdm_vm::{
    block::{Block, SharedTx},
    builder::BlockAttributes,
    chain::Chain,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::broadcast;

pub(super) struct TestNode {
    pub(super) chain: Arc<Chain>,
    pub(super) pool: Arc<Pool>,
    pub(super) keys: Vec<PrivateKeySigner>,
    pub(super) automine: AtomicBool,
    /// The clock, in seconds after the head.
    pub(super) ahead_s: AtomicU64,
    /// The newest block that a quorum agrees on; the greatest number where one node makes the chain.
    pub(super) finalized: AtomicU64,
    events: broadcast::Sender<Event>,
    making: Mutex<()>,
}

impl TestNode {
    pub(super) fn new(chain: Arc<Chain>, pool: Arc<Pool>, keys: Vec<PrivateKeySigner>) -> Self {
        let (automine, ahead_s) = (AtomicBool::new(true), AtomicU64::new(12));
        let (finalized, events) = (AtomicU64::new(u64::MAX), broadcast::Sender::new(1_024));
        Self { chain, pool, keys, automine, ahead_s, finalized, events, making: Mutex::default() }
    }

    /// Makes a block of what is executable.
    pub(super) fn mine(&self) -> Arc<Block> {
        let _making = self.making.lock();
        let head = self.chain.head();
        let attributes = BlockAttributes {
            timestamp: self.next_timestamp(),
            beneficiary: Address::repeat_byte(0xcb),
            gas_limit: head.block.header.gas_limit,
            base_fee: head.next_base_fee(),
            prevrandao: head.next_prevrandao(),
            extra_data: Bytes::new(),
        };
        let mut builder = self.chain.builder(&head, attributes).unwrap();
        for tx in self.pool.best(SubmeshId::ROOT, head.next_base_fee()) {
            builder.push(tx).unwrap();
        }
        let new = self.chain.append(&head, builder.finish()).unwrap().head;
        self.pool.reset(&new.state);
        let _ = self.events.send(Event::Block(new.block.clone()));
        new.block.clone()
    }

    /// Takes the newest block away.
    pub(super) fn go_back(&self) {
        let head = self.chain.head();
        let state = self.chain.rollback(head.sequence - 1).unwrap();
        self.pool.reset(&state.state);
        let _ = self.events.send(Event::Removed(vec![head.block.clone()]));
    }
}

impl Node for TestNode {
    fn submit(&self, tx: SharedTx) -> Result<B256, NodeError> {
        let (hash, head) = (*tx.tx_hash(), self.chain.head());
        let env = PoolEnv {
            base_fee: head.next_base_fee(),
            block_gas_limit: head.block.header.gas_limit,
            chain_id: self.chain.spec().chain_id,
            now_s: self.now_s(),
            ..PoolEnv::default()
        };
        self.pool.add(tx.clone(), &head.state, &env)?;
        let _ = self.events.send(Event::Pending(tx));
        if self.automine.load(Ordering::Relaxed) {
            self.mine();
        }
        Ok(hash)
    }

    fn now_s(&self) -> u64 {
        self.chain.head().block.header.timestamp + self.ahead_s.load(Ordering::Relaxed)
    }

    fn next_timestamp(&self) -> u64 {
        self.now_s()
    }

    fn next_block(&self) -> NextBlock {
        let head = self.chain.head();
        NextBlock {
            timestamp: self.next_timestamp(),
            beneficiary: Address::repeat_byte(0xcb),
            gas_limit: head.block.header.gas_limit,
            base_fee: head.next_base_fee(),
        }
    }

    fn finalized(&self) -> Option<u64> {
        let number = self.finalized.load(Ordering::Relaxed);
        (number < u64::MAX).then_some(number)
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
        self.keys.iter().map(PrivateKeySigner::address).collect()
    }

    fn sign_digest(&self, address: Address, digest: B256) -> Result<Signature, NodeError> {
        let key = self.keys.iter().find(|key| key.address() == address).ok_or(NodeError::NoSigner(address))?;
        key.sign_hash_sync(&digest).map_err(|error| NodeError::Refused(error.to_string()))
    }

    fn is_impersonated(&self, _: Address) -> bool {
        false
    }

    fn dev(&self) -> Option<&dyn Dev> {
        None
    }
}
