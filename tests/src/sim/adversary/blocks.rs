//! Blocks that no correct leader proposes.

use super::{Behaviour, Hostile, Packet, Sending};
use crate::sim::{
    cells::Cells,
    node::{Chain, Running},
    scenario::ms,
};
use qsdm_consensus::Message;
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, CutChange, ExecutionHash, QcRef, Round, SignedBlockHeader, TimeoutCertificate,
};
use std::sync::Arc;

impl Hostile {
    /// What becomes of a block that its core proposed.
    pub(super) fn propose(&mut self, running: &Running, chain: &Chain, block: &Block) -> Vec<Sending> {
        if self.does(Behaviour::SilentLeader) {
            return Vec::new();
        }
        let mut block = block.clone();
        if self.does(Behaviour::StaleCertificate) {
            match self.on_older_certificate(running, &block) {
                Some(stale) => block = stale,
                // no certificate is stale without a timeout: the second round of the two that it leads may have one
                None if block.body.timeout.is_none() && block.header().round.0.is_multiple_of(2) => return Vec::new(),
                None => {}
            }
        }
        if self.does(Behaviour::TailFork) && self.random.per_mille(500) {
            block = self.without_newest(running, block);
        }
        if self.does(Behaviour::WrongResult) {
            block = self.with_wrong_result(block);
        }
        if self.does(Behaviour::OwnCells) {
            block = self.with_own_cells(running, block);
        }
        if self.does(Behaviour::OpenCut) {
            block = self.with_open_cut(block);
        }
        self.distribute(running, chain, block)
    }

    fn distribute(&mut self, running: &Running, chain: &Chain, block: Block) -> Vec<Sending> {
        if self.does(Behaviour::Equivocate) {
            return self.equivocate(block);
        }
        let mut sendings = self.tell(Message::Proposal(Box::new(block)));
        if self.does(Behaviour::PartialProposals) {
            // its own vote is one of the quorum
            let most = chain.set(running.core.status().epoch).quorum() as usize - 1;
            sendings.retain(|sending| sending.to != self.id);
            while sendings.len() > most {
                sendings.swap_remove(self.random.index(sendings.len()));
            }
        }
        if self.does(Behaviour::SlowLeader) {
            let delay = ms(self.random.between(150, 1_500));
            sendings.iter_mut().for_each(|sending| sending.delay = delay);
        }
        sendings
    }

    /// A second valid block of the round: half of the time each half of the nodes gets one, else all get both.
    fn equivocate(&mut self, block: Block) -> Vec<Sending> {
        let mut header = block.header().clone();
        header.time_ms += 1;
        let body = if self.random.per_mille(500) {
            BlockBody { timeout: block.body.timeout.clone(), ..BlockBody::default() }
        } else {
            block.body.clone()
        };
        let other = Message::Proposal(Box::new(self.signed(header, body)));
        let block = Message::Proposal(Box::new(block));
        if self.random.per_mille(500) {
            let [block, other] = [block, other].map(|message| Packet::Unverified(Arc::new(message)));
            return self.to_halves(&block, &other);
        }
        [self.tell(block), self.tell(other)].concat()
    }

    /// The same block on the parent of the block that it should extend, where its timeout certificate doesn't allow that.
    fn on_older_certificate(&self, running: &Running, block: &Block) -> Option<Block> {
        let timeout = block.body.timeout.as_ref()?;
        let (parent, _) = running.blocks.get(&block.header().parent)?;
        let older = parent.header();
        if older.qc.round() >= timeout.high_qc.round() || older.epoch != block.header().epoch {
            return None;
        }
        Some(self.on(block, older, Some(timeout.clone())))
    }

    /// The same, without or with any timeout certificate.
    fn without_newest(&self, running: &Running, block: Block) -> Block {
        match running.blocks.get(&block.header().parent) {
            Some((parent, _)) if parent.header().epoch == block.header().epoch => {
                let timeout = block.body.timeout.clone().or_else(|| parent.body.timeout.clone());
                self.on(&block, parent.header(), timeout)
            }
            _ => block,
        }
    }

    /// An empty block in the place of `sibling`.
    fn on(&self, block: &Block, sibling: &BlockHeader, timeout: Option<TimeoutCertificate>) -> Block {
        let header = BlockHeader {
            height: sibling.height,
            parent: sibling.parent,
            qc: sibling.qc,
            executed: sibling.executed,
            ..block.header().clone()
        };
        self.signed(header, BlockBody { timeout, ..BlockBody::default() })
    }

    fn with_wrong_result(&mut self, block: Block) -> Block {
        let mut header = block.header().clone();
        header.executed.hash = ExecutionHash([0xbd; 32]);
        if self.random.per_mille(200) {
            header.executed.number += 1;
        }
        self.signed(header, block.body)
    }

    /// Adds the own newest cell, whatever was proved against its author, and whether the epoch is over or not.
    fn with_own_cells(&self, running: &Running, block: Block) -> Block {
        let lane = Cells::lane(self.me);
        let Block { signed, mut body } = block;
        let epoch = signed.header.epoch;
        let all = running.cells.stored().iter().map(|(id, cell)| (id, cell.header()));
        let own = all.filter(|(_, header)| header.lane == lane && header.epoch == epoch);
        let newest = own.max_by_key(|(_, header)| header.seq).map(|(id, header)| (*id, header.seq));
        if let Some((cell, seq)) = newest
            && let Err(place) = body.cut.binary_search_by_key(&lane, |change| change.lane)
        {
            body.cut.insert(place, CutChange { lane, seq, cell });
        }
        self.signed(signed.header, body)
    }

    /// Leaves one lane out that others may link into.
    fn with_open_cut(&mut self, block: Block) -> Block {
        let Block { signed, mut body } = block;
        if body.cut.len() > 1 {
            body.cut.remove(self.random.index(body.cut.len()));
        }
        self.signed(signed.header, body)
    }

    /// A block in a round that somebody else leads.
    pub(super) fn usurp(&mut self, running: &Running, chain: &Chain, clock_ms: u64) -> Vec<Sending> {
        let status = running.core.status();
        let record = running.core.record();
        if status.leader == self.me || record.epoch != status.epoch {
            return Vec::new();
        }
        let high = record.high_qc.reference;
        let timeout = record.high_tc.as_deref().filter(|certificate| status.round.follows(certificate.round));
        let timeout = timeout.filter(|_| !status.round.follows(high.round())).cloned();
        match self.empty_block(running, chain, status.round, high, timeout, clock_ms) {
            Some(block) => self.tell(Message::Proposal(Box::new(block))),
            None => Vec::new(),
        }
    }

    /// A block without anything, on the block of a certificate.
    fn empty_block(
        &self,
        running: &Running,
        chain: &Chain,
        round: Round,
        qc: QcRef,
        timeout: Option<TimeoutCertificate>,
        clock_ms: u64,
    ) -> Option<Block> {
        let (tip, _) = running.core.committed();
        let (height, time_ms, executed) = match running.blocks.get(&qc.block()) {
            Some((parent, _)) => (parent.header().height, parent.header().time_ms, parent.header().executed),
            None if tip.block == qc.block() => (tip.height, tip.time_ms, tip.executed),
            None => return None,
        };
        let body = BlockBody { timeout, ..BlockBody::default() };
        let header = BlockHeader {
            chain_id: chain.chain_id,
            epoch: running.core.status().epoch,
            round,
            height: height.next()?,
            parent: qc.block(),
            qc,
            body: body.hash(),
            executed,
            time_ms: clock_ms.max(time_ms),
            proposer: self.me,
        };
        Some(self.signed(header, body))
    }

    pub(super) fn signed(&self, mut header: BlockHeader, body: BlockBody) -> Block {
        header.body = body.hash();
        header.proposer = self.me;
        let signature = self.sign(&header);
        Block { signed: SignedBlockHeader { header, signature }, body }
    }
}
