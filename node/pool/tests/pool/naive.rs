//! A pool that is obviously right and slow: it recomputes everything from a list.

use crate::support::*;
use alloy_primitives::{Address, U256};
use qsdm_primitives::SubmeshId;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) draft: Draft,
    pub(crate) submesh: SubmeshId,
    pub(crate) sequence: u64,
    pub(crate) added_s: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Naive {
    pub(crate) held: Vec<Held>,
    pub(crate) accounts: BTreeMap<Address, (u64, U256)>,
    arrivals: u64,
}

/// How far ahead a nonce may be, how long a queued one is held.
pub(crate) const AHEAD: u64 = 4;
pub(crate) const HOLD_S: u64 = 100;

impl Naive {
    pub(crate) fn at(&self, sender: Address, nonce: u64) -> Option<&Held> {
        self.held.iter().find(|held| held.draft.sender == sender && held.draft.nonce == nonce)
    }

    /// The executable ones of a sender, in order.
    pub(crate) fn executable(&self, sender: Address) -> Vec<&Held> {
        let (nonce, balance) = self.accounts[&sender];
        let (mut chain, mut cost) = (Vec::new(), U256::ZERO);
        while let Some(next) = self.at(sender, nonce + chain.len() as u64) {
            cost += next.draft.cost();
            if cost > balance {
                break;
            }
            chain.push(next);
        }
        chain
    }

    pub(crate) fn is_executable(&self, held: &Held) -> bool {
        self.executable(held.draft.sender).iter().any(|other| other.sequence == held.sequence)
    }

    /// The beginning of the refusal, or nothing.
    pub(crate) fn add(&mut self, draft: &Draft, submesh: SubmeshId, now_s: u64) -> Result<(), &'static str> {
        self.expire(now_s);
        let (nonce, balance) = self.accounts[&draft.sender];
        let old = self.at(draft.sender, draft.nonce);
        if old.is_some_and(|old| old.draft.tx().tx_hash() == draft.tx().tx_hash()) {
            return Err("already known");
        }
        if draft.nonce < nonce {
            return Err("nonce too low");
        }
        let chain = self.executable(draft.sender);
        if draft.nonce > nonce + chain.len() as u64 + AHEAD {
            return Err("nonce too high");
        }
        if let Some(old) = old {
            let enough = |new: u128, old: u128| new > old && new * 100 >= old * 110;
            if !enough(draft.fee, old.draft.fee) || !enough(draft.tip, old.draft.tip) {
                return Err("replacement transaction underpriced");
            }
        }
        let others = chain.iter().filter(|held| held.draft.nonce != draft.nonce).map(|held| held.draft.cost());
        if others.sum::<U256>() + draft.cost() > balance {
            return Err("insufficient funds");
        }
        self.held.retain(|held| (held.draft.sender, held.draft.nonce) != (draft.sender, draft.nonce));
        self.held.push(Held { draft: draft.clone(), submesh, sequence: self.arrivals, added_s: now_s });
        self.arrivals += 1;
        Ok(())
    }

    pub(crate) fn expire(&mut self, now_s: u64) {
        let kept = self.held.iter().filter(|held| self.is_executable(held) || now_s - held.added_s < HOLD_S);
        self.held = kept.cloned().collect();
    }

    pub(crate) fn set_account(&mut self, sender: Address, nonce: u64, balance: U256) {
        self.accounts.insert(sender, (nonce, balance));
        self.held.retain(|held| held.draft.sender != sender || held.draft.nonce >= nonce);
    }

    /// What a block of `submesh` would be offered.
    pub(crate) fn best(&self, submesh: SubmeshId, base_fee: u64) -> Vec<(Address, u64)> {
        let mut chains: Vec<_> = self.accounts.keys().map(|sender| self.executable(*sender)).collect();
        let mut order = Vec::new();
        let tip = |draft: &Draft| Some((draft.fee.checked_sub(base_fee.into())?).min(draft.tip));
        loop {
            let heads = chains.iter().enumerate().filter_map(|(index, chain)| {
                let head = chain.first().filter(|head| head.submesh == submesh)?;
                Some((tip(&head.draft)?, std::cmp::Reverse(head.sequence), index))
            });
            let Some((.., index)) = heads.max() else { return order };
            let head = chains[index].remove(0);
            order.push((head.draft.sender, head.draft.nonce));
        }
    }
}
