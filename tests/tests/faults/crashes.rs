//! Validators that are down.

use super::support::{
    NEVER, UNDER_WAY, committed_at, down, each, is_one_chain, keep_together, next_commit, run, window,
};
use qsdm_tests::sim::{
    Micros, Scenario,
    scenario::{Outage, faulty, ms},
};

/// Row 1: f are down from the start. Once that is known, cells wait at most twice as long as without a fault.
fn commits_without(scenario: &Scenario, known_by: Micros) {
    let Scenario { seed, validators, .. } = *scenario;
    let outages = down(seed, validators, faulty(validators), 0..NEVER);
    let outcome = run(Scenario { outages, ..scenario.clone() }.lasting(known_by + ms(5_000)));
    // what happens in the first window decides who leads in the third
    let since = committed_at(&outcome, 2 * window(validators));
    let calm = run(scenario.clone().lasting(ms(6_000))).latency_ms(990, 0);
    let found = outcome.latency_ms(990, since);
    println!("{validators} validators: p99 is {found} ms from {since} µs on, without a fault {calm} ms");
    assert!(since <= known_by, "{since} µs");
    assert!(found <= 2 * calm, "p99 is {found} ms, without a fault {calm} ms");
    assert!(outcome.latencies.iter().filter(|latency| latency.written >= since).count() >= 50);
    is_one_chain(&outcome);
}

/// Row 1.
#[test]
fn with_one_of_four_down_from_the_start_the_others_are_soon_as_fast_as_ever() {
    each(0..4, |seed| commits_without(&Scenario::calm(seed, 4), ms(8_000)));
}

/// Row 1.
#[test]
fn with_two_of_seven_down_from_the_start_the_others_are_soon_as_fast_as_ever() {
    each(0..4, |seed| commits_without(&Scenario::calm(seed, 7), ms(20_000)));
}

/// Row 1.
#[test]
fn with_five_of_sixteen_down_from_the_start_the_others_are_soon_as_fast_as_ever() {
    each(0..2, |seed| {
        let mut scenario = Scenario { cell_every: ms(500), ..Scenario::calm(seed, 16) };
        scenario.parameters.round_ms = 100;
        commits_without(&scenario, ms(30_000));
    });
}

/// Row 2.
#[test]
fn with_more_than_f_down_nothing_is_committed_until_one_of_them_returns() {
    for validators in [4, 7] {
        each(0..3, |seed| {
            let (stop, start) = (ms(25_000), ms(28_000));
            // the first f are no leaders any more when the last one stops
            let mut outages = down(seed, validators, faulty(validators), 0..NEVER);
            let last = (seed as usize + faulty(validators)) % validators;
            outages.push(Outage::new(last, stop, start));
            let outcome = run(Scenario { outages, ..Scenario::calm(seed, validators).lasting(ms(32_000)) });
            assert!(committed_at(&outcome, 2 * window(validators)) < stop);
            assert_eq!(outcome.committed_in(stop + UNDER_WAY, start).count(), 0);
            let resumed = next_commit(&outcome, start) - start;
            println!("{validators} validators go on {resumed} µs after one returned");
            // what it takes to certify two blocks is added
            assert!(resumed <= 2 * ms(200) + ms(150), "{resumed} µs");
            is_one_chain(&outcome);
        });
    }
}

/// Row 2: those that are left serve what was committed.
#[test]
fn with_more_than_f_down_one_that_missed_something_still_catches_up() {
    each(0..4, |seed| {
        let mut outages = down(0, 7, 3, ms(2_000)..NEVER);
        outages.push(Outage::new(6, ms(500), ms(2_500)));
        let scenario = Scenario { outages, must_grow: false, ..Scenario::calm(seed, 7).lasting(ms(5_000)) };
        let outcome = run(scenario);
        assert_eq!(outcome.committed_in(ms(2_000) + UNDER_WAY, NEVER).count(), 0);
        let heights: Vec<_> = outcome.status[3..].iter().map(|status| status.map(|status| status.height.0)).collect();
        assert_eq!(heights, [Some(outcome.commits); 4]);
        assert!(outcome.commits > 20);
    });
}

/// Row 2: also where none of them was known to be unreliable, and whoever is still down may lead the next rounds.
#[test]
fn with_more_than_f_down_at_once_one_that_returns_is_enough() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let (stop, start) = (ms(2_000), ms(4_000));
            let mut outages = down(seed, validators, faulty(validators) + 1, stop..NEVER);
            outages[0].until = start;
            let outcome = run(Scenario { outages, ..Scenario::calm(seed, validators).lasting(ms(20_000)) });
            assert_eq!(outcome.committed_in(stop + UNDER_WAY, start).count(), 0);
            is_one_chain(&outcome);
            assert!(outcome.committed_in(start, NEVER).count() > 10);
        });
    }
}

/// Row 35.
#[test]
fn two_alternate_dead_leaders_of_seven_neither_disturb_the_order_of_parents_nor_repeat_a_block() {
    for (one, other) in [(0, 2), (1, 3), (3, 5), (6, 1)] {
        each(0..2, |seed| {
            let outages = vec![Outage::new(one, 0, NEVER), Outage::new(other, 0, NEVER)];
            let outcome = run(Scenario { outages, ..Scenario::calm(seed, 7).lasting(ms(8_000)) });
            is_one_chain(&outcome);
            assert!(outcome.timeouts >= 4 * 5, "the dead lead two rounds each, and all others give them up");
            assert!(outcome.commits > 50, "{} commits", outcome.commits);
            keep_together(&outcome, (0..7).filter(|node| ![one, other].contains(node)));
        });
    }
}
