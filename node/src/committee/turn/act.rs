//! What the core wants done.

use super::{Turn, mesh_config, now_ms};
use crate::committee::{execute::Job, wire::Packet};
use qsdm_consensus::{Action, CommittedBlock, Event, Message, PeerId, TimerId, Unsigned};
use qsdm_mesh::Cut;
use qsdm_primitives::{
    Block, CellHeader, Domain, EpochCertificate, EpochVote, Signature, SignedBlockHeader, Statement, SubmeshId,
    Timeout, TimeoutStatement, ValidatorIndex, Vote,
};
use qsdm_storage::EndedEpoch;
use std::{cmp::Reverse, sync::Arc, time::Duration};
use tokio::time::Instant;

/// The connection to the node itself: no other has this number.
const SELF: PeerId = PeerId(u32::MAX);

impl Turn {
    /// Does what the core wants, in order.
    pub(super) fn carry_out(&mut self) {
        while let Some(action) = self.state.actions.pop_front() {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Persist(record, seq) => self.state.keep.record = Some((record, seq)),
            Action::Store(block, certificate) => self.state.keep.batch.blocks.push((block, certificate)),
            Action::Sign(Unsigned::Cell(header)) => self.sign_cell(*header),
            Action::Sign(unsigned) => self.sign(unsigned),
            Action::Broadcast(message) => self.wire.broadcast(Packet::Message(Arc::new(message))),
            Action::Send(peer, message) => self.wire.send(peer, Packet::Message(Arc::new(message))),
            Action::SetTimer(timer, ms) => self.set_timer(timer, ms),
            Action::Fetch { request, from, attempt } => self.ask(request, from, attempt),
            Action::Commit(committed) => self.commit(*committed),
            Action::Finalized(executed) => {
                tracing::debug!(number = executed.number, "finalized");
            }
            Action::Reject(peer, error) => self.wire.penalise(peer, &error.to_string()),
            Action::Evidence(evidence) => {
                tracing::warn!(kind = ?evidence.kind(), offender = %evidence.offender(), "a validator contradicts itself");
                self.mesh.void(evidence.offender());
            }
            Action::EpochChanged(certificate) => self.change_epoch(&certificate),
            Action::Halt(reason) => tracing::error!(%reason, "this node signs nothing more"),
        }
    }

    fn set_timer(&mut self, timer: TimerId, ms: u64) {
        self.state.timers.push(Reverse((Instant::now() + Duration::from_millis(ms), timer)));
    }

    /// Signs, sends to all, and hears itself.
    fn sign(&mut self, unsigned: Unsigned) {
        let Some(me) = self.core.status().me else { return };
        let Some(message) = self.finish(me, unsigned) else { return };
        match self.checker.verify(message) {
            Ok(verified) => {
                self.wire.broadcast(Packet::Message(Arc::new((*verified).clone())));
                self.state.actions.extend(self.core.step(Event::Message(SELF, verified)));
            }
            Err(error) => tracing::error!(%error, "an own signature is wrong: the key or the memory is damaged"),
        }
    }

    fn finish(&self, me: ValidatorIndex, unsigned: Unsigned) -> Option<Message> {
        let sign = |message: [u8; 32]| self.signature(&message);
        Some(match unsigned {
            Unsigned::Block(block) => {
                let signature = sign(block.header.message(self.chain_id))?;
                let signed = SignedBlockHeader { header: block.header, signature };
                Message::Proposal(Box::new(Block { signed, body: block.body }))
            }
            Unsigned::Vote(statement) => {
                Message::Vote(Vote { statement, voter: me, signature: sign(statement.message(self.chain_id))? })
            }
            Unsigned::Timeout { round, high_qc } => {
                let statement = TimeoutStatement {
                    epoch: high_qc.statement.epoch,
                    round,
                    high_round: high_qc.round(),
                    high_block: high_qc.block(),
                };
                let signature = sign(Domain::Timeout.message(self.chain_id, &statement.statement_id()))?;
                Message::Timeout(Box::new(Timeout { round, high_qc, voter: me, signature }))
            }
            Unsigned::Epoch(claim) => {
                Message::EpochVote(EpochVote { claim, voter: me, signature: sign(claim.message(self.chain_id))? })
            }
            Unsigned::Cell(_) => return None,
        })
    }

    fn sign_cell(&mut self, header: CellHeader) {
        if let Some(signature) = self.signature(&header.message(self.chain_id)) {
            self.publish(header, signature);
        }
    }

    /// A node without a key is in no set, so nothing is signed there.
    fn signature(&self, message: &[u8; 32]) -> Option<Signature> {
        match self.signer.as_ref()?.sign(message) {
            Ok(signature) => Some(signature),
            Err(error) => {
                tracing::error!(%error, "signing fails");
                None
            }
        }
    }

    fn commit(&mut self, committed: CommittedBlock) {
        let header = committed.block.header();
        tracing::debug!(height = %header.height, round = %header.round, cells = committed.cells.len(), "committed");
        self.state.committed_ms = now_ms();
        self.held.commit(&committed.cells);
        let effects = self.mesh.include(&committed.cells, now_ms());
        self.state.jobs.push_back(Job {
            block: Arc::clone(&committed.block),
            number: committed.number,
            is_boundary: committed.is_boundary,
            seed: committed.seed,
            cells: committed.cells.clone(),
            set: Arc::clone(&self.checker.set.read()),
        });
        self.state.keep.batch.commits.push(committed);
        self.follow(effects);
    }

    /// The core is in the next epoch already; whoever checks signatures and the mesh follow.
    fn change_epoch(&mut self, certificate: &Arc<EpochCertificate>) {
        let Some(end) = self.state.end.take() else {
            tracing::error!("an epoch ended whose end was not executed here");
            return;
        };
        let next = Arc::new(end.next.clone());
        tracing::info!(epoch = %next.epoch(), validators = next.len(), "a new epoch begins");
        let ended =
            EndedEpoch { certificate: Arc::clone(certificate), next: end.next.clone(), rules: end.rules.clone() };
        self.state.keep.batch.epochs.push(ended);
        *self.checker.set.write() = Arc::clone(&next);
        self.rules = end.rules.clone();
        self.wire.set_validators(&next);
        self.held.next_epoch();
        self.author.next_epoch();
        self.state.writing.clear();
        self.state.unkept.clear();
        let gas = end.rules.submeshes.get(&SubmeshId::ROOT).copied().unwrap_or(end.rules.block_gas);
        let config = mesh_config(self.chain_id, next, self.core.status().me, gas, Cut::default());
        let dead = self.mesh.next_epoch(config);
        self.held.forget(&dead);
    }
}
