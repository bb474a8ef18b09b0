//! What is signed wrongly, or by too few.

use super::{Hostile, Packet, Sending};
use crate::sim::node::{Chain, Running};
use qsdm_consensus::Message;
use qsdm_primitives::{
    Algorithm, Block, QcRef, QuorumCertificate, Round, Signature, Signers, TimeoutCertificate, TimeoutEntry,
    ValidatorIndex, Vote, VoteStatement,
};
use std::sync::Arc;

/// Blocks of a forged chain that go out at once.
const FORGED_BLOCKS: u64 = 4;

impl Hostile {
    /// One message that nobody may accept.
    pub(super) fn forge(&mut self, running: &Running, chain: &Chain) -> Vec<Sending> {
        let status = running.core.status();
        let statement = VoteStatement { epoch: status.epoch, round: status.round, block: self.any_block() };
        let others = ValidatorIndex((self.me.0 + 1) % self.nodes as u16);
        let everyone = chain.set(status.epoch).everyone();
        let message = match self.random.below(9) {
            0 => Message::Vote(Vote { voter: others, ..self.signed_vote(statement) }),
            1 => Message::Vote(Vote { signature: garbage(3_309), ..self.signed_vote(statement) }),
            2 => Message::Vote(Vote { signature: garbage(7), ..self.signed_vote(statement) }),
            3 => Message::Vote(Vote { voter: ValidatorIndex(63), ..self.signed_vote(statement) }),
            // the own signature in the place of everybody's
            4 => self.certificate(QcRef { statement, signers: everyone }, everyone.count()),
            // too little weight
            5 => self.certificate(QcRef { statement, signers: [self.me].into_iter().collect() }, 1),
            // one signer's signature twice, for a bitmap with one signer
            6 => self.certificate(QcRef { statement, signers: [self.me].into_iter().collect() }, 2),
            7 => self.timeout_certificate(running, status.round, everyone),
            _ => {
                let qc = self.invented(status.epoch, Round(status.round.0.saturating_sub(1)), everyone);
                let mut message = self.block_on_nothing(running, chain, status.round, qc);
                if let Message::Proposal(block) = &mut message {
                    block.signed.header.proposer = others;
                }
                message
            }
        };
        self.tell(message)
    }

    fn certificate(&self, reference: QcRef, signatures: usize) -> Message {
        let signature = self.sign(&reference.statement);
        Message::Certificate(Box::new(QuorumCertificate { reference, signatures: vec![signature; signatures] }))
    }

    /// Timeouts of everybody, all signed by itself; or its own one several times.
    fn timeout_certificate(&mut self, running: &Running, round: Round, everyone: Signers) -> Message {
        let high_qc = running.core.record().high_qc.reference;
        let Message::Timeout(timeout) = self.timeout(round, high_qc) else { return self.certificate(high_qc, 0) };
        let is_own = self.random.per_mille(500);
        let entry = |voter: ValidatorIndex| TimeoutEntry {
            voter: if is_own { self.me } else { voter },
            high_round: high_qc.round(),
            high_block: high_qc.block(),
            signature: timeout.signature.clone(),
        };
        let entries = everyone.iter().map(entry).collect();
        Message::TimeoutCertificate(Box::new(TimeoutCertificate { round, high_qc, entries }))
    }

    /// A chain of its own to everybody, unasked.
    pub(super) fn spread_forged_chain(&mut self, running: &Running, chain: &Chain) -> Vec<Sending> {
        let messages = self.forged_chain(running, chain);
        messages.into_iter().flat_map(|message| self.tell(message)).collect()
    }

    pub(super) fn answer_with_forgeries(&mut self, running: &Running, chain: &Chain, to: usize) -> Vec<Sending> {
        let messages = self.forged_chain(running, chain);
        let packets = messages.into_iter().map(|message| Packet::Unverified(Arc::new(message)));
        packets.map(|packet| Sending { to, delay: 0, packet }).collect()
    }

    /// A chain above the newest certificate, each block with a certificate that only it has signed or that doesn't exist,
    /// and an end of the epoch.
    fn forged_chain(&mut self, running: &Running, chain: &Chain) -> Vec<Message> {
        let status = running.core.status();
        let everyone = chain.set(status.epoch).everyone();
        let mut round = status.round.0.saturating_sub(self.random.below(3)).max(1);
        let mut qc = self.invented(status.epoch, Round(round), everyone);
        let mut messages = Vec::new();
        for _ in 0..FORGED_BLOCKS {
            round += 1;
            let message = self.block_on_nothing(running, chain, Round(round), qc);
            let Message::Proposal(block) = message else { continue };
            let block: Block = *block;
            let signature = self.sign(&qc.statement);
            let proof = QuorumCertificate { reference: qc, signatures: vec![signature; everyone.count()] };
            let proof = self.random.per_mille(500).then(|| Box::new(proof));
            let statement = VoteStatement { epoch: status.epoch, round: Round(round), block: block.header().id() };
            qc = QcRef { statement, signers: everyone };
            messages.push(Message::Block(Box::new(block), proof));
        }
        messages.push(self.forged_end(status.epoch));
        messages
    }
}

fn garbage(bytes: usize) -> Signature {
    Signature::new(Algorithm::MlDsa65, vec![0x5a; bytes])
}
