//! Whole validators in the simulator. `QSDM_SEEDS` says how many seeds are run; `simulate --replay SEED` repeats one.

use qsdm_tests::sim::{Scenario, Simulation, campaign};

#[test]
fn a_calm_network_commits_with_any_number_of_validators() {
    for validators in [1, 2, 3, 4, 7] {
        let outcome = Simulation::new(Scenario::calm(7, validators)).run();
        assert_eq!(outcome.violations, [], "{validators} validators");
        assert!(outcome.commits > 20, "{validators} validators made {} commits", outcome.commits);
    }
}

#[test]
fn one_seed_gives_one_run() {
    for seed in [5, 6, 7] {
        let run = || Simulation::new(Scenario { is_traced: true, ..Scenario::combination(seed) }).run();
        let (one, other) = (run(), run());
        assert!(one.trace.len() > 100, "{} lines", one.trace.len());
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!((one.commits, one.events), (other.commits, other.events));
    }
}

#[test]
fn all_combinations_of_validators_twins_and_adversaries_hold() {
    let seeds = std::env::var("QSDM_SEEDS").map_or(100, |count| count.parse().expect("QSDM_SEEDS is a number"));
    let summary = campaign::run(0..seeds, Scenario::combination);
    println!("{} seeds, {} commits, {} events a second", summary.seeds, summary.commits, summary.events_per_second());
    assert_eq!(summary.first_bad, None, "repeat it with: simulate --replay SEED");
}
