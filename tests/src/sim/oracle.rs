//! What must hold in every run, whatever fails.

mod chain;
mod listening;
mod mesh;
mod wire;

use super::{Micros, Scenario, node::Node};
use chain::Chain;
use listening::Listening;
use qsdm_consensus::{BlockError, CommittedBlock, HaltReason, Message, Status, Unsigned};
use qsdm_crypto::AuthenticationError;
use qsdm_mesh::Usage;
use qsdm_primitives::{
    BlockId, Epoch, EpochCertificate, EpochClaim, Executed, ExecutionHash, Height, QcRef, Round, ValidatorIndex,
    ValidatorSet, limits,
};
use std::collections::BTreeMap;
use wire::Wires;

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in simulated time.
    pub at: Micros,
    /// On which node.
    pub node: usize,
    /// What.
    pub what: String,
}

/// What one node has committed.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    newest: Height,
    last_at: Micros,
}

/// Watches a run. What twins and hostile nodes do is their matter; what correct nodes make of it is not.
#[derive(Clone, Debug)]
pub struct Oracles {
    correct: Vec<bool>,
    /// Whether the correct validators have an epoch's weight in which rules hold.
    validators: usize,
    submeshes: usize,
    /// The most that a correct node's mesh kept.
    peak: Usage,
    chain: Chain,
    progress: Vec<Progress>,
    wires: Wires,
    listening: Vec<Listening>,
    certified: BTreeMap<(Epoch, Round), BlockId>,
    executed: BTreeMap<u64, ExecutionHash>,
    ended: BTreeMap<Epoch, EpochClaim>,
    divergent: Vec<usize>,
    /// The round in which a node stopped signing.
    halted: BTreeMap<usize, (Epoch, Round)>,
    violations: Vec<Violation>,
}

impl Oracles {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let nodes = scenario.nodes();
        Self {
            correct: (0..nodes).map(|node| scenario.is_correct(node)).collect(),
            validators: scenario.validators,
            submeshes: scenario.submeshes,
            peak: Usage::default(),
            chain: Chain::new(scenario.parameters.epoch_length_ms),
            progress: vec![Progress::default(); nodes],
            wires: Wires::new(scenario.parameters.epoch_length_ms),
            listening: vec![Listening::default(); nodes],
            certified: BTreeMap::new(),
            executed: BTreeMap::new(),
            ended: BTreeMap::new(),
            divergent: scenario.divergence.iter().map(|(node, _)| *node).collect(),
            halted: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    pub(super) fn has_violation(&self) -> bool {
        !self.violations.is_empty()
    }

    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    pub(super) fn report(&mut self, at: Micros, node: usize, what: String) {
        self.violations.push(Violation { at, node, what });
    }

    fn report_all(&mut self, at: Micros, node: usize, wrong: Vec<String>) {
        wrong.into_iter().for_each(|what| self.report(at, node, what));
    }

    /// A node forgot what it had heard, but for its newest certificate.
    pub(super) fn starts(&mut self, node: &Node) {
        if let Some(running) = &node.running {
            self.listening[node.id] = Listening::new(running.core.record().high_qc.reference);
        }
    }

    /// Committed sequences are prefixes of one another. Whether a correct node was the first to commit this height.
    pub(super) fn committed(&mut self, at: Micros, node: &Node, block: &CommittedBlock) -> bool {
        let (id, height) = (node.id, block.tip.height);
        let progress = &mut self.progress[id];
        let newest = progress.newest;
        *progress = Progress { newest: newest.max(height), last_at: at };
        if height.0 > newest.0 + 1 {
            self.report(at, id, format!("commits height {height} after {newest}"));
        }
        let Some(running) = node.running.as_ref().filter(|_| self.correct[id]) else { return false };
        for evidence in &block.block.body.evidence {
            let offender = evidence.offender();
            if self.correct.get(usize::from(offender.0)) == Some(&true) {
                self.report(at, id, format!("commits {:?} against correct validator {offender}", evidence.kind()));
            }
        }
        let (is_first, wrong) = self.chain.committed(block, running.cells.stored());
        self.report_all(at, id, wrong);
        is_first
    }

    /// What a correct key puts on the wire never contradicts what it put there before, restarts included.
    pub(super) fn signs(&mut self, at: Micros, node: &Node, index: ValidatorIndex, unsigned: &Unsigned) {
        let Some(running) = node.running.as_ref().filter(|_| self.correct[node.id]) else { return };
        let mut wrong = self.wires.signs(node, running, index, unsigned);
        if let Unsigned::Vote(vote) = unsigned
            && self.halted.get(&node.id).is_some_and(|halted| *halted < (vote.epoch, vote.round))
        {
            wrong.push(format!("votes in round {} after it has halted", vote.round));
        }
        if let Unsigned::Block(block) = unsigned {
            wrong.extend(self.listening[node.id].proposes(&block.header.qc));
        }
        self.report_all(at, node.id, wrong);
    }

    /// At most one block of a round is certified.
    pub(super) fn certified(&mut self, at: Micros, node: usize, newest: QcRef) {
        if !self.correct[node] || newest.is_start() {
            return;
        }
        let (place, block) = ((newest.statement.epoch, newest.round()), newest.block());
        if *self.certified.entry(place).or_insert(block) != block {
            self.report(at, node, format!("knows certificates of two blocks of round {}", newest.round()));
        }
    }

    /// The blocks that correct nodes know to be certified.
    pub(super) fn certified_blocks(&self) -> &BTreeMap<(Epoch, Round), BlockId> {
        &self.certified
    }

    /// A message reaches the core of a node.
    pub(super) fn receives(&mut self, at: Micros, node: &Node, message: &Message) {
        if let Some(running) = node.running.as_ref().filter(|_| self.correct[node.id]) {
            self.listening[node.id].hears(at, running, message);
        }
    }

    /// What a node should have done some time ago, it has done.
    pub(super) fn looks_around(&mut self, at: Micros, node: &Node, set: &ValidatorSet) {
        if let Some(running) = node.running.as_ref().filter(|_| self.correct[node.id]) {
            let wrong = self.listening[node.id].looks_around(at, running, set);
            self.report_all(at, node.id, wrong.into_iter().collect());
            self.judge_mesh(at, node, running, set);
        }
    }

    /// Epochs end for everybody with the same certificate's claim, and never without a certificate.
    pub(super) fn epoch_changed(
        &mut self,
        at: Micros,
        node: usize,
        certificate: &EpochCertificate,
        error: Option<AuthenticationError>,
    ) {
        if !self.correct[node] {
            return;
        }
        let epoch = certificate.claim.epoch;
        if let Some(error) = error {
            self.report(at, node, format!("ends epoch {epoch} by a certificate that is none: {error}"));
        }
        if *self.ended.entry(epoch).or_insert(certificate.claim) != certificate.claim {
            self.report(at, node, format!("ends epoch {epoch} otherwise"));
        }
    }

    pub(super) fn executed(&mut self, node: usize, executed: Executed) {
        if !self.correct[node] || self.divergent.contains(&node) {
            return;
        }
        let known = *self.executed.entry(executed.number).or_insert(executed.hash);
        if known != executed.hash {
            self.report(0, node, format!("executes EVM block {} otherwise", executed.number));
        }
    }

    pub(super) fn finalized(&mut self, at: Micros, node: usize, executed: Executed) {
        if self.correct[node] && self.executed.get(&executed.number).is_some_and(|known| *known != executed.hash) {
            self.report(at, node, format!("finalizes another EVM block {}", executed.number));
        }
    }

    pub(super) fn halted(&mut self, at: Micros, id: usize, node: &Node, reason: &HaltReason) {
        if let Some(running) = &node.running {
            let status = running.core.status();
            self.halted.insert(id, (status.epoch, status.round));
        }
        if self.correct[id] && !self.divergent.contains(&id) {
            self.report(at, id, format!("halts: {reason}"));
        }
    }

    /// All correct nodes judge alike: what one of them passes on, the others don't refuse.
    pub(super) fn rejected(&mut self, at: Micros, node: usize, peer: usize, error: &BlockError) {
        if self.correct[node] && self.correct.get(peer) == Some(&true) {
            self.report(at, node, format!("refuses a block that correct node {peer} sent: {error}"));
        }
    }

    /// Every buffer stays within its limit.
    pub(super) fn bounded(&mut self, at: Micros, node: usize, status: &Status) {
        let rounds = limits::ROUNDS_AHEAD_MAX as usize + 257;
        let bounds = [
            ("blocks", status.blocks, limits::BLOCKS_UNCOMMITTED_MAX + 1),
            ("waiting blocks", status.waiting, limits::BLOCKS_WAITING_MAX),
            ("votes", status.votes, rounds * self.validators * 2),
            ("timeouts", status.timeouts, rounds * self.validators),
            ("questions", status.fetches, limits::FETCHES_OPEN_MAX),
            ("proofs", status.evidence, limits::EVIDENCE_WAITING_MAX),
        ];
        for (what, found, max) in bounds {
            if found > max {
                self.report(at, node, format!("keeps {found} {what}, the limit is {max}"));
            }
        }
    }

    /// The correct nodes that run and have committed nothing for long.
    pub(super) fn stuck<'a>(
        &'a self,
        after: Micros,
        is_running: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let counts = move |node: &usize| self.correct[*node] && !self.divergent.contains(node) && is_running(*node);
        (0..self.correct.len()).filter(counts).filter(move |node| self.progress[*node].last_at < after)
    }

    /// Once all is well the chain grows on every correct node.
    pub(super) fn at_end(
        &mut self,
        scenario: &Scenario,
        status: &[Option<Status>],
        questions: impl Fn(usize) -> String,
    ) {
        if self.has_violation() || !scenario.must_grow {
            return;
        }
        let stuck: Vec<usize> = self.stuck(scenario.must_commit_after(), |node| status[node].is_some()).collect();
        for node in stuck {
            let what = format!(
                "commits nothing after height {} although all is well: {:?}, open questions: {}",
                self.progress[node].newest,
                status[node],
                questions(node)
            );
            self.report(scenario.end, node, what);
        }
    }
}
