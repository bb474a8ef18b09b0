//! Why transactions left the pool without getting into a block: a bounded memory.

use alloy_primitives::B256;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

/// Why a transaction left the pool without getting into a block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Its sender sent another one with the same nonce and higher fees.
    Replaced {
        /// The other one.
        by: B256,
    },
    /// Another transaction with its nonce got into a block.
    NonceUsed {
        /// Its nonce.
        nonce: u64,
        /// The account's nonce then.
        account_nonce: u64,
    },
    /// The pool was full and others paid more.
    Evicted {
        /// Its fee cap, wei per gas.
        fee: u128,
    },
    /// It could not execute for too long.
    Expired {
        /// Seconds it was held.
        held_s: u64,
    },
    /// The operator or a development method removed it.
    Removed,
    /// Execution refused it; the text says why.
    Invalid(String),
}

impl fmt::Display for DropReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced { by } => write!(formatter, "replaced by transaction {by} with higher fees"),
            Self::NonceUsed { nonce, account_nonce } => write!(
                formatter,
                "another transaction with nonce {nonce} was included; the account's nonce is {account_nonce}"
            ),
            Self::Evicted { fee } => write!(formatter, "the pool was full and others paid more than {fee} wei per gas"),
            Self::Expired { held_s } => {
                write!(formatter, "not executable for {held_s} s; send what it waited for first")
            }
            Self::Removed => formatter.write_str("removed on request"),
            Self::Invalid(why) => write!(formatter, "refused by execution: {why}"),
        }
    }
}

/// The newest drops.
#[derive(Debug)]
pub(crate) struct Dropped {
    max: usize,
    count: u64,
    reasons: HashMap<B256, (u64, DropReason)>,
    order: VecDeque<(u64, B256)>,
}

impl Dropped {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, count: 0, reasons: HashMap::new(), order: VecDeque::new() }
    }

    pub(crate) fn record(&mut self, hash: B256, reason: DropReason) {
        if self.max == 0 {
            return;
        }
        if self.order.len() == self.max
            && let Some((number, oldest)) = self.order.pop_front()
            // the same transaction may have come back and been dropped again since
            && self.reasons.get(&oldest).is_some_and(|(newest, _)| *newest == number)
        {
            self.reasons.remove(&oldest);
        }
        self.count += 1;
        self.order.push_back((self.count, hash));
        self.reasons.insert(hash, (self.count, reason));
    }

    /// It is in the pool again.
    pub(crate) fn forget(&mut self, hash: &B256) {
        self.reasons.remove(hash);
    }

    pub(crate) fn reason(&self, hash: &B256) -> Option<&DropReason> {
        self.reasons.get(hash).map(|(_, reason)| reason)
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}
