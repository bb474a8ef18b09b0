//! Networks that are cut, lose, repeat and reorder.

use super::support::{NEVER, UNDER_WAY, each, is_one_chain, keep_together, next_commit, run};
use qsdm_tests::sim::{
    Scenario,
    scenario::{NetworkModel, Partition, faulty, ms},
};

/// Row 14.
#[test]
fn neither_side_of_a_partition_without_a_quorum_commits_and_both_do_after_it() {
    for validators in [4, 7, 10] {
        each(0..3, |seed| {
            let (cut, healed) = (ms(1_500), ms(4_000));
            // f+1 on one side, 2f on the other; the seed says who
            let group = |node: usize| u8::from((node + seed as usize) % validators > faulty(validators));
            let partitions = vec![Partition::new(cut, healed, (0..validators).map(group).collect())];
            let scenario = Scenario { partitions, stable_from: healed, ..Scenario::calm(seed, validators) };
            let outcome = run(scenario.lasting(ms(9_000)));
            assert_eq!(outcome.committed_in(cut + UNDER_WAY, healed).count(), 0);
            assert!(outcome.committed_in(0, cut).count() > 10 && outcome.committed_in(healed, NEVER).count() > 20);
            is_one_chain(&outcome);
            keep_together(&outcome, 0..validators);
        });
    }
}

/// Row 14: a quorum on one side goes on, and the others catch up.
#[test]
fn the_side_of_a_partition_that_has_a_quorum_goes_on_and_the_other_catches_up() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let (cut, healed) = (ms(1_500), ms(9_000));
            let group = |node: usize| u8::from((node + seed as usize) % validators >= faulty(validators));
            let partitions = vec![Partition::new(cut, healed, (0..validators).map(group).collect())];
            let scenario = Scenario { partitions, stable_from: healed, ..Scenario::calm(seed, validators) };
            let outcome = run(scenario.lasting(ms(12_000)));
            assert!(outcome.committed_in(cut + UNDER_WAY, healed).count() > 10);
            is_one_chain(&outcome);
            keep_together(&outcome, 0..validators);
        });
    }
}

/// Every 300 ms another division; half of them let one side hear the other.
fn rolling(nodes: usize, seed: u64, until: u64) -> Vec<Partition> {
    let pieces = (0..until).step_by(300).enumerate();
    let piece = |(number, from): (usize, u64)| {
        let first = number + seed as usize;
        let groups = (0..nodes).map(|node| u8::from((node * (1 + first % 3) + first) % nodes < nodes / 2)).collect();
        Partition { from: ms(from), until: ms(from + 300), groups, is_one_way: number % 2 == 1 }
    };
    pieces.map(piece).collect()
}

/// Row 15. Twins are honest nodes that share a key: each of them votes for itself.
#[test]
fn under_rolling_and_asymmetric_partitions_twins_neither_fork_the_chain_nor_stop_it() {
    for (validators, twins) in [(4, 1), (7, 1), (7, 2)] {
        each(0..6, |seed| {
            let partitions = rolling(validators + twins, seed, 4_000);
            let stable_from = ms(4_200);
            let patience = ms(20_000);
            let scenario = Scenario { twins, partitions, stable_from, patience, ..Scenario::calm(seed, validators) };
            let outcome = run(scenario.lasting(ms(9_000)));
            is_one_chain(&outcome);
            assert!(outcome.committed_in(stable_from, NEVER).count() > 5);
        });
    }
}

/// Row 16.
#[test]
fn where_messages_are_reordered_repeated_and_lost_the_chain_goes_on() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let lossy = NetworkModel { delay: (ms(1), ms(100)), drop_per_mille: 150, duplicate_per_mille: 100 };
            let network =
                Scenario { network: lossy.clone(), stable_network: lossy, ..Scenario::calm(seed, validators) };
            let outcome = run(network.lasting(ms(12_000)));
            println!("{} commits, {} cells, {} timeouts", outcome.commits, outcome.cells(), outcome.timeouts);
            is_one_chain(&outcome);
            assert!(outcome.commits > 10, "{} commits", outcome.commits);
        });
    }
}

/// Row 16.
#[test]
fn a_network_that_loses_one_message_in_a_hundred_has_four_fifths_of_the_throughput_of_one_that_loses_none() {
    for validators in [4, 7] {
        let with = |drop_per_mille| {
            let of = |seed| {
                let stable_network = NetworkModel { drop_per_mille, ..NetworkModel::good() };
                let calm = Scenario { cell_every: ms(50), stable_network, ..Scenario::calm(seed, validators) };
                let outcome = run(calm.lasting(ms(10_000)));
                [outcome.cells() as u64, outcome.commits]
            };
            (0..4).map(of).reduce(|[cells, blocks], next| [cells + next[0], blocks + next[1]]).unwrap_or_default()
        };
        let (lossy, whole) = (with(10), with(0));
        println!("{validators} validators: cells and blocks {lossy:?} instead of {whole:?}");
        for (lossy, whole) in lossy.into_iter().zip(whole) {
            assert!(lossy * 10 >= whole * 8, "{lossy} instead of {whole}");
        }
    }
}

/// Row 14: where nobody reaches anybody, all wait, and no two of them go on otherwise.
#[test]
fn after_nobody_reached_anybody_the_first_round_that_can_be_finished_is() {
    each(0..4, |seed| {
        let (cut, healed) = (ms(1_000), ms(3_000));
        let partitions = vec![Partition::new(cut, healed, (0..4).collect())];
        let scenario = Scenario { partitions, stable_from: healed, ..Scenario::calm(seed, 4).lasting(ms(6_000)) };
        let outcome = run(scenario);
        // each waits in one round, which has not grown: it is repeated at least every 300 ms, and the next may fail too
        let resumed = next_commit(&outcome, healed) - healed;
        assert!(resumed <= 3 * ms(300) + ms(150), "{resumed} µs");
        is_one_chain(&outcome);
    });
}
