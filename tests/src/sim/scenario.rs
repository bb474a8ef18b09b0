//! What is simulated.

mod random;

use super::{Micros, adversary::Behaviour};
use qsdm_consensus::{Mutant, Parameters};

pub use random::{Choice, faulty};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// All randomness comes from it.
    pub seed: u64,
    /// Validators.
    pub validators: usize,
    /// Bonded weights; all 1 where empty.
    pub weights: Vec<u64>,
    /// The first so many validators run twice with one key.
    pub twins: usize,
    /// The last so many validators break rules: what each of them does.
    pub hostile: Vec<Vec<Behaviour>>,
    /// The rule that every node breaks.
    pub mutant: Option<Mutant>,
    /// Times of the protocol.
    pub parameters: Parameters,
    /// The network before [`Scenario::stable_from`].
    pub network: NetworkModel,
    /// The network from then on.
    pub stable_network: NetworkModel,
    /// Who is cut off from whom, and when.
    pub partitions: Vec<Partition>,
    /// Nodes that stop and start.
    pub outages: Vec<Outage>,
    /// In how many of a million actions a node crashes right after it, before [`Scenario::stable_from`].
    pub crash_per_million: u64,
    /// Every node crashes once, as soon as its first timeout is durable and before it is sent.
    pub crash_after_timeout: bool,
    /// How far each node's clock is ahead, in milliseconds; 0 where the list ends.
    pub skew_ms: Vec<i64>,
    /// When a node's clock is set, and how far ahead it is from then on, in milliseconds.
    pub clock_jumps: Vec<(Micros, usize, i64)>,
    /// From when on nothing fails that was not told to.
    pub stable_from: Micros,
    /// When the run ends.
    pub end: Micros,
    /// How much longer it may go on until every correct node has committed something in the second half of the time in
    /// which nothing fails any more. Leaders that break rules cost two rounds each, and rounds that fail grow longer.
    pub patience: Micros,
    /// Time between the cells of one author.
    pub cell_every: Micros,
    /// No cells are written after this.
    pub cells_until: Micros,
    /// So many validators, the first ones, write cells with payments. The others only write witnesses.
    pub writers: usize,
    /// Submeshes: the root submesh of two dimensions, others of three.
    pub submeshes: usize,
    /// What is in the cells.
    pub payments: Payments,
    /// Payments that several authors claim at once, beside the others.
    pub double_spends: Option<DoubleSpends>,
    /// What whoever sends a bomb sends.
    pub bomb: Bomb,
    /// What whoever links to cells that don't exist sends.
    pub orphans: Orphans,
    /// Nodes whose execution gives something else from an EVM block on.
    pub divergence: Vec<(usize, u64)>,
    /// The members of later epochs as lists of weights by validator; the last one stays.
    pub later_weights: Vec<Vec<u64>>,
    /// Whether the chain has to grow once nothing fails any more.
    pub must_grow: bool,
    /// Whether what happens is written down, one line each.
    pub is_traced: bool,
}

/// What happens to messages.
#[derive(Clone, Debug)]
pub struct NetworkModel {
    /// Least and greatest delay.
    pub delay: (Micros, Micros),
    /// Messages lost, per mille.
    pub drop_per_mille: u64,
    /// Messages that come twice, per mille.
    pub duplicate_per_mille: u64,
}

/// Payments: a few senders, who use each nonce for a while and not only once.
#[derive(Clone, Debug)]
pub struct Payments {
    /// Senders.
    pub senders: u64,
    /// How long a sender uses a nonce, in milliseconds.
    pub nonce_ms: u64,
}

/// One sender and nonce after the other, each in cells that several authors write at the same time.
#[derive(Clone, Debug)]
pub struct DoubleSpends {
    /// Authors that have the same nonce, from another one on each time.
    pub authors: usize,
    /// Time from one nonce to the next.
    pub every: Micros,
}

/// Cells whose parents don't exist.
#[derive(Clone, Debug)]
pub struct Orphans {
    /// Cells at once.
    pub burst: u64,
    /// Bytes of each one's transaction.
    pub bytes: usize,
}

/// A flood of cells by each author that takes part in it.
#[derive(Clone, Debug)]
pub struct Bomb {
    /// When it begins.
    pub from: Micros,
    /// Cells in the whole run.
    pub cells: u64,
    /// Cells at once.
    pub burst: u64,
    /// Gas that a cell of its lane claims.
    pub gas: u64,
}

/// A time in which only members of one group reach each other.
#[derive(Clone, Debug)]
pub struct Partition {
    /// When it begins.
    pub from: Micros,
    /// When it ends.
    pub until: Micros,
    /// The group of each node.
    pub groups: Vec<u8>,
    /// Whether members of group 0 are heard by the others, while they hear nobody.
    pub is_one_way: bool,
}

/// A time in which a node is down.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The node.
    pub node: usize,
    /// When it stops.
    pub from: Micros,
    /// When it starts again; never, where it is after the end.
    pub until: Micros,
    /// What happens to its safety log meanwhile.
    pub fault: Option<DiskFault>,
}

/// What happens to a safety log while its node is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// It is replaced by a copy of this time.
    Restored(Micros),
    /// The last record is half written.
    Torn,
    /// A byte before the last record is another one.
    Damaged,
}

/// Milliseconds in the simulator's unit.
pub const fn ms(milliseconds: u64) -> Micros {
    milliseconds * 1_000
}

impl NetworkModel {
    /// A network that delivers everything within 2 to 20 ms.
    pub fn good() -> Self {
        Self { delay: (ms(2), ms(20)), drop_per_mille: 0, duplicate_per_mille: 0 }
    }
}

impl Partition {
    /// Groups that don't reach each other.
    pub fn new(from: Micros, until: Micros, groups: Vec<u8>) -> Self {
        Self { from, until, groups, is_one_way: false }
    }

    /// Whether a message is lost.
    pub(super) fn cuts(&self, now: Micros, from: usize, to: usize) -> bool {
        let (from, to) = (self.groups.get(from), self.groups.get(to));
        (self.from..self.until).contains(&now) && from != to && !(self.is_one_way && from == Some(&0))
    }
}

impl Outage {
    /// A node that stops and starts with its disk as it was.
    pub fn new(node: usize, from: Micros, until: Micros) -> Self {
        Self { node, from, until, fault: None }
    }
}

impl Scenario {
    /// Nothing fails.
    pub fn calm(seed: u64, validators: usize) -> Self {
        Self {
            seed,
            validators,
            weights: Vec::new(),
            twins: 0,
            hostile: Vec::new(),
            mutant: None,
            parameters: Parameters { round_ms: 200, idle_block_ms: 1_000, epoch_length_ms: 1_000_000_000 },
            network: NetworkModel::good(),
            stable_network: NetworkModel::good(),
            partitions: Vec::new(),
            outages: Vec::new(),
            crash_per_million: 0,
            crash_after_timeout: false,
            skew_ms: Vec::new(),
            clock_jumps: Vec::new(),
            stable_from: 0,
            end: ms(5_000),
            patience: 0,
            cell_every: ms(200),
            cells_until: ms(4_000),
            writers: usize::MAX,
            submeshes: 1,
            payments: Payments { senders: 16, nonce_ms: 500 },
            double_spends: None,
            bomb: Bomb { from: 0, cells: 240, burst: 12, gas: 0 },
            orphans: Orphans { burst: 1, bytes: 32 },
            divergence: Vec::new(),
            later_weights: Vec::new(),
            must_grow: true,
            is_traced: false,
        }
    }

    /// The same, with all validators that may be faulty breaking rules in this way.
    #[must_use]
    pub fn with_hostile(mut self, behaviours: &[Behaviour]) -> Self {
        self.hostile = vec![behaviours.to_vec(); faulty(self.validators) - self.twins];
        self
    }

    /// The same for a longer time: cells are written until a second before the end.
    #[must_use]
    pub fn lasting(mut self, end: Micros) -> Self {
        (self.end, self.cells_until) = (end, end.saturating_sub(ms(1_000)));
        self
    }

    /// Simulated nodes: validators and twins.
    pub fn nodes(&self) -> usize {
        self.validators + self.twins
    }

    /// Which validator a node is.
    pub fn validator_of(&self, node: usize) -> usize {
        if node < self.validators { node } else { node - self.validators }
    }

    /// What a node does against the rules, where it is hostile.
    pub fn behaviours(&self, node: usize) -> Option<&[Behaviour]> {
        let first = self.validators - self.hostile.len();
        let place = node.checked_sub(first).filter(|_| node < self.validators)?;
        self.hostile.get(place).map(Vec::as_slice)
    }

    /// Whether a node writes cells on its own account.
    pub(super) fn writes(&self, node: usize) -> bool {
        self.validator_of(node) < self.writers
    }

    /// Whether a validator runs once, and its node keeps to the rules.
    pub fn is_correct(&self, node: usize) -> bool {
        self.validator_of(node) >= self.twins && self.behaviours(node).is_none()
    }

    /// By when a correct node that commits nothing any more counts as stuck.
    pub(super) fn must_commit_after(&self) -> Micros {
        self.stable_from + self.end.saturating_sub(self.stable_from) / 2
    }

    /// Whether a node may refuse to start, because of what happened to its disk.
    pub(super) fn may_refuse(&self, node: usize) -> bool {
        let is_fatal = |fault| matches!(fault, DiskFault::Restored(_) | DiskFault::Damaged);
        self.outages.iter().any(|outage| outage.node == node && outage.fault.is_some_and(is_fatal))
    }
}
