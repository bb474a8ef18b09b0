//! What a core wants done.

use super::{CHAIN_ID, Happening, Packet, Simulation, outcome};
use crate::sim::{disk::Entry, node::Running};
use qsdm_consensus::{Action, CommittedBlock, Message, PersistSeq, Unsigned};
use qsdm_crypto::Signer;
use qsdm_mesh::{CellRef, Cut};
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, Domain, Epoch, EpochCertificate, EpochVote, SignedBlockHeader, Signers, Statement,
    Timeout, TimeoutStatement, ValidatorIndex, Vote,
};
use std::sync::Arc;

impl Simulation {
    pub(super) fn act(&mut self, node: usize, action: Action) {
        let incarnation = self.nodes[node].incarnation;
        match action {
            Action::Persist(record, seq) => {
                self.nodes[node].disk.write_record(&record);
                self.sync_later(node, Some(seq), Vec::new());
            }
            Action::Store(block, certificate) => {
                self.nodes[node].disk.write(Entry::Block(Arc::clone(&block), certificate.clone()));
                if let Some(running) = &mut self.nodes[node].running {
                    running.blocks.insert(block.header().id(), (block, certificate));
                }
            }
            Action::Sign(unsigned) => self.sign(node, unsigned),
            Action::Broadcast(message) => self.broadcast(node, message),
            Action::Send(peer, message) => self.send_message(node, peer.0 as usize, message),
            Action::SetTimer(timer, ms) => {
                self.at(self.now + ms * 1_000, Happening::Timer { node, incarnation, timer });
            }
            Action::Fetch { request, from, attempt } => self.fetch(node, request, from.filter(|_| attempt == 0)),
            Action::Commit(committed) => self.commit(node, *committed),
            Action::EpochChanged(certificate) => self.change_epoch(node, certificate),
            Action::Reject(peer, error) => {
                self.trace(node, || format!("refuses a block from {}: {error}", peer.0));
                let is_correct = u64::from(self.scenario.is_correct(node));
                *self.outcome.rejected.entry(outcome::rule(&error)).or_default() += is_correct;
                self.oracles.rejected(self.now, node, peer.0 as usize, &error);
            }
            Action::Halt(reason) => {
                self.trace(node, || format!("halts: {reason}"));
                self.oracles.halted(self.now, node, &self.nodes[node], &reason);
                self.outcome.halted.push((node, reason));
            }
            Action::Finalized(executed) => self.oracles.finalized(self.now, node, executed),
            Action::Evidence(evidence) => {
                self.trace(node, || format!("finds {:?} of {}", evidence.kind(), evidence.offender()));
            }
        }
    }

    pub(super) fn sync_later(&mut self, node: usize, seq: Option<PersistSeq>, cells: Vec<CellRef>) {
        let (written, incarnation) = (self.nodes[node].disk.written(), self.nodes[node].incarnation);
        let delay = self.random.between(100, 3_000);
        self.at(self.now + delay, Happening::Synced { node, incarnation, written, seq, cells });
    }

    fn commit(&mut self, node: usize, committed: CommittedBlock) {
        self.trace(node, || trace_of(&committed));
        let is_first = self.oracles.committed(self.now, &self.nodes[node], &committed);
        if is_first {
            self.outcome.blocks.push(summary(self.now, &committed));
        }
        for cell in &committed.cells {
            if let Some((_, written)) = self.written_at.get(cell).filter(|(author, _)| *author == node) {
                self.arrived.insert(*cell);
                let latency = outcome::Latency { written: *written, ms: (self.now - written) / 1_000, author: node };
                self.outcome.latencies.extend(self.scenario.is_correct(node).then_some(latency));
            }
        }
        self.nodes[node].disk.write(Entry::Commit(Box::new(committed.clone())));
        let delay = self.random.between(500, 10_000);
        let (incarnation, clock_ms) = (self.nodes[node].incarnation, self.nodes[node].clock_ms(self.now));
        let Some(running) = &mut self.nodes[node].running else { return };
        let offenders: Signers = committed.block.body.evidence.iter().map(|evidence| evidence.offender()).collect();
        let effects = running.cells.commit(&committed.cells, offenders, clock_ms);
        let Running { execution, cells, .. } = running;
        if let Some((executed, receipts)) = execution.run(&committed, |id| cells.get(id).map(|cell| &cell.body)) {
            running.executes_until = running.executes_until.max(self.now) + delay;
            let at = running.executes_until;
            let end = committed.is_boundary.then_some(committed.tip);
            if self.scenario.is_correct(node) {
                let of_node = self.outcome.receipts_of.entry(node).or_default();
                of_node.insert(executed.number, receipts.clone());
            }
            self.outcome.receipts.extend(receipts.into_iter().filter(|_| is_first));
            self.at(at, Happening::Executed { node, incarnation, executed, end });
        }
        self.follow(node, effects);
    }

    fn change_epoch(&mut self, node: usize, certificate: Arc<EpochCertificate>) {
        let ended = certificate.claim.epoch;
        self.trace(node, || format!("ends epoch {ended}"));
        let checked = self.chain.verify(ended, certificate.as_ref().clone());
        self.oracles.epoch_changed(self.now, node, &certificate, checked.err());
        self.nodes[node].disk.write(Entry::Epoch(Arc::clone(&certificate)));
        if let Some(running) = &mut self.nodes[node].running {
            running.epochs.insert(ended, certificate);
            let me = running.core.status().me;
            running.cells.next_epoch(self.chain.mesh(Epoch(ended.0 + 1), me, Cut::default()));
        }
    }

    fn sign(&mut self, node: usize, unsigned: Unsigned) {
        let Some(running) = &self.nodes[node].running else { return };
        let status = running.core.status();
        let Some(index) = status.me else { return };
        self.oracles.signs(self.now, &self.nodes[node], index, &unsigned);
        if self.scenario.is_traced {
            let line = trace_of_signing(running, &unsigned);
            self.trace(node, || line);
        }
        if let Unsigned::Timeout { round, .. } = &unsigned
            && self.timed_out[node] < (status.epoch, *round)
        {
            self.timed_out[node] = (status.epoch, *round);
            self.outcome.timeouts += u64::from(self.scenario.is_correct(node));
        }
        if let Some(message) = self.finish(node, index, unsigned) {
            self.broadcast(node, message);
        }
    }

    /// Signs. Cells go their own way.
    fn finish(&mut self, node: usize, index: ValidatorIndex, unsigned: Unsigned) -> Option<Message> {
        let signer = &self.nodes[node].signer;
        let signed = |message: [u8; 32]| signer.sign(&message).expect("invariant: a hash always signs");
        Some(match unsigned {
            Unsigned::Cell(header) => {
                self.sign_cell(node, *header);
                return None;
            }
            Unsigned::Block(block) => {
                let signature = signed(block.header.message(CHAIN_ID));
                let signed = SignedBlockHeader { header: block.header, signature };
                Message::Proposal(Box::new(Block { signed, body: block.body }))
            }
            Unsigned::Vote(statement) => {
                Message::Vote(Vote { statement, voter: index, signature: signed(statement.message(CHAIN_ID)) })
            }
            Unsigned::Timeout { round, high_qc } => {
                let statement = TimeoutStatement {
                    epoch: high_qc.statement.epoch,
                    round,
                    high_round: high_qc.round(),
                    high_block: high_qc.block(),
                };
                let signature = signed(Domain::Timeout.message(CHAIN_ID, &statement.statement_id()));
                Message::Timeout(Box::new(Timeout { round, high_qc, voter: index, signature }))
            }
            Unsigned::Epoch(claim) => {
                Message::EpochVote(EpochVote { claim, voter: index, signature: signed(claim.message(CHAIN_ID)) })
            }
        })
    }

    /// Sends to everybody, itself first.
    fn broadcast(&mut self, node: usize, message: Message) {
        let Some(verified) = self.verify(node, message) else { return };
        let packet = Packet::Message(Arc::clone(&verified));
        self.at(self.now, Happening::Arrive { from: node, to: node, packet: packet.clone() });
        if let (Some(hostile), Some(running)) = (&mut self.hostile[node], &self.nodes[node].running) {
            let sendings = hostile.send(running, &self.chain, &verified);
            return self.deliver(node, sendings);
        }
        self.send_all(node, &packet);
    }
}

fn summary(at: u64, committed: &CommittedBlock) -> outcome::Commit {
    let header = committed.block.header();
    let evidence = committed.block.body.evidence.iter().map(|evidence| (evidence.kind(), evidence.offender()));
    outcome::Commit {
        id: committed.id,
        at,
        epoch: header.epoch,
        height: header.height,
        round: header.round,
        proposer: header.proposer,
        cells: committed.cells.len(),
        evidence: evidence.collect(),
    }
}

fn trace_of(committed: &CommittedBlock) -> String {
    let header = committed.block.header();
    format!(
        "commits height {} of epoch {}, round {}, by {}: {}, {} cells, {} proofs",
        header.height,
        header.epoch,
        header.round,
        header.proposer,
        short(&committed.id.0),
        committed.cells.len(),
        committed.block.body.evidence.len()
    )
}

fn trace_of_signing(running: &Running, unsigned: &Unsigned) -> String {
    match unsigned {
        Unsigned::Block(block) => format!("proposes {}", trace_of_block(&block.header, &block.body)),
        Unsigned::Vote(vote) => match running.blocks.get(&vote.block) {
            Some((block, _)) => {
                format!("votes for {}, by {}", trace_of_block(block.header(), &block.body), block.header().proposer)
            }
            None => format!("votes for {} of round {}, which it has not stored", short(&vote.block.0), vote.round),
        },
        Unsigned::Timeout { round, high_qc } => {
            format!("times out round {round}, its newest certificate is of round {}", high_qc.round())
        }
        Unsigned::Epoch(claim) => format!("signs the end of epoch {} at height {}", claim.epoch, claim.height),
        Unsigned::Cell(header) => format!("writes cell {}: {}", header.seq, short(&header.id().0)),
    }
}

fn trace_of_block(header: &BlockHeader, body: &BlockBody) -> String {
    let (id, parent, lanes) = (short(&header.id().0), short(&header.parent.0), body.cut.len());
    let text = format!("{id} of round {} on {parent} of round {}, {lanes} lanes", header.round, header.qc.round());
    match &body.timeout {
        Some(timeout) => format!("{text}, after timeouts that report round {}", timeout.high_qc.round()),
        None => text,
    }
}

fn short(id: &[u8; 32]) -> String {
    id.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
