//! Messages of rounds and epochs that are not now.

use super::{Hostile, Sending};
use crate::sim::node::{Chain, Running};
use qsdm_consensus::Message;
use qsdm_crypto::Signer;
use qsdm_primitives::{
    BlockBody, BlockHeader, Domain, Epoch, EpochCertificate, EpochClaim, EpochVote, Executed, Height, QcRef, Round,
    SetId, Signers, Statement, Timeout, TimeoutStatement, Vote, VoteStatement,
};

impl Hostile {
    /// Votes, timeouts and blocks of rounds far ahead and far back.
    pub(super) fn leap(&mut self, running: &Running, chain: &Chain) -> Vec<Sending> {
        let status = running.core.status();
        let now = status.round.0;
        let everyone = chain.set(status.epoch).everyone();
        let rounds = [1, now.saturating_sub(3).max(1), now + 1, now + 63, now + 64, now + 65, now + 5_000, u64::MAX];
        let mut sendings = Vec::new();
        for _ in 0..3 {
            let round = Round(rounds[self.random.index(rounds.len())]);
            let high = running.core.record().high_qc.reference;
            let message = match self.random.below(4) {
                0 => Message::Vote(self.vote_for_nothing(status.epoch, round)),
                1 if high.round() < round => self.timeout(round, high),
                2 => {
                    let invented = self.invented(status.epoch, Round(round.0 - 1), everyone);
                    self.timeout(round, invented)
                }
                _ => {
                    let invented = self.invented(status.epoch, Round(round.0 - 1), everyone);
                    self.block_on_nothing(running, chain, round, invented)
                }
            };
            sendings.extend(self.tell(message));
        }
        sendings
    }

    /// Messages of other epochs, and signatures for another chain.
    pub(super) fn mistake_the_epoch(&mut self, running: &Running) -> Vec<Sending> {
        let status = running.core.status();
        let epochs = [status.epoch.0.wrapping_sub(1), status.epoch.0 + 1, status.epoch.0 + 1_000, u64::MAX];
        let epoch = Epoch(epochs[self.random.index(epochs.len())]);
        let message = match self.random.below(4) {
            0 => Message::Vote(self.vote_for_nothing(epoch, status.round)),
            1 => {
                let high = self.invented(epoch, Round(0), Signers::NONE);
                self.timeout(status.round, high)
            }
            2 => {
                let claim = self.claim(epoch);
                Message::EpochVote(EpochVote { claim, voter: self.me, signature: self.sign(&claim) })
            }
            _ => {
                let statement = VoteStatement { epoch: status.epoch, round: status.round, block: self.any_block() };
                let signature = self.signer.sign(&statement.message(1)).expect("invariant: a hash always signs");
                Message::Vote(Vote { statement, voter: self.me, signature })
            }
        };
        self.tell(message)
    }

    /// An epoch's end that only it has signed.
    pub(super) fn forged_end(&mut self, epoch: Epoch) -> Message {
        let claim = self.claim(epoch);
        let signers = [self.me].into_iter().collect();
        Message::EpochCertificate(Box::new(EpochCertificate { claim, signers, signatures: vec![self.sign(&claim)] }))
    }

    fn claim(&mut self, epoch: Epoch) -> EpochClaim {
        EpochClaim {
            epoch,
            height: Height(self.random.below(100)),
            block: self.any_block(),
            state_root: Default::default(),
            next_set: SetId(self.any_block().0),
        }
    }

    fn vote_for_nothing(&mut self, epoch: Epoch, round: Round) -> Vote {
        let block = self.any_block();
        self.signed_vote(VoteStatement { epoch, round, block })
    }

    pub(super) fn timeout(&self, round: Round, high_qc: QcRef) -> Message {
        let statement = TimeoutStatement {
            epoch: high_qc.statement.epoch,
            round,
            high_round: high_qc.round(),
            high_block: high_qc.block(),
        };
        let message = Domain::Timeout.message(super::CHAIN_ID, &statement.statement_id());
        let signature = self.signer.sign(&message).expect("invariant: a hash always signs");
        Message::Timeout(Box::new(Timeout { round, high_qc, voter: self.me, signature }))
    }

    /// A block on a certificate that doesn't exist. Signatures and form are right.
    pub(super) fn block_on_nothing(&mut self, running: &Running, chain: &Chain, round: Round, qc: QcRef) -> Message {
        let (tip, _) = running.core.committed();
        let header = BlockHeader {
            chain_id: chain.chain_id,
            epoch: qc.statement.epoch,
            round,
            height: Height(tip.height.0 + self.random.between(1, 200)),
            parent: qc.block(),
            qc,
            body: Default::default(),
            executed: Executed::default(),
            time_ms: tip.time_ms,
            proposer: self.me,
        };
        Message::Proposal(Box::new(self.signed(header, BlockBody::default())))
    }
}
