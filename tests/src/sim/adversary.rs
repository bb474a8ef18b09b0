//! Validators that break rules. Each has a real key, runs the real core to know what is going on, and sends something else
//! than that says.

mod blocks;
mod forgeries;
mod frames;
mod lanes;
mod noise;
mod votes;

use super::{
    Micros, Random,
    cells::{Cells, SharedCell},
    node::{Chain, Running},
    run::{CHAIN_ID, Packet, START_MS},
    scenario::{Bomb, Orphans, Scenario, ms},
};
use lanes::Flood;
use qsdm_consensus::{FetchRequest, Message};
use qsdm_crypto::{Signer, Verified, testing::HashSigner};
use qsdm_primitives::{
    Algorithm, BlockId, CellHeader, Epoch, QcRef, Round, Signature, Signers, Statement, ValidatorIndex, VoteStatement,
};
use std::sync::Arc;

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A way of breaking rules.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Behaviour {
            $($(#[$doc])* $name,)*
        }

        impl Behaviour {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

behaviours! {
    /// Two valid blocks as leader: one to each half, or both to all.
    Equivocate = "equivocate",
    /// Votes for several blocks of a round, and for blocks that nobody proposed.
    DoubleVote = "double-vote",
    /// As leader after a timeout certificate: a block on an older certificate than that one allows.
    StaleCertificate = "stale-qc",
    /// Two cells in each place of its lane, one to each half.
    ConflictingCells = "conflicting-cells",
    /// Lists cells that it has shown to nobody, and hands them out late or never.
    WithheldCells = "withheld-cells",
    /// Cells with links to cells that don't exist.
    ForgedLinks = "forged-links",
    /// Votes, timeouts and blocks of rounds far ahead and far back.
    FutureRounds = "future-rounds",
    /// Messages of other epochs and other chains.
    WrongEpoch = "wrong-epoch",
    /// Floods of cells that reference each other.
    Bomb = "bomb",
    /// Says nothing at all.
    Silent = "silent",
    /// Doesn't vote.
    WithholdVotes = "withhold-votes",
    /// Signatures that are none, certificates of too few, messages in the name of others.
    Forge = "forge",
    /// Proposes nothing.
    SilentLeader = "silent-leader",
    /// Proposes too late.
    SlowLeader = "slow-leader",
    /// Proposes to as many as a quorum needs.
    PartialProposals = "partial-proposals",
    /// As leader: a block that leaves the newest certified one out, without a reason.
    TailFork = "tail-fork",
    /// As leader: an execution result that nobody computed.
    WrongResult = "wrong-result",
    /// Proposes in rounds that others lead.
    Usurp = "usurp",
    /// As leader: always its own newest cells, whether they may be included or not.
    OwnCells = "own-cells",
    /// As leader: cells without those that they link to.
    OpenCut = "open-cut",
    /// Answers questions with chains and certificates that it made alone.
    ForgedChain = "forged-chain",
    /// Two lanes in the place of one, each as long as it may be, one to each half and all at once.
    LongFork = "long-fork",
    /// Bytes that are no cell, or seem to be few.
    Garbage = "garbage",
}

impl Behaviour {
    /// The one of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|behaviour| behaviour.name() == name)
    }
}

/// One message of a hostile node.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    pub(super) to: usize,
    pub(super) delay: Micros,
    pub(super) packet: Packet,
}

/// A hostile node.
pub(super) struct Hostile {
    id: usize,
    nodes: usize,
    me: ValidatorIndex,
    signer: HashSigner,
    does: Vec<Behaviour>,
    random: Random,
    bomb: Bomb,
    orphans: Orphans,
    flood: Flood,
    frames: Vec<Arc<Vec<u8>>>,
    /// Who belongs to the half that sees the first of two things.
    half: Vec<bool>,
}

impl Hostile {
    pub(super) fn new(id: usize, scenario: &Scenario, does: &[Behaviour], mut random: Random) -> Self {
        let nodes = scenario.nodes();
        let mut half: Vec<bool> = (0..nodes).map(|_| random.per_mille(500)).collect();
        // somebody sees the first and somebody the second
        if let [one, other, ..] = half.as_mut_slice()
            && one == other
        {
            *one = !*other;
        }
        Self {
            id,
            nodes,
            me: ValidatorIndex(id as u16),
            signer: HashSigner::new(Algorithm::MlDsa65, id as u64),
            does: does.to_vec(),
            half,
            random,
            bomb: scenario.bomb.clone(),
            orphans: scenario.orphans.clone(),
            flood: Flood::default(),
            frames: Vec::new(),
        }
    }

    fn does(&self, behaviour: Behaviour) -> bool {
        self.does.contains(&behaviour)
    }

    /// Whether nothing it sends leaves.
    pub(super) fn is_mute(&self) -> bool {
        self.does(Behaviour::Silent)
    }

    /// What it sends in place of what its core signed.
    pub(super) fn send(&mut self, running: &Running, chain: &Chain, message: &Arc<Verified<Message>>) -> Vec<Sending> {
        if self.is_mute() {
            return Vec::new();
        }
        match &***message {
            Message::Proposal(block) => self.propose(running, chain, block),
            Message::Vote(vote) => self.vote(running, vote),
            _ => self.to_all(&Packet::Message(Arc::clone(message))),
        }
    }

    /// What it does on its own account, every now and then.
    pub(super) fn make_mischief(&mut self, running: &Running, chain: &Chain, clock_ms: u64) -> Vec<Sending> {
        let mut sendings = Vec::new();
        if self.is_mute() || running.core.status().me.is_none() {
            return sendings;
        }
        for behaviour in self.does.clone() {
            sendings.extend(match behaviour {
                Behaviour::DoubleVote => self.vote_for_anything(running),
                Behaviour::FutureRounds => self.leap(running, chain),
                Behaviour::WrongEpoch => self.mistake_the_epoch(running),
                Behaviour::Forge => self.forge(running, chain),
                Behaviour::ForgedChain => self.spread_forged_chain(running, chain),
                Behaviour::Usurp => self.usurp(running, chain, clock_ms),
                Behaviour::Bomb if clock_ms >= START_MS + self.bomb.from / 1_000 => self.explode(running, clock_ms),
                Behaviour::ForgedLinks => self.link_to_nothing(running, clock_ms),
                Behaviour::LongFork => self.fork_whole_lane(running, chain, clock_ms),
                Behaviour::Garbage => self.send_garbage(running),
                _ => Vec::new(),
            });
        }
        sendings
    }

    /// What it answers, where that is not the truth.
    pub(super) fn answer(
        &mut self,
        running: &Running,
        chain: &Chain,
        from: usize,
        request: &FetchRequest,
    ) -> Option<Vec<Sending>> {
        if self.is_mute() {
            return Some(Vec::new());
        }
        match request {
            FetchRequest::Cells(ids) if self.does(Behaviour::WithheldCells) => {
                Some(self.hand_out_late(running, from, ids))
            }
            _ if self.does(Behaviour::ForgedChain) && self.random.per_mille(700) => {
                Some(self.answer_with_forgeries(running, chain, from))
            }
            _ => None,
        }
    }

    /// Changes what it is about to write; whether it writes at all.
    pub(super) fn plans(&self, header: &mut CellHeader, cells: &Cells) -> bool {
        if self.does(Behaviour::OwnCells) {
            self.link_to_own_only(header, cells);
        }
        !self.does(Behaviour::Bomb) && !self.does(Behaviour::LongFork)
    }

    /// Whether it says in the name of all that they hold its cells. Only it is deceived by that.
    pub(super) fn pretends_acknowledgements(&self) -> bool {
        self.does(Behaviour::WithheldCells) || self.does(Behaviour::OwnCells)
    }

    /// Whether it sends its cells again until they are committed.
    pub(super) fn repeats_cells(&self) -> bool {
        !self.is_mute() && !self.does(Behaviour::WithheldCells)
    }

    /// Sends a cell that it wrote.
    pub(super) fn publish(&mut self, cell: &SharedCell) -> Vec<Sending> {
        if self.does(Behaviour::WithheldCells) || self.is_mute() {
            Vec::new()
        } else if self.does(Behaviour::ConflictingCells) {
            self.fork_lane(cell)
        } else {
            self.to_all(&Packet::Cell(Arc::clone(cell)))
        }
    }

    fn sign(&self, statement: &impl Statement) -> Signature {
        self.signer.sign(&statement.message(CHAIN_ID)).expect("invariant: a hash always signs")
    }

    fn everybody_else(&self) -> impl Iterator<Item = usize> + use<> {
        let id = self.id;
        (0..self.nodes).filter(move |to| *to != id)
    }

    fn to_all(&self, packet: &Packet) -> Vec<Sending> {
        self.everybody_else().map(|to| Sending { to, delay: 0, packet: packet.clone() }).collect()
    }

    /// To everybody, itself included.
    fn tell(&self, message: Message) -> Vec<Sending> {
        let packet = Packet::Unverified(Arc::new(message));
        (0..self.nodes).map(|to| Sending { to, delay: 0, packet: packet.clone() }).collect()
    }

    /// The first to one half, the second to the other.
    fn to_halves(&self, first: &Packet, second: &Packet) -> Vec<Sending> {
        let packet = |to: usize| if self.half[to] { first } else { second };
        self.everybody_else().map(|to| Sending { to, delay: 0, packet: packet(to).clone() }).collect()
    }

    /// Sometimes a delay of up to some rounds.
    fn delay(&mut self) -> Micros {
        ms(self.random.between(1, 900))
    }

    fn any_block(&mut self) -> BlockId {
        let mut id = [0xad; 32];
        id[..8].copy_from_slice(&self.random.bits().to_le_bytes());
        BlockId(id)
    }

    /// A certificate that doesn't exist, of a round, by everybody: it looks right until its votes are asked for.
    fn invented(&mut self, epoch: Epoch, round: Round, signers: Signers) -> QcRef {
        QcRef { statement: VoteStatement { epoch, round, block: self.any_block() }, signers }
    }
}
