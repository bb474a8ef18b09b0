//! Votes and other messages that no correct validator sends.

use super::support::{each, is_one_chain, keep_together, only_their_rounds_are_lost, proposed, run, window};
use qsdm_primitives::{EvidenceKind, limits};
use qsdm_tests::sim::{
    Behaviour, Outcome, Scenario,
    scenario::{faulty, ms},
};

/// Whoever may be faulty does this besides what it has to do.
fn beside(validators: usize, seed: u64, behaviour: Behaviour) -> (Scenario, Outcome) {
    let scenario = Scenario::calm(seed, validators).with_hostile(&[behaviour]).lasting(ms(6_000));
    let outcome = run(scenario.clone());
    is_one_chain(&outcome);
    keep_together(&outcome, 0..validators - faulty(validators));
    (scenario, outcome)
}

/// What it does costs the others nothing: at least 80 % of what is committed where nobody does it.
fn does_no_harm(scenario: &Scenario, outcome: &Outcome) {
    let calm = run(Scenario { hostile: Vec::new(), ..scenario.clone() });
    println!(
        "{} blocks and {} cells, undisturbed {} and {}",
        outcome.commits,
        outcome.cells(),
        calm.commits,
        calm.cells()
    );
    assert!(outcome.commits * 10 >= calm.commits * 8, "{} blocks, undisturbed {}", outcome.commits, calm.commits);
    assert!(outcome.cells() * 10 >= calm.cells() * 8, "{} cells, undisturbed {}", outcome.cells(), calm.cells());
}

/// All that was refused came from those who break rules, and each of them has sent such a thing.
fn only_they_are_blamed(scenario: &Scenario, outcome: &Outcome) {
    let blamed: Vec<usize> = outcome.scores.keys().copied().collect();
    let hostile: Vec<usize> = (0..scenario.validators).filter(|node| !scenario.is_correct(*node)).collect();
    assert_eq!(blamed, hostile);
}

/// Row 4. That nobody is counted twice is an oracle's matter.
#[test]
fn of_a_validator_that_votes_twice_the_proof_is_committed() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (scenario, outcome) = beside(validators, seed, Behaviour::DoubleVote);
            for offender in (0..validators).filter(|node| !scenario.is_correct(*node)) {
                assert!(outcome.has_evidence(EvidenceKind::DoubleVote, offender), "nobody proves {offender} guilty");
            }
        });
    }
}

/// Row 6. That buffers keep their bounds is an oracle's matter.
#[test]
fn messages_of_rounds_far_ahead_and_far_back_are_dropped_and_disturb_nobody() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let (scenario, outcome) = beside(validators, seed, Behaviour::FutureRounds);
            // what it sends ahead takes the places of its own blocks
            only_their_rounds_are_lost(&scenario, &outcome);
            let silent = run(Scenario { hostile: vec![vec![Behaviour::Silent]; faulty(validators)], ..scenario });
            assert!(outcome.commits * 10 >= silent.commits * 8, "{} blocks, {}", outcome.commits, silent.commits);
            let round = outcome.blocks.last().expect("something is committed").round;
            let ahead = outcome.status.iter().flatten().map(|status| status.round.0 - round.0).max();
            // the next that it sends messages of is 63 rounds ahead
            assert!(ahead.is_some_and(|ahead| ahead < 32), "nobody followed into a round ahead: {ahead:?}");
        });
    }
}

/// Row 6: of all that it sends in a minute, no more is kept than of the rounds that may come next.
#[test]
fn messages_of_rounds_that_are_too_far_ahead_do_not_pile_up() {
    each(0..2, |seed| {
        let calm = Scenario { cell_every: ms(400), ..Scenario::calm(seed, 4) }.lasting(ms(60_000));
        let outcome = run(calm.clone().with_hostile(&[Behaviour::FutureRounds]));
        let undisturbed = run(calm);
        let kept = |outcome: &Outcome| {
            let of_correct = outcome.status[..3].iter().flatten();
            of_correct.fold((0, 0), |most, status| (status.votes.max(most.0), status.timeouts.max(most.1)))
        };
        let ((votes, timeouts), (votes_before, timeouts_before)) = (kept(&outcome), kept(&undisturbed));
        println!("{votes} votes and {timeouts} timeouts, undisturbed {votes_before} and {timeouts_before}");
        let more = limits::ROUNDS_AHEAD_MAX as usize;
        assert!(votes <= votes_before + more && timeouts <= timeouts_before + more, "{votes} and {timeouts}");
    });
}

/// Row 7.
#[test]
fn what_is_signed_wrongly_or_by_too_few_is_refused_before_anything_changes() {
    let mut refused = std::collections::BTreeMap::<String, u64>::new();
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (scenario, outcome) = beside(validators, seed, Behaviour::Forge);
            only_they_are_blamed(&scenario, &outcome);
            does_no_harm(&scenario, &outcome);
            outcome.refused.into_iter().for_each(|(rule, count)| *refused.entry(rule).or_default() += count);
        });
    }
    println!("{refused:?}");
    for rule in ["WrongSignature", "NoSuchValidator", "TooLittleWeight", "SignatureCount", "EntriesNotAscending"] {
        assert!(refused.contains_key(rule), "nothing was refused as {rule}: {refused:?}");
    }
}

/// Row 8.
#[test]
fn messages_of_other_epochs_and_other_chains_are_refused() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let (scenario, outcome) = beside(validators, seed, Behaviour::WrongEpoch);
            only_they_are_blamed(&scenario, &outcome);
            does_no_harm(&scenario, &outcome);
            assert!(outcome.status.iter().flatten().all(|status| status.epoch.0 == 0), "nobody left the epoch");
        });
    }
}

/// Row 8: also where epochs change.
#[test]
fn messages_of_other_epochs_do_not_disturb_the_change_of_epochs() {
    each(0..4, |seed| {
        let mut scenario = Scenario::calm(seed, 4).with_hostile(&[Behaviour::WrongEpoch]).lasting(ms(6_000));
        scenario.parameters.epoch_length_ms = 1_000;
        let outcome = run(scenario);
        is_one_chain(&outcome);
        let last = outcome.blocks.last().expect("something is committed").epoch;
        assert!((3..=6).contains(&last.0), "epoch {last} after six seconds");
    });
}

/// Row 9.
#[test]
fn with_f_that_withhold_their_votes_the_rest_commits_and_they_lead_less() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let hostile = Scenario::calm(seed, validators).with_hostile(&[Behaviour::WithholdVotes]);
            let outcome = run(hostile.clone().lasting(ms(12_000)));
            let rounds = window(validators);
            let last = outcome.blocks.last().expect("something is committed").round.0;
            assert!(last >= 4 * rounds, "round {last}");
            for node in (0..validators).filter(|node| !hostile.is_correct(*node)) {
                // of each round that it could have led by its weight
                let fair = |rounds: u64| rounds as usize / validators;
                let (before, after) =
                    (proposed(&outcome, node, 0..2 * rounds), proposed(&outcome, node, 2 * rounds..last));
                println!("{node} led {before} of {} rounds, then {after} of {}", 2 * rounds, last - 2 * rounds);
                assert!(2 * before >= fair(2 * rounds), "nothing was known of it yet");
                assert!(3 * after <= 2 * fair(last - 2 * rounds), "{after} blocks in {} rounds", last - 2 * rounds);
            }
        });
    }
}
