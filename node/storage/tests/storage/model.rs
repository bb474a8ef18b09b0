//! What the store must answer, by brute force.

use crate::samples::{Random, State, assert_same_block, step};
use alloy_primitives::{B256, Bytes};
use qsdm_storage::Store;
use qsdm_vm::{
    block::TxLocation,
    ports::{ChainStore, Commit, LogQuery, Step, StoredHead},
};
use std::collections::BTreeMap;

/// The chain in memory: every step, and the state after each.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) steps: Vec<Commit>,
    states: Vec<State>,
    codes: BTreeMap<B256, Bytes>,
}

impl Model {
    pub(crate) fn state(&self) -> State {
        self.states.last().cloned().unwrap_or_default()
    }

    fn height(&self) -> Option<u64> {
        self.steps.iter().rev().find_map(|step| step.block.as_ref()).map(|block| block.number())
    }

    /// Appends a random step and returns it for the store.
    pub(crate) fn grow(&mut self, random: &mut Random) -> &Commit {
        let mut state = self.state();
        let number = match self.height() {
            None => Some(0),
            Some(height) => {
                if random.chance(80) {
                    Some(height + 1)
                } else {
                    None
                }
            }
        };
        let commit = step(random, self.steps.len() as u64, number, &mut state);
        self.codes.extend(commit.diff.codes.iter().cloned());
        self.states.push(state);
        self.steps.push(commit);
        &self.steps[self.steps.len() - 1]
    }

    pub(crate) fn rollback(&mut self, sequence: u64) {
        self.steps.truncate(sequence as usize + 1);
        self.states.truncate(sequence as usize + 1);
    }

    /// Everything that `store` answers is what this chain has.
    pub(crate) fn assert_is(&self, store: &Store, random: &mut Random) {
        let head = self.steps.last().map(|step| StoredHead {
            sequence: step.sequence,
            block: self.height().unwrap_or_default(),
            state_root: step.state_root,
        });
        assert_eq!(store.head().unwrap(), head);
        self.assert_blocks(store);
        self.assert_steps(store, random);
        for _ in 0..8 {
            self.assert_logs(store, random);
        }
        for (hash, code) in &self.codes {
            assert_eq!(store.code(hash).unwrap().as_ref(), Some(code));
        }
        assert_eq!(store.code(&random.hash()).unwrap(), None);
        self.assert_state(store);
        // now that the walk has made the store write what was pending, the indexes answer from the database
        self.assert_blocks(store);
        self.assert_logs(store, random);
    }

    fn assert_blocks(&self, store: &Store) {
        let mut number = 0;
        for commit in &self.steps {
            let Some(block) = &commit.block else { continue };
            assert_same_block(&store.block(number).unwrap().unwrap(), block);
            assert_eq!(store.block_number(&block.hash).unwrap(), Some(number));
            assert_eq!(store.tx_location(&block.hash).unwrap(), None);
            assert_eq!(store.sequence_of_block(number).unwrap(), Some(commit.sequence));
            for (tx, index) in block.transactions.iter().zip(0..) {
                let location = TxLocation { block: number, index };
                assert_eq!(store.tx_location(tx.tx_hash()).unwrap(), Some(location));
                assert_eq!(store.block_number(tx.tx_hash()).unwrap(), None);
            }
            number += 1;
        }
        for absent in [number, number + 1, u64::MAX] {
            assert!(store.block(absent).unwrap().is_none());
            assert_eq!(store.sequence_of_block(absent).unwrap(), None);
        }
        for absent in [B256::ZERO, B256::repeat_byte(0xcc)] {
            assert_eq!(store.tx_location(&absent).unwrap(), None);
            assert_eq!(store.block_number(&absent).unwrap(), None);
        }
    }

    fn assert_steps(&self, store: &Store, random: &mut Random) {
        let length = self.steps.len() as u64;
        let (start, end) = (random.below(length + 1), random.below(length + 3));
        for (range, newest_first) in
            [(0..=u64::MAX, false), (0..=u64::MAX, true), (start..=end, true), (start..=end, false)]
        {
            let mut expected: Vec<_> = self.steps.iter().filter(|step| range.contains(&step.sequence)).collect();
            if newest_first {
                expected.reverse();
            }
            let mut found = Vec::new();
            store
                .visit_steps(range, newest_first, &mut |step| {
                    found.push(step);
                    true
                })
                .unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert_same_step(found, expected);
            }
        }
        let mut seen = 0;
        store
            .visit_steps(0..=u64::MAX, false, &mut |_| {
                seen += 1;
                seen < 2
            })
            .unwrap();
        assert_eq!(seen, length.min(2));
    }

    fn assert_logs(&self, store: &Store, random: &mut Random) {
        let mut query = LogQuery::default();
        for _ in 0..random.below(3) {
            query.addresses.push(random.address());
        }
        for position in 0..4 {
            for _ in 0..random.below(5).saturating_sub(2) {
                query.topics[position].push(random.topic());
            }
        }
        let height = self.height().unwrap_or_default();
        let (start, end) = (random.below(height + 2), random.below(height + 3));
        let candidates = store.blocks_with_logs(start..=end, &query).unwrap();
        assert!(candidates.is_sorted_by(|first, second| first < second));
        assert!(candidates.iter().all(|number| (start..=end).contains(number) && *number <= height));
        for block in self.steps.iter().filter_map(|step| step.block.as_ref()) {
            let number = block.number();
            let matches = block.logs().any(|(_, _, log)| query.matches(log));
            if (start..=end).contains(&number) && matches {
                assert!(candidates.contains(&number), "block {number} has a log that matches {query:?}");
            }
        }
        for number in candidates {
            let block = store.block(number).unwrap().unwrap();
            // a candidate has what each part of the query wants, if not in one log
            let parts = |part: &LogQuery| block.logs().any(|(_, _, log)| part.matches(log));
            assert!(parts(&LogQuery { addresses: query.addresses.clone(), ..LogQuery::default() }));
            for position in 0..4 {
                let mut part = LogQuery::default();
                part.topics[position] = query.topics[position].clone();
                assert!(parts(&part));
            }
        }
    }

    fn assert_state(&self, store: &Store) {
        let mut found = State::new();
        let mut order = Vec::new();
        store
            .visit_accounts(&mut |account| {
                assert!(account.slots.is_sorted_by(|first, second| first.0 < second.0));
                let slots = account.slots.into_iter().map(|(hash, slot, value)| (hash, (slot, value))).collect();
                order.push(account.hashed_address);
                found.insert(account.hashed_address, (account.address, account.fields, slots));
            })
            .unwrap();
        assert!(order.is_sorted_by(|first, second| first < second));
        assert_eq!(found, self.state());
    }
}

fn assert_same_step(found: &Step, expected: &Commit) {
    assert_eq!(found.sequence, expected.sequence);
    assert_eq!(found.block, expected.block.as_ref().map(|block| block.number()));
    assert_eq!(found.patches, expected.patches);
    assert_eq!(found.state_root, expected.state_root);
    assert_eq!(found.diff.accounts, expected.diff.accounts);
    assert!(found.diff.codes.is_empty(), "code is read by its hash");
}
