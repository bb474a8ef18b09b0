//! What a certificate leads to: a new high, an agreed result, a commit.

use super::{Core, RESULTS_KEPT, ROUNDS_BELOW_KEPT};
use crate::{
    action::{Action, CommittedBlock, HaltReason},
    mutant::Mutant,
    tree::TreeBlock,
};
use qsdm_mesh::order;
use qsdm_primitives::{BlockId, CellId, Executed, QuorumCertificate, Round};
use std::sync::Arc;

impl Core {
    /// Keeps a certificate, and acts on it where its block is known.
    pub(super) fn learn_certificate(&mut self, certificate: &Arc<QuorumCertificate>) {
        let round = certificate.round();
        if round.0.saturating_add(ROUNDS_BELOW_KEPT) <= self.tree.tip().round.0 {
            return;
        }
        self.votes.insert_certificate(certificate);
        if round > self.record.high_qc.round() {
            self.record.high_qc = Arc::clone(certificate);
            self.outbox.record_changed();
        }
        self.certified_block(&certificate.reference.block());
    }

    /// Acts on the certificate of a block, once both are here.
    pub(super) fn certified_block(&mut self, id: &BlockId) {
        let Some(block) = self.tree.get(id) else { return };
        let header = block.block.header();
        if self.votes.certificate(header.round, id).is_none() {
            return;
        }
        let (round, parent, executed) = (header.round, header.parent, header.executed);
        self.agree(executed);
        let Some(parent_round) = self.tree.get(&parent).map(|parent| parent.block.header().round) else { return };
        if round.follows(parent_round) || self.config.breaks(Mutant::CommitNonConsecutive) {
            self.commit(&parent, round);
        }
    }

    /// A quorum agrees on what was executed.
    fn agree(&mut self, executed: Executed) {
        if executed.number > self.finalized.number {
            self.finalized = executed;
            self.outbox.after_durable(Action::Finalized(executed));
        }
        if executed.number > self.executed.number {
            self.certified.insert(executed.number, executed.hash);
            // each result names the one before it: where an old one differs, so do those after it
            while self.certified.len() > RESULTS_KEPT {
                self.certified.pop_first();
            }
        }
        self.compare(executed);
    }

    /// Halts where this node computed something else than a quorum.
    pub(super) fn compare(&mut self, theirs: Executed) {
        match self.results.get(&theirs.number) {
            Some(ours) if *ours != theirs.hash => {
                let ours = *ours;
                self.halt(HaltReason::ExecutionDiverged { number: theirs.number, ours, theirs: theirs.hash });
            }
            _ => {}
        }
    }

    /// Commits a block and its ancestors, oldest first. The last block of the epoch is the last one committed: what
    /// descends from it in this epoch only served to certify it.
    pub(super) fn commit(&mut self, id: &BlockId, certified: Round) {
        let mut path: Vec<BlockId> = self.tree.path(id).map(|block| block.tip.block).collect();
        path.reverse();
        let mut committed = Vec::new();
        for id in path {
            if self.tree.tip().is_over {
                break;
            }
            let before = self.tree.tip().number;
            self.tree.certify_tip(certified);
            if let Some(block) = self.tree.commit(&id) {
                self.tree.certify_tip(certified);
                committed.push(self.committed_block(block, before));
            }
        }
        if committed.is_empty() {
            return;
        }
        if self.config.breaks(Mutant::CommitNewestFirst) {
            committed.reverse();
        }
        committed.into_iter().for_each(|block| self.outbox.after_durable(Action::Commit(Box::new(block))));
        self.forget_committed();
    }

    fn committed_block(&mut self, block: TreeBlock, number_before: u64) -> CommittedBlock {
        let TreeBlock { block, included, mut tip } = block;
        tip.certified = self.tree.tip().certified;
        let cells: Vec<CellId> = if self.config.breaks(Mutant::OrderByArrival) {
            included.iter().map(|cell| cell.id).collect()
        } else {
            order(&included, &tip.seed)
        };
        for cell in &cells {
            self.cells.remove(cell);
            self.acknowledgements.forget(cell);
        }
        for evidence in &block.body.evidence {
            self.evidence.remove(&(evidence.kind(), evidence.offender()));
        }
        CommittedBlock {
            id: tip.block,
            cells,
            seed: tip.seed,
            number: (tip.number > number_before).then_some(tip.number),
            is_boundary: tip.is_over,
            tip,
            block,
        }
    }

    /// Forgets what the new last committed block decides: excluded blocks, the cells of frozen lanes, old votes.
    fn forget_committed(&mut self) {
        let tip = self.tree.tip();
        let (height, round, frozen, punished) = (tip.height, tip.round, tip.frozen(), tip.punished);
        let cut = self.tree.cut();
        let dead: Vec<CellId> = self
            .cells
            .values()
            .filter(|cell| {
                let passed = qsdm_mesh::CutView::tip(cut, cell.lane).is_some_and(|tip| cell.seq <= tip.seq);
                passed || frozen.contains(cell.lane.author)
            })
            .map(|cell| cell.id)
            .collect();
        for cell in dead {
            self.cells.remove(&cell);
            self.acknowledgements.forget(&cell);
        }
        self.evidence.retain(|(kind, offender), _| !punished[super::kind_place(*kind)].contains(*offender));
        let block = self.tree.tip().block;
        self.waiting.retain(|waiting| {
            let header = waiting.block.header();
            let is_excluded = header.height.follows(height) && header.parent != block;
            header.height > height && header.round > round && !is_excluded
        });
        self.votes.keep(Round(round.0.saturating_sub(ROUNDS_BELOW_KEPT)));
        self.proposals = self.proposals.split_off(&(round, Default::default()));
        self.is_dirty = true;
    }
}
