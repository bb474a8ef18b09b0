//! In which cells transactions were seen, what they conflict with, and which of them used a nonce first.

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;
use qsdm_primitives::{
    CellId,
    limits::{SIGHTINGS_KEPT, SIGHTINGS_OF_ONE_MAX},
};
use qsdm_rpc::ports::{Conflict, Event, Sighted};
use qsdm_vm::block::SharedTx;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, mpsc::SyncSender},
};
use tokio::sync::broadcast;

/// JSON-RPC asks how many build on these cells.
#[derive(Debug)]
pub(crate) struct Ask {
    pub cells: Vec<CellId>,
    pub reply: SyncSender<Vec<Option<u64>>>,
}

/// What was seen of one transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub cells: Vec<CellId>,
    /// With what, and whether that does the same for another fee.
    pub conflicts: Vec<(B256, bool)>,
}

/// The newest entries of a map.
#[derive(Debug)]
pub(crate) struct Newest<K, V> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, V: Default> Newest<K, V> {
    /// The entry of a key; where there is none it is made, and the oldest one goes.
    pub(crate) fn entry(&mut self, key: K) -> &mut V {
        if !self.entries.contains_key(&key) {
            self.order.push_back(key);
            while self.order.len() > SIGHTINGS_KEPT {
                if let Some(oldest) = self.order.pop_front() {
                    self.entries.remove(&oldest);
                }
            }
        }
        self.entries.entry(key).or_default()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }
}

impl<K, V> Default for Newest<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new() }
    }
}

/// What was executed newest, by sender and nonce.
pub(crate) type Spent = Newest<(Address, u64), B256>;

/// What was seen of transactions.
#[derive(Debug, Default)]
pub(crate) struct Sightings(Mutex<Newest<B256, Seen>>);

impl Sightings {
    /// A cell with these transactions was admitted.
    pub(crate) fn seen(&self, cell: CellId, transactions: &[SharedTx]) {
        let mut seen = self.0.lock();
        for tx in transactions {
            let Seen { cells, .. } = seen.entry(*tx.tx_hash());
            if cells.len() < SIGHTINGS_OF_ONE_MAX && !cells.contains(&cell) {
                cells.push(cell);
            }
        }
    }

    /// Transactions exclude one another: whoever listens is told, unless that is known.
    pub(crate) fn conflict(&self, conflict: Conflict, events: &broadcast::Sender<Event>) {
        let (newest, is_replacement) = (conflict.newest.transaction, conflict.is_replacement);
        let mut is_news = false;
        let mut seen = self.0.lock();
        let mut note = |of: B256, with: B256| {
            let Seen { conflicts, .. } = seen.entry(of);
            if conflicts.len() < SIGHTINGS_OF_ONE_MAX && conflicts.iter().all(|(known, _)| *known != with) {
                conflicts.push((with, is_replacement));
                is_news = true;
            }
        };
        for other in &conflict.others {
            note(newest, other.transaction);
            note(other.transaction, newest);
        }
        drop(seen);
        if is_news {
            // nobody listening is fine
            let _ = events.send(Event::Conflict(Arc::new(conflict)));
        }
    }

    /// Two transactions of one sender and nonce, of which one at least is in no cell.
    pub(crate) fn pair(&self, newest: &SharedTx, other: &SharedTx, events: &broadcast::Sender<Event>) {
        let sighted = |tx: &SharedTx| {
            let hash = *tx.tx_hash();
            Sighted { cell: self.of(&hash).cells.first().map(|cell| cell.0.into()), transaction: hash }
        };
        let is_same = newest.to() == other.to() && newest.value() == other.value() && newest.input() == other.input();
        let conflict = Conflict {
            sender: newest.signer(),
            nonce: newest.nonce(),
            is_replacement: is_same,
            newest: sighted(newest),
            others: vec![sighted(other)],
        };
        self.conflict(conflict, events);
    }

    /// What was seen of one transaction.
    pub(crate) fn of(&self, hash: &B256) -> Seen {
        self.0.lock().get(hash).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut newest: Newest<u64, u64> = Newest::default();
        for key in 0..SIGHTINGS_KEPT as u64 + 10 {
            *newest.entry(key) = key;
            *newest.entry(key) += 1;
        }
        assert_eq!((newest.get(&9), newest.get(&10)), (None, Some(&11)));
        assert_eq!(newest.entries.len(), SIGHTINGS_KEPT);
    }

    #[test]
    fn each_of_a_conflict_names_the_others_and_is_told_of_once() {
        let (sightings, (events, mut told)) = (Sightings::default(), broadcast::channel(8));
        let [one, two, three] = [1, 2, 3].map(B256::repeat_byte);
        let sighted = |transaction: &B256| Sighted { cell: None, transaction: *transaction };
        let conflict = |newest: B256, others: &[B256]| Conflict {
            sender: Address::repeat_byte(7),
            nonce: 0,
            is_replacement: false,
            newest: sighted(&newest),
            others: others.iter().map(sighted).collect(),
        };
        sightings.conflict(conflict(two, &[one]), &events);
        sightings.conflict(conflict(three, &[one, two]), &events);
        sightings.conflict(conflict(two, &[one]), &events);
        for (of, with) in [(one, [two, three]), (two, [one, three]), (three, [one, two])] {
            assert_eq!(sightings.of(&of).conflicts, with.map(|with| (with, false)));
        }
        assert!(matches!(told.try_recv(), Ok(Event::Conflict(told)) if told.others.len() == 1));
        assert!(matches!(told.try_recv(), Ok(Event::Conflict(told)) if told.others.len() == 2));
        assert!(told.try_recv().is_err());
    }
}
