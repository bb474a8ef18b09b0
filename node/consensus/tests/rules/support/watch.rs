//! What must be true of one core whatever it is sent.

use super::committee::Committee;
use qsdm_consensus::{Action, Core, Status, Unsigned};
use qsdm_primitives::{
    BlockId, Epoch, Height, Round,
    limits::{BLOCKS_UNCOMMITTED_MAX, BLOCKS_WAITING_MAX, EVIDENCE_WAITING_MAX, FETCHES_OPEN_MAX},
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that one key signed, over all restarts, and the chain that was committed.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    votes: BTreeMap<(Epoch, Round), BlockId>,
    timeouts: BTreeSet<(Epoch, Round)>,
    blocks: BTreeMap<(Epoch, Round), BlockId>,
    newest_certificate: (Epoch, Round),
    committed: Option<(Height, BlockId)>,
}

impl Watch {
    /// Looks at what a core wanted.
    pub(crate) fn see(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Sign(unsigned) => self.signed(unsigned),
                Action::Commit(block) => {
                    let header = block.block.header();
                    if let Some((height, id)) = self.committed.filter(|(height, _)| *height < header.height) {
                        assert!(header.height.follows(height), "{} after {height}", header.height);
                        assert_eq!(header.parent, id, "the parent is the commit before");
                    }
                    self.committed = Some((header.height, block.id));
                }
                _ => {}
            }
        }
    }

    fn signed(&mut self, unsigned: &Unsigned) {
        match unsigned {
            Unsigned::Vote(vote) => {
                let place = (vote.epoch, vote.round);
                // one that was sent before may be sent again at any time
                let is_new = !self.votes.contains_key(&place);
                assert!(!is_new || !self.timeouts.contains(&place), "a vote after the timeout of its round");
                let known = *self.votes.entry(place).or_insert(vote.block);
                assert_eq!(known, vote.block, "two votes in round {}", vote.round);
            }
            Unsigned::Timeout { round, high_qc } => {
                let known = (high_qc.statement.epoch, high_qc.round());
                assert!(known >= self.newest_certificate, "{known:?} after {:?}", self.newest_certificate);
                assert!(high_qc.round() < *round);
                self.newest_certificate = known;
                self.timeouts.insert((high_qc.statement.epoch, *round));
            }
            Unsigned::Block(block) => {
                let header = &block.header;
                let known = *self.blocks.entry((header.epoch, header.round)).or_insert(header.id());
                assert_eq!(known, header.id(), "two blocks in round {}", header.round);
            }
            Unsigned::Epoch(_) | Unsigned::Cell(_) => {}
        }
    }
}

/// Every buffer has its limit.
pub(crate) fn is_bounded(core: &Core, committee: &Committee) {
    let status: Status = core.status();
    let validators = committee.set.len();
    assert!(status.blocks <= BLOCKS_UNCOMMITTED_MAX, "{status:?}");
    assert!(status.waiting <= BLOCKS_WAITING_MAX, "{status:?}");
    assert!(status.fetches <= FETCHES_OPEN_MAX, "{status:?}");
    assert!(status.evidence <= EVIDENCE_WAITING_MAX.min(3 * validators), "{status:?}");
    assert!(status.timeouts <= 66 * validators, "{status:?}");
    assert!(status.votes <= (256 + 64 + 2) * 2 * validators + BLOCKS_UNCOMMITTED_MAX * validators, "{status:?}");
}
