//! Running scenarios, and questions about how they ended.

use qsdm_primitives::{BlockId, Epoch, ValidatorIndex};
use qsdm_tests::sim::{
    Micros, Outcome, Scenario, Simulation,
    scenario::{Outage, ms},
};
use std::{collections::BTreeSet, ops::Range};

/// Later than any end.
pub(crate) const NEVER: Micros = Micros::MAX / 2;
/// Longer than what was sent before something happened is on its way, and is stored and executed.
pub(crate) const UNDER_WAY: Micros = ms(60);
/// Lines of a trace that are printed where a run went wrong.
const LINES_PRINTED: usize = 60;

/// Does it for all seeds, and says which one it is about. `QSDM_FIRST_SEED` is where they begin, in place of 0.
pub(crate) fn each(seeds: Range<u64>, mut test: impl FnMut(u64)) {
    let first = std::env::var("QSDM_FIRST_SEED").map_or(0, |first| first.parse().expect("QSDM_FIRST_SEED is a number"));
    for seed in seeds {
        println!("seed {}", first + seed);
        test(first + seed);
    }
}

/// Runs a scenario to its end. The oracles have no objection.
pub(crate) fn run(scenario: Scenario) -> Outcome {
    let outcome = Simulation::new(scenario.clone()).run();
    if !outcome.violations.is_empty() {
        println!("{scenario:#?}");
        let trace = Simulation::new(Scenario { is_traced: true, ..scenario }).run().trace;
        trace.iter().skip(trace.len().saturating_sub(LINES_PRINTED)).for_each(|line| println!("{line}"));
        panic!("{:?}", outcome.violations);
    }
    outcome
}

/// So many validators, from one that the seed chooses on, are down in this time.
pub(crate) fn down(seed: u64, validators: usize, count: usize, time: Range<Micros>) -> Vec<Outage> {
    let first = seed as usize % validators;
    (first..first + count).map(|node| Outage::new(node % validators, time.start, time.end)).collect()
}

/// Rounds after which leaders are dealt again.
pub(crate) fn window(validators: usize) -> u64 {
    (validators as u64 * 4).clamp(32, 256)
}

/// When the first block of a round or a later one was committed.
pub(crate) fn committed_at(outcome: &Outcome, round: u64) -> Micros {
    let found = outcome.blocks.iter().find(|commit| commit.round.0 >= round);
    found.map(|commit| commit.at).unwrap_or_else(|| panic!("round {round} was never reached"))
}

/// When the first block after a time was committed.
pub(crate) fn next_commit(outcome: &Outcome, after: Micros) -> Micros {
    let found = outcome.blocks.iter().find(|commit| commit.at > after);
    found.map(|commit| commit.at).unwrap_or_else(|| panic!("nothing was committed after {after} µs"))
}

/// Blocks of a proposer among those of some rounds of the first epoch.
pub(crate) fn proposed(outcome: &Outcome, by: usize, rounds: Range<u64>) -> usize {
    let of_rounds = outcome.blocks.iter().filter(|commit| rounds.contains(&commit.round.0));
    of_rounds.filter(|commit| commit.proposer == ValidatorIndex(by as u16)).count()
}

/// Heights on the chain follow each other, rounds rise.
pub(crate) fn is_one_chain(outcome: &Outcome) {
    for (height, commit) in (1..).zip(&outcome.blocks) {
        assert_eq!(commit.height.0, height, "each height once");
    }
    for pair in outcome.blocks.windows(2) {
        let (one, next) = ((pair[0].epoch, pair[0].round), (pair[1].epoch, pair[1].round));
        assert!(one < next, "round {next:?} after {one:?}");
    }
}

/// All of these nodes run, and have committed the same up to a few blocks.
pub(crate) fn keep_together(outcome: &Outcome, nodes: impl IntoIterator<Item = usize>) {
    for node in nodes {
        let status = outcome.status[node].unwrap_or_else(|| panic!("node {node} is down"));
        // what a core has committed may not have left it yet
        let behind = outcome.commits.saturating_sub(status.height.0);
        assert!(behind <= 10, "node {node} is {behind} blocks behind");
        assert!(!status.is_halted, "node {node} has halted");
    }
}

/// The rounds without a committed block, up to the newest that is committed.
pub(crate) fn lost_rounds(outcome: &Outcome) -> Vec<u64> {
    let committed: BTreeSet<u64> = outcome.rounds(Epoch(0)).map(|round| round.0).collect();
    let last = committed.last().copied().unwrap_or(0);
    (1..last).filter(|round| !committed.contains(round)).collect()
}

/// In a good network a block that has its votes is committed, whatever the next leader does.
pub(crate) fn nothing_certified_is_lost(outcome: &Outcome) {
    let committed: BTreeSet<BlockId> = outcome.blocks.iter().map(|commit| commit.id).collect();
    let last = outcome.blocks.last().expect("something is committed");
    let until = (last.epoch, last.round);
    for (place, block) in outcome.certified.range(..=until) {
        assert!(committed.contains(block), "the certified block of {place:?} is not committed");
    }
}

/// Leaders have two rounds in a row: the other one of a leader.
pub(crate) fn other_of_slot(round: u64) -> u64 {
    round ^ 1
}

/// Of a correct leader neither round is lost.
pub(crate) fn only_their_rounds_are_lost(scenario: &Scenario, outcome: &Outcome) {
    for round in lost_rounds(outcome) {
        let other = outcome.blocks.iter().find(|commit| commit.round.0 == other_of_slot(round));
        let leader = other.map(|commit| usize::from(commit.proposer.0));
        assert!(leader.is_none_or(|leader| !scenario.is_correct(leader)), "round {round} of {leader:?} is lost");
    }
}
