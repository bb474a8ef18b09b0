//! The newest blocks with the states before and after them.

use crate::{block::Block, diff::StateDiff, state::State};
use alloy_primitives::B256;
use qsdm_primitives::limits::{RECENT_WEIGHT_MAX, STATE_SNAPSHOTS};
use std::{collections::VecDeque, sync::Arc};

#[derive(Debug)]
struct RecentBlock {
    block: Arc<Block>,
    sequence: u64,
    before: State,
    after: State,
    /// What keeping this entry costs: transactions, accounts and slots that changed.
    weight: usize,
}

/// Consecutive newest blocks, bounded in number and in weight; the newest one always stays.
#[derive(Debug, Default)]
pub(super) struct Recent {
    blocks: VecDeque<RecentBlock>,
    weight: usize,
}

impl Recent {
    pub(super) fn starting_with(block: Arc<Block>, before: State, after: State, diff: &StateDiff) -> Self {
        let mut recent = Self::default();
        recent.push(block, 0, before, after, diff);
        recent
    }

    pub(super) fn push(&mut self, block: Arc<Block>, sequence: u64, before: State, after: State, diff: &StateDiff) {
        let slots: usize = diff.accounts.iter().map(|account| account.slots.len()).sum();
        let weight = 1 + block.transactions.len() + diff.accounts.len() + slots;
        self.weight += weight;
        self.blocks.push_back(RecentBlock { block, sequence, before, after, weight });
        while self.blocks.len() > 1 && (self.blocks.len() > STATE_SNAPSHOTS || self.weight > RECENT_WEIGHT_MAX) {
            if let Some(oldest) = self.blocks.pop_front() {
                self.weight -= oldest.weight;
            }
        }
    }

    /// Drops every block of a step after `sequence`.
    pub(super) fn truncate(&mut self, sequence: u64) {
        while self.blocks.back().is_some_and(|newest| newest.sequence > sequence) {
            if let Some(newest) = self.blocks.pop_back() {
                self.weight -= newest.weight;
            }
        }
    }

    fn get(&self, number: u64) -> Option<&RecentBlock> {
        let first = self.blocks.front()?.block.number();
        let position = usize::try_from(number.checked_sub(first)?).ok()?;
        self.blocks.get(position)
    }

    pub(super) fn newest(&self) -> Option<&Arc<Block>> {
        self.blocks.back().map(|newest| &newest.block)
    }

    pub(super) fn first_number(&self) -> Option<u64> {
        self.blocks.front().map(|oldest| oldest.block.number())
    }

    pub(super) fn block(&self, number: u64) -> Option<Arc<Block>> {
        self.get(number).map(|recent| recent.block.clone())
    }

    pub(super) fn block_by_hash(&self, hash: &B256) -> Option<Arc<Block>> {
        self.blocks.iter().rev().find(|recent| recent.block.hash == *hash).map(|recent| recent.block.clone())
    }

    pub(super) fn state_after(&self, number: u64) -> Option<State> {
        self.get(number).map(|recent| recent.after.clone())
    }

    pub(super) fn state_before(&self, number: u64) -> Option<State> {
        self.get(number).map(|recent| recent.before.clone())
    }

    /// The oldest kept state that is not older than step `sequence`, with its step.
    pub(super) fn base_for(&self, sequence: u64) -> Option<(u64, State)> {
        let position = self.blocks.partition_point(|recent| recent.sequence <= sequence);
        let next = self.blocks.get(position)?;
        Some((next.sequence - 1, next.before.clone()))
    }
}
