//! Bytes as a story that happens to one node: messages that validators could have signed, valid and slightly wrong ones,
//! in any order, with crashes.

use super::{
    committee::{CHAIN, Committee, Parent, START_MS, bogus, cell, change, index, lane, result},
    node::Node,
    watch::{Watch, is_bounded},
};
use qsdm_consensus::{Action, Event, Message, PeerId, PersistSeq, Status, TimerId};
use qsdm_crypto::{Authenticate, Context, testing::HashVerifier};
use qsdm_mesh::CellRef;
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, BlockId, BodyHash, CellHeader, CellId, Epoch, EpochClaim, Evidence, Executed,
    ExecutionHash, Height, Links, QcRef, Round, SetId, TimeoutCertificate, VoteStatement,
};

/// Events that one story has at most.
pub(crate) const EVENTS_MAX: usize = 400;

/// A story that is being told.
struct Script<'a> {
    bytes: std::slice::Iter<'a, u8>,
    node: Node,
    watch: Watch,
    /// The blocks that were made.
    blocks: Vec<Block>,
    /// Those of them that a quorum would vote for.
    good: Vec<Block>,
}

/// Tells the story of these bytes and checks what must always be true. Where the node stands in the end.
pub(crate) fn tell(bytes: &[u8]) -> Status {
    let committee = Committee::new(4);
    let (me, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let me = u16::from(me % 5);
    let mut node = Node::with(&committee, Some(me).filter(|me| *me < 4), |_| {});
    node.next = Some(Committee::of(Epoch(1), &[1; 4]));
    let mut script = Script { bytes: rest.iter(), node, watch: Watch::default(), blocks: Vec::new(), good: Vec::new() };
    for _ in 0..EVENTS_MAX {
        let Some(kind) = script.next() else { break };
        script.event(kind);
    }
    script.node.status()
}

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        self.bytes.next().copied()
    }

    /// The next byte; 0 where the story ends.
    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    fn validator(&mut self) -> u16 {
        u16::from(self.below(4))
    }

    fn run(&mut self, event: Event) {
        let actions = self.node.run(event);
        self.check(&actions);
    }

    fn hold(&mut self, cell: CellRef) {
        let actions = self.node.hold(&cell);
        self.check(&actions);
    }

    fn check(&mut self, actions: &[Action]) {
        if self.node.next.is_none() {
            self.node.next = Some(Committee::of(Epoch(self.node.committee.epoch().0 + 1), &[1; 4]));
            self.blocks.clear();
            self.good.clear();
        }
        self.watch.see(actions);
        is_bounded(&self.node.core, &self.node.committee);
    }

    /// Sends what passes the shell's checks; nothing else gets to a core.
    fn send(&mut self, message: Message) {
        let peer = PeerId(u32::from(self.below(8)));
        if let Some(message) = self.verified(message) {
            self.run(Event::Message(peer, message));
        }
    }

    fn verified<T: Authenticate>(&self, value: T) -> Option<qsdm_crypto::Verified<T>> {
        let context = Context { chain_id: CHAIN, set: &self.node.committee.set, verifier: &HashVerifier };
        context.verify(value).ok()
    }

    fn event(&mut self, kind: u8) {
        match kind % 24 {
            0..=2 => self.grow(),
            3 => self.proposal(),
            4 | 5 => self.vote(),
            6 | 7 => self.certificate(),
            8 => self.timeout(),
            9 => self.timeout_certificate(),
            10 => self.stored_block(),
            11 => self.cell(),
            12 => self.acknowledgement(),
            13 => self.write_cell(),
            14 => self.evidence(),
            15 | 16 => self.timer(),
            17 => self.durable(),
            18 => self.executed(),
            19 => self.tick(),
            20 => self.epoch_end(),
            21 => self.question(),
            22 => self.other_epoch(),
            _ => self.restart(),
        }
    }

    /// A round near the current one.
    fn round(&mut self) -> u64 {
        let round = self.node.status().round.0;
        match self.below(64) {
            0..8 => round.saturating_sub(1),
            8..16 => round.saturating_add(1),
            16..20 => round.saturating_add(u64::from(self.byte())),
            _ => round,
        }
    }

    /// A block that was made, as a parent; or where the epoch starts.
    fn parent(&mut self) -> Parent {
        let committee = self.node.committee.clone();
        let at = usize::from(self.byte());
        let blocks = if self.below(64) == 0 { &self.blocks } else { &self.good };
        match blocks.len().checked_sub(1 + at % 8).and_then(|at| blocks.get(at)) {
            Some(block) => committee.after(block, if at.is_multiple_of(3) { &[0, 1, 2, 3] } else { &[0, 1, 2] }),
            None => Parent::start(committee.epoch(), self.node.core.committed().0),
        }
    }

    fn reference(&mut self) -> QcRef {
        match self.below(6) {
            0 => {
                let round = 1 + u64::from(self.byte());
                bogus(&self.node.committee, round)
            }
            _ => self.parent().qc,
        }
    }

    /// All goes well: a valid block on the newest certificate, and votes of a quorum.
    fn grow(&mut self) {
        let committee = self.node.committee.clone();
        let (status, high) = (self.node.status(), self.node.core.record().high_qc.reference);
        let known = self.blocks.iter().find(|block| block.header().id() == high.block());
        let parent = match known {
            Some(block) => Parent { qc: high, ..committee.after(block, &[]) },
            None if high.is_start() && self.good.is_empty() => {
                Parent::start(committee.epoch(), self.node.core.committed().0)
            }
            None => return,
        };
        let mut timeout = None;
        if !status.round.follows(parent.round) {
            timeout = status.round.0.checked_sub(1).map(|round| self.certificate_of_timeouts(round, parent.qc));
        }
        let (author, mut cut) = (self.validator(), Vec::new());
        if self.below(2) == 0 {
            let next = cell(author, self.next_seq(parent.id, author));
            cut = vec![change(&next)];
            self.hold(next);
        }
        let executed = result(self.node.core.committed().0.number.max(parent.executed.number));
        let block = committee.block_with(&parent, status.round.0, |header, body| {
            (header.proposer, body.timeout, body.cut) = (status.leader, timeout, cut);
            (header.executed, header.time_ms) = (executed, self.node.now_ms.max(parent.time_ms));
        });
        self.blocks.push(block.clone());
        self.good.push(block.clone());
        self.send(Message::Proposal(Box::new(block.clone())));
        let certificate = committee.certificate(committee.after(&block, &[0, 1, 2]).qc);
        self.send(Message::Certificate(Box::new(certificate)));
    }

    /// The next place of a lane after a block.
    fn next_seq(&self, mut id: BlockId, author: u16) -> u64 {
        while let Some(block) = self.blocks.iter().find(|block| block.header().id() == id) {
            if let Some(change) = block.body.cut.iter().find(|change| change.lane == lane(author)) {
                return change.seq + 1;
            }
            id = block.header().parent;
        }
        0
    }

    fn proposal(&mut self) {
        let parent = self.parent();
        let round = if self.below(4) > 0 { parent.round.0.saturating_add(1) } else { self.round() };
        let committee = self.node.committee.clone();
        let status = self.node.status();
        let leads = if status.round.0 == round { status.leader } else { index(committee.leader(round)) };
        let mut body = BlockBody::default();
        if !Round(round).follows(parent.round) {
            let high = if self.below(3) == 0 { self.reference() } else { parent.qc };
            body.timeout = round.checked_sub(1).map(|round| self.certificate_of_timeouts(round, high));
        }
        let (what, salt) = (self.below(16), self.byte());
        let author = self.validator();
        if what >= 8 {
            let tip = qsdm_mesh::CutView::tip(self.node.core.committed().1, lane(author));
            let cell = cell(author, tip.map_or(0, |tip| tip.seq + 1) + u64::from(salt % 3));
            body.cut = vec![change(&cell)];
            if what >= 9 {
                self.hold(cell);
            }
        }
        if what == 6 {
            body.evidence = vec![self.double_vote()];
        }
        let block = committee.block_with(&parent, round, |header, of| {
            *of = body;
            header.proposer = leads;
            spoil(header, what, salt);
        });
        self.blocks.push(block.clone());
        self.send(Message::Proposal(Box::new(block)));
    }

    fn vote(&mut self) {
        let voter = self.validator();
        let vote = match (self.below(8), self.blocks.last()) {
            (0, _) | (_, None) => {
                let round = Round(self.round() ^ (u64::from(self.byte() / 128) << 63));
                let block = BlockId([self.byte(); 32]);
                self.node.committee.vote_for(voter, VoteStatement { epoch: self.node.committee.epoch(), round, block })
            }
            (_, Some(block)) => self.node.committee.vote(voter, block),
        };
        self.send(Message::Vote(vote));
    }

    fn certificate(&mut self) {
        let reference = self.parent().qc;
        let certificate = self.node.committee.certificate(reference);
        self.send(Message::Certificate(Box::new(certificate)));
    }

    fn timeout(&mut self) {
        let (voter, mut round, high) = (self.validator(), self.round(), self.reference());
        if self.below(16) == 0 {
            round = u64::MAX - u64::from(self.byte());
        }
        let timeout = self.node.committee.timeout(voter, round, high);
        self.send(Message::Timeout(Box::new(timeout)));
    }

    fn certificate_of_timeouts(&mut self, round: u64, high: QcRef) -> TimeoutCertificate {
        self.node.committee.timeout_certificate(round, &[0, 1, 3], high)
    }

    fn timeout_certificate(&mut self) {
        let (round, high) = (self.round(), self.reference());
        let certificate = self.certificate_of_timeouts(round, high);
        self.send(Message::TimeoutCertificate(Box::new(certificate)));
    }

    fn stored_block(&mut self) {
        let at = usize::from(self.byte());
        let Some(block) = self.blocks.get(at % self.blocks.len().max(1)).cloned() else { return };
        let reference = block.header().qc;
        let certificate =
            (!reference.is_start() && at % 4 > 0).then(|| Box::new(self.node.committee.certificate(reference)));
        self.send(Message::Block(Box::new(block), certificate));
    }

    fn cell(&mut self) {
        let (author, seq) = (self.validator(), u64::from(self.below(16)));
        self.run(Event::CellHeld(cell(author, seq)));
    }

    fn acknowledgement(&mut self) {
        let (author, seq) = (self.validator(), u64::from(self.below(16)));
        let by = index(u16::from(self.below(6)));
        self.run(Event::Acknowledged(by, cell(author, seq).id));
    }

    fn write_cell(&mut self) {
        let (author, seq) = (self.validator(), u64::from(self.below(8)));
        let header = CellHeader {
            chain_id: CHAIN,
            epoch: self.node.committee.epoch(),
            lane: lane(author),
            seq,
            depth: seq + 1,
            links: Links { own: CellId([1; 32]), peer: CellId([2; 32]), bridge: None },
            time_ms: START_MS,
            gas_limit: 21_000,
            transactions: 1,
            body: BodyHash([self.below(2); 32]),
        };
        self.run(Event::WriteCell(Box::new(header)));
    }

    fn double_vote(&mut self) -> Evidence {
        let (by, round) = (self.validator(), 1 + u64::from(self.below(4)));
        let committee = &self.node.committee;
        let vote = |byte: u8| {
            let statement = VoteStatement { epoch: committee.epoch(), round: Round(round), block: BlockId([byte; 32]) };
            committee.vote_for(by, statement)
        };
        Evidence::double_vote(vote(1), vote(2))
    }

    fn evidence(&mut self) {
        let proof = self.double_vote();
        if let Some(proof) = self.verified(proof) {
            self.run(Event::Evidence(proof));
        }
    }

    fn timer(&mut self) {
        let timer = match (self.below(6), self.node.round_timer) {
            (0, _) => TimerId::Sync,
            (1, _) => TimerId::Heartbeat(self.node.status().round),
            (2, _) | (_, None) => TimerId::Round(Round(self.round()), u64::from(self.byte())),
            (_, Some((timer, _))) => timer,
        };
        self.run(Event::Timer(timer));
    }

    /// The disk answers at once, or not before it is told to.
    fn durable(&mut self) {
        self.node.syncs = self.below(2) == 0;
        let seq = PersistSeq(u64::from(self.byte()));
        if !self.node.syncs {
            return;
        }
        // all that was asked for is durable from now on
        self.node.disk.record = Some(self.node.core.record().clone());
        self.run(Event::Durable(PersistSeq(u64::MAX - seq.0)));
    }

    fn executed(&mut self) {
        let number = self.node.core.committed().0.number.saturating_sub(u64::from(self.below(3)));
        let hash = if self.below(6) == 0 { ExecutionHash([3; 32]) } else { result(number).hash };
        self.run(Event::Executed(Executed { number, hash }, None));
    }

    fn tick(&mut self) {
        self.node.now_ms += match self.below(6) {
            0 | 1 => 3_600_000,
            2 => 10_000,
            _ => u64::from(self.byte()) * 10,
        };
        self.run(Event::Tick(self.node.now_ms));
    }

    fn epoch_end(&mut self) {
        let mut claim = if self.node.core.committed().0.is_over {
            self.node.claim()
        } else {
            EpochClaim {
                epoch: self.node.committee.epoch(),
                height: Height(1),
                block: self.parent().id,
                state_root: ExecutionHash([5; 32]),
                next_set: SetId([1; 32]),
            }
        };
        if self.below(16) == 0 {
            claim.state_root = ExecutionHash([7; 32]);
        }
        if self.below(2) == 0 {
            let certificate = self.node.committee.epoch_certificate(claim, &[0, 1, 2]);
            return self.send(Message::EpochCertificate(Box::new(certificate)));
        }
        let voter = self.validator();
        let vote = self.node.committee.epoch_vote(voter, claim);
        self.send(Message::EpochVote(vote));
    }

    fn question(&mut self) {
        let reference = self.reference();
        self.run(Event::CertificateRequest(PeerId(3), reference));
    }

    fn other_epoch(&mut self) {
        let epoch = Epoch(u64::from(self.below(4)));
        let peer = PeerId(u32::from(self.below(8)));
        self.run(Event::OtherEpoch(peer, epoch));
    }

    /// Whatever was not durable is lost.
    fn restart(&mut self) {
        self.node.syncs = true;
        let actions = self.node.restart().expect("what is durable is no backup");
        self.check(&actions);
    }
}

/// Breaks one rule, or none.
fn spoil(header: &mut BlockHeader, what: u8, salt: u8) {
    match what {
        0 => header.time_ms += u64::from(salt) * 20,
        1 => header.time_ms -= u64::from(salt),
        2 => header.height.0 = header.height.0.wrapping_add(u64::from(salt)),
        3 => header.executed = result(u64::from(salt % 4)),
        4 => header.proposer = index(u16::from(salt % 4)),
        5 => header.time_ms += 3_600_000,
        _ => {}
    }
}
