//! Rounds and their ends.

use super::Core;
use crate::{
    action::{Action, Unsigned},
    event::TimerId,
    mutant::Mutant,
};
use qsdm_primitives::{Round, ValidatorIndex};

/// After how many failed rounds in a row their length grows no more: 1.5^6 is above 8.
const FAILS_MAX: u32 = 6;

/// Rounds below the current one of which votes and proposals are kept at most.
pub(super) const ROUNDS_KEPT: u64 = 256;

#[derive(Clone, Debug, Default)]
pub(super) struct Pacemaker {
    pub(super) round: Round,
    /// Rounds in a row that ended without a certificate.
    fails: u32,
    generation: u64,
    /// Whether the round's timer leaves time for a leader that has nothing to propose.
    is_patient: bool,
}

impl Pacemaker {
    pub(super) fn new(round: Round) -> Self {
        Self { round, ..Self::default() }
    }

    /// How long the round lasts: Δ · 1.5^fails, at most 8Δ.
    fn round_ms(&self, delta_ms: u64) -> u64 {
        let grown = (0..self.fails.min(FAILS_MAX)).fold(delta_ms, |ms, _| ms.saturating_add(ms / 2));
        grown.min(delta_ms.saturating_mul(8))
    }
}

impl Core {
    /// Enters the round after the newest certificate of either kind.
    pub(super) fn advance_round(&mut self) {
        let newest = self.record.high_qc.round().max(self.record.timed_out());
        let Some(round) = newest.next() else { return };
        if round <= self.pacemaker.round {
            return;
        }
        let by_certificate = round.follows(self.record.high_qc.round());
        self.pacemaker.fails = if by_certificate { 0 } else { self.pacemaker.fails.saturating_add(1) };
        self.pacemaker.round = round;
        self.timeouts.keep(round);
        // also without a commit for a long time votes don't pile up
        let oldest = Round(round.0.saturating_sub(ROUNDS_KEPT));
        self.votes.keep_certified(oldest);
        self.proposals = self.proposals.split_off(&(oldest, ValidatorIndex::default()));
        self.arm_round_timer();
        // timeouts for this round may be here already
        self.join_timeouts();
    }

    /// Starts the round's timer anew.
    pub(super) fn arm_round_timer(&mut self) {
        if self.me.is_none() {
            return;
        }
        let parameters = &self.config.parameters;
        self.pacemaker.generation = self.pacemaker.generation.saturating_add(1);
        self.pacemaker.is_patient = !self.has_work();
        let patience_ms = if self.pacemaker.is_patient { parameters.idle_block_ms } else { 0 };
        let ms = self.pacemaker.round_ms(parameters.round_ms).saturating_add(patience_ms);
        let timer = TimerId::Round(self.pacemaker.round, self.pacemaker.generation);
        self.outbox.now(Action::SetTimer(timer, ms));
    }

    /// Work has come up while the round's timer was a patient one: from now on the leader is expected to act.
    pub(super) fn watch_work(&mut self) {
        if self.pacemaker.is_patient && self.has_work() {
            self.arm_round_timer();
        }
    }

    pub(super) fn on_timer(&mut self, timer: TimerId) {
        match timer {
            TimerId::Round(round, generation) => {
                if (round, generation) == (self.pacemaker.round, self.pacemaker.generation) {
                    self.time_out(round);
                    if !self.config.breaks(Mutant::NoRepeat) {
                        self.arm_round_timer();
                    }
                }
            }
            TimerId::Heartbeat(round) => self.on_heartbeat(round),
            TimerId::Sync => self.on_sync(),
        }
    }

    /// Gives up a round: signs no vote in it any more and tells everybody, again and again.
    fn time_out(&mut self, round: Round) {
        // a certificate of this round may have come in the same step: then the round is over already
        if self.may_sign().is_none() || self.record.high_qc.round() >= round {
            return;
        }
        if round > self.record.last_timeout {
            self.record.last_timeout = round;
            self.outbox.record_changed();
        }
        self.sign_timeout(round);
    }

    pub(super) fn sign_timeout(&mut self, round: Round) {
        let high_qc = self.record.high_qc.reference;
        self.outbox.after_durable(Action::Sign(Unsigned::Timeout { round, high_qc }));
    }

    /// Where at least one correct validator has given up a round, this one does too, so that all get to the next one.
    pub(super) fn join_timeouts(&mut self) {
        if self.config.breaks(Mutant::NoTimeoutJoin) {
            return;
        }
        let least = self.set.one_correct();
        let joined = self.timeouts.newest_with(&self.set, self.pacemaker.round, least);
        if let Some(round) = joined.filter(|round| *round > self.record.last_timeout) {
            self.time_out(round);
        }
    }

    /// Who leads a round after the newest certified block that is known.
    pub(super) fn leader(&self, round: Round) -> ValidatorIndex {
        let parent = self.tree.tip_at(&self.record.high_qc.reference.block()).unwrap_or_else(|| self.tree.tip());
        self.leader_after(parent, round)
    }
}
