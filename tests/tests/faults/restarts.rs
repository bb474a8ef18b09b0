//! Crashes, disks that lose or change what was written, and starting again.

use super::support::{NEVER, each, is_one_chain, keep_together, next_commit, run};
use qsdm_tests::sim::{
    Behaviour, Micros, Outcome, Scenario,
    scenario::{DiskFault, Outage, Partition, ms},
};

/// Row 18. Not only between events: after any single action that a core wants.
#[test]
fn nodes_that_crash_after_any_action_recover() {
    for (validators, crash_per_million) in [(4, 2_000), (4, 10_000), (7, 4_000)] {
        each(0..6, |seed| {
            let scenario = Scenario { crash_per_million, stable_from: ms(5_000), ..Scenario::calm(seed, validators) };
            let outcome = run(scenario.lasting(ms(9_000)));
            println!("{} crashes, {} commits", outcome.crashes, outcome.commits);
            assert!(outcome.crashes >= 2, "{} crashes", outcome.crashes);
            is_one_chain(&outcome);
            keep_together(&outcome, 0..validators);
        });
    }
}

/// Row 18: also while epochs change, and votes for their ends are lost.
#[test]
fn nodes_that_crash_at_the_ends_of_epochs_recover() {
    each(0..8, |seed| {
        let mut scenario = Scenario { crash_per_million: 5_000, stable_from: ms(5_000), ..Scenario::calm(seed, 4) };
        scenario.parameters.epoch_length_ms = 600;
        let outcome = run(scenario.lasting(ms(9_000)));
        is_one_chain(&outcome);
        assert!(outcome.blocks.last().is_some_and(|commit| commit.epoch.0 >= 3));
    });
}

/// The lines of a node that begin with something, and its crashes, each with its time in milliseconds.
fn signed(outcome: &Outcome, node: usize, what: &str) -> Vec<(u64, String)> {
    let of_node = format!(" node {node}: ");
    let lines = outcome.trace.iter().filter_map(|line| line.split_once(&of_node));
    let told = lines.filter(|(_, line)| line.starts_with(what) || *line == "crashes");
    let milliseconds = |seconds: &str| seconds.trim().replace('.', "").parse().expect("seconds with three digits");
    told.map(|(at, line)| (milliseconds(at), line.to_string())).collect()
}

/// When everybody reaches everybody again.
const HEALED: Micros = ms(2_500);

/// Everybody's first timeout is durable, and lost: all crash before it leaves.
fn all_crash_after_a_timeout(validators: usize, seed: u64) -> Outcome {
    let (cut, healed) = (ms(1_000), HEALED);
    // nobody reaches anybody, so that all give up the same round
    let partitions = vec![Partition::new(cut, healed, (0..validators as u8).collect())];
    let base =
        Scenario { crash_after_timeout: true, partitions, stable_from: healed, ..Scenario::calm(seed, validators) };
    run(Scenario { is_traced: true, ..base }.lasting(ms(6_000)))
}

/// Row 19, and reported elsewhere: all nodes crash after a timeout, and then wait for each other for ever because nobody
/// sends its own again.
#[test]
fn after_all_crash_with_a_timeout_on_disk_they_send_the_same_timeouts_and_go_on() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let outcome = all_crash_after_a_timeout(validators, seed);
            assert_eq!(outcome.crashes, validators as u64);
            for node in 0..validators {
                let lines = signed(&outcome, node, "times out");
                let [crash, again, ..] = lines.as_slice() else { panic!("node {node} sends nothing again: {lines:?}") };
                // nothing left before the crash; what the record says leaves at the start, before any timer fires
                assert!(crash.1 == "crashes" && again.1.starts_with("times out round "), "{lines:?}");
                let late = again.0 - crash.0;
                assert!(
                    (300..400).contains(&late),
                    "it starts 300 ms after its crash, {late} ms after it comes a timeout"
                );
            }
            // the timeouts are repeated within a round's time, and the next round or two may fail as well
            let resumed = next_commit(&outcome, HEALED) - HEALED;
            assert!(resumed <= 3 * ms(300) + ms(150), "{resumed} µs");
            is_one_chain(&outcome);
            keep_together(&outcome, 0..validators);
        });
    }
}

/// A scenario in which something happens to the safety log of one of four.
fn with_fault(seed: u64, stop: Micros, fault: DiskFault) -> Scenario {
    let outage = Outage { fault: Some(fault), ..Outage::new(seed as usize % 4, stop, stop + ms(500)) };
    Scenario { outages: vec![outage], is_traced: true, ..Scenario::calm(seed, 4) }.lasting(ms(6_000))
}

/// The node never started again, and says why.
fn stays_down(outcome: &Outcome, node: usize, stop: Micros, reason: &str) {
    let [(refused, error)] = outcome.failed_starts.as_slice() else { panic!("{:?}", outcome.failed_starts) };
    assert!(*refused == node && error.contains(reason), "{refused}: {error}");
    assert!(outcome.status[node].is_none(), "it is not ready");
    let lines = signed(outcome, node, "");
    let crash = lines.iter().position(|(_, line)| line == "crashes").expect("it stopped");
    assert_eq!(lines.len(), crash + 2, "it says nothing but why it does not start: {:?}", &lines[crash..]);
    assert!(outcome.committed_in(stop + ms(1_000), NEVER).count() > 10, "the others go on");
}

/// Row 20.
#[test]
fn a_node_with_a_restored_older_backup_refuses_to_vote() {
    for taken in [ms(500), ms(1_500)] {
        each(0..4, |seed| {
            let stop = ms(2_000);
            let outcome = run(with_fault(seed, stop, DiskFault::Restored(taken)));
            stays_down(&outcome, seed as usize % 4, stop, "it is a backup");
            is_one_chain(&outcome);
        });
    }
}

/// Row 20: also where the backup is from an epoch before.
#[test]
fn a_node_with_a_backup_of_an_earlier_epoch_refuses_to_vote() {
    each(0..4, |seed| {
        let stop = ms(3_000);
        let mut scenario = with_fault(seed, stop, DiskFault::Restored(ms(700)));
        scenario.parameters.epoch_length_ms = 1_000;
        // each epoch begins with giving up the rounds of the one that is missing
        let outcome = run(scenario.lasting(ms(10_000)));
        stays_down(&outcome, seed as usize % 4, stop, "it is a backup");
    });
}

/// Row 21.
#[test]
fn a_node_whose_last_record_is_torn_goes_on_with_the_one_before() {
    each(0..8, |seed| {
        let outcome = run(with_fault(seed, ms(2_000), DiskFault::Torn));
        assert_eq!(outcome.failed_starts, []);
        is_one_chain(&outcome);
        keep_together(&outcome, 0..4);
        let lines = signed(&outcome, seed as usize % 4, "votes");
        assert!(lines.last().is_some_and(|(_, line)| line != "crashes"), "it votes again");
    });
}

/// Row 22, and reported elsewhere: a log that could not be read, and a validator that seemed ready all the same.
#[test]
fn a_node_whose_log_is_damaged_before_its_end_does_not_start_and_says_why() {
    each(0..8, |seed| {
        let stop = ms(2_000);
        let outcome = run(with_fault(seed, stop, DiskFault::Damaged));
        stays_down(&outcome, seed as usize % 4, stop, "damaged");
        is_one_chain(&outcome);
    });
}

/// Reported elsewhere: a chain that stood still after some fifty blocks under load.
#[test]
fn under_load_the_chain_is_as_fast_at_the_end_as_at_the_beginning() {
    each(0..2, |seed| {
        let scenario = Scenario { cell_every: ms(20), ..Scenario::calm(seed, 4) }.lasting(ms(21_000));
        let outcome = run(scenario);
        let count = |from, until| outcome.committed_in(ms(from), ms(until)).map(|commit| commit.cells).sum::<usize>();
        let (first, last) = (count(1_000, 10_000), count(11_000, 20_000));
        println!("{} blocks, {first} cells in the first half, {last} in the second", outcome.commits);
        assert!(outcome.commits > 400 && last * 10 >= first * 9, "{last} cells after {first}");
        let longest = outcome.blocks.windows(2).map(|pair| pair[1].at - pair[0].at).max();
        assert!(longest.is_some_and(|longest| longest < ms(200)), "{longest:?} µs between two blocks");
    });
}

/// Crashes while others break rules: a restart forgets nothing that is needed against them.
#[test]
fn nodes_that_crash_beside_an_equivocating_leader_recover() {
    for behaviours in [&[Behaviour::Equivocate][..], &[Behaviour::DoubleVote, Behaviour::StaleCertificate]] {
        each(0..4, |seed| {
            let scenario = Scenario { crash_per_million: 3_000, stable_from: ms(4_000), ..Scenario::calm(seed, 4) };
            let patience = ms(10_000);
            let outcome = run(Scenario { patience, ..scenario.with_hostile(behaviours).lasting(ms(8_000)) });
            is_one_chain(&outcome);
        });
    }
}
