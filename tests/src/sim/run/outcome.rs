//! How a run ended.

use crate::sim::{Micros, Violation, execution::Receipt, payments};
use qsdm_consensus::{HaltReason, Status};
use qsdm_mesh::{ConflictSet, Usage};
use qsdm_primitives::{BlockId, Epoch, EvidenceKind, Height, Round, Signers, ValidatorIndex};
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What went wrong.
    pub violations: Vec<Violation>,
    /// Height of the newest block that a correct node committed.
    pub commits: u64,
    /// Events that cores took.
    pub events: u64,
    /// Where each node stands; nothing for one that is down.
    pub status: Vec<Option<Status>>,
    /// Cells that were committed on their author's node.
    pub latencies: Vec<Latency>,
    /// The chain, with the time of each block's first commit on a correct node.
    pub blocks: Vec<Commit>,
    /// The blocks of which a correct node had the votes of a quorum.
    pub certified: BTreeMap<(Epoch, Round), BlockId>,
    /// Messages that were not what their sender could have sent, by the rule that they break.
    pub refused: BTreeMap<String, u64>,
    /// Cells that correct nodes did not keep, by the rule or the limit.
    pub refused_cells: BTreeMap<String, u64>,
    /// The conflicts that the meshes of correct nodes reported, with the node.
    pub conflicts: Vec<(usize, ConflictSet)>,
    /// What became of the payments, in the committed order.
    pub receipts: Vec<Receipt>,
    /// The same on each correct node, by EVM block.
    pub receipts_of: BTreeMap<usize, BTreeMap<u64, Vec<Receipt>>>,
    /// When the cells of correct authors were written that these have not committed, and by whom.
    pub uncommitted: Vec<(usize, Micros)>,
    /// When a hostile node last sent cells that no author writes.
    pub flooded_until: Micros,
    /// Whose cells each correct node does not link to at the end.
    pub quarantined: BTreeMap<usize, Signers>,
    /// How much the mesh of each correct node keeps at the end.
    pub kept: BTreeMap<usize, Usage>,
    /// The most that the mesh of a correct node kept at any time, figure by figure.
    pub peak: Usage,
    /// How many of the messages and cells that nobody may send each node sent.
    pub scores: BTreeMap<usize, u64>,
    /// Blocks that correct nodes refused, by the rule that they break.
    pub rejected: BTreeMap<String, u64>,
    /// Nodes that sign nothing any more.
    pub halted: Vec<(usize, HaltReason)>,
    /// Nodes that refused to start, and why.
    pub failed_starts: Vec<(usize, String)>,
    /// Rounds that correct nodes timed out, each once a node.
    pub timeouts: u64,
    /// How often nodes crashed.
    pub crashes: u64,
    /// What happened, where [`Scenario::is_traced`](crate::sim::Scenario::is_traced).
    pub trace: Vec<String>,
}

/// The time from a cell's writing to its commit on its author's node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// When it was written.
    pub written: Micros,
    /// The time in milliseconds.
    pub ms: u64,
    /// The node that wrote it.
    pub author: usize,
}

/// A committed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The block.
    pub id: BlockId,
    /// When the first correct node committed it.
    pub at: Micros,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its height.
    pub height: Height,
    /// Its round.
    pub round: Round,
    /// Who proposed it.
    pub proposer: ValidatorIndex,
    /// Cells it includes.
    pub cells: usize,
    /// What it proves, and about whom.
    pub evidence: Vec<(EvidenceKind, ValidatorIndex)>,
}

impl Outcome {
    /// The latency that `per_mille` of the cells of correct authors written from `since` on stay below, in milliseconds.
    pub fn latency_ms(&self, per_mille: usize, since: Micros) -> u64 {
        let mut sorted: Vec<u64> =
            self.latencies.iter().filter(|latency| latency.written >= since).map(|latency| latency.ms).collect();
        sorted.sort_unstable();
        let place = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or(u64::MAX)
    }

    /// What became on a node of the payments that several authors claimed at once, by nonce, in the order in which it
    /// executed them.
    pub fn double_spends(&self, node: usize) -> BTreeMap<u64, Vec<Receipt>> {
        let mut by_nonce: BTreeMap<u64, Vec<Receipt>> = BTreeMap::new();
        let executed = self.receipts_of.get(&node).into_iter().flat_map(BTreeMap::values).flatten();
        for receipt in executed.filter(|receipt| receipt.sender == payments::double_spender()) {
            by_nonce.entry(receipt.nonce).or_default().push(*receipt);
        }
        by_nonce
    }

    /// The blocks whose first commit came in a time.
    pub fn committed_in(&self, from: Micros, until: Micros) -> impl Iterator<Item = &Commit> {
        self.blocks.iter().filter(move |commit| (from..until).contains(&commit.at))
    }

    /// The rounds of an epoch in which a block was committed.
    pub fn rounds(&self, epoch: Epoch) -> impl Iterator<Item = Round> {
        self.blocks.iter().filter(move |commit| commit.epoch == epoch).map(|commit| commit.round)
    }

    /// Cells committed so far.
    pub fn cells(&self) -> usize {
        self.blocks.iter().map(|commit| commit.cells).sum()
    }

    /// Whether evidence of this kind against a validator was committed.
    pub fn has_evidence(&self, kind: EvidenceKind, offender: usize) -> bool {
        let sought = (kind, ValidatorIndex(offender as u16));
        self.blocks.iter().any(|commit| commit.evidence.contains(&sought))
    }
}

/// The name of the rule that an error is about: the first word of its debug form.
pub(super) fn rule(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    text.chars().take(end).collect()
}
