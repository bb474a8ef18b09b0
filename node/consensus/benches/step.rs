//! Events a second that a core takes in a committee that loses nothing: `cargo bench -p qsdm-consensus`.
//!
//! A committee runs once, and everything that its first validator hears is kept. What is measured is a fresh core that
//! hears it again. Signatures are checked before, as the shell does.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

#[path = "../tests/rules/support/committee.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod committee;

use committee::{CHAIN, Committee, START_MS, cell, genesis_tip, result, rules};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use qsdm_consensus::{Action, Config, Core, Event, Message, Parameters, PeerId, Recovery, TimerId, Unsigned};
use qsdm_mesh::Cut;
use qsdm_primitives::{Block, SignedBlockHeader, Vote};
use std::{collections::VecDeque, hint::black_box};

/// Blocks that the measured core commits.
const BLOCKS: u64 = 50;

fn core(committee: &Committee, validator: u16) -> (Core, Vec<Action>) {
    let config = Config {
        chain_id: CHAIN,
        key: Some(committee.key(validator)),
        parameters: Parameters { round_ms: 1_000, idle_block_ms: 5_000, epoch_length_ms: 3_600_000 },
        rules: rules(),
        #[cfg(feature = "mutants")]
        mutant: None,
    };
    let recovery = Recovery {
        set: committee.set.clone(),
        tip: genesis_tip(),
        cut: Cut::default(),
        record: None,
        is_new_key: false,
        blocks: Vec::new(),
        cells: Vec::new(),
        executed: result(0),
        results: [(0, result(0).hash)].into(),
        end: None,
        certificates: Vec::new(),
    };
    Core::recover(config, recovery, START_MS).expect("a first start succeeds")
}

/// A committee in one queue.
struct Network {
    committee: Committee,
    cores: Vec<Core>,
    queue: VecDeque<(usize, Event)>,
    heartbeats: VecDeque<(usize, TimerId)>,
    has_cells: bool,
    heard: Vec<Event>,
    blocks: u64,
}

impl Network {
    /// What the first validator hears until it has committed enough; with cells, each validator writes one a block.
    fn record(validators: usize, has_cells: bool) -> Vec<Event> {
        let committee = Committee::new(validators);
        let (queue, heartbeats) = (VecDeque::new(), VecDeque::new());
        let mut network =
            Self { committee, cores: Vec::new(), queue, heartbeats, has_cells, heard: Vec::new(), blocks: 0 };
        let started: Vec<_> = (0..validators as u16).map(|validator| core(&network.committee, validator)).collect();
        let (cores, actions): (Vec<_>, Vec<_>) = started.into_iter().unzip();
        network.cores = cores;
        network.write_cells(0);
        actions.into_iter().enumerate().for_each(|(node, actions)| network.follow(node, actions));
        while network.blocks < BLOCKS {
            let next = network.queue.pop_front();
            let (node, event) = next.unwrap_or_else(|| {
                let (node, timer) = network.heartbeats.pop_front().expect("somebody waits for something");
                (node, Event::Timer(timer))
            });
            if node == 0 {
                network.heard.push(event.clone());
            }
            let actions = network.cores[node].step(event);
            network.follow(node, actions);
        }
        network.heard
    }

    fn send_all(&mut self, event: &Event) {
        self.queue.extend((0..self.cores.len()).map(|node| (node, event.clone())));
    }

    /// Everybody holds a new cell of everybody, and says so to all.
    fn write_cells(&mut self, seq: u64) {
        let validators: Vec<_> = self.committee.set.indices().filter(|_| self.has_cells).collect();
        let cells: Vec<_> = validators.iter().map(|author| cell(author.0, seq)).collect();
        cells.iter().for_each(|cell| self.send_all(&Event::CellHeld(cell.clone())));
        for cell in &cells {
            validators.iter().for_each(|holder| self.send_all(&Event::Acknowledged(*holder, cell.id)));
        }
    }

    fn follow(&mut self, node: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Persist(_, seq) => self.queue.push_back((node, Event::Durable(seq))),
                Action::Sign(unsigned) => self.sign(node, unsigned),
                Action::SetTimer(timer @ TimerId::Heartbeat(_), _) => self.heartbeats.push_back((node, timer)),
                Action::Commit(block) => {
                    let executed = block.number.map(|number| Event::Executed(result(number), None));
                    self.queue.extend(executed.map(|event| (node, event)));
                    if node == 0 {
                        self.blocks += 1;
                        self.send_all(&Event::Tick(START_MS + self.blocks * 300));
                        self.write_cells(self.blocks);
                    }
                }
                _ => {}
            }
        }
    }

    fn sign(&mut self, node: usize, unsigned: Unsigned) {
        let validator = node as u16;
        let message = match unsigned {
            Unsigned::Block(block) => {
                let signature = self.committee.sign(validator, &block.header);
                let signed = SignedBlockHeader { header: block.header, signature };
                Message::Proposal(Box::new(Block { signed, body: block.body }))
            }
            Unsigned::Vote(statement) => {
                let voter = committee::index(validator);
                Message::Vote(Vote { statement, voter, signature: self.committee.sign(validator, &statement) })
            }
            _ => return,
        };
        let message = self.committee.verify(message);
        self.send_all(&Event::Message(PeerId(u32::from(validator)), message));
    }
}

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for (name, has_cells) in [("votes", false), ("votes_and_cells", true)] {
        for validators in [4, 16, 64] {
            let events = Network::record(validators, has_cells);
            let committee = Committee::new(validators);
            group.throughput(Throughput::Elements(events.len() as u64));
            group.bench_with_input(BenchmarkId::new(name, validators), &events, |bencher, events| {
                bencher.iter_batched(
                    || (core(&committee, 0).0, events.clone()),
                    |(mut core, events)| {
                        events.into_iter().for_each(|event| drop(black_box(core.step(event))));
                        assert!(core.status().height.0 >= BLOCKS, "it commits what the other one committed");
                        core
                    },
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
