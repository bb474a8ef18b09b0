//! What a correct validator may sign.

use crate::sim::node::{Node, Running};
use qsdm_consensus::{SafetyRecord, Unsigned};
use qsdm_primitives::{
    Block, BlockId, CellId, CutChange, Epoch, LaneId, Round, Signers, ValidatorIndex, VoteStatement,
};
use std::collections::BTreeMap;

/// What one key has put on the wire in an epoch.
#[derive(Clone, Debug, Default)]
struct Wire {
    votes: BTreeMap<Round, VoteStatement>,
    last_timeout: Round,
    high: Round,
    proposals: BTreeMap<Round, BlockId>,
    cells: BTreeMap<(LaneId, u64), CellId>,
}

/// What all correct keys have put on the wire.
#[derive(Clone, Debug)]
pub(super) struct Wires {
    epoch_length_ms: u64,
    wires: BTreeMap<(ValidatorIndex, Epoch), Wire>,
}

impl Wires {
    pub(super) fn new(epoch_length_ms: u64) -> Self {
        Self { epoch_length_ms, wires: BTreeMap::new() }
    }

    /// What is wrong with signing this now.
    pub(super) fn signs(
        &mut self,
        node: &Node,
        running: &Running,
        index: ValidatorIndex,
        unsigned: &Unsigned,
    ) -> Vec<String> {
        let epoch = epoch_of(unsigned);
        let wire = self.wires.entry((index, epoch)).or_default();
        let mut wrong = wire.signs(unsigned);
        if !node.disk.durable().is_some_and(|record| covers(record, unsigned)) {
            wrong.push(format!("signs before its record is durable: {unsigned:?}"));
        }
        if let Unsigned::Vote(vote) = unsigned {
            match running.blocks.get(&vote.block) {
                None => wrong.push(format!("votes in round {} for a block that it has not stored", vote.round)),
                Some((block, _)) => wrong.extend(self.judge_vote(running, vote, block)),
            }
        }
        wrong
    }

    /// The rule for votes, once more.
    fn judge_vote(&self, running: &Running, vote: &VoteStatement, block: &Block) -> Option<String> {
        let (header, body) = (block.header(), &block.body);
        let (tip, _) = running.core.committed();
        let status = running.core.status();
        let of_timeout = body.timeout.as_ref();
        let follows = header.round.follows(header.qc.round())
            || of_timeout.is_some_and(|tc| header.round.follows(tc.round) && header.qc.round() >= tc.high_qc.round());
        let leader = status.leader;
        let is_current = status.round == vote.round && running.core.record().high_qc.reference.block() == header.parent;
        let ours = running.execution.results().get(&header.executed.number);
        let due_ms = tip.epoch_start_ms.saturating_add(self.epoch_length_ms);
        let parent = running.blocks.get(&header.parent).map(|(parent, _)| parent.header());
        let is_over = parent.is_some_and(|parent| parent.epoch == header.epoch && parent.time_ms >= due_ms);
        let proved: Signers = body.evidence.iter().map(|evidence| evidence.offender()).collect();
        let frozen = tip.frozen().union(proved);
        let what = if !follows {
            "that skips rounds, or a certificate"
        } else if is_current && header.proposer != leader {
            "of somebody who doesn't lead it"
        } else if ours.is_some_and(|ours| *ours != header.executed.hash) {
            "with another execution result than its own"
        } else if is_over && !(body.cut.is_empty() && body.evidence.is_empty()) {
            "that includes something after the end of the epoch"
        } else if body.cut.iter().any(|change| frozen.contains(change.lane.author)) {
            "that includes cells of a frozen author"
        } else if !body.cut.iter().all(|change| holds(running, change)) {
            "without holding its cells"
        } else {
            return None;
        };
        Some(format!("votes in round {} for a block {what}", vote.round))
    }
}

/// Whether all cells are held that a change adds to what is committed.
fn holds(running: &Running, change: &CutChange) -> bool {
    let (_, cut) = running.core.committed();
    let first = qsdm_mesh::CutView::tip(cut, change.lane).map_or(0, |tip| tip.seq + 1);
    let mut next = change.cell;
    for _ in first..=change.seq {
        let Some(header) = running.cells.header(&next) else { return false };
        next = header.links.own;
    }
    true
}

fn epoch_of(unsigned: &Unsigned) -> Epoch {
    match unsigned {
        Unsigned::Vote(vote) => vote.epoch,
        Unsigned::Timeout { high_qc, .. } => high_qc.statement.epoch,
        Unsigned::Block(block) => block.header.epoch,
        Unsigned::Cell(header) => header.epoch,
        Unsigned::Epoch(claim) => claim.epoch,
    }
}

/// Whether a node that starts with this record knows that it has signed something.
fn covers(record: &SafetyRecord, unsigned: &Unsigned) -> bool {
    match unsigned {
        // what is signed about the end of an epoch is computed from what is committed, and never contradicts itself
        Unsigned::Epoch(_) => true,
        _ if record.epoch != epoch_of(unsigned) => false,
        Unsigned::Vote(vote) => record.last_voted() >= vote.round,
        Unsigned::Timeout { round, high_qc } => {
            record.last_timeout >= *round && record.high_qc.round() >= high_qc.round()
        }
        Unsigned::Block(block) => record.last_proposed() >= block.header.round,
        Unsigned::Cell(header) => record.lanes.get(&header.lane.submesh).is_some_and(|(seq, _)| *seq >= header.seq),
    }
}

impl Wire {
    fn signs(&mut self, unsigned: &Unsigned) -> Vec<String> {
        let mut wrong = Vec::new();
        match unsigned {
            Unsigned::Vote(vote) => {
                if self.votes.get(&vote.round).is_some_and(|known| known != vote) {
                    wrong.push(format!("votes twice in round {}", vote.round));
                }
                if vote.round <= self.last_timeout && !self.votes.contains_key(&vote.round) {
                    wrong.push(format!("votes in round {} after its timeout of {}", vote.round, self.last_timeout));
                }
                self.votes.insert(vote.round, *vote);
            }
            Unsigned::Timeout { round, high_qc } => {
                if high_qc.round() < self.high {
                    wrong.push(format!("times out round {round} with a certificate older than one it sent before"));
                }
                self.high = self.high.max(high_qc.round());
                self.last_timeout = self.last_timeout.max(*round);
            }
            Unsigned::Block(block) => {
                let (round, id) = (block.header.round, block.header.id());
                if self.proposals.insert(round, id).is_some_and(|known| known != id) {
                    wrong.push(format!("proposes twice in round {round}"));
                }
            }
            Unsigned::Cell(header) => {
                let id = header.id();
                if self.cells.insert((header.lane, header.seq), id).is_some_and(|known| known != id) {
                    wrong.push(format!("signs two cells {} of lane {}", header.seq, header.lane));
                }
            }
            Unsigned::Epoch(_) => {}
        }
        wrong
    }
}
