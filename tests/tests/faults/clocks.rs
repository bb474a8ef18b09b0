//! Clocks that are wrong. Safety never depends on them.

use super::support::{each, is_one_chain, proposed, run};
use qsdm_tests::sim::{
    Scenario,
    scenario::{faulty, ms},
};

/// Row 17: whose blocks are from the future gets no votes for them.
#[test]
fn rounds_led_by_who_is_ten_seconds_ahead_are_lost_and_the_others_commit() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let ahead = seed as usize % validators;
            let skew_ms = (0..validators).map(|node| if node == ahead { 10_000 } else { 0 }).collect();
            let outcome = run(Scenario { skew_ms, ..Scenario::calm(seed, validators).lasting(ms(8_000)) });
            is_one_chain(&outcome);
            assert_eq!(proposed(&outcome, ahead, 0..u64::MAX), 0, "its blocks are ten seconds ahead");
            assert!(outcome.timeouts > 0 && outcome.commits > 50, "{} commits", outcome.commits);
        });
    }
}

/// Row 17: who is behind sees all others' blocks in the future and votes for none; its own blocks are as late as their
/// parents, and good.
#[test]
fn who_is_ten_seconds_behind_votes_for_nobody_and_disturbs_nobody() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let behind = seed as usize % validators;
            let skew_ms = (0..validators).map(|node| if node == behind { -10_000 } else { 0 }).collect();
            let calm = Scenario::calm(seed, validators).lasting(ms(8_000));
            let (outcome, undisturbed) = (run(Scenario { skew_ms, ..calm.clone() }), run(calm));
            is_one_chain(&outcome);
            println!("{} commits, {} with right clocks", outcome.commits, undisturbed.commits);
            assert!(outcome.commits * 2 >= undisturbed.commits);
        });
    }
}

/// Row 17: f clocks jump by ten seconds and back.
#[test]
fn clocks_that_jump_ten_seconds_forth_and_back_stop_nobody_else() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let first = seed as usize % validators;
            let jumps = (first..first + faulty(validators)).flat_map(|node| {
                let node = node % validators;
                [(ms(1_000), node, 10_000), (ms(2_500), node, -10_000), (ms(4_000), node, 0)]
            });
            let clock_jumps: Vec<_> = jumps.collect();
            let calm = Scenario { patience: ms(5_000), ..Scenario::calm(seed, validators) };
            let outcome = run(Scenario { clock_jumps, ..calm.lasting(ms(9_000)) });
            is_one_chain(&outcome);
            let longest = outcome.blocks.windows(2).map(|pair| pair[1].at - pair[0].at).max();
            println!("{} commits, the longest pause is {longest:?} µs", outcome.commits);
            assert!(outcome.commits > 50, "{} commits", outcome.commits);
        });
    }
}

/// Row 17: where all clocks jump at times of their own there may be no progress meanwhile, but never a fork.
#[test]
fn with_all_clocks_wrong_nothing_forks_and_with_right_ones_all_goes_on() {
    each(0..8, |seed| {
        let jumps = |node: usize| {
            let by = move |number: u64| ((seed * 7 + node as u64 * 13 + number * 5) % 21) as i64 * 1_000 - 10_000;
            let at = move |number: u64| ms(500 + number * 700 + node as u64 * 90);
            (0..5).map(move |number| (at(number), node, by(number))).chain([(ms(4_500), node, 0)])
        };
        let mut scenario = Scenario::calm(seed, 4).lasting(ms(24_000));
        scenario.clock_jumps = (0..4).flat_map(jumps).collect();
        // a clock is never set back while a node runs: it stands still until the time has come, ten seconds at most
        scenario.stable_from = ms(15_000);
        let outcome = run(scenario);
        is_one_chain(&outcome);
        assert!(outcome.committed_in(ms(15_000), u64::MAX).count() > 20);
    });
}

/// Row 17: clocks within two seconds of each other cost nothing.
#[test]
fn clocks_within_a_second_of_the_right_time_cost_no_round() {
    each(0..4, |seed| {
        let skew_ms = (0..4).map(|node| [-900, 900, -300, 600][(node + seed as usize) % 4]).collect();
        let outcome = run(Scenario { skew_ms, ..Scenario::calm(seed, 4).lasting(ms(6_000)) });
        assert_eq!(outcome.timeouts, 0);
        assert!(outcome.commits > 100, "{} commits", outcome.commits);
    });
}
