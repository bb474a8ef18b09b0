//! The rule by which a block gets this node's vote.

use super::Core;
use crate::{
    action::{Action, Unsigned},
    mutant::Mutant,
    tree::TreeBlock,
};
use qsdm_primitives::{BlockId, Executed, VoteStatement, limits::CLOCK_AHEAD_MS_MAX};

impl Core {
    /// Votes for a valid block of the current round, once.
    ///
    /// A block in the tree extends the block that its certificate is for, its round is the next one after that
    /// certificate or after a timeout certificate that allows it, and its cut is valid and held. What is left to check is
    /// what this node has signed before, what it has executed, and its clock.
    pub(super) fn try_vote(&mut self) {
        if self.may_sign().is_none() {
            return;
        }
        let round = self.pacemaker.round;
        let has_voted = self.record.last_voted() >= round && !self.config.breaks(Mutant::VoteTwice);
        let has_timed_out = self.record.last_timeout >= round && !self.config.breaks(Mutant::VoteAfterTimeout);
        if has_voted || has_timed_out {
            return;
        }
        let known = self.record.last_vote.map(|vote| vote.block);
        let choice: Option<BlockId> = self
            .tree
            .of_round(round)
            .filter(|block| Some(block.tip.block) != known && self.is_timely(block) && self.agrees(block))
            .map(|block| block.tip.block)
            .next();
        let Some(block) = choice else { return };
        let statement = VoteStatement { epoch: self.set.epoch(), round, block };
        self.record.last_vote = Some(statement);
        self.outbox.record_changed();
        self.outbox.after_durable(Action::Sign(Unsigned::Vote(statement)));
    }

    fn is_timely(&self, block: &TreeBlock) -> bool {
        block.tip.time_ms <= self.now_ms.saturating_add(CLOCK_AHEAD_MS_MAX)
    }

    /// Whether this node computed what the block says. One that has not executed so far waits.
    fn agrees(&self, block: &TreeBlock) -> bool {
        let Executed { number, hash } = block.tip.executed;
        self.config.breaks(Mutant::IgnoreExecution)
            || self.results.get(&number) == Some(&hash)
            || self.finalized == block.tip.executed
    }
}
