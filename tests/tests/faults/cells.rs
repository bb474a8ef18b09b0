//! Cells that are withheld, forked, or lead nowhere.

use super::support::{each, is_one_chain, keep_together, proposed, run};
use qsdm_primitives::EvidenceKind;
use qsdm_tests::sim::{
    Behaviour, Outcome, Scenario,
    scenario::{NetworkModel, faulty, ms},
};

/// Whoever may be faulty writes cells like this.
fn written_by(validators: usize, seed: u64, behaviours: &[Behaviour]) -> Outcome {
    let outcome = run(Scenario::calm(seed, validators).with_hostile(behaviours).lasting(ms(8_000)));
    is_one_chain(&outcome);
    keep_together(&outcome, 0..validators - faulty(validators));
    outcome
}

/// Row 13. That nobody votes without holding the cells is an oracle's matter.
#[test]
fn cells_that_only_their_leader_holds_are_fetched_in_time_or_its_round_is_lost() {
    let (mut fetched, mut lost) = (0, 0);
    for validators in [4, 7] {
        each(0..4, |seed| {
            let outcome = written_by(validators, seed, &[Behaviour::WithheldCells]);
            let hostile = validators - faulty(validators)..validators;
            fetched += hostile.map(|leader| proposed(&outcome, leader, 0..u64::MAX)).sum::<usize>();
            lost += outcome.timeouts;
            // the others' cells go on being committed, in the rounds of the others
            assert!(outcome.latency_ms(500, 0) < 1_000, "half of the cells wait {} ms", outcome.latency_ms(500, 0));
        });
    }
    println!("{fetched} blocks of withholding leaders are committed, {lost} times a round was given up");
    assert!(fetched > 20 && lost > 20);
}

/// Row 32. That at most one of two cells is committed, and nothing in a lane after its fork is proved, are oracles' matters.
#[test]
fn a_forked_lane_is_proved_and_voided_and_at_most_one_branch_is_committed() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let outcome = written_by(validators, seed, &[Behaviour::ConflictingCells]);
            for offender in validators - faulty(validators)..validators {
                assert!(outcome.has_evidence(EvidenceKind::LaneFork, offender), "nobody proves {offender} guilty");
            }
            // cells of the others that linked to a voided one are committed all the same
            let correct = validators - faulty(validators);
            let written = outcome.latencies.len();
            assert!(written >= correct * 20, "{written} cells of {correct} authors are committed");
        });
    }
}

/// Row 32: also where the offender lists its own branch as a leader, whatever was proved.
#[test]
fn a_leader_that_includes_its_voided_cells_finds_no_voter() {
    each(0..6, |seed| {
        let outcome = written_by(4, seed, &[Behaviour::ConflictingCells, Behaviour::OwnCells]);
        assert!(outcome.has_evidence(EvidenceKind::LaneFork, 3));
        assert!(outcome.rejected.contains_key("Cut"), "it tried: {:?}", outcome.rejected);
    });
}

/// Reported elsewhere: a deadlock when the queue of cells that wait for their parents was full.
#[test]
fn cells_whose_parents_never_come_do_not_stop_those_whose_parents_do() {
    for drop_per_mille in [0, 100] {
        each(0..4, |seed| {
            let stable_network = NetworkModel { drop_per_mille, ..NetworkModel::good() };
            let mut scenario = Scenario { stable_network, ..Scenario::calm(seed, 4).lasting(ms(10_000)) };
            // half of what is sent in a round leads nowhere
            scenario = scenario.with_hostile(&[Behaviour::ForgedLinks, Behaviour::Bomb]);
            let outcome = run(scenario);
            let late = outcome.latencies.iter().filter(|latency| latency.written >= ms(8_000)).count();
            assert!(late >= 15, "{late} cells of the last second in which some were written");
        });
    }
}

/// A cut that leaves out what its cells link to is refused by all alike.
#[test]
fn a_cut_that_is_not_closed_loses_its_round() {
    each(0..4, |seed| {
        let scenario = Scenario { cell_every: ms(40), ..Scenario::calm(seed, 4).with_hostile(&[Behaviour::OpenCut]) };
        let outcome = run(scenario.lasting(ms(8_000)));
        assert!(outcome.rejected.contains_key("Cut"), "it tried: {:?}", outcome.rejected);
        keep_together(&outcome, 0..3);
    });
}
