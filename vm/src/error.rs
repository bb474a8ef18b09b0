//! What can go wrong in execution and in the chain.

use crate::ports::StoreError;
use alloy_primitives::{Address, B256, Bytes};

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmError {
    /// The store failed; nothing after the last successful commit is lost.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// A genesis step did not succeed.
    #[error("genesis step {step} ({name}) failed: {reason}")]
    Genesis {
        /// Position of the step in the plan.
        step: usize,
        /// Its name.
        name: String,
        /// Revert data, halt reason or what else stopped it.
        reason: String,
    },
    /// A deployment produced code at another address, none at all, or too much.
    #[error("genesis contract {name} at {address}: {reason}")]
    GenesisContract {
        /// Name of the contract.
        name: String,
        /// Where it should be.
        address: Address,
        /// What is wrong with it.
        reason: String,
    },
    /// The chain specification is out of its bounds.
    #[error("chain specification: {0}")]
    Spec(#[from] qsdm_primitives::SpecError),
    /// The state in the store does not have the root that the newest step recorded.
    #[error(
        "state root mismatch at step {sequence}: recorded {recorded}, computed {computed}; restore a backup or replay"
    )]
    StateRoot {
        /// Step.
        sequence: u64,
        /// Root in the store.
        recorded: B256,
        /// Root of the loaded state.
        computed: B256,
    },
    /// A block that has to be there is missing.
    #[error("block {number} is missing from the store")]
    MissingBlock {
        /// Height.
        number: u64,
    },
    /// Code that an account refers to is missing.
    #[error("code {hash} is missing from the store")]
    MissingCode {
        /// keccak-256 of the code.
        hash: B256,
    },
    /// A block does not execute to what its header says.
    #[error("block {number}: {field} is {found}, the header says {expected}")]
    BlockMismatch {
        /// Height.
        number: u64,
        /// Header field.
        field: &'static str,
        /// What execution gave.
        found: String,
        /// What the header says.
        expected: String,
    },
    /// A state from too far back, whose reconstruction would cost more than the limit allows.
    #[error("state of block {number} is {distance} blocks back, at most {limit} are rebuilt for a request")]
    StateTooOld {
        /// Height asked for.
        number: u64,
        /// Distance from the head.
        distance: u64,
        /// [`qsdm_primitives::limits::OLD_STATE_BLOCKS_MAX`].
        limit: u64,
    },
    /// A rollback to a step that the chain does not have.
    #[error("step {sequence} is not in the chain, whose newest is {newest}")]
    UnknownStep {
        /// Step asked for.
        sequence: u64,
        /// Newest step.
        newest: u64,
    },
    /// A block's timestamp would lie before its parent's.
    #[error("timestamp {timestamp} is before the parent's {parent}")]
    Timestamp {
        /// Timestamp asked for.
        timestamp: u64,
        /// The parent's.
        parent: u64,
    },
    /// The state trie refused its input: the store's order is broken.
    #[error("state trie: {0}")]
    Trie(#[from] crate::trie::TrieError),
    /// A system call failed where the protocol does not allow it.
    #[error("system call to {target} failed: {output}")]
    SystemCall {
        /// Contract.
        target: Address,
        /// Revert data.
        output: Bytes,
    },
}
