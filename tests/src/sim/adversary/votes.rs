//! Votes that no correct validator sends.

use super::{Behaviour, Hostile, Sending};
use crate::sim::node::Running;
use qsdm_consensus::Message;
use qsdm_primitives::{BlockId, Vote, VoteStatement};

/// Newest blocks that a voter for anything chooses among.
const BLOCKS_VOTED_FOR: usize = 6;

impl Hostile {
    pub(super) fn vote(&mut self, running: &Running, vote: &Vote) -> Vec<Sending> {
        if self.does(Behaviour::WithholdVotes) {
            return Vec::new();
        }
        let honest = self.tell(Message::Vote(vote.clone()));
        if !self.does(Behaviour::DoubleVote) {
            return honest;
        }
        let in_round = running.blocks.values().map(|(block, _)| block.header());
        let rival = in_round
            .filter(|header| header.round == vote.statement.round && header.epoch == vote.statement.epoch)
            .map(|header| header.id())
            .find(|id| *id != vote.statement.block);
        let rival = match rival {
            Some(rival) => rival,
            None => self.any_block(),
        };
        let other = self.signed_vote(VoteStatement { block: rival, ..vote.statement });
        let other = self.tell(Message::Vote(other));
        if self.random.per_mille(500) { [honest, other].concat() } else { [other, honest].concat() }
    }

    pub(super) fn signed_vote(&self, statement: VoteStatement) -> Vote {
        Vote { statement, voter: self.me, signature: self.sign(&statement) }
    }

    /// Votes for a few of the newest blocks, whatever was timed out or voted for before.
    pub(super) fn vote_for_anything(&mut self, running: &Running) -> Vec<Sending> {
        let epoch = running.core.status().epoch;
        let of_epoch = running.blocks.values().map(|(block, _)| block.header()).filter(|header| header.epoch == epoch);
        let mut newest: Vec<(_, BlockId)> = of_epoch.map(|header| (header.round, header.id())).collect();
        newest.sort_unstable_by(|one, other| other.cmp(one));
        newest.truncate(BLOCKS_VOTED_FOR);
        let chosen: Vec<_> = newest.into_iter().filter(|_| self.random.per_mille(400)).collect();
        let statements = chosen.into_iter().map(|(round, block)| VoteStatement { epoch, round, block });
        statements.flat_map(|statement| self.tell(Message::Vote(self.signed_vote(statement)))).collect()
    }
}
