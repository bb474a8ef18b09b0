//! The state machine.

mod acknowledgements;
mod attach;
mod certify;
mod epoch;
mod fetch;
mod outbox;
mod pacemaker;
mod propose;
mod receive;
mod recover;
mod validate;
mod vote;
mod waiting;

pub use recover::{RecoverError, Recovery};

use crate::{
    action::{Action, HaltReason, Unsigned},
    aggregate::{EpochVotes, Timeouts, Votes},
    config::Config,
    event::{EpochEnd, Event, PeerId},
    mutant::Mutant,
    record::SafetyRecord,
    tree::{Tree, TreeBlock},
};
use acknowledgements::Acknowledgements;
use fetch::Fetches;
use outbox::Outbox;
use pacemaker::Pacemaker;
use qsdm_crypto::Verified;
use qsdm_mesh::CellRef;
use qsdm_primitives::{
    BlockId, CellHeader, CellId, Epoch, EpochCertificate, Evidence, EvidenceKind, Executed, ExecutionHash, Height,
    LaneId, Round, SignedBlockHeader, TimeoutCertificate, ValidatorIndex, ValidatorSet,
    limits::{CLOCK_AHEAD_MS_MAX, EVIDENCE_WAITING_MAX},
};
use std::{collections::BTreeMap, sync::Arc};
use waiting::Waiting;

/// Execution results that are remembered to compare blocks with.
const RESULTS_KEPT: usize = 1_024;
/// Rounds below the newest committed one of which votes are kept for peers that ask.
const ROUNDS_BELOW_KEPT: u64 = 64;

/// Consensus on one node. See the crate's documentation for the protocol.
#[derive(Clone, Debug)]
pub struct Core {
    config: Config,
    set: ValidatorSet,
    me: Option<ValidatorIndex>,
    now_ms: u64,
    record: SafetyRecord,
    /// The record on disk, where it is of a later epoch than the chain: nothing is signed before the chain is there.
    later: Option<Box<SafetyRecord>>,
    outbox: Outbox,
    tree: Tree,
    waiting: Waiting,
    cells: BTreeMap<CellId, CellRef>,
    acknowledgements: Acknowledgements,
    votes: Votes,
    timeouts: Timeouts,
    /// A timeout certificate whose newest certificate is not here yet.
    parked_certificate: Option<(PeerId, Box<TimeoutCertificate>)>,
    pacemaker: Pacemaker,
    fetches: Fetches,
    /// The first block of each proposer in each round.
    proposals: BTreeMap<(Round, ValidatorIndex), SignedBlockHeader>,
    evidence: BTreeMap<(EvidenceKind, ValidatorIndex), Evidence>,
    executed: Executed,
    /// What was computed here, by number.
    results: BTreeMap<u64, ExecutionHash>,
    /// What a quorum computed, by number.
    certified: BTreeMap<u64, ExecutionHash>,
    finalized: Executed,
    epoch_votes: EpochVotes,
    epoch_end: Option<Box<EpochEnd>>,
    epoch_certificate: Option<Arc<EpochCertificate>>,
    /// How the last two epochs ended.
    certificates: BTreeMap<Epoch, Arc<EpochCertificate>>,
    /// When a peer was told last what it had missed.
    answered: BTreeMap<PeerId, u64>,
    halted: Option<HaltReason>,
    /// Whether anything happened that may let a block be judged.
    is_dirty: bool,
}

/// Where a core stands, for operators and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The epoch.
    pub epoch: Epoch,
    /// The round it is in.
    pub round: Round,
    /// Height of the newest committed block.
    pub height: Height,
    /// The newest committed block.
    pub block: BlockId,
    /// Round of the newest certificate.
    pub certified: Round,
    /// The newest execution result that a quorum agrees on.
    pub finalized: Executed,
    /// The own place in the set; `None` for an observer.
    pub me: Option<ValidatorIndex>,
    /// Who leads the round.
    pub leader: ValidatorIndex,
    /// Valid blocks that are not committed.
    pub blocks: usize,
    /// Blocks that can't be judged yet.
    pub waiting: usize,
    /// Cells that are not committed.
    pub cells: usize,
    /// Votes that are kept.
    pub votes: usize,
    /// Timeouts that are kept.
    pub timeouts: usize,
    /// Open questions to peers.
    pub fetches: usize,
    /// Proofs of misbehaviour that wait for a block.
    pub evidence: usize,
    /// Whether the node signs nothing any more.
    pub is_halted: bool,
}

impl Core {
    /// Takes what happened and says what is to be done.
    pub fn step(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Message(peer, message) => self.on_message(peer, message.into_inner()),
            Event::CertificateRequest(peer, reference) => self.on_certificate_request(peer, reference),
            Event::Timer(timer) => self.on_timer(timer),
            Event::CellHeld(cell) => self.on_cell(cell),
            Event::Acknowledged(validator, cell) => self.on_acknowledgement(validator, cell),
            Event::WriteCell(header) => self.on_write_cell(header),
            Event::Evidence(evidence) => self.on_evidence(evidence),
            Event::Durable(seq) => self.outbox.durable(seq),
            Event::Executed(executed, end) => self.on_executed(executed, end),
            Event::Tick(now_ms) => self.on_tick(now_ms),
            Event::OtherEpoch(peer, epoch) => self.on_other_epoch(peer, epoch),
        }
        self.progress();
        self.flush()
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        let tip = self.tree.tip();
        Status {
            epoch: self.set.epoch(),
            round: self.pacemaker.round,
            height: tip.height,
            block: tip.block,
            certified: self.record.high_qc.round(),
            finalized: self.finalized,
            me: self.me,
            leader: self.leader(self.pacemaker.round),
            blocks: self.tree.len(),
            waiting: self.waiting.len(),
            cells: self.cells.len(),
            votes: self.votes.len(),
            timeouts: self.timeouts.len(),
            fetches: self.fetches.len(),
            evidence: self.evidence.len(),
            is_halted: self.halted.is_some(),
        }
    }

    /// What was asked of peers and not answered yet.
    pub fn questions(&self) -> impl Iterator<Item = &crate::FetchRequest> {
        self.fetches.questions()
    }

    /// Whether a cell is missing here that a block with a certificate includes. The mesh takes it as
    /// [`Origin::Certified`](qsdm_mesh::Origin::Certified).
    pub fn is_certified(&self, cell: &CellId) -> bool {
        let lacks = self.waiting.iter().filter(|(_, waiting)| waiting.missing_cells.contains(cell));
        let mut rounds = lacks.map(|(id, waiting)| (waiting.block.header().round, id));
        rounds.any(|(round, block)| self.votes.certificate(round, block).is_some())
    }

    /// What must not be forgotten, as it is now.
    pub fn record(&self) -> &SafetyRecord {
        self.later.as_deref().unwrap_or(&self.record)
    }

    /// The validators of the current epoch.
    pub fn validators(&self) -> &ValidatorSet {
        &self.set
    }

    /// What is committed.
    pub fn committed(&self) -> (&crate::CommitTip, &qsdm_mesh::Cut) {
        (self.tree.tip(), self.tree.cut())
    }

    /// Why the node signs nothing any more.
    pub fn halted(&self) -> Option<&HaltReason> {
        self.halted.as_ref()
    }

    /// Does whatever can be done now.
    fn progress(&mut self) {
        if !std::mem::take(&mut self.is_dirty) {
            return;
        }
        self.count_parked();
        self.attach_waiting();
        self.advance_round();
        self.try_vote();
        self.try_propose();
        self.watch_work();
        self.ask_for_missing();
    }

    fn flush(&mut self) -> Vec<Action> {
        let send_at_once = self.config.breaks(Mutant::SendBeforeDurable);
        self.outbox.flush(self.later.as_deref().unwrap_or(&self.record), send_at_once)
    }

    /// The weight that decides.
    fn quorum(&self) -> u64 {
        if self.config.breaks(Mutant::SmallQuorum) { self.set.quorum().saturating_sub(1) } else { self.set.quorum() }
    }

    /// Whether this node may sign something of this epoch.
    fn may_sign(&self) -> Option<ValidatorIndex> {
        self.may_sign_end().filter(|_| self.later.is_none())
    }

    /// Whether this node may sign how the epoch ended. Execution gives one answer only, so that the record of a later epoch
    /// doesn't stand against it; and where all validators have one, nobody else can.
    fn may_sign_end(&self) -> Option<ValidatorIndex> {
        let is_halted = self.halted.is_some() && !self.config.breaks(Mutant::VoteAfterDivergence);
        self.me.filter(|_| !is_halted)
    }

    fn halt(&mut self, reason: HaltReason) {
        if self.halted.is_none() {
            self.halted = Some(reason.clone());
            self.outbox.now(Action::Halt(reason));
        }
    }

    /// Moves the clock on. What waited for it is looked at again: blocks ahead of the clock, and the end of the epoch.
    fn on_tick(&mut self, now_ms: u64) {
        let before = self.now_ms;
        self.now_ms = before.max(now_ms);
        let comes = |time_ms: u64| before < time_ms && time_ms <= self.now_ms;
        let is_awaited = |block: &TreeBlock| comes(block.tip.time_ms.saturating_sub(CLOCK_AHEAD_MS_MAX));
        self.is_dirty |= comes(self.epoch_due_ms()) || self.tree.of_round(self.pacemaker.round).any(is_awaited);
    }

    fn on_cell(&mut self, cell: CellRef) {
        let tip = self.tree.tip();
        let is_committed =
            qsdm_mesh::CutView::tip(self.tree.cut(), cell.lane).is_some_and(|committed| committed.seq >= cell.seq);
        if is_committed || tip.frozen().contains(cell.lane.author) {
            return;
        }
        let id = cell.id;
        self.cells.insert(id, cell);
        self.acknowledgements.held(id, self.me, &self.set);
        self.is_dirty = true;
    }

    fn on_acknowledgement(&mut self, validator: ValidatorIndex, cell: CellId) {
        let is_held = self.cells.contains_key(&cell);
        if self.acknowledgements.insert(validator, cell, is_held, &self.set) {
            self.is_dirty = true;
        }
    }

    /// Reserves the place in the lane before the cell is signed: after a crash no second one is signed there.
    fn on_write_cell(&mut self, header: Box<CellHeader>) {
        let LaneId { submesh, author } = header.lane;
        if self.may_sign() != Some(author) || header.epoch != self.set.epoch() {
            return;
        }
        let id = header.id();
        match self.record.lanes.get(&submesh) {
            Some((seq, _)) if header.seq < *seq => return,
            // asked again after a restart: the same cell may be signed again
            Some((seq, known)) if header.seq == *seq && id != *known => return,
            Some((seq, _)) if header.seq == *seq => {}
            _ => {
                self.record.lanes.insert(submesh, (header.seq, id));
                self.outbox.record_changed();
            }
        }
        self.outbox.after_durable(Action::Sign(Unsigned::Cell(header)));
    }

    fn on_evidence(&mut self, evidence: Verified<Evidence>) {
        self.found(evidence.into_inner(), false);
    }

    /// Keeps a proof until a block includes it.
    fn found(&mut self, evidence: Evidence, is_news: bool) {
        let key = (evidence.kind(), evidence.offender());
        let tip = self.tree.tip();
        let is_known = self.evidence.contains_key(&key)
            || evidence.epoch() != self.set.epoch()
            || tip.punished[kind_place(key.0)].contains(key.1);
        if is_known || self.evidence.len() >= EVIDENCE_WAITING_MAX {
            return;
        }
        if is_news {
            self.outbox.now(Action::Evidence(Box::new(evidence.clone())));
        }
        self.evidence.insert(key, evidence);
        self.is_dirty = true;
    }
}

/// Where a kind of evidence stands in a tip's list of punished validators.
fn kind_place(kind: EvidenceKind) -> usize {
    match kind {
        EvidenceKind::LaneFork => 0,
        EvidenceKind::DoubleVote => 1,
        EvidenceKind::DoubleProposal => 2,
    }
}
