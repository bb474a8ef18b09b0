//! What peers send.

use super::{Core, pacemaker::ROUNDS_KEPT, waiting::WaitingBlock};
use crate::{action::Action, event::PeerId, message::Message, mutant::Mutant};
use qsdm_primitives::{
    Block, BlockHeader, BlockId, Epoch, Evidence, QcRef, QuorumCertificate, Round, Timeout, TimeoutCertificate, Vote,
    limits::ROUNDS_AHEAD_MAX,
};
use std::{collections::btree_map::Entry, sync::Arc};

/// Blocks of one proposer in one round that are kept: a correct one has one, and the second proves that it has not. Of any
/// others the one that a quorum votes for is kept, when it has.
const BLOCKS_A_PLACE_MAX: usize = 2;
/// Peers whose last answer is remembered.
const ANSWERED_PEERS_MAX: usize = 1_024;

impl Core {
    pub(super) fn on_message(&mut self, peer: PeerId, message: Message) {
        if message.epoch() != self.set.epoch() {
            return self.on_other_epoch(peer, message.epoch());
        }
        match message {
            Message::Proposal(block) => self.on_proposal(peer, *block),
            Message::Vote(vote) => self.on_vote(vote),
            Message::Timeout(timeout) => self.on_timeout(peer, *timeout),
            Message::Certificate(certificate) => self.on_certificate(&Arc::new(*certificate)),
            Message::TimeoutCertificate(certificate) => self.on_timeout_certificate(peer, certificate),
            Message::Block(block, certificate) => {
                let is_proved = certificate.is_some() || block.header().qc.is_start();
                if let Some(certificate) = certificate {
                    self.on_certificate(&Arc::new(*certificate));
                }
                self.accept_block(peer, *block, is_proved);
            }
            Message::EpochVote(vote) => self.on_epoch_vote(vote),
            Message::EpochCertificate(certificate) => self.on_epoch_certificate(Arc::new(*certificate)),
        }
    }

    /// Serves the votes of a certificate: those that it lists where all of them are here, else those of another quorum.
    pub(super) fn on_certificate_request(&mut self, peer: PeerId, reference: QcRef) {
        let any = || self.votes.certificate(reference.round(), &reference.block()).cloned();
        if let Some(certificate) = self.votes.exact(&reference).or_else(any) {
            self.outbox.now(Action::Send(peer, Message::Certificate(Box::new(certificate.as_ref().clone()))));
        }
    }

    fn on_proposal(&mut self, peer: PeerId, block: Block) {
        let round = block.header().round;
        self.watch_proposer(&block);
        if round < self.pacemaker.round {
            self.answer(peer);
        }
        self.accept_block(peer, block, false);
    }

    /// Remembers a proposer's first block of a round; a second one is evidence.
    fn watch_proposer(&mut self, block: &Block) {
        let header = block.header();
        if header.round <= self.tree.tip().round || self.is_far_ahead(header.round) {
            return;
        }
        match self.proposals.entry((header.round, header.proposer)) {
            Entry::Vacant(entry) => {
                entry.insert(block.signed.clone());
            }
            Entry::Occupied(entry) if entry.get().header == *header => {}
            Entry::Occupied(entry) => {
                let evidence = Evidence::double_proposal(entry.get().clone(), block.signed.clone());
                self.found(evidence, true);
            }
        }
    }

    /// Lets a block wait until it can be judged.
    fn accept_block(&mut self, from: PeerId, block: Block, is_asked: bool) {
        let id = block.header().id();
        let tip = self.tree.tip();
        let is_past = block.header().height <= tip.height || block.header().round <= tip.round;
        if self.tree.contains(&id) || self.waiting.contains(&id) || is_past || self.is_excluded(&block) {
            return;
        }
        if self.is_one_too_many(&id, &block) {
            return;
        }
        let is_asked = is_asked && self.fetches.wants_block(&id);
        let block = WaitingBlock { block: Arc::new(block), from, is_asked, missing_cells: Vec::new() };
        self.waiting.insert(id, block);
        self.is_dirty = true;
    }

    /// Whether a block would stand beside the last committed one's children.
    fn is_excluded(&self, block: &Block) -> bool {
        let (header, tip) = (block.header(), self.tree.tip());
        header.height.follows(tip.height) && header.parent != tip.block
    }

    /// Whether its proposer has enough blocks in this round: else one leader could fill every place there is.
    fn is_one_too_many(&self, id: &BlockId, block: &Block) -> bool {
        let BlockHeader { round, proposer, .. } = *block.header();
        let judged = self.tree.of_round(round).filter(|block| block.tip.proposer == Some(proposer)).count();
        judged + self.waiting.of_place(round, proposer) >= BLOCKS_A_PLACE_MAX
            && self.votes.certificate(round, id).is_none()
    }

    fn on_vote(&mut self, vote: Vote) {
        let round = vote.statement.round;
        let is_past = round.0.saturating_add(super::ROUNDS_BELOW_KEPT) <= self.tree.tip().round.0
            || round.0.saturating_add(ROUNDS_KEPT) < self.pacemaker.round.0;
        if is_past || self.is_far_ahead(round) {
            return;
        }
        let count_all = self.config.breaks(Mutant::CountDoubleVotes);
        let outcome = self.votes.insert(&self.set, self.quorum(), vote, count_all);
        if let Some(evidence) = outcome.evidence {
            self.found(evidence, true);
        }
        if let Some(certificate) = outcome.certificate {
            self.on_certificate(&certificate);
        }
        if outcome.is_new && !self.waiting.is_empty() {
            self.is_dirty = true;
        }
    }

    fn on_timeout(&mut self, peer: PeerId, timeout: Timeout) {
        if timeout.round < self.pacemaker.round {
            return self.answer(peer);
        }
        if !self.covers(&timeout.high_qc) {
            if timeout.high_qc.round() > self.record.high_qc.round() {
                self.fetches.hint(timeout.high_qc, peer);
                self.timeouts.park(timeout);
                self.is_dirty = true;
            }
            return;
        }
        if !self.is_far_ahead(timeout.round) {
            self.count_timeout(timeout);
        }
    }

    /// Counts a timeout whose certificate is known to exist.
    fn count_timeout(&mut self, timeout: Timeout) {
        let completed = self.timeouts.insert(&self.set, self.quorum(), timeout);
        if let Some(certificate) = completed {
            self.accept_timeout_certificate(Arc::new(certificate));
        }
        self.join_timeouts();
    }

    /// Whether the certificate that a timeout refers to exists, as far as it matters: one below the newest known can't
    /// be the greatest of any quorum that this node is part of.
    fn covers(&self, reference: &QcRef) -> bool {
        let high = &self.record.high_qc.reference;
        match reference.round().cmp(&high.round()) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => reference.block() == high.block(),
            std::cmp::Ordering::Greater => self.votes.certificate(reference.round(), &reference.block()).is_some(),
        }
    }

    fn on_timeout_certificate(&mut self, peer: PeerId, certificate: Box<TimeoutCertificate>) {
        if certificate.round < self.pacemaker.round {
            return self.answer(peer);
        }
        if self.covers(&certificate.high_qc) {
            self.accept_timeout_certificate(Arc::new(*certificate));
        } else if certificate.high_qc.round() > self.record.high_qc.round() {
            self.fetches.hint(certificate.high_qc, peer);
            self.parked_certificate = Some((peer, certificate));
            self.is_dirty = true;
        }
    }

    pub(super) fn accept_timeout_certificate(&mut self, certificate: Arc<TimeoutCertificate>) {
        if certificate.round > self.record.timed_out() {
            self.record.high_tc = Some(certificate);
            self.outbox.record_changed();
            self.is_dirty = true;
        }
    }

    /// Looks again at what waited for a certificate.
    pub(super) fn count_parked(&mut self) {
        if self.timeouts.parked().next().is_some() {
            for timeout in self.timeouts.take_parked() {
                if timeout.round < self.pacemaker.round {
                    continue;
                }
                if !self.covers(&timeout.high_qc) {
                    self.timeouts.park(timeout);
                } else if !self.is_far_ahead(timeout.round) {
                    self.count_timeout(timeout);
                }
            }
        }
        if let Some((peer, certificate)) = self.parked_certificate.take() {
            if self.covers(&certificate.high_qc) {
                self.accept_timeout_certificate(Arc::new(*certificate));
            } else if certificate.round >= self.pacemaker.round {
                self.parked_certificate = Some((peer, certificate));
            }
        }
    }

    /// Learns a certificate, formed here or received.
    pub(super) fn on_certificate(&mut self, certificate: &Arc<QuorumCertificate>) {
        self.learn_certificate(certificate);
        self.is_dirty = true;
    }

    /// Whether a round is so far ahead that its votes and timeouts are not kept.
    pub(super) fn is_far_ahead(&self, round: Round) -> bool {
        round.0 > self.pacemaker.round.0.saturating_add(ROUNDS_AHEAD_MAX)
    }

    /// Tells a peer that is behind the newest certificates.
    fn answer(&mut self, peer: PeerId) {
        if !self.may_answer(peer) {
            return;
        }
        if !self.record.high_qc.reference.is_start() {
            let certificate = self.record.high_qc.as_ref().clone();
            self.outbox.now(Action::Send(peer, Message::Certificate(Box::new(certificate))));
        }
        let high_tc = self.record.high_tc.as_deref().filter(|tc| tc.round > self.record.high_qc.round());
        if let Some(certificate) = high_tc.cloned() {
            self.outbox.now(Action::Send(peer, Message::TimeoutCertificate(Box::new(certificate))));
        }
    }

    /// A message of another epoch: whoever is behind needs the certificate that ended its epoch.
    pub(super) fn on_other_epoch(&mut self, peer: PeerId, epoch: Epoch) {
        if epoch > self.set.epoch() {
            self.fetches.hint_epoch(self.set.epoch(), peer);
            self.is_dirty = true;
        } else if let Some(certificate) = self.certificates.get(&epoch).cloned()
            && self.may_answer(peer)
        {
            let certificate = Box::new(certificate.as_ref().clone());
            self.outbox.now(Action::Send(peer, Message::EpochCertificate(certificate)));
        }
    }

    /// At most once in half a round's time a peer is told what it missed.
    fn may_answer(&mut self, peer: PeerId) -> bool {
        let pause_ms = self.config.parameters.round_ms / 2;
        if self.answered.get(&peer).is_some_and(|last| self.now_ms < last.saturating_add(pause_ms)) {
            return false;
        }
        if self.answered.len() >= ANSWERED_PEERS_MAX {
            self.answered.clear();
        }
        self.answered.insert(peer, self.now_ms);
        true
    }
}
