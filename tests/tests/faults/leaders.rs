//! Leaders that are dead, slow, or break rules.

use super::support::{
    NEVER, committed_at, down, each, is_one_chain, keep_together, lost_rounds, nothing_certified_is_lost,
    only_their_rounds_are_lost, other_of_slot, proposed, run, window,
};
use qsdm_primitives::EvidenceKind;
use qsdm_tests::sim::{
    Behaviour, Outcome, Scenario,
    scenario::{faulty, ms},
};

/// Whoever may be faulty leads like this.
fn led_by(validators: usize, seed: u64, behaviours: &[Behaviour]) -> (Scenario, Outcome) {
    let scenario = Scenario::calm(seed, validators).with_hostile(behaviours).lasting(ms(8_000));
    let outcome = run(scenario.clone());
    is_one_chain(&outcome);
    keep_together(&outcome, 0..validators - faulty(validators));
    (scenario, outcome)
}

/// Row 3. That at most one of the two blocks is certified is an oracle's matter.
#[test]
fn of_two_blocks_of_one_leader_at_most_one_is_certified_and_the_proof_is_committed() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (scenario, outcome) = led_by(validators, seed, &[Behaviour::Equivocate]);
            for offender in (0..validators).filter(|node| !scenario.is_correct(*node)) {
                assert!(
                    outcome.has_evidence(EvidenceKind::DoubleProposal, offender),
                    "nobody proves {offender} guilty"
                );
            }
            let proofs: usize = outcome.blocks.iter().map(|commit| commit.evidence.len()).sum();
            assert_eq!(proofs, faulty(validators), "once each");
        });
    }
}

/// Row 5.
#[test]
fn a_block_on_an_older_certificate_than_its_timeout_certificate_reports_is_refused() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (_, outcome) = led_by(validators, seed, &[Behaviour::StaleCertificate]);
            let refused = outcome.rejected.get("StaleCertificate").copied().unwrap_or(0);
            let correct = (validators - faulty(validators)) as u64;
            assert!(refused >= correct, "refused {refused} times by {correct} nodes");
            nothing_certified_is_lost(&outcome);
        });
    }
}

/// Row 10. A leader has two rounds: both are lost, none of anybody else is, and it gets no more of them.
#[test]
fn a_silent_leader_costs_one_timeout_for_each_round_it_has_and_is_left_out_soon() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let scenario = Scenario::calm(seed, validators).with_hostile(&[Behaviour::SilentLeader]);
            let outcome = run(scenario.lasting(ms(25_000)));
            let (lost, rounds) = (lost_rounds(&outcome), window(validators));
            let before = lost.iter().filter(|round| **round < 2 * rounds).count();
            assert!(before >= faulty(validators) * 4, "{lost:?}");
            // for two windows it leads nothing; then it may try again, because it has voted meanwhile
            let after = lost.iter().filter(|round| [2, 3].contains(&(*round / rounds % 4))).count();
            assert_eq!(after, 0, "{lost:?}");
            for round in &lost {
                assert!(lost.contains(&other_of_slot(*round)), "only one round of a leader is lost: {lost:?}");
            }
            // nobody gave up a round that was not lost, and nobody gave up one twice
            let correct = validators - faulty(validators);
            let at_the_end = 2 * 2 * faulty(validators);
            let most = ((lost.len() + at_the_end) * correct) as u64;
            assert!(outcome.timeouts <= most, "{} timeouts for {} lost rounds", outcome.timeouts, lost.len());
            assert_eq!(
                (0..validators).map(|node| proposed(&outcome, node, 0..u64::MAX)).filter(|n| *n > 0).count(),
                correct
            );
        });
    }
}

/// Row 10.
#[test]
fn a_slow_leader_costs_its_own_rounds_and_no_others() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (scenario, outcome) = led_by(validators, seed, &[Behaviour::SlowLeader]);
            only_their_rounds_are_lost(&scenario, &outcome);
        });
    }
}

/// Row 10. Four leaders in a row are dead: eight rounds of 100 ms · 1.5^fails each, but of no more than 800 ms.
#[test]
fn rounds_that_fail_in_a_row_grow_no_longer_than_eight_times_the_first() {
    let round = |fails: u32| (0..fails).fold(100.0f64, |length, _| length * 1.5).min(800.0) as u64;
    let capped: u64 = (0..8).map(round).sum();
    each(0..3, |seed| {
        let mut scenario = Scenario { cell_every: ms(400), ..Scenario::calm(seed, 13) };
        scenario.parameters.round_ms = 100;
        // one after the other, so that their rounds follow each other
        scenario.outages = down(seed + 1, 13, 4, 0..NEVER);
        let outcome = run(scenario.lasting(ms(12_000)));
        // the last block before the rounds that fail is committed together with the first one after them
        let pause =
            outcome.blocks.windows(3).map(|three| (three[2].round.0 - three[1].round.0, three[2].at - three[0].at));
        let (rounds, micros) = pause.filter(|(rounds, _)| *rounds == 9).max().expect("eight rounds in a row fail");
        println!("{rounds} rounds in {micros} µs, {capped} ms of them for the timeouts");
        let most = ms(capped) + 8 * ms(40) + ms(150);
        assert!((ms(capped)..most).contains(&micros), "{micros} µs, expected {capped} ms");
    });
}

/// Row 11.
#[test]
fn a_proposal_that_only_a_quorum_receives_is_fetched_by_the_others_and_committed() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (scenario, outcome) = led_by(validators, seed, &[Behaviour::PartialProposals]);
            for leader in (0..validators).filter(|node| !scenario.is_correct(*node)) {
                assert!(proposed(&outcome, leader, 0..u64::MAX) > 5, "blocks of {leader} are committed");
            }
        });
    }
}

/// Row 12. That no correct validator votes for such a block is an oracle's matter.
#[test]
fn a_leader_that_leaves_out_the_newest_certified_block_loses_its_round_and_the_block_stays() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (_, outcome) = led_by(validators, seed, &[Behaviour::TailFork]);
            let refused: u64 = outcome.refused.values().chain(outcome.rejected.values()).sum();
            assert!(refused > 0, "it tried");
            assert!(!lost_rounds(&outcome).is_empty());
            nothing_certified_is_lost(&outcome);
        });
    }
}

/// Row 9 and the schedule: a leader that nobody hears from for a while is back after it has voted again.
#[test]
fn a_leader_that_was_left_out_leads_again_after_it_has_voted_again() {
    each(0..3, |seed| {
        let outages = down(seed, 4, 1, 0..ms(10_000));
        let away = outages[0].node;
        let outcome = run(Scenario { outages, ..Scenario::calm(seed, 4).lasting(ms(25_000)) });
        let back = outcome.blocks.iter().find(|commit| commit.at > ms(10_000)).expect("it goes on").round.0;
        let rounds = window(4);
        assert_eq!(proposed(&outcome, away, 0..back), 0);
        let of_third = proposed(&outcome, away, back / rounds * rounds + 3 * rounds..u64::MAX);
        assert!(of_third > 0 && committed_at(&outcome, back + 4 * rounds) < NEVER);
    });
}
