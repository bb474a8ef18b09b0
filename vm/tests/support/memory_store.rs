//! A chain store in memory: the oracle that the durable one is compared with, and the store of this crate's tests.

use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::Mutex;
use qsdm_vm::{
    block::{Block, TxLocation},
    diff::AccountFields,
    ports::{ChainStore, Commit, LogQuery, Step, StoreError, StoredAccount, StoredHead},
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
    sync::Arc,
};

#[derive(Default)]
struct Contents {
    commits: Vec<Commit>,
    accounts: BTreeMap<B256, (Address, AccountFields)>,
    slots: BTreeMap<(B256, B256), (U256, U256)>,
    codes: HashMap<B256, Bytes>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<Contents>);

impl Contents {
    fn apply(&mut self, diff: &qsdm_vm::diff::StateDiff) {
        for change in &diff.accounts {
            match change.after {
                Some(fields) => self.accounts.insert(change.hashed_address, (change.address, fields)),
                None => self.accounts.remove(&change.hashed_address),
            };
            for slot in &change.slots {
                let key = (change.hashed_address, slot.hashed_key);
                if slot.after.is_zero() {
                    self.slots.remove(&key);
                } else {
                    self.slots.insert(key, (slot.key, slot.after));
                }
            }
        }
        self.codes.extend(diff.codes.iter().cloned());
    }

    fn blocks(&self) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        self.commits.iter().filter_map(|commit| commit.block.as_ref())
    }
}

impl ChainStore for MemoryStore {
    fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        let contents = self.0.lock();
        let block = contents.blocks().next_back().map_or(0, |block| block.number());
        Ok(contents.commits.last().map(|last| StoredHead {
            sequence: last.sequence,
            block,
            state_root: last.state_root,
        }))
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut contents = self.0.lock();
        if commit.sequence != contents.commits.len() as u64 {
            return Err(StoreError(format!("step {} out of order", commit.sequence).into()));
        }
        contents.apply(&commit.diff);
        contents.commits.push(commit.clone());
        Ok(())
    }

    fn rollback(&self, sequence: u64) -> Result<(), StoreError> {
        let mut contents = self.0.lock();
        while contents.commits.len() as u64 > sequence + 1 {
            if let Some(commit) = contents.commits.pop() {
                contents.apply(&commit.diff.reversed());
            }
        }
        Ok(())
    }

    fn block(&self, number: u64) -> Result<Option<Arc<Block>>, StoreError> {
        Ok(self.0.lock().blocks().find(|block| block.number() == number).cloned())
    }

    fn block_number(&self, hash: &B256) -> Result<Option<u64>, StoreError> {
        Ok(self.0.lock().blocks().find(|block| block.hash == *hash).map(|block| block.number()))
    }

    fn tx_location(&self, hash: &B256) -> Result<Option<TxLocation>, StoreError> {
        Ok(self.0.lock().blocks().find_map(|block| {
            let index = block.transactions.iter().position(|tx| tx.tx_hash() == hash)?;
            Some(TxLocation { block: block.number(), index: index as u32 })
        }))
    }

    fn sequence_of_block(&self, number: u64) -> Result<Option<u64>, StoreError> {
        let contents = self.0.lock();
        let of = |commit: &&Commit| commit.block.as_ref().is_some_and(|block| block.number() == number);
        Ok(contents.commits.iter().find(of).map(|commit| commit.sequence))
    }

    fn visit_steps(
        &self,
        range: RangeInclusive<u64>,
        newest_first: bool,
        visit: &mut dyn FnMut(Step) -> bool,
    ) -> Result<(), StoreError> {
        let mut steps: Vec<Step> = self.0.lock().commits[*range.start() as usize..=*range.end() as usize]
            .iter()
            .map(|commit| Step {
                sequence: commit.sequence,
                block: commit.block.as_ref().map(|block| block.number()),
                patches: commit.patches.clone(),
                diff: qsdm_vm::diff::StateDiff { codes: Vec::new(), ..commit.diff.clone() },
                state_root: commit.state_root,
            })
            .collect();
        if newest_first {
            steps.reverse();
        }
        let _ = steps.into_iter().all(visit);
        Ok(())
    }

    fn blocks_with_logs(&self, range: RangeInclusive<u64>, query: &LogQuery) -> Result<Vec<u64>, StoreError> {
        let contents = self.0.lock();
        let matches = |block: &&Arc<Block>| block.logs().any(|(_, _, log)| query.matches(log));
        let found = contents.blocks().filter(|block| range.contains(&block.number())).filter(matches);
        Ok(found.map(|block| block.number()).collect())
    }

    fn visit_accounts(&self, visit: &mut dyn FnMut(StoredAccount)) -> Result<(), StoreError> {
        let contents = self.0.lock();
        for (hashed_address, (address, fields)) in &contents.accounts {
            let slots =
                contents.slots.range((*hashed_address, B256::ZERO)..=(*hashed_address, B256::repeat_byte(0xff)));
            let slots = slots.map(|((_, hashed), (key, value))| (*hashed, *key, *value)).collect();
            visit(StoredAccount { hashed_address: *hashed_address, address: *address, fields: *fields, slots });
        }
        Ok(())
    }

    fn code(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.lock().codes.get(hash).cloned())
    }
}
