//! The run: events in the order of simulated time.

mod authors;
mod outcome;
mod shell;
mod traffic;

pub use outcome::{Commit, Latency, Outcome};

use super::{
    Micros, Random, Scenario,
    adversary::Hostile,
    cells::{Committed, SharedCell, submeshes},
    disk::{Disk, Written},
    node::{Chain, Node, epoch_end},
    oracle::Oracles,
    scenario::{DiskFault, DoubleSpends},
};
use qsdm_consensus::{Action, CommitTip, Config, Event, FetchRequest, Message, PersistSeq, Status, TimerId};
use qsdm_crypto::{Signer, Verified, testing::HashSigner};
use qsdm_mesh::{CellRef, CutRules, Mesh, SubmeshRules};
use qsdm_primitives::{
    Algorithm, BlockId, Cell, CellId, Epoch, Executed, ExecutionHash, Round, SubmeshId, Validator, ValidatorSet,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

/// Chain id of simulated chains.
pub(super) const CHAIN_ID: u64 = 31_337;
/// Simulated time 0, milliseconds since the Unix epoch.
pub(super) const START_MS: u64 = 1_800_000_000_000;

/// Gas of a simulated block, and of each submesh in it.
const BLOCK_GAS: u64 = 60_000_000;

/// What a simulated block may include.
pub(super) fn rules(submeshes: &BTreeMap<SubmeshId, SubmeshRules>) -> CutRules {
    let shares = submeshes.iter().map(|(id, rules)| (*id, rules.gas_per_block));
    CutRules { block_gas: BLOCK_GAS, submeshes: shares.collect() }
}

/// What travels between nodes.
#[derive(Clone, Debug)]
pub(super) enum Packet {
    /// Of a node that keeps to the rules, verified when it was sent.
    Message(Arc<Verified<Message>>),
    /// Of one that doesn't: whoever receives it verifies it.
    Unverified(Arc<Message>),
    Cell(SharedCell),
    UnverifiedCell(Arc<Cell>),
    /// Compressed bytes that should be a cell.
    Frame(Arc<Vec<u8>>),
    Acknowledge(CellId),
    Request(FetchRequest),
}

#[derive(Clone, Debug)]
enum Happening {
    Arrive { from: usize, to: usize, packet: Packet },
    Timer { node: usize, incarnation: u64, timer: TimerId },
    Synced { node: usize, incarnation: u64, written: Written, seq: Option<PersistSeq>, cells: Vec<CellRef> },
    Executed { node: usize, incarnation: u64, executed: Executed, end: Option<CommitTip> },
    WriteCell { node: usize },
    Spend { node: usize, nonce: u64 },
    Repeat { node: usize },
    Tick { node: usize },
    Mischief { node: usize },
    Backup { node: usize },
    SetClock { node: usize, skew_ms: i64 },
    Stop { node: usize, fault: Option<DiskFault> },
    Start { node: usize },
}

/// A simulated network of validators.
pub struct Simulation {
    scenario: Scenario,
    chain: Chain,
    nodes: Vec<Node>,
    hostile: Vec<Option<Hostile>>,
    random: Random,
    now: Micros,
    queue: BinaryHeap<Reverse<(Micros, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    free: Vec<usize>,
    next: u64,
    oracles: Oracles,
    written_at: BTreeMap<CellId, (usize, Micros)>,
    /// The cells that their authors have committed.
    arrived: BTreeSet<CellId>,
    outcome: Outcome,
    /// Nodes that have crashed after a timeout, where the scenario says that all do.
    crashed_after_timeout: Vec<bool>,
    /// The newest round that each node timed out, by epoch.
    timed_out: Vec<(Epoch, Round)>,
}

/// The validators of a simulated epoch.
fn set(scenario: &Scenario, epoch: Epoch) -> ValidatorSet {
    let later = epoch.0.checked_sub(1).and_then(|index| {
        let last = scenario.later_weights.len().checked_sub(1)?;
        scenario.later_weights.get((index as usize).min(last))
    });
    let weights = later.unwrap_or(&scenario.weights);
    let members = (0..scenario.validators).filter_map(|index| {
        let bonded = if weights.is_empty() { 1 } else { *weights.get(index)? };
        let key = HashSigner::new(Algorithm::MlDsa65, index as u64).public_key().clone();
        Some(Validator { account: alloy_primitives::Address::with_last_byte(index as u8), key, bonded })
    });
    ValidatorSet::new(epoch, members.collect()).expect("invariant: keys of different numbers differ")
}

impl Simulation {
    /// Sets a scenario up.
    pub fn new(scenario: Scenario) -> Self {
        let mut random = Random::new(scenario.seed);
        let genesis =
            CommitTip::genesis(BlockId([0; 32]), START_MS, Executed { number: 0, hash: ExecutionHash([0; 32]) });
        let of = scenario.clone();
        let submeshes = submeshes(scenario.submeshes, BLOCK_GAS);
        let rules = rules(&submeshes);
        let nodes: Vec<Node> = (0..scenario.nodes()).map(|id| node(&scenario, id, &rules, &mut random)).collect();
        let hostile = (0..scenario.nodes())
            .map(|id| scenario.behaviours(id).map(|does| Hostile::new(id, &scenario, does, random.fork())))
            .collect();
        let mut simulation = Self {
            oracles: Oracles::new(&scenario),
            chain: Chain::new(genesis, submeshes, Box::new(move |epoch| set(&of, epoch))),
            crashed_after_timeout: vec![false; nodes.len()],
            timed_out: vec![(Epoch(0), Round(0)); nodes.len()],
            nodes,
            hostile,
            random,
            now: 0,
            queue: BinaryHeap::new(),
            happenings: Vec::new(),
            free: Vec::new(),
            next: 0,
            written_at: BTreeMap::new(),
            arrived: BTreeSet::new(),
            outcome: Outcome::default(),
            scenario,
        };
        simulation.schedule_scenario();
        simulation
    }

    fn schedule_scenario(&mut self) {
        for node in 0..self.nodes.len() {
            self.at(0, Happening::Start { node });
            let first = self.random.below(self.scenario.cell_every.max(1));
            self.at(first, Happening::WriteCell { node });
            self.at(self.scenario.parameters.round_ms * 1_000, Happening::Repeat { node });
            self.at(self.scenario.parameters.round_ms * 500, Happening::Tick { node });
            if self.hostile[node].is_some() {
                self.at(self.scenario.parameters.round_ms * 500, Happening::Mischief { node });
            }
        }
        self.schedule_double_spends();
        for outage in self.scenario.outages.clone() {
            if let Some(DiskFault::Restored(taken)) = outage.fault {
                self.at(taken, Happening::Backup { node: outage.node });
            }
            self.at(outage.from, Happening::Stop { node: outage.node, fault: outage.fault });
            self.at(outage.until, Happening::Start { node: outage.node });
        }
        for (at, node, skew_ms) in self.scenario.clock_jumps.clone() {
            self.at(at, Happening::SetClock { node, skew_ms });
        }
    }

    /// The next author is the first of those of the next nonce.
    fn schedule_double_spends(&mut self) {
        let Some(DoubleSpends { authors, every }) = self.scenario.double_spends.clone() else { return };
        let times = (every..self.scenario.cells_until).step_by(every as usize);
        for (nonce, at) in (0..).zip(times) {
            for place in 0..authors {
                let node = (nonce as usize + place) % self.scenario.validators;
                self.at(at, Happening::Spend { node, nonce });
            }
        }
    }

    fn at(&mut self, time: Micros, happening: Happening) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.happenings.push(None);
            self.happenings.len() - 1
        });
        self.happenings[place] = Some(happening);
        self.queue.push(Reverse((time.max(self.now), self.next, place)));
        self.next += 1;
    }

    /// Runs to the end.
    pub fn run(mut self) -> Outcome {
        while let Some(Reverse((time, _, place))) = self.queue.pop() {
            if self.oracles.has_violation() || (time > self.scenario.end && self.is_done(time)) {
                break;
            }
            self.now = time;
            if let Some(happening) = self.happenings[place].take() {
                self.free.push(place);
                self.happen(happening);
            }
        }
        let status: Vec<Option<Status>> =
            self.nodes.iter().map(|node| node.running.as_ref().map(|running| running.core.status())).collect();
        let questions = |node: usize| {
            let running = self.nodes[node].running.as_ref();
            format!("{:?}", running.map(|running| running.core.questions().collect::<Vec<_>>()))
        };
        self.oracles.at_end(&self.scenario, &status, questions);
        for violation in self.oracles.violations() {
            let line =
                format!("{:>10.3} node {}: VIOLATION: {}", violation.at as f64 / 1e6, violation.node, violation.what);
            self.outcome.trace.push(line);
        }
        Outcome {
            certified: self.oracles.certified_blocks().clone(),
            peak: self.oracles.peak(),
            uncommitted: self.uncommitted(),
            quarantined: self.meshes().map(|(node, mesh)| (node, mesh.quarantined())).collect(),
            kept: self.meshes().map(|(node, mesh)| (node, mesh.usage())).collect(),
            commits: self.outcome.blocks.last().map_or(0, |commit| commit.height.0),
            violations: self.oracles.into_violations(),
            status,
            ..self.outcome
        }
    }

    /// The meshes of the correct nodes that run.
    fn meshes(&self) -> impl Iterator<Item = (usize, &Mesh<Committed>)> {
        let correct = self.nodes.iter().filter(|node| self.scenario.is_correct(node.id));
        correct.filter_map(|node| node.running.as_ref().map(|running| (node.id, running.cells.mesh())))
    }

    fn uncommitted(&self) -> Vec<(usize, Micros)> {
        let left = self.written_at.iter().filter(|(cell, _)| !self.arrived.contains(*cell));
        left.map(|(_, written)| *written).filter(|(author, _)| self.scenario.is_correct(*author)).collect()
    }

    fn is_done(&self, time: Micros) -> bool {
        let is_running = |node: usize| self.nodes[node].running.is_some();
        time > self.scenario.end + self.scenario.patience
            || !self.scenario.must_grow
            || self.oracles.stuck(self.scenario.must_commit_after(), is_running).next().is_none()
    }

    /// Writes a line of the trace.
    fn trace(&mut self, node: usize, what: impl FnOnce() -> String) {
        if self.scenario.is_traced {
            self.outcome.trace.push(format!("{:>10.3} node {node}: {}", self.now as f64 / 1e6, what()));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive { from, to, packet } => self.arrive(from, to, packet),
            Happening::Timer { node, incarnation, timer } if self.nodes[node].incarnation == incarnation => {
                self.step(node, Event::Timer(timer));
            }
            Happening::Synced { node, incarnation, written, seq, cells }
                if self.nodes[node].incarnation == incarnation =>
            {
                self.synced(node, written, seq, cells);
            }
            Happening::Executed { node, incarnation, executed, end } if self.nodes[node].incarnation == incarnation => {
                let end = end.map(|tip| Box::new(epoch_end(&self.chain, &tip, executed.hash)));
                self.oracles.executed(node, executed);
                self.step(node, Event::Executed(executed, end));
            }
            Happening::WriteCell { node } => self.write_cell(node),
            Happening::Spend { node, nonce } => self.spend(node, nonce),
            Happening::Repeat { node } => self.repeat_cells(node),
            Happening::Tick { node } => self.tick(node),
            Happening::Mischief { node } => self.make_mischief(node),
            Happening::Backup { node } => self.nodes[node].disk.back_up(self.now),
            Happening::SetClock { node, skew_ms } => self.nodes[node].skew_ms = skew_ms,
            Happening::Stop { node, fault } => {
                self.crash(node);
                fault.into_iter().for_each(|fault| self.nodes[node].disk.suffer(fault));
            }
            Happening::Start { node } => self.start(node),
            Happening::Timer { .. } | Happening::Synced { .. } | Happening::Executed { .. } => {}
        }
    }

    fn start(&mut self, node: usize) {
        if self.nodes[node].running.is_some() {
            return;
        }
        match self.nodes[node].start(&self.chain, self.now) {
            Ok((actions, effects)) => {
                self.trace(node, || "starts".into());
                self.oracles.starts(&self.nodes[node]);
                self.carry_out(node, actions);
                self.follow(node, effects);
            }
            Err(error) => {
                self.trace(node, || format!("refuses to start: {error}"));
                if !self.scenario.may_refuse(node) {
                    self.oracles.report(self.now, node, format!("does not start: {error}"));
                }
                self.outcome.failed_starts.push((node, error));
            }
        }
    }

    fn crash(&mut self, node: usize) {
        if self.nodes[node].running.is_some() {
            self.trace(node, || "crashes".into());
            self.outcome.crashes += 1;
            self.nodes[node].crash();
        }
    }

    fn synced(&mut self, node: usize, written: Written, seq: Option<PersistSeq>, cells: Vec<CellRef>) {
        self.outcome.events += 1;
        if self.scenario.crash_after_timeout && !self.crashed_after_timeout[node] {
            self.nodes[node].disk.sync(written);
            if self.nodes[node].disk.durable().is_some_and(|record| record.last_timeout > Round(0)) {
                self.crashed_after_timeout[node] = true;
                self.crash(node);
                self.at(self.now + 300_000, Happening::Start { node });
                return;
            }
        }
        let actions = self.nodes[node].synced(self.now, written, seq);
        self.carry_out(node, actions);
        cells.into_iter().for_each(|cell| self.cell_is_durable(node, cell));
    }

    fn step(&mut self, node: usize, event: Event) {
        self.outcome.events += 1;
        let actions = self.nodes[node].step(self.now, event);
        self.carry_out(node, actions);
    }

    /// Does what a core wants, in order; a crash may come between any two actions.
    fn carry_out(&mut self, node: usize, actions: Vec<Action>) {
        if actions.is_empty() {
            return;
        }
        if let Some(running) = &self.nodes[node].running {
            self.oracles.bounded(self.now, node, &running.core.status());
            self.oracles.certified(self.now, node, running.core.record().high_qc.reference);
        }
        for action in actions {
            if self.nodes[node].running.is_none() {
                return;
            }
            self.act(node, action);
            let may_crash = self.now < self.scenario.stable_from && self.scenario.crash_per_million > 0;
            if may_crash && self.random.below(1_000_000) < self.scenario.crash_per_million {
                self.crash(node);
                let pause = self.random.between(1_000, 500_000);
                self.at(self.now + pause, Happening::Start { node });
            }
        }
    }
}

fn node(scenario: &Scenario, id: usize, rules: &CutRules, random: &mut Random) -> Node {
    let config = Config {
        chain_id: CHAIN_ID,
        key: None,
        parameters: scenario.parameters.clone(),
        rules: rules.clone(),
        // who breaks rules on purpose needs no broken core
        mutant: scenario.mutant.filter(|_| scenario.behaviours(id).is_none()),
    };
    Node {
        id,
        signer: HashSigner::new(Algorithm::MlDsa65, scenario.validator_of(id) as u64),
        config,
        disk: Disk::default(),
        random: random.fork(),
        skew_ms: scenario.skew_ms.get(id).copied().unwrap_or(0),
        diverges_at: scenario.divergence.iter().find(|(node, _)| *node == id).map(|(_, number)| *number),
        incarnation: 0,
        running: None,
    }
}
