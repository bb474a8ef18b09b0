//! Sets that change, epochs that end, and nodes that missed it.

use super::support::{NEVER, UNDER_WAY, each, is_one_chain, keep_together, run};
use qsdm_primitives::ValidatorIndex;
use qsdm_tests::sim::{
    Behaviour, Outcome, Scenario,
    scenario::{Outage, Partition, faulty, ms},
};

/// Epochs of `length_ms` with these weights, the last of which stay.
fn with_sets(seed: u64, length_ms: u64, weights: &[&[u64]]) -> Scenario {
    let most = weights.iter().map(|weights| weights.len()).max().unwrap_or(0);
    let mut scenario = Scenario { weights: weights[0].to_vec(), ..Scenario::calm(seed, most) };
    scenario.later_weights = weights[1..].iter().map(|weights| weights.to_vec()).collect();
    scenario.parameters.epoch_length_ms = length_ms;
    scenario
}

fn epoch(outcome: &Outcome) -> u64 {
    outcome.blocks.last().expect("something is committed").epoch.0
}

/// Row 26: the set changes while it is cut in two. Whoever has a quorum of the old set finishes its epoch, nobody else.
#[test]
fn where_the_set_changes_during_a_partition_the_old_set_finishes_its_epoch() {
    let (cut, healed) = (ms(600), ms(4_500));
    // two leave and two come; of the old four one is cut off, of the new four three are
    let sets: &[&[u64]] = &[&[1, 1, 1, 1, 0, 0], &[0, 0, 1, 1, 1, 1]];
    let groups = vec![0, 0, 0, 1, 1, 1];
    each(0..6, |seed| {
        let partitions = vec![Partition::new(cut, healed, groups.clone())];
        let scenario = Scenario { partitions, stable_from: healed, ..with_sets(seed, 2_000, sets) };
        let outcome = run(scenario.lasting(ms(12_000)));
        is_one_chain(&outcome);
        let during: Vec<u64> = outcome.committed_in(cut + UNDER_WAY, healed).map(|commit| commit.epoch.0).collect();
        assert!(during.len() >= 5, "the old set has a quorum on one side: {during:?}");
        assert!(during.iter().all(|epoch| *epoch == 0), "the new one has not: {during:?}");
        assert!(epoch(&outcome) >= 3, "epoch {} at the end", epoch(&outcome));
        keep_together(&outcome, 0..6);
    });
}

/// Row 26: a partition without a quorum on either side, over the end of the epoch.
#[test]
fn where_neither_side_has_a_quorum_at_the_end_of_an_epoch_it_ends_after_the_partition() {
    each(0..6, |seed| {
        let (cut, healed) = (ms(800), ms(3_000));
        let partitions = vec![Partition::new(cut, healed, vec![0, 0, 1, 1])];
        let scenario = with_sets(seed, 1_000, &[&[1; 4], &[3, 1, 2, 1]]);
        let outcome = run(Scenario { partitions, stable_from: healed, ..scenario }.lasting(ms(7_000)));
        is_one_chain(&outcome);
        assert_eq!(outcome.committed_in(cut + UNDER_WAY, healed).count(), 0);
        assert!(epoch(&outcome) >= 3);
    });
}

/// Row 27.
#[test]
fn sets_that_grow_and_shrink_by_more_than_a_third_go_on() {
    let sets: &[&[u64]] = &[&[1; 4], &[1; 7], &[1; 10], &[1; 4], &[1, 1], &[1], &[1; 7]];
    each(0..4, |seed| {
        let outcome = run(with_sets(seed, 600, sets).lasting(ms(8_000)));
        is_one_chain(&outcome);
        assert!(epoch(&outcome) >= 7, "epoch {}", epoch(&outcome));
        for (number, weights) in (0..).zip(sets) {
            let of_epoch = || outcome.blocks.iter().filter(move |commit| commit.epoch.0 == number);
            assert!(of_epoch().count() >= 3, "{} blocks of epoch {number}", of_epoch().count());
            assert!(of_epoch().all(|commit| usize::from(commit.proposer.0) < weights.len()));
        }
        // members and those who follow without being one
        keep_together(&outcome, 0..10);
    });
}

/// Row 27: whoever has a third of all bonds or more could stop the chain, if weights were not clipped.
#[test]
fn a_bond_of_a_third_or_more_is_clipped_so_that_the_others_go_on_without_it() {
    for weights in [[1, 1, 1, 2, 0], [1, 1, 1, 1, 4], [1, 1, 1, 1, 1_000_000], [u64::MAX, u64::MAX, 7, 7, 7]] {
        each(0..3, |seed| {
            let greatest = (0..5).max_by_key(|place| weights[*place]).expect("there are five");
            let outages = vec![Outage::new(greatest, ms(2_000), NEVER)];
            let mut scenario = with_sets(seed, 1_000, &[&[1; 5], &weights]);
            scenario.outages = outages;
            let outcome = run(scenario.lasting(ms(12_000)));
            is_one_chain(&outcome);
            let without = outcome.committed_in(ms(2_000) + UNDER_WAY, NEVER);
            let (blocks, epochs) = without.fold((0, 0), |(blocks, _), commit| (blocks + 1, commit.epoch.0));
            assert!(blocks >= 10 && epochs >= 3, "{weights:?}: {blocks} blocks, epoch {epochs}");
        });
    }
}

/// Row 27.
#[test]
fn members_without_weight_lead_nothing_and_a_set_without_any_weight_counts_heads() {
    each(0..4, |seed| {
        let outcome = run(with_sets(seed, 1_000, &[&[1; 5], &[1, 1, 1, 1, 0], &[0; 5]]).lasting(ms(6_000)));
        is_one_chain(&outcome);
        let led = |epoch: u64| {
            let of_last = outcome.blocks.iter().filter(|commit| commit.proposer == ValidatorIndex(4));
            of_last.filter(|commit| commit.epoch.0 == epoch).count()
        };
        assert_eq!(led(1), 0);
        assert!(led(0) > 0 && led(2) > 0, "{} and {}", led(0), led(2));
        assert!(epoch(&outcome) >= 4);
    });
}

/// Row 27: with three left no fault is tolerated, and nothing is clipped.
#[test]
fn with_one_of_four_tombstoned_the_other_three_go_on() {
    each(0..4, |seed| {
        // who is tombstoned has no weight from the next epoch on; the proof stands in this one
        let scenario = with_sets(seed, 1_500, &[&[1; 4], &[1, 1, 1, 0]]).with_hostile(&[Behaviour::DoubleVote]);
        let outcome = run(scenario.lasting(ms(7_000)));
        is_one_chain(&outcome);
        assert!(outcome.blocks.iter().any(|commit| commit.epoch.0 == 0 && !commit.evidence.is_empty()));
        let later = || outcome.blocks.iter().filter(|commit| commit.epoch.0 >= 1);
        assert!(later().count() > 20 && later().all(|commit| commit.proposer != ValidatorIndex(3)));
    });
}

/// Row 28.
#[test]
fn who_joins_from_genesis_is_not_misled_by_a_forged_long_chain_but_follows_the_certificates_of_epochs() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (joins, hostile) = (ms(9_000), faulty(validators));
            // beside the validators the one that joins, which has no weight yet
            let weights: Vec<u64> = (0..=validators).map(|node| u64::from(node > 0)).collect();
            let mut scenario = with_sets(seed, 700, &[&weights]);
            scenario.hostile = vec![vec![Behaviour::ForgedChain]; hostile];
            // down before anything is written: it starts from genesis, in a network whose first epoch is long over
            scenario.outages = vec![Outage::new(0, 0, joins)];
            let outcome = run(Scenario { is_traced: true, ..scenario }.lasting(ms(14_000)));
            is_one_chain(&outcome);
            keep_together(&outcome, 0..=validators - hostile);
            let before = outcome.committed_in(0, joins).last().expect("the others go on").epoch.0;
            assert!(before >= 3, "it has to get over {before} epochs");
            let forged: u64 = outcome.refused.values().chain(outcome.rejected.values()).sum();
            assert!(forged > 0, "something was forged");
            // that all its steps are certified is an oracle's matter
            let steps = outcome.trace.iter().filter(|line| line.contains(" node 0: ends epoch"));
            assert!(steps.count() as u64 >= before, "one step each");
        });
    }
}

/// Reported elsewhere: a validator that missed the end of an epoch waited for hours, because peers refused to answer
/// questions of another epoch.
#[test]
fn who_slept_over_the_ends_of_many_epochs_catches_up() {
    for (from, until) in [(900, 1_300), (500, 6_000)] {
        each(0..4, |seed| {
            let node = seed as usize % 4;
            let mut scenario = with_sets(seed, 800, &[&[1; 4]]);
            scenario.outages = vec![Outage::new(node, ms(from), ms(until))];
            let outcome = run(scenario.lasting(ms(10_000)));
            is_one_chain(&outcome);
            keep_together(&outcome, 0..4);
            assert!(epoch(&outcome) >= 4);
        });
    }
}
