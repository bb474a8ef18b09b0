//! Floods of cells: from authors who may be faulty, to everybody.
//!
//! Simulated time knows delays and disks. What a cell costs a processor is measured by the benches.

use super::support::{each, is_one_chain, keep_together, lost_rounds, run};
use qsdm_primitives::{
    EvidenceKind, Signers, ValidatorIndex,
    limits::{
        CELL_BYTES_MAX, CELLS_PENDING_BYTES_PER_AUTHOR_MAX, CELLS_PENDING_PER_AUTHOR_MAX,
        CELLS_UNCOMMITTED_PER_AUTHOR_MAX, FETCHES_OPEN_MAX,
    },
};
use qsdm_tests::sim::{
    Behaviour, Micros, Outcome, Scenario,
    scenario::{Bomb, Orphans, faulty, ms},
};

/// Cells of a bomb, by all its authors together.
const BOMB_CELLS: u64 = 10_000;
/// Time after which nothing is left of a flood.
const RECOVERY: Micros = ms(5_000);

/// Those who may be faulty do nothing wrong, but are not counted as correct: the same as a run with a flood, without it.
fn calm(seed: u64, validators: usize, end: Micros) -> Scenario {
    Scenario::calm(seed, validators).with_hostile(&[]).lasting(end)
}

fn with(calm: &Scenario, behaviours: &[Behaviour]) -> Scenario {
    calm.clone().with_hostile(behaviours)
}

/// Latencies of the cells of correct authors in several runs, in ascending order.
#[derive(Default)]
struct Latencies(Vec<u64>);

impl Latencies {
    /// Adds those of the cells that were written in a time.
    fn add(&mut self, outcome: &Outcome, from: Micros, until: Micros) {
        let of_time = outcome.latencies.iter().filter(|latency| (from..until).contains(&latency.written));
        self.0.extend(of_time.map(|latency| latency.ms));
        self.0.sort_unstable();
    }

    fn per_mille(&self, share: usize) -> u64 {
        let place = (self.0.len() * share / 1_000).min(self.0.len().saturating_sub(1));
        *self.0.get(place).expect("some cells were written")
    }

    /// At most so many hundredths of what the others are, in the middle and at the end.
    #[track_caller]
    fn stay_below(&self, percent: u64, others: &Self, what: &str) {
        for share in [500, 990] {
            let (found, expected) = (self.per_mille(share), others.per_mille(share));
            println!("{what}: {share} of 1,000 of {} cells within {found} ms, {expected} without", self.0.len());
            assert!(found * 100 <= expected * percent, "{what}: {found} ms instead of {expected}");
        }
    }
}

/// Everybody correct goes on, no cell of theirs is lost, and nobody but the hostile is blamed.
fn nothing_is_lost(scenario: &Scenario, outcome: &Outcome) {
    let is_correct = |node: &usize| scenario.is_correct(*node);
    is_one_chain(outcome);
    keep_together(outcome, (0..scenario.validators).filter(is_correct));
    assert_eq!(outcome.uncommitted, [], "cells that are never committed, with their authors");
    let blamed = outcome.blocks.iter().flat_map(|commit| &commit.evidence);
    assert_eq!(blamed.filter(|(_, offender)| is_correct(&usize::from(offender.0))).count(), 0);
    assert!(outcome.scores.keys().all(|node| !is_correct(node)), "{:?}", outcome.scores);
}

/// Runs both, once a seed. The votes of a round are as quick as without the flood: no round is given up.
fn undisturbed(seeds: u64, scenario: impl Fn(u64) -> Scenario, behaviour: Behaviour, judge: impl Fn(&Outcome)) {
    let (mut flooded, mut others) = (Latencies::default(), Latencies::default());
    each(0..seeds, |seed| {
        let calm = scenario(seed);
        let scenario = with(&calm, &[behaviour]);
        let (outcome, other) = (run(scenario.clone()), run(calm.clone()));
        nothing_is_lost(&scenario, &outcome);
        assert_eq!((outcome.timeouts, lost_rounds(&outcome)), (0, Vec::new()));
        // the blocks that the cells of whoever breaks rules would have caused are missing
        assert!(outcome.commits * 4 >= other.commits * 3, "{} commits, {} without", outcome.commits, other.commits);
        judge(&outcome);
        flooded.add(&outcome, 0, calm.end);
        others.add(&other, 0, calm.end);
    });
    flooded.stay_below(120, &others, behaviour.name());
}

/// Row 30. That decompressing takes bounded memory is measured where it is written, `compression_memory` in
/// `qsdm-primitives`; here nothing of it gets any further, and nobody waits for it.
#[test]
fn giant_cells_compressed_bombs_and_impossible_counts_get_no_further_than_the_decoder() {
    undisturbed(
        4,
        |seed| calm(seed, 4, ms(10_000)),
        Behaviour::Garbage,
        |outcome| {
            let rules = ["ContentTooLong", "Damaged", "LengthMissing", "NoFrame", "TooLong", "TooMany", "Truncated"];
            for rule in rules {
                assert!(outcome.refused.contains_key(rule), "nothing is refused for {rule}: {:?}", outcome.refused);
            }
            assert!(outcome.refused_cells.is_empty(), "{:?}", outcome.refused_cells);
            assert!(outcome.peak.held_of_one <= 4 && outcome.peak.pending <= 4, "{:?}", outcome.peak);
        },
    );
}

/// Row 30. A million at a single mesh: `a_million_missing_parents_leave_every_buffer_at_its_limit` in `qsdm-mesh`.
#[test]
fn a_million_missing_parents_fill_one_authors_buffers_and_delay_nobody_else() {
    let scenario = |seed| Scenario { orphans: Orphans { burst: 1_800, bytes: 32 }, ..calm(seed, 4, ms(10_000)) };
    undisturbed(1, scenario, Behaviour::ForgedLinks, |outcome| {
        let refused: u64 = outcome.refused_cells.values().sum();
        // two in each cell
        assert!(2 * refused > 1_000_000, "{refused} cells: {:?}", outcome.refused_cells);
        assert!(outcome.refused_cells.contains_key("PendingFull"), "{:?}", outcome.refused_cells);
        let (peak, limit) = (outcome.peak, CELLS_PENDING_PER_AUTHOR_MAX);
        assert_eq!(peak.pending_of_one, limit, "the limit is reached");
        assert!(peak.pending <= limit + 16 && peak.wanted <= 2 * limit + 16, "{peak:?}");
        // an author's share of the questions; some are the others'
        assert!(peak.asked <= FETCHES_OPEN_MAX / 4 + 16, "{peak:?}");
    });
}

/// Row 30.
#[test]
fn giant_cells_without_parents_fill_the_bytes_of_their_author_and_no_more() {
    let scenario = |seed| Scenario { orphans: Orphans { burst: 20, bytes: 1_000_000 }, ..calm(seed, 4, ms(5_000)) };
    undisturbed(1, scenario, Behaviour::ForgedLinks, |outcome| {
        let (peak, limit) = (outcome.peak, CELLS_PENDING_BYTES_PER_AUTHOR_MAX);
        assert!(peak.pending_bytes_of_one <= limit, "{peak:?}");
        assert!(peak.pending_bytes_of_one > limit - CELL_BYTES_MAX, "the limit is reached: {peak:?}");
        assert!(outcome.refused_cells.contains_key("PeerBytes"), "{:?}", outcome.refused_cells);
    });
}

/// A bomb of 10,000 cells that claim as much gas as one payment each, and the same without it.
fn bombed(seed: u64, validators: usize, behaviours: &[Behaviour]) -> (Scenario, Outcome, Outcome) {
    let authors = faulty(validators) as u64;
    let bomb = Bomb { from: ms(3_000), cells: BOMB_CELLS / authors, burst: 100, gas: 21_000 };
    let calm = Scenario { bomb, ..calm(seed, validators, ms(28_000)) };
    let scenario = with(&calm, behaviours);
    let (outcome, other) = (run(scenario.clone()), run(calm));
    nothing_is_lost(&scenario, &outcome);
    (scenario, outcome, other)
}

/// What the cells of correct authors wait while a bomb goes off, and from some time after it on.
fn measure(validators: usize, behaviours: &[Behaviour], judge: impl Fn(&Scenario, &Outcome)) {
    let [mut during, mut after, mut without, mut later] = [(); 4].map(|()| Latencies::default());
    each(0..3, |seed| {
        let (scenario, outcome, other) = bombed(seed, validators, behaviours);
        let (from, until) = (scenario.bomb.from, outcome.flooded_until);
        assert!(until + RECOVERY < scenario.cells_until, "the bomb ends at {until} µs");
        let peak = outcome.peak;
        println!("until {until} µs: {peak:?}, {:?}", outcome.refused_cells);
        assert!(peak.asked <= FETCHES_OPEN_MAX && peak.pending_of_one <= CELLS_PENDING_PER_AUTHOR_MAX, "{peak:?}");
        during.add(&outcome, from, until);
        without.add(&other, from, until);
        after.add(&outcome, until + RECOVERY, scenario.end);
        later.add(&other, until + RECOVERY, scenario.end);
        let (left, before) = (outcome.kept.values(), other.peak.held_of_one);
        left.for_each(|kept| assert!(kept.held_of_one <= before || !outcome.quarantined[&0].is_empty(), "{kept:?}"));
        judge(&scenario, &outcome);
    });
    during.stay_below(200, &without, "during the bomb");
    after.stay_below(120, &later, "five seconds after it");
}

/// Row 31, and the bomb of the acceptance list.
#[test]
fn ten_thousand_cells_that_reference_each_other_double_no_latency_and_are_forgotten_soon() {
    for validators in [4, 7] {
        measure(validators, &[Behaviour::Bomb], |_, outcome| {
            let peak = outcome.peak;
            assert_eq!(peak.pending_of_one, CELLS_PENDING_PER_AUTHOR_MAX, "the limit is reached");
            assert_eq!(peak.held_of_one, CELLS_UNCOMMITTED_PER_AUTHOR_MAX, "and this one, and not passed");
            let correct = validators - faulty(validators);
            let hostile = faulty(validators) * CELLS_UNCOMMITTED_PER_AUTHOR_MAX;
            assert!(peak.held <= hostile + correct * 16, "the correct authors have few of them: {peak:?}");
            let refused = outcome.refused_cells.get("PendingFull").copied().unwrap_or(0);
            assert!(refused > BOMB_CELLS / 2, "{:?}", outcome.refused_cells);
            assert!(
                outcome.quarantined.values().all(|authors| authors.is_empty()),
                "nobody is proved guilty of anything"
            );
        });
    }
}

/// Row 31: whoever linked to a cell that no block has the gas for could never be committed. Nobody does.
#[test]
fn cells_that_claim_more_gas_than_a_block_has_stop_nobody() {
    let bomb = Bomb { from: 0, cells: 1_000, burst: 100, gas: u64::MAX };
    let scenario = |seed| Scenario { bomb: bomb.clone(), ..calm(seed, 4, ms(6_000)) };
    undisturbed(2, scenario, Behaviour::Bomb, |outcome| {
        assert!(outcome.refused_cells.contains_key("GasLimit"), "{:?}", outcome.refused_cells);
    });
}

/// Row 31: where the authors of a bomb have forked their lanes, there is evidence. They did so seconds before: until the
/// other branch is fetched, one cell after the other, some cells of correct authors wait, as row 32 allows.
#[test]
fn authors_of_a_bomb_that_forks_are_quarantined_and_nobody_elses_cells_are_voided() {
    for validators in [4, 7] {
        measure(validators, &[Behaviour::Bomb, Behaviour::LongFork], |scenario, outcome| {
            let hostile = (0..validators).filter(|node| !scenario.is_correct(*node));
            let offenders: Signers = hostile.map(|node| ValidatorIndex(node as u16)).collect();
            for offender in offenders.iter() {
                assert!(outcome.has_evidence(EvidenceKind::LaneFork, offender.0.into()), "nobody proves {offender}");
            }
            assert!(outcome.quarantined.values().all(|found| *found == offenders), "{:?}", outcome.quarantined);
            assert!(outcome.refused_cells.contains_key("Quarantined"), "{:?}", outcome.refused_cells);
        });
    }
}
