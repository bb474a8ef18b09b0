//! Snapshots of the contents.

use crate::{inner::Inner, sender::Sender};
use alloy_primitives::{Address, B256};
use qsdm_vm::block::SharedTx;
use std::{collections::BTreeMap, sync::Arc};

/// Transactions by sender and nonce.
pub type BySender = BTreeMap<Address, BTreeMap<u64, SharedTx>>;

/// The contents of the pool at one moment, as `txpool_content` shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Executable ones, whatever the base fee.
    pub pending: BySender,
    /// Those that wait for a missing nonce or for funds.
    pub queued: BySender,
}

impl Content {
    pub(crate) fn of<'a>(senders: impl Iterator<Item = (&'a Address, &'a Sender)>) -> Self {
        let mut content = Self::default();
        for (address, line) in senders {
            for (nonce, entry) in &line.txs {
                let side = if line.is_executable(*nonce) { &mut content.pending } else { &mut content.queued };
                side.entry(*address).or_default().insert(*nonce, Arc::clone(&entry.tx));
            }
        }
        content
    }
}

impl Inner {
    /// Executable ones in order of arrival.
    pub(crate) fn pending(&self) -> Vec<(B256, SharedTx)> {
        let mut entries: Vec<_> = self.senders.values().flat_map(Sender::executable).collect();
        entries.sort_unstable_by_key(|entry| entry.sequence);
        entries.into_iter().map(|entry| (*entry.hash(), Arc::clone(&entry.tx))).collect()
    }
}
