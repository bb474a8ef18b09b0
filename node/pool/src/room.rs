//! Which transactions give way when the pool is full.
//!
//! A sender's transactions leave from the highest nonce down, so that the others stay executable. What the last one is
//! worth to a block's author is the least effective tip of the sender's executable chain, because it can't get in before
//! the others: min over the chain of min(tip, fee cap − base fee) = min(least tip, least fee cap − base fee).

use crate::{
    entry::Entry,
    queue::{Place, Queue},
    sender::Sender,
};
use alloy_primitives::Address;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The least tip and the least fee cap of a sender's executable transactions, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) tip: u128,
    pub(crate) fee: u128,
}

/// Keeps a [`Floor`] while entries come and go. It counts who has the least values, so that it must look at all entries
/// anew only after the last of those is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FloorCount {
    tip: Least,
    fee: Least,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Least {
    value: u128,
    count: usize,
}

impl Least {
    const NONE: Self = Self { value: u128::MAX, count: 0 };

    fn add(&mut self, value: u128) {
        if value < self.value {
            *self = Self { value, count: 1 };
        } else if value == self.value {
            self.count += 1;
        }
    }

    fn remove(&mut self, value: u128) {
        if value == self.value {
            self.count = self.count.saturating_sub(1);
        }
    }
}

impl FloorCount {
    pub(crate) const NONE: Self = Self { tip: Least::NONE, fee: Least::NONE };

    pub(crate) fn add(&mut self, entry: &Entry) {
        self.tip.add(entry.tip);
        self.fee.add(entry.fee);
    }

    pub(crate) fn remove(&mut self, entry: &Entry) {
        self.tip.remove(entry.tip);
        self.fee.remove(entry.fee);
    }

    /// The floor, if it is known without looking at the entries.
    pub(crate) fn floor(&self) -> Option<Floor> {
        (self.tip.count > 0 && self.fee.count > 0).then_some(Floor { tip: self.tip.value, fee: self.fee.value })
    }

    pub(crate) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut count = Self::NONE;
        entries.for_each(|entry| count.add(entry));
        count
    }
}

/// Senders, the one with the least wei per gas first.
type Ranking = BTreeSet<(u128, Address)>;

/// Senders with executable transactions by their floors.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    pub(crate) by_tip: Ranking,
    pub(crate) by_fee: Ranking,
}

impl Floors {
    pub(crate) fn update(&mut self, sender: Address, old: Option<Floor>, new: Option<Floor>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.by_tip.remove(&(old.tip, sender));
            self.by_fee.remove(&(old.fee, sender));
        }
        if let Some(new) = new {
            self.by_tip.insert((new.tip, sender));
            self.by_fee.insert((new.fee, sender));
        }
    }

    /// Senders whose chain is worth less than `worth`, the worst first. A sender may come twice.
    fn worse_than(&self, worth: i128, base_fee: u64) -> impl Iterator<Item = Address> {
        let mut tips = self.by_tip.iter().map(|(tip, sender)| (signed(*tip), *sender)).peekable();
        let mut margins = self.by_fee.iter().map(move |(fee, sender)| (margin(*fee, base_fee), *sender)).peekable();
        std::iter::from_fn(move || {
            let tip_is_worse = match (tips.peek(), margins.peek()) {
                (Some((tip, _)), Some((margin, _))) => tip < margin,
                (tip, _) => tip.is_some(),
            };
            let (worst, sender) = if tip_is_worse { tips.next()? } else { margins.next()? };
            (worst < worth).then_some(sender)
        })
    }
}

/// What a newcomer needs.
pub(crate) struct Need<'a> {
    pub(crate) newcomer: &'a Entry,
    pub(crate) executable: bool,
    pub(crate) base_fee: u64,
    /// Transactions that must go.
    pub(crate) txs: usize,
    /// Bytes that must go.
    pub(crate) bytes: usize,
}

/// The places of the entries that give way, or `None` if too few are worse than the newcomer. A queued entry gives way
/// to an executable one, or to a queued one with a higher fee cap; an executable one only to an executable one that is
/// worth more, and of each sender at most one. The newcomer's own sender gives up nothing: the newcomer may need it.
pub(crate) fn plan(
    need: &Need<'_>,
    queue: &Queue,
    floors: &Floors,
    senders: &HashMap<Address, Sender>,
) -> Option<Vec<Place>> {
    let own = need.newcomer.sender();
    let (mut txs, mut bytes) = (need.txs, need.bytes);
    let mut victims = Vec::new();
    let queued = queue.cheapest().take_while(|(fee, _)| need.executable || *fee < need.newcomer.fee);
    for (_, place) in queued.filter(|(_, (sender, _))| *sender != own) {
        if txs == 0 && bytes == 0 {
            return Some(victims);
        }
        let size = senders.get(&place.0)?.txs.get(&place.1)?.bytes;
        (txs, bytes) = (txs.saturating_sub(1), bytes.saturating_sub(size));
        victims.push(place);
    }
    if need.executable {
        let worth = signed(need.newcomer.tip).min(margin(need.newcomer.fee, need.base_fee));
        let mut seen = HashSet::from([own]);
        for sender in floors.worse_than(worth, need.base_fee) {
            if txs == 0 && bytes == 0 {
                break;
            }
            if seen.insert(sender) {
                let last = senders.get(&sender)?.last_executable()?;
                (txs, bytes) = (txs.saturating_sub(1), bytes.saturating_sub(last.bytes));
                victims.push((sender, last.nonce()));
            }
        }
    }
    (txs == 0 && bytes == 0).then_some(victims)
}

fn margin(fee: u128, base_fee: u64) -> i128 {
    signed(fee).saturating_sub(i128::from(base_fee))
}

fn signed(wei: u128) -> i128 {
    i128::try_from(wei).unwrap_or(i128::MAX)
}
