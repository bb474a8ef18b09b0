//! Starting, for the first time or again.

use super::{
    Core, acknowledgements::Acknowledgements, epoch::place, fetch::Fetches, outbox::Outbox, pacemaker::Pacemaker,
};
use crate::{
    action::{Action, Unsigned},
    aggregate::{EpochVotes, Timeouts, Votes},
    config::Config,
    core::waiting::{Waiting, WaitingBlock},
    event::{EpochEnd, PeerId},
    mutant::Mutant,
    record::SafetyRecord,
    tip::CommitTip,
    tree::Tree,
};
use qsdm_mesh::{CellRef, Cut};
use qsdm_primitives::{
    Block, Epoch, EpochCertificate, Executed, ExecutionHash, Height, QuorumCertificate, Round, ValidatorSet,
    VoteStatement,
};
use std::{collections::BTreeMap, sync::Arc};

/// What lies on disk when a node starts. Whatever was stored was verified before it was.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The validators of the tip's epoch.
    pub set: ValidatorSet,
    /// Where the committed chain stands.
    pub tip: CommitTip,
    /// What is committed of every lane in the tip's epoch.
    pub cut: Cut,
    /// The safety record; `None` only where this key has never signed.
    pub record: Option<SafetyRecord>,
    /// Whether it is known that the key has never signed, because it was made for this folder: then a chain without a
    /// record is no loss.
    pub is_new_key: bool,
    /// The stored blocks above the tip with their parents' certificates, parents first.
    pub blocks: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>,
    /// The stored cells that are not committed.
    pub cells: Vec<CellRef>,
    /// The newest execution result.
    pub executed: Executed,
    /// Execution results that may still be compared, by number.
    pub results: BTreeMap<u64, ExecutionHash>,
    /// How the tip's epoch ended, where the tip is its last block and was executed.
    pub end: Option<Box<EpochEnd>>,
    /// The certificates of the last epochs.
    pub certificates: Vec<Arc<EpochCertificate>>,
}

/// Why a validator doesn't start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// No record beside a chain.
    #[error(
        "the chain is at height {height} and there is no safety record: a validator that signs without knowing what \
         it signed before can be slashed; restore `safety.log`, or start with a new key"
    )]
    MissingRecord {
        /// Height of the newest committed block.
        height: Height,
    },
    /// A record from before the newest commit: a restored backup.
    #[error(
        "the safety record knows certificates up to epoch {found_epoch}, round {found}, but the chain committed one of \
         epoch {epoch}, round {needed}: it is a backup; a validator that signs by it can be slashed. Use the newest \
         `safety.log`, or start with a new key"
    )]
    StaleRecord {
        /// Epoch of the record.
        found_epoch: Epoch,
        /// Round of its newest certificate.
        found: Round,
        /// Epoch of the chain.
        epoch: Epoch,
        /// Round of the certificate that committed the newest block.
        needed: Round,
    },
}

impl Core {
    /// Starts where the disk says, and what is to be done first. `now_ms` is the local clock, milliseconds since the Unix
    /// epoch.
    ///
    /// # Errors
    /// [`RecoverError`] where signing could contradict what was signed before. Without a key in `config` nothing is signed
    /// and any record will do.
    pub fn recover(config: Config, disk: Recovery, now_ms: u64) -> Result<(Self, Vec<Action>), RecoverError> {
        let mut record = check_record(&config, &disk)?;
        if config.breaks(Mutant::ForgetCertificate) {
            record.high_qc = Arc::new(QuorumCertificate::start(record.epoch, disk.tip.block));
        }
        let mut later = None;
        if record.epoch > disk.tip.epoch {
            let fresh = SafetyRecord::new(disk.tip.epoch, disk.tip.block);
            later = Some(Box::new(std::mem::replace(&mut record, fresh)));
        }
        let me = place(&disk.set, config.key.as_ref());
        let finalized = disk.tip.executed;
        let mut core = Self {
            config,
            me,
            now_ms,
            record,
            later,
            outbox: Outbox::default(),
            tree: Tree::new(disk.tip, disk.cut),
            waiting: Waiting::default(),
            cells: BTreeMap::new(),
            acknowledgements: Acknowledgements::default(),
            votes: Votes::default(),
            timeouts: Timeouts::default(),
            parked_certificate: None,
            pacemaker: Pacemaker::new(Round(0)),
            fetches: Fetches::default(),
            proposals: BTreeMap::new(),
            evidence: BTreeMap::new(),
            executed: disk.executed,
            results: disk.results,
            certified: BTreeMap::new(),
            finalized,
            epoch_votes: EpochVotes::default(),
            epoch_end: None,
            epoch_certificate: None,
            certificates: disk.certificates.into_iter().map(|ended| (ended.claim.epoch, ended)).collect(),
            answered: BTreeMap::new(),
            halted: None,
            is_dirty: true,
            set: disk.set,
        };
        core.results.insert(core.executed.number, core.executed.hash);
        core.outbox.record_changed();
        disk.cells.into_iter().for_each(|cell| core.on_cell(cell));
        core.restore_blocks(disk.blocks);
        if disk.end.is_some() {
            core.on_executed(core.executed, disk.end);
        }
        core.progress();
        core.repeat_own();
        let actions = core.flush();
        Ok((core, actions))
    }

    fn restore_blocks(&mut self, blocks: Vec<(Arc<Block>, Option<Arc<QuorumCertificate>>)>) {
        if !self.record.high_qc.reference.is_start() {
            let certificate = Arc::clone(&self.record.high_qc);
            self.votes.insert_certificate(&certificate);
        }
        for (block, certificate) in blocks {
            let id = block.header().id();
            let is_known = self.tree.contains(&id) || self.waiting.contains(&id);
            if is_known || block.header().epoch != self.set.epoch() || block.header().height <= self.tree.tip().height {
                continue;
            }
            // the record may be older than the block: what its certificate commits must not be newer than the record
            if let Some(certificate) = certificate {
                self.learn_certificate(&certificate);
            }
            let waiting = WaitingBlock { block, from: PeerId::default(), is_asked: true, missing_cells: Vec::new() };
            self.waiting.insert(id, waiting);
            // one by one: more may be stored than may wait
            self.attach_waiting();
        }
        self.outbox.drop_stored();
    }

    /// What left before the restart may not have arrived anywhere, not even here.
    fn repeat_own(&mut self) {
        if self.may_sign().is_none() {
            return;
        }
        let round = self.pacemaker.round;
        // the record may have become durable although the block, or a cell of it, did not
        let is_held = |vote: &VoteStatement| vote.round >= round && self.tree.contains(&vote.block);
        if let Some(vote) = self.record.last_vote.filter(is_held) {
            self.outbox.after_durable(Action::Sign(Unsigned::Vote(vote)));
        }
        if self.record.last_timeout >= round && self.record.last_timeout > self.record.high_qc.round() {
            self.sign_timeout(self.record.last_timeout);
        }
    }
}

fn check_record(config: &Config, disk: &Recovery) -> Result<SafetyRecord, RecoverError> {
    let tip = &disk.tip;
    let fresh = || SafetyRecord::new(tip.epoch, tip.block);
    if config.key.is_none() {
        return Ok(disk.record.clone().filter(|record| record.epoch >= tip.epoch).unwrap_or_else(fresh));
    }
    let Some(record) = &disk.record else {
        return if tip.height == Height(0) || disk.is_new_key {
            Ok(fresh())
        } else {
            Err(RecoverError::MissingRecord { height: tip.height })
        };
    };
    let (known, needed) = ((record.epoch, record.high_qc.round()), (tip.epoch, tip.certified));
    if known < needed {
        let (found_epoch, found) = known;
        return Err(RecoverError::StaleRecord { found_epoch, found, epoch: tip.epoch, needed: tip.certified });
    }
    Ok(record.clone())
}
