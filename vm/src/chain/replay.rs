//! Recomputing a stored chain from its genesis.

use super::patch;
use crate::{
    VmError,
    block::Block,
    builder::{self, Moment},
    genesis,
    ports::{ChainStore, Step},
    state::{RecentHashes, State, StateDatabase},
};
use alloy_primitives::B256;
use qsdm_primitives::ChainSpec;
use std::{convert::Infallible, ops::ControlFlow};

/// What a replay went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// Blocks executed, genesis included.
    pub blocks: u64,
    /// Transactions executed.
    pub transactions: u64,
    /// State root at the end, equal to the stored one.
    pub state_root: B256,
}

/// Executes every step of `store` again, from the genesis of `spec` on, and compares every block hash and state root.
/// `progress` gets (steps done, steps in all).
pub fn replay(
    spec: &ChainSpec,
    store: &dyn ChainStore,
    mut progress: impl FnMut(u64, u64),
) -> Result<ReplayReport, VmError> {
    let (first, state) = genesis::genesis(spec)?;
    let end = store.head()?.ok_or(VmError::MissingBlock { number: 0 })?;
    let stored = load_block(store, 0)?;
    compare(0, "hash", first.hash, stored.hash)?;
    let hashes = RecentHashes::new(0, &[first.hash]);
    let mut replayed = Replayed { chain_id: spec.chain_id, parent: first, state, hashes, transactions: 0 };
    let mut outcome = Ok(());
    if end.sequence > 0 {
        store.visit_steps(1..=end.sequence, false, &mut |step| {
            progress(step.sequence, end.sequence);
            outcome = replayed.step(store, &step);
            outcome.is_ok()
        })?;
    }
    outcome?;
    let state_root = replayed.state.root();
    compare(end.block, "state root", state_root, end.state_root)?;
    Ok(ReplayReport { blocks: replayed.parent.number() + 1, transactions: replayed.transactions, state_root })
}

struct Replayed {
    chain_id: u64,
    parent: Block,
    state: State,
    hashes: RecentHashes,
    transactions: u64,
}

impl Replayed {
    fn step(&mut self, store: &dyn ChainStore, step: &Step) -> Result<(), VmError> {
        step.patches.iter().for_each(|change| patch::apply(&mut self.state, change));
        if let Some(number) = step.block {
            let stored = load_block(store, number)?;
            self.block(&stored)?;
        }
        compare(self.parent.number(), "state root of the step", self.state.root(), step.state_root)
    }

    fn block(&mut self, stored: &Block) -> Result<(), VmError> {
        let header = &stored.header;
        let database = StateDatabase::new(self.state.clone(), self.hashes.clone());
        let visit = |_: Moment<'_>| ControlFlow::<Infallible>::Continue(());
        let ControlFlow::Continue(executed) = builder::replay(self.chain_id, &self.parent, stored, database, visit)?;
        let found = &executed.block.header;
        compare(header.number, "state root", found.state_root, header.state_root)?;
        compare(header.number, "receipts root", found.receipts_root, header.receipts_root)?;
        compare(header.number, "transactions root", found.transactions_root, header.transactions_root)?;
        compare(header.number, "hash", executed.block.hash, stored.hash)?;
        self.transactions += executed.block.transactions.len() as u64;
        self.hashes = self.hashes.extended(header.number, stored.hash);
        self.state = executed.state;
        self.parent = (*executed.block).clone();
        Ok(())
    }
}

fn load_block(store: &dyn ChainStore, number: u64) -> Result<std::sync::Arc<Block>, VmError> {
    store.block(number)?.ok_or(VmError::MissingBlock { number })
}

fn compare(number: u64, field: &'static str, found: B256, expected: B256) -> Result<(), VmError> {
    if found == expected {
        return Ok(());
    }
    Err(VmError::BlockMismatch { number, field, found: found.to_string(), expected: expected.to_string() })
}
