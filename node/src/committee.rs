//! A node of a committee: consensus, mesh and execution in their shell.
//!
//! ```text
//!  wire ──> check (all cores) ──> turn: Mesh, Core ──> keeper (disk) ──┐
//!   ^                              │   ^  ^                            │
//!   └── sign, broadcast ───────────┘   │  └──── durable ───────────────┘
//!                                      └─── executed ── executor <── committed
//! ```
//! One task owns mesh and consensus. What it wants kept is written and synced by one thread, what is committed is executed
//! by another; all queues are bounded. Nothing is sent that depends on something that is not durable.

mod author;
mod execute;
mod held;
mod keeper;
pub(crate) mod members;
pub(crate) mod net;
pub(crate) mod queues;
mod serve;
pub(crate) mod start;
pub(crate) mod switch;
pub(crate) mod turn;
mod verify;
pub(crate) mod wire;

use crate::{dev::keys::Keyring, journal::Journal};
use alloy_primitives::{Address, B256, Bytes, Signature, keccak256};
use author::Author;
use qsdm_pool::{Pool, PoolEnv, Submission};
use qsdm_primitives::{SubmeshId, ValidatorIndex};
use qsdm_rpc::ports::{Committee, CommitteeMember, Dev, Event, NextBlock, Node, NodeError};
use qsdm_vm::{
    block::SharedTx,
    chain::{Chain, Head},
};
use std::{fmt, sync::Arc};
use tokio::sync::{Notify, broadcast, watch};
use turn::{Standing, now_ms};

/// A node of a committee, as JSON-RPC sees it.
pub(crate) struct CommitteeNode {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    journal: Arc<Journal>,
    author: Arc<Author>,
    work: Arc<Notify>,
    events: broadcast::Sender<Event>,
    standing: watch::Receiver<Standing>,
    /// Accounts whose keys the node holds: on a development chain only.
    keys: Option<Arc<Keyring>>,
}

impl fmt::Debug for CommitteeNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CommitteeNode").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl CommitteeNode {
    /// Where consensus stands.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    fn pool_env(&self, head: &Head) -> PoolEnv {
        PoolEnv {
            base_fee: head.next_base_fee(),
            block_gas_limit: self.chain.spec().gas_limit,
            chain_id: self.chain.spec().chain_id,
            now_s: now_ms() / 1_000,
            fee_min: 0,
            refuse_below_base_fee: false,
        }
    }

    fn add(&self, tx: &SharedTx) -> Result<(), NodeError> {
        let head = self.chain.head();
        let submission = Submission { tx: tx.clone(), submesh: SubmeshId::ROOT, impersonated: false };
        let added = self.pool.add(submission, &head.state, &self.pool_env(&head))?;
        // nobody listening is fine
        if added.executable {
            let _ = self.events.send(Event::Pending(tx.clone()));
        }
        for promoted in added.promoted.iter().filter_map(|hash| self.pool.get(hash)) {
            let _ = self.events.send(Event::Pending(promoted));
        }
        self.work.notify_one();
        Ok(())
    }

    /// Puts the transactions that a previous process acknowledged back into the pool.
    fn recover_journal(&self) -> Result<(), NodeError> {
        for submission in self.journal.recover(self.chain.spec().chain_id)? {
            self.author.submitted(&submission.tx, now_ms());
            if let Err(error) = self.add(&submission.tx) {
                tracing::debug!(hash = %submission.tx.tx_hash(), %error, "a transaction of the journal is in a block or void");
            }
        }
        Ok(())
    }

    /// Another node passes on transactions whose senders are pinned to this one.
    fn forwarded(&self, transactions: &[Bytes]) {
        for tx in start::decode(transactions, self.chain.spec().chain_id) {
            if let Err(error) = self.add(&tx) {
                tracing::debug!(hash = %tx.tx_hash(), %error, "a forwarded transaction is refused");
            }
        }
    }
}

impl Node for CommitteeNode {
    fn submit(&self, tx: SharedTx) -> Result<B256, NodeError> {
        // before it is in the pool: whoever fills a cell knows then that it may belong to another author
        self.author.submitted(&tx, now_ms());
        self.add(&tx)?;
        self.journal.remember(&tx)?;
        Ok(*tx.tx_hash())
    }

    fn now_s(&self) -> u64 {
        now_ms() / 1_000
    }

    fn next_timestamp(&self) -> u64 {
        self.now_s().max(self.chain.head().block.header.timestamp)
    }

    fn next_block(&self) -> NextBlock {
        let head = self.chain.head();
        let standing = self.standing();
        let leader = standing.set.get(standing.status.leader).map(|validator| validator.account);
        NextBlock {
            timestamp: self.next_timestamp(),
            beneficiary: leader.unwrap_or_default(),
            gas_limit: self.chain.spec().gas_limit,
            base_fee: head.next_base_fee(),
        }
    }

    fn finalized(&self) -> Option<u64> {
        Some(self.standing().status.finalized.number)
    }

    fn committee(&self) -> Option<Committee> {
        let Standing { status, set, .. } = self.standing();
        let member = |index: ValidatorIndex| {
            let validator = set.get(index)?;
            Some(CommitteeMember {
                account: validator.account,
                key_hash: keccak256(validator.key.bytes()),
                bonded: validator.bonded,
                weight: set.weight(index),
            })
        };
        Some(Committee {
            epoch: status.epoch.0,
            round: status.round.0,
            height: status.height.0,
            leader: status.leader.0,
            me: status.me.map(|me| me.0),
            validators: set.indices().filter_map(member).collect(),
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn accounts(&self) -> Vec<Address> {
        self.keys.as_ref().map_or_else(Vec::new, |keys| keys.addresses().to_vec())
    }

    fn sign_digest(&self, address: Address, digest: B256) -> Result<Signature, NodeError> {
        let signature = self.keys.as_ref().and_then(|keys| keys.sign(&address, &digest));
        signature.ok_or(NodeError::NoSigner(address))
    }

    fn is_impersonated(&self, _: Address) -> bool {
        false
    }

    fn dev(&self) -> Option<&dyn Dev> {
        None
    }
}
