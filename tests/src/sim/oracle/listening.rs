//! What a node has heard, and what it has to make of it.

use crate::sim::{Micros, node::Running, scenario::ms};
use qsdm_consensus::Message;
use qsdm_primitives::{
    BlockId, Epoch, QcRef, Round, Signers, Timeout, ValidatorIndex, ValidatorSet, limits::ROUNDS_AHEAD_MAX,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long a node may take to sign what it has to: longer than any simulated disk.
const PATIENCE: Micros = ms(50);
/// Rounds for which votes are remembered.
const ROUNDS_KEPT: u64 = 64;

/// What one node has heard since it started, or since the epoch began.
#[derive(Clone, Debug, Default)]
pub(super) struct Listening {
    epoch: Epoch,
    /// Who timed a round out with a certificate that the node knew, and when that was heard first.
    timeouts: BTreeMap<Round, BTreeMap<ValidatorIndex, Micros>>,
    /// The first vote of each validator in each round.
    votes: BTreeMap<(Round, ValidatorIndex), BlockId>,
    /// Certificates that others referred to.
    certificates: BTreeSet<(Round, QcRef)>,
}

impl Listening {
    /// What a node knows that starts with this certificate.
    pub(super) fn new(known: QcRef) -> Self {
        let epoch = known.statement.epoch;
        Self { epoch, certificates: [(known.round(), known)].into(), ..Self::default() }
    }

    /// Nothing that was heard in another epoch counts.
    fn enter(&mut self, epoch: Epoch) {
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::default() };
        }
    }

    pub(super) fn hears(&mut self, at: Micros, running: &Running, message: &Message) {
        let status = running.core.status();
        self.enter(status.epoch);
        match message {
            // those are not kept
            Message::Vote(vote) if vote.statement.round.0 > status.round.0.saturating_add(ROUNDS_AHEAD_MAX) => {}
            Message::Vote(vote) => {
                self.votes.entry((vote.statement.round, vote.voter)).or_insert(vote.statement.block);
            }
            Message::Timeout(timeout) => {
                self.refers(timeout.high_qc);
                self.hears_timeout(at, running, timeout);
            }
            Message::TimeoutCertificate(certificate) => self.refers(certificate.high_qc),
            Message::Certificate(certificate) => self.refers(certificate.reference),
            Message::Proposal(block) | Message::Block(block, _) => {
                self.refers(block.header().qc);
                block.body.timeout.iter().for_each(|certificate| self.refers(certificate.high_qc));
            }
            Message::EpochVote(_) | Message::EpochCertificate(_) => {}
        }
    }

    fn refers(&mut self, reference: QcRef) {
        self.certificates.insert((reference.round(), reference));
    }

    fn hears_timeout(&mut self, at: Micros, running: &Running, timeout: &Timeout) {
        let round = running.core.status().round;
        let high = &running.core.record().high_qc.reference;
        let is_known = timeout.high_qc.round() < high.round() || timeout.high_qc.statement == high.statement;
        if is_known && timeout.round >= round && timeout.round.0 <= round.0.saturating_add(ROUNDS_AHEAD_MAX) {
            self.timeouts.entry(timeout.round).or_default().entry(timeout.voter).or_insert(at);
        }
    }

    /// Where somebody correct has timed out the current round or a later one, the node has too.
    pub(super) fn looks_around(&mut self, at: Micros, running: &Running, set: &ValidatorSet) -> Option<String> {
        let status = running.core.status();
        self.enter(status.epoch);
        let oldest = Round(status.round.0.saturating_sub(ROUNDS_KEPT));
        self.timeouts = self.timeouts.split_off(&status.round);
        self.votes = self.votes.split_off(&(oldest, ValidatorIndex(0)));
        self.certificates.retain(|(round, _)| *round >= oldest);
        let record = running.core.record();
        if status.me.is_none() || status.is_halted || record.epoch != status.epoch {
            return None;
        }
        let is_due = |heard: &Micros| heard + PATIENCE < at;
        let late = self.timeouts.iter().find(|(round, voters)| {
            let heard: Signers = voters.iter().filter(|(_, heard)| is_due(heard)).map(|(voter, _)| *voter).collect();
            **round > record.last_timeout && set.weight_of(heard) >= set.one_correct()
        });
        late.map(|(round, _)| format!("has not joined the timeouts of round {round}, which it heard of"))
    }

    /// A certificate that nobody else mentioned was formed here: whoever voted twice counts for the first vote only.
    pub(super) fn proposes(&self, reference: &QcRef) -> Option<String> {
        let is_of_epoch = self.epoch == reference.statement.epoch;
        if !is_of_epoch || self.certificates.contains(&(reference.round(), *reference)) {
            return None;
        }
        let voted_otherwise = |voter: &ValidatorIndex| {
            self.votes.get(&(reference.round(), *voter)).is_some_and(|block| *block != reference.block())
        };
        let double = reference.signers.iter().find(voted_otherwise)?;
        Some(format!("counts the second vote of {double} in round {}", reference.round()))
    }
}
