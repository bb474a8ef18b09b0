//! What a leader proposes, and when.

use super::{Core, validate::execution_lags};
use crate::{
    action::{Action, Unsigned, UnsignedBlock},
    event::TimerId,
    tip::CommitTip,
};
use qsdm_mesh::propose;
use qsdm_primitives::{
    BlockBody, BlockHeader, Executed, Round, Signers, TimeoutCertificate, limits::BLOCK_EVIDENCE_MAX,
};

impl Core {
    /// Proposes in the current round where this node leads it: at once where there is work, else after a while.
    pub(super) fn try_propose(&mut self) {
        if !self.can_propose() {
            return;
        }
        if self.has_work() {
            self.propose();
        } else {
            let timer = TimerId::Heartbeat(self.pacemaker.round);
            if self.fetches.arm(timer) {
                self.outbox.now(Action::SetTimer(timer, self.config.parameters.idle_block_ms));
            }
        }
    }

    pub(super) fn on_heartbeat(&mut self, round: Round) {
        if round == self.pacemaker.round && self.can_propose() {
            self.propose();
        }
    }

    fn can_propose(&self) -> bool {
        let round = self.pacemaker.round;
        let high_qc = &self.record.high_qc.reference;
        let follows = round.follows(high_qc.round())
            || self.timeout_certificate().is_some_and(|certificate| high_qc.round() >= certificate.high_qc.round());
        follows
            && self.may_sign().is_some_and(|me| me == self.leader(round))
            && self.record.last_proposed() < round
            && self.record.last_timeout < round
            && self.tree.contains(&high_qc.block())
    }

    /// The certificate that ended the round before the current one, where no votes did.
    fn timeout_certificate(&self) -> Option<&TimeoutCertificate> {
        let certificate = self.record.high_tc.as_deref();
        certificate.filter(|certificate| self.pacemaker.round.follows(certificate.round))
    }

    /// Whether anything waits that a block brings forward.
    pub(super) fn has_work(&self) -> bool {
        let high = self.record.high_qc.reference.block();
        let Some(tip) = self.tree.tip_at(&high) else { return true };
        let is_uncommitted = self.tree.path(&high).any(|block| !block.is_empty());
        let is_due = !tip.is_over && self.now_ms >= self.epoch_due_ms();
        let is_ending = tip.is_over && !self.tree.tip().is_over;
        let is_unfinal = !self.tree.tip().is_over && self.executed.number > self.finalized.number;
        let may_include = !tip.is_over && (self.acknowledgements.has_eligible() || !self.evidence.is_empty());
        is_uncommitted || is_due || is_ending || is_unfinal || may_include
    }

    fn propose(&mut self) {
        let high_qc = self.record.high_qc.reference;
        let Some(me) = self.me else { return };
        let Some(parent) = self.tree.tip_at(&high_qc.block()).cloned() else { return };
        let Some(height) = parent.height.next() else { return };
        let round = self.pacemaker.round;
        let executed = self.executed_after(&parent);
        let body = self.body_after(&parent, executed, me);
        let header = BlockHeader {
            chain_id: self.config.chain_id,
            epoch: self.set.epoch(),
            round,
            height,
            parent: parent.block,
            qc: high_qc,
            body: body.hash(),
            executed,
            time_ms: self.now_ms.max(parent.time_ms),
            proposer: me,
        };
        self.record.last_proposal = Some((round, header.id()));
        self.outbox.record_changed();
        self.outbox.after_durable(Action::Sign(Unsigned::Block(Box::new(UnsignedBlock { header, body }))));
    }

    /// What this node has executed, as far as the chain of the parent holds it.
    fn executed_after(&self, parent: &CommitTip) -> Executed {
        if self.executed.number > parent.executed.number && self.executed.number <= parent.number {
            self.executed
        } else {
            parent.executed
        }
    }

    fn body_after(&self, parent: &CommitTip, executed: Executed, me: qsdm_primitives::ValidatorIndex) -> BlockBody {
        let timeout =
            if self.pacemaker.round.follows(parent.round) { None } else { self.timeout_certificate().cloned() };
        if parent.is_over {
            return BlockBody { timeout, ..BlockBody::default() };
        }
        let is_new = |evidence: &&qsdm_primitives::Evidence| {
            !parent.punished[super::kind_place(evidence.kind())].contains(evidence.offender())
        };
        let evidence: Vec<_> = self.evidence.values().filter(is_new).take(BLOCK_EVIDENCE_MAX).cloned().collect();
        let offenders: Signers = evidence.iter().map(qsdm_primitives::Evidence::offender).collect();
        let cut = if execution_lags(parent, executed) {
            Vec::new()
        } else {
            let view = self.tree.view(parent.block);
            let eligible = |cell: &_| self.acknowledgements.is_eligible(cell);
            let seed = if parent.proposer == Some(me) { parent.seed } else { parent.block };
            propose(&view, &self.cells, &eligible, parent.frozen().union(offenders), &self.config.rules, &seed)
        };
        BlockBody { timeout, cut, evidence }
    }
}
