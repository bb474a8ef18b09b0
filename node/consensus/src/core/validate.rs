//! Whether a block is valid after its parent. Nothing but the chain decides.

use super::{Core, kind_place};
use crate::{error::BlockError, mutant::Mutant, tip::CommitTip, tree::TreeBlock};
use qsdm_mesh::{CellRef, CutError, extend};
use qsdm_primitives::{Block, BlockId, CellId, Executed, Round, Signers, ValidatorIndex, limits::EXECUTION_LAG_MAX};
use std::sync::Arc;

/// What became of a block that was looked at.
pub(super) enum Verdict {
    Valid(Box<TreeBlock>),
    /// Cells are missing.
    Open(Vec<CellId>),
    Invalid(BlockError),
}

impl Core {
    /// Judges a block whose parent is in the tree and whose certificate's votes are held.
    pub(super) fn judge(&self, id: BlockId, block: &Arc<Block>, parent: &CommitTip) -> Verdict {
        let judged = self.check_header(block, parent).and_then(|()| self.check_evidence(block, parent));
        let punished = match judged {
            Ok(punished) => punished,
            Err(error) => return Verdict::Invalid(error),
        };
        let frozen = punished.iter().fold(Signers::NONE, |all, some| all.union(*some));
        let included = match self.check_cut(block, parent, frozen) {
            Ok(included) => included,
            Err(BlockError::Cut(CutError::Missing { cells })) => return Verdict::Open(cells),
            Err(error) => return Verdict::Invalid(error),
        };
        let tip = self.tip_after(id, block, parent, punished, &included);
        Verdict::Valid(Box::new(TreeBlock { block: Arc::clone(block), included, tip }))
    }

    fn check_header(&self, block: &Block, parent: &CommitTip) -> Result<(), BlockError> {
        let header = block.header();
        if !header.height.follows(parent.height) {
            return Err(BlockError::Height { found: header.height, parent: parent.height });
        }
        if header.qc.round() != parent.round {
            return Err(BlockError::CertificateRound { found: header.qc.round(), parent: parent.round });
        }
        let leader = self.leader_after(parent, header.round);
        if header.proposer != leader && !self.config.breaks(Mutant::AnyLeader) {
            return Err(BlockError::NotLeader { round: header.round, leader, proposer: header.proposer });
        }
        // that the timeout certificate is of the round before, where there has to be one, was checked with its signatures
        if let Some(certificate) = &block.body.timeout {
            let (found, least) = (header.qc.round(), certificate.high_qc.round());
            if found < least && !self.config.breaks(Mutant::VoteStaleCertificate) {
                return Err(BlockError::StaleCertificate { found, least });
            }
        }
        if header.time_ms < parent.time_ms {
            return Err(BlockError::Time { found: header.time_ms, parent: parent.time_ms });
        }
        check_executed(header.executed, parent)
    }

    fn check_evidence(&self, block: &Block, parent: &CommitTip) -> Result<[Signers; 3], BlockError> {
        let mut punished = parent.punished;
        for evidence in &block.body.evidence {
            let (kind, offender) = (evidence.kind(), evidence.offender());
            if !punished[kind_place(kind)].insert(offender) {
                return Err(BlockError::PunishedBefore { offender, kind });
            }
        }
        Ok(punished)
    }

    fn check_cut(&self, block: &Block, parent: &CommitTip, frozen: Signers) -> Result<Vec<CellRef>, BlockError> {
        let body = &block.body;
        if body.cut.is_empty() && body.evidence.is_empty() {
            return Ok(Vec::new());
        }
        if parent.is_over && !self.config.breaks(Mutant::CutAfterBoundary) {
            return Err(BlockError::NotEmpty { why: "the epoch is over" });
        }
        if execution_lags(parent, block.header().executed) && !body.cut.is_empty() {
            return Err(BlockError::NotEmpty { why: "execution is too far behind" });
        }
        let frozen = if self.config.breaks(Mutant::ThawFrozen) { Signers::NONE } else { frozen };
        let view = self.tree.view(block.header().parent);
        let included = match extend(&view, &body.cut, &self.cells, frozen, &self.config.rules) {
            Err(CutError::NotClosed { .. }) if self.config.breaks(Mutant::OpenCut) => {
                body.cut.iter().map(|change| change.cell).collect()
            }
            Err(CutError::Missing { .. }) if self.config.breaks(Mutant::VoteWithoutCells) => Vec::new(),
            extended => extended.map_err(BlockError::Cut)?,
        };
        Ok(included.iter().filter_map(|id| self.cells.get(id)).cloned().collect())
    }

    fn tip_after(
        &self,
        id: BlockId,
        block: &Block,
        parent: &CommitTip,
        punished: [Signers; 3],
        included: &[CellRef],
    ) -> CommitTip {
        let header = block.header();
        let is_end = !parent.is_over && header.time_ms >= self.epoch_due_ms();
        let makes_block =
            is_end || !block.body.evidence.is_empty() || included.iter().any(|cell| cell.transactions > 0);
        CommitTip {
            epoch: parent.epoch,
            epoch_start_ms: parent.epoch_start_ms,
            block: id,
            height: header.height,
            round: header.round,
            time_ms: header.time_ms,
            proposer: Some(header.proposer),
            // the proposer of several blocks in a row can't choose among orders by choosing among blocks
            seed: if parent.proposer == Some(header.proposer) { parent.seed } else { parent.block },
            executed: header.executed,
            number: parent.number.saturating_add(u64::from(makes_block)),
            is_over: parent.is_over || is_end,
            certified: Round(0),
            punished,
            participation: parent.participation.after(&self.set, header.round, header.proposer, header.qc.signers),
        }
    }

    /// Who leads a round for a block after this parent.
    pub(super) fn leader_after(&self, parent: &CommitTip, round: Round) -> ValidatorIndex {
        let schedule = parent.participation.schedule(&self.set, round);
        schedule.leader(&self.set, round).unwrap_or_default()
    }

    /// The time at which the epoch's last block is due.
    pub(super) fn epoch_due_ms(&self) -> u64 {
        self.tree.tip().epoch_start_ms.saturating_add(self.config.parameters.epoch_length_ms)
    }
}

/// Whether execution, as a block reports it, is so far behind its chain that only empty cuts are valid.
pub(super) fn execution_lags(parent: &CommitTip, executed: Executed) -> bool {
    parent.number.saturating_sub(executed.number) > EXECUTION_LAG_MAX
}

fn check_executed(executed: Executed, parent: &CommitTip) -> Result<(), BlockError> {
    let known = parent.executed;
    let goes_back = executed.number < known.number || (executed.number == known.number && executed.hash != known.hash);
    if goes_back {
        return Err(BlockError::ExecutedBack { found: executed.number, parent: known.number });
    }
    if executed.number > parent.number {
        return Err(BlockError::ExecutedAhead { found: executed.number, most: parent.number });
    }
    Ok(())
}
