//! The transactions that can't execute yet, in the orders in which they leave: the cheapest when room is needed, the
//! oldest when their time is over.

use crate::entry::Entry;
use alloy_primitives::Address;
use std::{cmp::Reverse, collections::BTreeSet};

/// Sender and nonce: where an entry is.
pub(crate) type Place = (Address, u64);

/// Indexes over the queued entries.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Lowest fee cap first, of equal ones the latest arrival.
    by_fee: BTreeSet<(u128, Reverse<u64>, Place)>,
    /// Earliest arrival first.
    by_age: BTreeSet<(u64, u64, Place)>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.by_fee.len()
    }

    pub(crate) fn insert(&mut self, entry: &Entry) {
        let place = (entry.sender(), entry.nonce());
        self.by_fee.insert((entry.fee, Reverse(entry.sequence), place));
        self.by_age.insert((entry.added_s, entry.sequence, place));
    }

    pub(crate) fn remove(&mut self, entry: &Entry) {
        let place = (entry.sender(), entry.nonce());
        self.by_fee.remove(&(entry.fee, Reverse(entry.sequence), place));
        self.by_age.remove(&(entry.added_s, entry.sequence, place));
    }

    /// Entries with their fee caps, cheapest first.
    pub(crate) fn cheapest(&self) -> impl Iterator<Item = (u128, Place)> {
        self.by_fee.iter().map(|(fee, _, place)| (*fee, *place))
    }

    /// The oldest entry and when it arrived.
    pub(crate) fn oldest(&self) -> Option<(u64, Place)> {
        self.by_age.first().map(|(added_s, _, place)| (*added_s, *place))
    }

    pub(crate) fn places(&self) -> (BTreeSet<Place>, BTreeSet<Place>) {
        (self.by_fee.iter().map(|key| key.2).collect(), self.by_age.iter().map(|key| key.2).collect())
    }
}
