//! What can go wrong with a proposal before and after it is sent.

use crate::ledger::LedgerError;
use alloy_primitives::U256;

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no TOML of the right form; the text names line and key.
    #[error("proposal file: {0}")]
    File(String),
    /// A value of the file is outside its limit.
    #[error("proposal file: {what} has {found}, the limit is {max}")]
    Limit {
        /// What it is.
        what: &'static str,
        /// How much there is, with its unit.
        found: String,
        /// The limit.
        max: String,
    },
    /// An action names a contract that does not exist.
    #[error(
        "action {action}: no contract is called {name:?}; known are {known}, or give an address and full signature"
    )]
    UnknownTarget {
        /// Position of the action, from 1.
        action: usize,
        /// The name given.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// An action names a function that its target does not have.
    #[error("action {action}: {target} has no function {name:?}; {hint}")]
    UnknownFunction {
        /// Position of the action, from 1.
        action: usize,
        /// Contract.
        target: String,
        /// The function given.
        name: String,
        /// What there is instead.
        hint: String,
    },
    /// The number of arguments is wrong.
    #[error("action {action}: {signature} takes {expected} arguments, {found} are given")]
    ArgumentCount {
        /// Position of the action, from 1.
        action: usize,
        /// The function.
        signature: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An argument has another type.
    #[error("action {action}, argument {argument}: expected {expected}, found {found}")]
    Argument {
        /// Position of the action, from 1.
        action: usize,
        /// Name or position of the argument.
        argument: String,
        /// Solidity type.
        expected: String,
        /// The value of the file.
        found: String,
    },
    /// The chain did not answer, or refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A contract answered something that its interface does not allow.
    #[error("{what} answered something unexpected: {reason}; is this a QSDM chain?")]
    Answer {
        /// Which call.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// No proposal has this id, or this beginning of one.
    #[error("no proposal has an id that begins with {0}; `qsdm gov list` shows them all")]
    UnknownProposal(String),
    /// Several proposals match.
    #[error("{count} proposals have an id that begins with {prefix}: give more digits")]
    AmbiguousProposal {
        /// What was given.
        prefix: String,
        /// How many match.
        count: usize,
    },
    /// A text that is no id.
    #[error("{0:?} is no proposal id: give it in decimal, in hex with 0x, or the first digits of either")]
    BadProposalId(String),
    /// A step that the proposal's state does not allow.
    #[error("{0}")]
    NotNow(String),
    /// A governor that this release does not know.
    #[error("proposal {0} is of a track that this release does not know")]
    UnknownTrack(U256),
}
