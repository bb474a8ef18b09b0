//! Recomputes what the pool keeps incrementally.

use crate::{PoolConfig, inner::Inner, room::FloorCount, sender::Sender};
use alloy_primitives::U256;
use std::{collections::BTreeSet, sync::Arc};

impl Inner {
    pub(crate) fn audit(&self, config: &PoolConfig) -> Result<(), String> {
        let entries = || self.senders.values().flat_map(|line| line.txs.values());
        equal("bytes", entries().map(|entry| entry.bytes).sum(), self.bytes)?;
        equal("hashes", entries().count(), self.by_hash.len())?;
        let executable = self.senders.values().map(|line| line.executable().count()).sum();
        equal("executable", executable, self.indexes.executable)?;
        equal("queued", self.by_hash.len() - executable, self.indexes.queue.len())?;
        equal("fresh senders", self.senders.values().filter(|line| line.fresh).count(), self.fresh.len())?;
        for entry in entries() {
            equal("place", Some(&(entry.sender(), entry.nonce())), self.by_hash.get(entry.hash()))?;
        }
        within("transactions", self.by_hash.len(), config.txs_max)?;
        within("bytes", self.bytes, config.bytes_max)?;
        within("drops", self.dropped.len(), config.dropped_max)?;
        for line in self.senders.values() {
            line.audit(config)?;
        }
        self.audit_queue()?;
        self.audit_heads()?;
        self.audit_floors()
    }

    fn audit_queue(&self) -> Result<(), String> {
        let queued = self.senders.values().flat_map(|line| {
            let nonces = line.txs.keys().filter(|nonce| !line.is_executable(**nonce));
            nonces.map(|nonce| (line.address(), *nonce))
        });
        let queued: BTreeSet<_> = queued.collect();
        let (by_fee, by_age) = self.indexes.queue.places();
        equal("queue by fee", &queued, &by_fee)?;
        equal("queue by age", &queued, &by_age)
    }

    fn audit_heads(&self) -> Result<(), String> {
        let wanted = self.senders.values().filter_map(|line| line.executable().next());
        let wanted: BTreeSet<_> = wanted.map(Arc::as_ptr).collect();
        let heads: BTreeSet<_> = self.indexes.heads.all().map(Arc::as_ptr).collect();
        equal("number of heads", heads.len(), self.indexes.heads.all().count())?;
        equal("heads", wanted, heads)
    }

    fn audit_floors(&self) -> Result<(), String> {
        let lines = self.senders.values().filter(|line| line.executable().next().is_some());
        let floor = |line: &Sender| FloorCount::of(line.executable().map(AsRef::as_ref)).floor();
        let floors: Vec<_> = lines.filter_map(|line| Some((line.address(), floor(line)?))).collect();
        let by_tip = floors.iter().map(|(sender, floor)| (floor.tip, *sender)).collect();
        let by_fee = floors.iter().map(|(sender, floor)| (floor.fee, *sender)).collect();
        equal("floors by tip", &by_tip, &self.indexes.floors.by_tip)?;
        equal("floors by fee", &by_fee, &self.indexes.floors.by_fee)
    }
}

impl Sender {
    fn audit(&self, config: &PoolConfig) -> Result<(), String> {
        if self.txs.is_empty() && !self.fresh {
            return Err(format!("{} is kept without transactions", self.address()));
        }
        within("transactions of a sender", self.txs.len(), config.account_txs_max)?;
        let nonces: Vec<_> = self.executable().map(|entry| entry.nonce()).collect();
        equal("executable nonces", (self.nonce..self.next()).collect(), nonces)?;
        let cost = self.executable().map(|entry| entry.cost).sum::<U256>();
        equal("executable cost", cost, self.executable_cost())?;
        if cost > self.balance {
            return Err(format!("{} can pay {} and is charged {cost}", self.address(), self.balance));
        }
        match (self.txs.first_key_value(), self.txs.get(&self.next())) {
            (Some((first, _)), _) if *first < self.nonce => Err(format!("nonce {first} is used")),
            (_, Some(next)) if cost.saturating_add(next.cost) <= self.balance => {
                Err(format!("nonce {} is queued and could execute", next.nonce()))
            }
            _ => Ok(()),
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, recomputed: T, kept: T) -> Result<(), String> {
    if recomputed == kept { Ok(()) } else { Err(format!("{what}: {recomputed:?} recomputed, {kept:?} kept")) }
}

fn within(what: &str, number: usize, limit: usize) -> Result<(), String> {
    if number <= limit { Ok(()) } else { Err(format!("{what}: {number}, limit {limit}")) }
}
