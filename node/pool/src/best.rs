//! Transactions for a block, best first.

use crate::{
    Pool,
    entry::Entry,
    heads::{HeadKey, Lane},
    inner::Inner,
};
use alloy_consensus::Transaction;
use qsdm_primitives::SubmeshId;
use qsdm_vm::block::SharedTx;
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    ops::Bound,
    sync::Arc,
};

/// Executable transactions of one submesh: highest effective tip first, of equal ones the earlier arrival, each sender's
/// in the order of their nonces. Made by [`Pool::best`].
///
/// It takes the pool's lock for each step only, and looks at no more senders than it must, so the pool can be used
/// meanwhile. What arrives meanwhile may be missed; what is gone is not yielded.
#[derive(Debug)]
pub struct BestTransactions<'a> {
    pool: &'a Pool,
    submesh: SubmeshId,
    base_fee: u64,
    /// Where the walks over the heads are.
    flat: Option<HeadKey>,
    dynamic: Option<HeadKey>,
    candidates: BinaryHeap<Candidate>,
    last: Option<Arc<Entry>>,
}

#[derive(Debug)]
struct Candidate {
    rank: HeadKey,
    entry: Arc<Entry>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    /// The heap gives its greatest, and the least rank is the best.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank)
    }
}

impl<'a> BestTransactions<'a> {
    pub(crate) fn new(pool: &'a Pool, submesh: SubmeshId, base_fee: u64) -> Self {
        Self { pool, submesh, base_fee, flat: None, dynamic: None, candidates: BinaryHeap::new(), last: None }
    }

    /// The transaction yielded last does not get into the block, so its sender's later ones can't either.
    pub fn skip_sender(&mut self) {
        self.last = None;
    }

    fn offer(&mut self, entry: &Arc<Entry>) {
        if entry.submesh == self.submesh
            && let Some(tip) = entry.effective_tip(self.base_fee)
        {
            let rank = (Reverse(tip), entry.sequence);
            self.candidates.push(Candidate { rank, entry: Arc::clone(entry) });
        }
    }

    /// Takes heads until no other can be better than the best candidate.
    fn pull(&mut self, lane: &Lane) {
        let base_fee = u128::from(self.base_fee);
        while let Some((key, entry)) = after(&lane.flat, self.flat) {
            let Some(tip) = entry.fee.checked_sub(base_fee) else { break };
            if !self.may_be_best((Reverse(tip), entry.sequence)) {
                break;
            }
            self.flat = Some(key);
            self.offer(entry);
        }
        while let Some((key, entry)) = after(&lane.dynamic, self.dynamic) {
            if !self.may_be_best(key) {
                break;
            }
            self.dynamic = Some(key);
            self.offer(entry);
        }
    }

    fn may_be_best(&self, rank: HeadKey) -> bool {
        self.candidates.peek().is_none_or(|best| rank < best.rank)
    }

    fn step(&mut self, inner: &Inner) -> Option<Arc<Entry>> {
        if let Some(last) = self.last.take()
            && let Some(line) = inner.senders.get(&last.sender())
            && let Some(entry) = line.executable_at(last.tx.nonce() + 1)
        {
            self.offer(entry);
        }
        loop {
            if let Some(lane) = inner.indexes.heads.lane(self.submesh) {
                self.pull(lane);
            }
            let Candidate { entry, .. } = self.candidates.pop()?;
            let current = inner.senders.get(&entry.sender()).and_then(|line| line.executable_at(entry.nonce()));
            if current.is_some_and(|current| Arc::ptr_eq(current, &entry)) {
                return Some(entry);
            }
        }
    }
}

impl Iterator for BestTransactions<'_> {
    type Item = SharedTx;

    fn next(&mut self) -> Option<SharedTx> {
        let pool = self.pool;
        let entry = self.step(&pool.inner.lock())?;
        let tx = Arc::clone(&entry.tx);
        self.last = Some(entry);
        Some(tx)
    }
}

fn after(heads: &BTreeMap<HeadKey, Arc<Entry>>, last: Option<HeadKey>) -> Option<(HeadKey, &Arc<Entry>)> {
    let start = last.map_or(Bound::Unbounded, Bound::Excluded);
    heads.range((start, Bound::Unbounded)).next().map(|(key, entry)| (*key, entry))
}
