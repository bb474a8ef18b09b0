//! The end of an epoch.

use super::{Core, RESULTS_KEPT};
use crate::{
    action::{Action, HaltReason, Unsigned},
    aggregate::{EpochVotes, Timeouts, Votes},
    core::{acknowledgements::Acknowledgements, pacemaker::Pacemaker, waiting::Waiting},
    event::EpochEnd,
    mutant::Mutant,
    record::SafetyRecord,
    tree::Tree,
};
use qsdm_mesh::Cut;
use qsdm_primitives::{
    BlockId, EpochCertificate, EpochClaim, EpochVote, Executed, Round, Signers, ValidatorIndex, ValidatorSet,
};
use std::sync::Arc;

/// Ended epochs whose certificates are kept for peers that are behind.
const CERTIFICATES_KEPT: usize = 2;

impl Core {
    /// Takes what execution computed.
    pub(super) fn on_executed(&mut self, executed: Executed, end: Option<Box<EpochEnd>>) {
        if executed.number > self.executed.number {
            self.executed = executed;
        }
        self.results.insert(executed.number, executed.hash);
        while self.results.len() > RESULTS_KEPT {
            self.results.pop_first();
        }
        if let Some(theirs) = self.certified.get(&executed.number).copied() {
            self.compare(Executed { number: executed.number, hash: theirs });
        }
        self.certified = self.certified.split_off(&executed.number.saturating_add(1));
        self.is_dirty = true;
        if let Some(end) = end.filter(|end| end.block == self.tree.tip().block && self.tree.tip().is_over) {
            self.epoch_end = Some(end);
            if let Some(claim) = self.epoch_claim()
                && self.may_sign_end().is_some()
            {
                self.outbox.after_durable(Action::Sign(Unsigned::Epoch(claim)));
            }
            self.try_switch();
        }
    }

    /// How the epoch ended, as computed here.
    pub(super) fn epoch_claim(&self) -> Option<EpochClaim> {
        let end = self.epoch_end.as_ref()?;
        Some(EpochClaim {
            epoch: self.set.epoch(),
            height: self.tree.tip().height,
            block: end.block,
            state_root: end.state_root,
            next_set: end.next.id(),
        })
    }

    pub(super) fn on_epoch_vote(&mut self, vote: EpochVote) {
        if let Some(certificate) = self.epoch_votes.insert(&self.set, self.quorum(), vote) {
            self.on_epoch_certificate(Arc::new(certificate));
        }
    }

    pub(super) fn on_epoch_certificate(&mut self, certificate: Arc<EpochCertificate>) {
        if self.epoch_certificate.is_none() {
            let block = certificate.claim.block;
            self.epoch_certificate = Some(certificate);
            self.is_dirty = true;
            self.certified_by_epoch(&block);
        }
        self.try_switch();
    }

    /// The certificate of an epoch's end proves that its block is committed.
    pub(super) fn certified_by_epoch(&mut self, id: &BlockId) {
        let is_last = self.epoch_certificate.as_ref().is_some_and(|certificate| certificate.claim.block == *id);
        // the newest certificate that is here for sure is the parent's
        if is_last && let Some(round) = self.tree.get(id).map(|block| block.block.header().qc.round()) {
            self.commit(id, round);
        }
    }

    /// Starts the next epoch once a quorum and this node agree on how the last one ended.
    fn try_switch(&mut self) {
        let Some(ours) = self.epoch_claim() else { return };
        let certificate = match &self.epoch_certificate {
            Some(certificate) => Arc::clone(certificate),
            None if self.config.breaks(Mutant::EpochWithoutCertificate) => {
                Arc::new(EpochCertificate { claim: ours, signers: Signers::NONE, signatures: Vec::new() })
            }
            None => return,
        };
        if certificate.claim != ours {
            return self.halt(HaltReason::EpochDiverged { epoch: self.set.epoch() });
        }
        let Some(end) = self.epoch_end.take() else { return };
        self.certificates.insert(self.set.epoch(), Arc::clone(&certificate));
        while self.certificates.len() > CERTIFICATES_KEPT {
            self.certificates.pop_first();
        }
        self.start_epoch(*end);
        self.outbox.after_durable(Action::EpochChanged(certificate));
    }

    fn start_epoch(&mut self, end: EpochEnd) {
        let epoch = end.next.epoch();
        self.outbox.drop_unsigned();
        let tip = self.tree.tip().next_epoch(epoch);
        // after a restart in between, the record on disk may be of this epoch already, or of one after it
        let is_reached = |later: &mut Box<SafetyRecord>| later.epoch <= epoch;
        self.record = match self.later.take_if(is_reached) {
            Some(record) => *record,
            None => SafetyRecord::new(epoch, tip.block),
        };
        self.outbox.record_changed();
        self.me = place(&end.next, self.config.key.as_ref());
        self.set = end.next;
        self.config.rules = end.rules;
        self.tree = Tree::new(tip, Cut::default());
        self.waiting = Waiting::default();
        self.cells.clear();
        self.acknowledgements = Acknowledgements::default();
        self.votes = Votes::default();
        if !self.record.high_qc.reference.is_start() {
            self.votes.insert_certificate(&Arc::clone(&self.record.high_qc));
        }
        self.timeouts = Timeouts::default();
        self.parked_certificate = None;
        self.pacemaker = Pacemaker::new(Round(0));
        self.fetches.clear();
        self.proposals.clear();
        self.evidence.clear();
        self.epoch_votes = EpochVotes::default();
        self.epoch_certificate = None;
        self.is_dirty = true;
    }
}

/// The place of a key in a set.
pub(super) fn place(set: &ValidatorSet, key: Option<&qsdm_primitives::PublicKey>) -> Option<ValidatorIndex> {
    set.indices().find(|index| set.get(*index).map(|member| &member.key) == key && key.is_some())
}
