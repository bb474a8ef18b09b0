//! Execution as far as consensus sees it: a hash over everything committed.

use qsdm_consensus::CommittedBlock;
use qsdm_primitives::{Executed, ExecutionHash};
use std::collections::BTreeMap;

/// What a node has executed.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    newest: Executed,
    results: BTreeMap<u64, ExecutionHash>,
    diverges_at: Option<u64>,
}

impl Execution {
    pub(super) fn new(genesis: Executed, diverges_at: Option<u64>) -> Self {
        Self { newest: genesis, results: BTreeMap::from([(genesis.number, genesis.hash)]), diverges_at }
    }

    pub(super) fn newest(&self) -> Executed {
        self.newest
    }

    pub(super) fn results(&self) -> &BTreeMap<u64, ExecutionHash> {
        &self.results
    }

    /// Executes a block; its result, where it makes an EVM block.
    pub(super) fn run(&mut self, committed: &CommittedBlock) -> Option<Executed> {
        let number = committed.number.filter(|number| *number == self.newest.number + 1)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.newest.hash.0).update(&number.to_le_bytes()).update(&committed.id.0);
        committed.cells.iter().for_each(|cell| {
            hasher.update(&cell.0);
        });
        if self.diverges_at.is_some_and(|from| number >= from) {
            hasher.update(b"a bug");
        }
        self.newest = Executed { number, hash: ExecutionHash(*hasher.finalize().as_bytes()) };
        self.results.insert(number, self.newest.hash);
        Some(self.newest)
    }
}
