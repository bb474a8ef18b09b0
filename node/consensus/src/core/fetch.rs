//! What is missing here and asked for, with a timer of its own: a round's timer neither hurries nor stops it.

use super::Core;
use crate::{
    action::{Action, FetchRequest, Unsigned},
    event::{PeerId, TimerId},
    mutant::Mutant,
};
use qsdm_primitives::{BlockId, Epoch, QcRef, limits::FETCHES_OPEN_MAX};
use std::collections::BTreeMap;

/// Cells asked for in one request.
const CELLS_PER_REQUEST: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Question {
    from: Option<PeerId>,
    attempts: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Fetches {
    open: BTreeMap<FetchRequest, Question>,
    /// Certificates that peers claim to know, one for each: a peer that makes them up hinders nobody else.
    hints: BTreeMap<PeerId, QcRef>,
    epoch_hint: Option<(Epoch, PeerId)>,
    heartbeat: Option<TimerId>,
    is_timer_set: bool,
}

impl Fetches {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn questions(&self) -> impl Iterator<Item = &FetchRequest> {
        self.open.keys()
    }

    /// Whether a block was asked for. Its ancestors come with it.
    pub(super) fn wants_block(&self, _: &BlockId) -> bool {
        self.open.keys().any(|request| matches!(request, FetchRequest::Block { .. }))
    }

    /// A peer refers to a certificate that is newer than all that are known here.
    pub(super) fn hint(&mut self, reference: QcRef, peer: PeerId) {
        if self.hints.len() < FETCHES_OPEN_MAX / 2 || self.hints.contains_key(&peer) {
            self.hints.insert(peer, reference);
        }
    }

    /// A peer is in a later epoch.
    pub(super) fn hint_epoch(&mut self, epoch: Epoch, peer: PeerId) {
        self.epoch_hint = Some((epoch, peer));
    }

    /// Nothing is asked for any more. A timer that is under way is remembered: another one would run beside it for ever.
    pub(super) fn clear(&mut self) {
        *self = Self { is_timer_set: self.is_timer_set, ..Self::default() };
    }

    /// Whether a heartbeat's timer has to be set; not twice in a round.
    pub(super) fn arm(&mut self, timer: TimerId) -> bool {
        self.heartbeat.replace(timer) != Some(timer)
    }
}

impl Core {
    /// Compares what is missing with what was asked for: new questions go out, answered ones are dropped.
    pub(super) fn ask_for_missing(&mut self) {
        let missing = self.missing();
        let Fetches { open, .. } = &mut self.fetches;
        open.retain(|request, _| missing.contains_key(request));
        for (request, from) in missing {
            if open.contains_key(&request) || open.len() >= FETCHES_OPEN_MAX {
                continue;
            }
            // votes are on their way to everybody, so they are asked for only when they don't come by themselves
            let attempts = u32::from(!matches!(request, FetchRequest::Certificate(_)));
            open.insert(request.clone(), Question { from, attempts });
            if attempts > 0 {
                self.outbox.now(Action::Fetch { request, from, attempt: 0 });
            }
        }
        self.arm_sync_timer();
    }

    fn missing(&mut self) -> BTreeMap<FetchRequest, Option<PeerId>> {
        let mut missing = BTreeMap::new();
        let above = self.tree.tip().height.0;
        let high = self.record.high_qc.round();
        self.fetches.hints.retain(|_, reference| reference.round() > high);
        for (peer, reference) in &self.fetches.hints {
            missing.insert(FetchRequest::Certificate(*reference), Some(*peer));
        }
        for (_, waiting) in self.waiting.iter() {
            let header = waiting.block.header();
            if !self.tree.contains(&header.parent) && !self.waiting.contains(&header.parent) {
                missing.insert(FetchRequest::Block { id: header.parent, above }, Some(waiting.from));
            }
            if !header.qc.is_start() && !self.votes.hold(&header.qc) {
                missing.insert(FetchRequest::Certificate(header.qc), Some(waiting.from));
            }
            if let Some(cells) = waiting.missing_cells.chunks(CELLS_PER_REQUEST).next() {
                missing.insert(FetchRequest::Cells(cells.to_vec()), Some(waiting.from));
            }
        }
        let certified = self.record.high_qc.reference.block();
        let ended = self.epoch_certificate.as_ref().map(|certificate| certificate.claim.block);
        for id in [Some(certified), ended].into_iter().flatten() {
            if !self.tree.contains(&id) && !self.waiting.contains(&id) && !self.tree.tip().is_over {
                missing.entry(FetchRequest::Block { id, above }).or_insert(None);
            }
        }
        match self.fetches.epoch_hint {
            Some((epoch, peer)) if epoch == self.set.epoch() && self.epoch_certificate.is_none() => {
                missing.insert(FetchRequest::EpochCertificate(epoch), Some(peer));
            }
            _ => self.fetches.epoch_hint = None,
        }
        missing
    }

    fn arm_sync_timer(&mut self) {
        let is_ending = self.epoch_end.is_some();
        if (self.fetches.open.is_empty() && !is_ending) || self.fetches.is_timer_set {
            return;
        }
        if self.config.breaks(Mutant::NoRepeat) {
            return;
        }
        self.fetches.is_timer_set = true;
        let ms = (self.config.parameters.round_ms / 4).max(1);
        self.outbox.now(Action::SetTimer(TimerId::Sync, ms));
    }

    /// Repeats what was not answered, to other peers, and the own vote for the end of the epoch.
    pub(super) fn on_sync(&mut self) {
        self.fetches.is_timer_set = false;
        for (request, question) in &mut self.fetches.open {
            let from = question.from.filter(|_| question.attempts == 0);
            let action = Action::Fetch { request: request.clone(), from, attempt: question.attempts };
            question.attempts = question.attempts.saturating_add(1);
            self.outbox.now(action);
        }
        if let Some(claim) = self.epoch_claim()
            && self.may_sign_end().is_some()
        {
            self.outbox.after_durable(Action::Sign(Unsigned::Epoch(claim)));
        }
        self.is_dirty = true;
        self.arm_sync_timer();
    }
}
