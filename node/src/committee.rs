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
mod sightings;
pub(crate) mod start;
pub(crate) mod switch;
pub(crate) mod turn;
mod verify;
pub(crate) mod wire;

use crate::{dev::keys::Keyring, journal::Journal};
use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, Signature, keccak256};
use author::Author;
use qsdm_pool::{Pool, PoolEnv, Submission};
use qsdm_primitives::{CellId, SubmeshId, ValidatorIndex, limits::ASK_MS_MAX};
use qsdm_rpc::ports::{
    Committee, CommitteeMember, Dev, Event, NextBlock, Node, NodeError, Peer, SeenCell, Sighting, Skipped,
};
use qsdm_storage::MeshStore;
use qsdm_vm::{
    block::SharedTx,
    chain::{Chain, Head},
};
use sightings::{Ask, Seen, Sightings};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use turn::{Standing, now_ms};
use wire::Wire;

/// A node of a committee, as JSON-RPC sees it.
pub(crate) struct CommitteeNode {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    journal: Arc<Journal>,
    author: Arc<Author>,
    work: Arc<Notify>,
    events: broadcast::Sender<Event>,
    standing: watch::Receiver<Standing>,
    wire: Arc<dyn Wire>,
    store: Arc<MeshStore>,
    sightings: Arc<Sightings>,
    /// Questions to the task that owns the mesh.
    asks: mpsc::Sender<Ask>,
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

    /// How many build on cells: of those that are not committed, as far as consensus answers in time.
    fn weights(&self, cells: Vec<CellId>) -> Vec<Option<u64>> {
        let unknown = vec![None; cells.len()];
        if cells.is_empty() {
            return unknown;
        }
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        if self.asks.try_send(Ask { cells, reply }).is_err() {
            return unknown;
        }
        answer.recv_timeout(Duration::from_millis(ASK_MS_MAX)).unwrap_or(unknown)
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
        let before = self.pool.get_by_nonce(&tx.signer(), tx.nonce()).filter(|other| other.tx_hash() != tx.tx_hash());
        let added = self.pool.add(submission, &head.state, &self.pool_env(&head));
        // what is replaced before anybody else saw it is spent once
        if let Some(other) = before
            && (added.is_err() || !self.sightings.of(other.tx_hash()).cells.is_empty())
        {
            self.sightings.pair(tx, &other, &self.events);
        }
        let added = added?;
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

    fn peers(&self) -> Option<Vec<Peer>> {
        Some(self.wire.describe_peers())
    }

    fn sighting(&self, hash: &B256) -> Option<Sighting> {
        let Seen { cells, conflicts } = self.sightings.of(hash);
        let weights = self.weights(cells.clone());
        let seen = |(cell, entangled_weight): (CellId, Option<u64>)| SeenCell { cell: cell.0.into(), entangled_weight };
        let skipped = self.store.skipped(&hash.0).unwrap_or_else(|error| {
            tracing::error!(%error, "why a transaction was skipped can't be read");
            None
        });
        let skipped = skipped.map(|skipped| Skipped {
            block: skipped.block,
            winner: skipped.winner.map(B256::from),
            reason: skipped.reason,
        });
        Some(Sighting { cells: cells.into_iter().zip(weights).map(seen).collect(), conflicts, skipped })
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
