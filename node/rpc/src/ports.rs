//! What the methods need from the node beyond the chain and the pool. The binary implements it.

use alloy_primitives::{Address, B256, Bytes, U256};
use qsdm_pool::PoolError;
use qsdm_vm::{
    VmError,
    block::{Block, SharedTx, StatePatch},
};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Something subscribers want to hear of.
#[derive(Clone, Debug)]
pub enum Event {
    /// A block was appended.
    Block(Arc<Block>),
    /// A transaction entered the pool.
    Pending(SharedTx),
    /// Transactions of one sender and nonce are known: only the first in the committed order will count.
    Conflict(Arc<Conflict>),
    /// Development only: the chain went back; these blocks are gone, newest first.
    Removed(Vec<Arc<Block>>),
}

/// Why a transaction or an operation was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The pool refused the transaction.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The chain failed.
    #[error(transparent)]
    Chain(#[from] VmError),
    /// No key for this account, and it is not impersonated.
    #[error("no signer for {0}: it is neither a development account nor impersonated")]
    NoSigner(Address),
    /// The operation's own rules refuse it; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
}

/// What is known of the next block before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
    /// Fee recipient.
    pub beneficiary: Address,
    /// Gas limit.
    pub gas_limit: u64,
    /// Base fee of the root submesh, wei per gas.
    pub base_fee: u64,
}

/// Where a committee stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    /// The epoch.
    pub epoch: u64,
    /// The round that consensus is in.
    pub round: u64,
    /// Committed blocks of consensus; those without transactions make no block of the EVM.
    pub height: u64,
    /// Place of the validator that leads the round.
    pub leader: u16,
    /// Place of this node, if it is a validator.
    pub me: Option<u16>,
    /// The validators in the order of their places.
    pub validators: Vec<CommitteeMember>,
}

/// A validator of the current epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitteeMember {
    /// Collects its fees.
    pub account: Address,
    /// keccak-256 of its ML-DSA key, as the contract `ValidatorSet` has it.
    pub key_hash: B256,
    /// What it put up.
    pub bonded: u64,
    /// What its vote counts: clipped, so that nobody alone can stop the others.
    pub weight: u64,
}

/// A connected node.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Who it is on the network.
    pub node: String,
    /// Where it is.
    pub address: String,
    /// keccak-256 of the key of the validator that runs it.
    pub validator: Option<B256>,
    /// Whether this node dialled.
    pub is_outgoing: bool,
    /// Name and version of its program.
    pub agent: String,
    /// Time of the last ping there and back, microseconds.
    pub round_trip_us: Option<u64>,
    /// Points against it; a hundred ban it.
    pub points: u64,
    /// Bytes that came from it.
    pub bytes_in: u64,
    /// Bytes that went to it.
    pub bytes_out: u64,
    /// Messages that wait to be sent to it.
    pub queued: u64,
}

/// Transactions with one sender and nonce, in concurrent cells or on their way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who signed them.
    pub sender: Address,
    /// Their nonce.
    pub nonce: u64,
    /// Whether they do the same, for another fee.
    pub is_replacement: bool,
    /// The newest of them.
    pub newest: Sighted,
    /// Those it excludes, or is excluded by.
    pub others: Vec<Sighted>,
}

/// A transaction, and where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighted {
    /// The cell; none where it has come as such.
    pub cell: Option<B256>,
    /// The transaction.
    pub transaction: B256,
}

/// What is known of a transaction before it is in a block, or instead of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The cells it was seen in.
    pub cells: Vec<SeenCell>,
    /// Transactions that exclude it, and whether they do the same for another fee.
    pub conflicts: Vec<(B256, bool)>,
    /// Where it was ordered and not executed.
    pub skipped: Option<Skipped>,
}

/// A cell with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenCell {
    /// The cell.
    pub cell: B256,
    /// Weight of the validators who built on it: a figure of confidence, never finality. `None` once it is committed.
    pub entangled_weight: Option<u64>,
}

/// Why an ordered transaction is in no block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The block that it would have been in.
    pub block: u64,
    /// The transaction that used its nonce first, where that is known.
    pub winner: Option<B256>,
    /// Why.
    pub reason: String,
}

/// The node as the methods see it.
pub trait Node: Send + Sync + 'static {
    /// Takes a transaction whose sender is recovered: validates it, makes it durable and, where blocks follow
    /// transactions at once, includes it. When this returns, the transaction survives the death of the process.
    fn submit(&self, tx: SharedTx) -> Result<B256, NodeError>;

    /// Seconds since the Unix epoch by the node's clock, which development may have moved.
    fn now_s(&self) -> u64;

    /// Timestamp a block made now would get: the clock, but not before the head.
    fn next_timestamp(&self) -> u64;

    /// What a block made now would get besides its transactions.
    fn next_block(&self) -> NextBlock;

    /// Number of the newest block whose execution a quorum of validators agrees on; `None` on a chain that one node makes,
    /// where every block is final at once.
    fn finalized(&self) -> Option<u64>;

    /// Where the committee stands; `None` on a chain that one node makes.
    fn committee(&self) -> Option<Committee>;

    /// The connected nodes; `None` on a chain that one process makes.
    fn peers(&self) -> Option<Vec<Peer>>;

    /// What consensus knows of a transaction; `None` on a chain that one node makes.
    fn sighting(&self, hash: &B256) -> Option<Sighting>;

    /// Blocks and pending transactions from now on. A receiver that falls behind is told so by the channel.
    fn subscribe(&self) -> broadcast::Receiver<Event>;

    /// Accounts whose keys the node holds, in order of derivation. Empty on a validator.
    fn accounts(&self) -> Vec<Address>;

    /// Signs a 32-byte digest with the key of an account; `NoSigner` if the node does not hold it.
    fn sign_digest(&self, address: Address, digest: B256) -> Result<alloy_primitives::Signature, NodeError>;

    /// True if transactions of this sender may enter without its signature.
    fn is_impersonated(&self, address: Address) -> bool;

    /// Development controls, `None` on a validator, where the methods do not exist either.
    fn dev(&self) -> Option<&dyn Dev>;
}

/// Control over time, blocks and state that only `qsdm dev` has.
pub trait Dev: Send + Sync {
    /// Makes `count` blocks, `interval_s` seconds apart if given.
    fn mine(&self, count: u64, interval_s: Option<u64>) -> Result<(), NodeError>;

    /// Makes one block with the given timestamp.
    fn mine_at(&self, timestamp: u64) -> Result<Arc<Block>, NodeError>;

    /// True while each transaction is included at once.
    fn automine(&self) -> bool;

    /// Turns immediate inclusion on or off.
    fn set_automine(&self, on: bool) -> Result<(), NodeError>;

    /// Seconds between blocks made by the clock, `None` if there are none.
    fn interval_s(&self) -> Option<u64>;

    /// Blocks every so many seconds; `None` or 0 turns them off.
    fn set_interval(&self, seconds: Option<u64>);

    /// Moves the clock forward and returns the total offset in seconds.
    fn increase_time(&self, seconds: u64) -> Result<i64, NodeError>;

    /// Timestamp of the next block, seconds since the epoch; later blocks go on from there.
    fn set_next_timestamp(&self, timestamp: u64) -> Result<(), NodeError>;

    /// Sets the clock itself (`anvil_setTime`); returns the new offset in seconds.
    fn set_time(&self, timestamp: u64) -> i64;

    /// A fixed distance in seconds between the timestamps of blocks, `None` to follow the clock.
    fn set_timestamp_interval(&self, seconds: Option<u64>);

    /// Changes state outside any transaction.
    fn patch(&self, patches: Vec<StatePatch>) -> Result<(), NodeError>;

    /// Gas limit of the blocks from now on.
    fn set_gas_limit(&self, gas_limit: u64) -> Result<(), NodeError>;

    /// Fee recipient from now on.
    fn set_coinbase(&self, address: Address);

    /// Base fee of the next block only, wei per gas.
    fn set_next_base_fee(&self, base_fee: u64);

    /// Randomness of the next block only.
    fn set_next_prevrandao(&self, value: B256);

    /// Lowest price the pool admits, wei per gas.
    fn set_min_gas_price(&self, price: u128) -> Result<(), NodeError>;

    /// Accepts unsigned transactions of `address`.
    fn impersonate(&self, address: Address);

    /// Ends [`impersonate`](Self::impersonate).
    fn stop_impersonating(&self, address: Address);

    /// Accepts unsigned transactions of every address.
    fn set_auto_impersonate(&self, on: bool);

    /// Remembers this moment; returns the id for [`revert`](Self::revert).
    fn snapshot(&self) -> U256;

    /// Goes back to a snapshot; false if there is none with this id. The snapshot and later ones are used up.
    fn revert(&self, id: U256) -> Result<bool, NodeError>;

    /// Goes back to the state after block `number`.
    fn rollback_to(&self, number: u64) -> Result<(), NodeError>;

    /// Back to genesis with the original settings.
    fn reset(&self) -> Result<(), NodeError>;

    /// Everything in the state, as bytes that [`load_state`](Self::load_state) takes.
    fn dump_state(&self) -> Result<Bytes, NodeError>;

    /// Puts accounts of a dump into the state.
    fn load_state(&self, dump: &[u8]) -> Result<(), NodeError>;

    /// Takes a transaction without a valid signature, of an impersonated sender.
    fn submit_impersonated(&self, tx: SharedTx) -> Result<B256, NodeError>;
}
