//! Nodes that compute something else than the others.

use super::support::{NEVER, each, is_one_chain, run};
use qsdm_consensus::HaltReason;
use qsdm_tests::sim::{
    Behaviour, Outcome, Scenario,
    scenario::{faulty, ms},
};

/// These nodes compute something else from the tenth EVM block on.
fn diverging(seed: u64, validators: usize, nodes: &[usize]) -> Scenario {
    let divergence = nodes.iter().map(|node| (*node, 10)).collect();
    Scenario { divergence, is_traced: true, ..Scenario::calm(seed, validators) }.lasting(ms(7_000))
}

/// Lines of votes of a node after the first line that contains something.
fn votes_after(outcome: &Outcome, node: usize, what: &str) -> usize {
    let of_node = format!(" node {node}: ");
    let mut lines = outcome.trace.iter().filter_map(|line| line.split_once(&of_node)).map(|(_, line)| line);
    lines.find(|line| line.starts_with(what)).expect("it happened");
    lines.filter(|line| line.starts_with("votes")).count()
}

/// Row 34.
#[test]
fn a_node_whose_execution_differs_stops_voting_and_says_so_and_the_others_go_on() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let node = seed as usize % validators;
            let outcome = run(diverging(seed, validators, &[node]));
            let [(halted, HaltReason::ExecutionDiverged { number, ours, theirs })] = outcome.halted.as_slice() else {
                panic!("{:?}", outcome.halted)
            };
            assert!(*halted == node && *number >= 10 && ours != theirs);
            assert_eq!(votes_after(&outcome, node, "halts"), 0);
            assert!(outcome.status[node].is_some_and(|status| status.is_halted));
            assert!(outcome.committed_in(ms(4_000), NEVER).count() > 10, "the others go on");
            is_one_chain(&outcome);
        });
    }
}

/// Row 34: it does not matter that the others are as few as can be.
#[test]
fn with_f_that_differ_all_of_them_halt_and_the_quorum_goes_on() {
    each(0..4, |seed| {
        let outcome = run(diverging(seed, 7, &[1, 4]).lasting(ms(12_000)));
        let mut halted: Vec<usize> = outcome.halted.iter().map(|(node, _)| *node).collect();
        halted.sort_unstable();
        assert_eq!(halted, [1, 4]);
        assert!(outcome.committed_in(ms(5_000), NEVER).count() > 5);
    });
}

/// Row 34: with a third or more on either side nothing can be agreed on, and nothing is.
#[test]
fn with_a_third_that_differs_nothing_is_finalized_any_more_and_nothing_forks() {
    for (validators, nodes) in [(4, &[0, 2][..]), (4, &[2, 3]), (7, &[0, 3, 5]), (7, &[0, 1, 2, 3])] {
        each(0..3, |seed| {
            let scenario = Scenario { must_grow: false, ..diverging(seed, validators, nodes) };
            let outcome = run(scenario);
            is_one_chain(&outcome);
            assert_eq!(outcome.halted, [], "nobody knows who is right");
            let last = outcome.blocks.last().expect("something is committed");
            assert!(last.at < ms(4_000), "no more blocks after the tenth EVM block: {} at {} µs", last.height, last.at);
            for status in outcome.status.iter().flatten() {
                assert!(status.finalized.number < 10, "{:?} is final", status.finalized);
                assert!(status.height.0 + 2 >= outcome.commits);
            }
        });
    }
}

/// A leader that claims a result that nobody has computed finds no voter, and halts nobody.
#[test]
fn a_result_that_a_leader_made_up_halts_nobody() {
    for validators in [4, 7] {
        each(0..4, |seed| {
            let scenario = Scenario::calm(seed, validators).with_hostile(&[Behaviour::WrongResult]);
            let outcome = run(scenario.lasting(ms(8_000)));
            is_one_chain(&outcome);
            let correct = 0..validators - faulty(validators);
            assert!(outcome.halted.iter().all(|(node, _)| !correct.contains(node)), "{:?}", outcome.halted);
            assert!(outcome.commits > 30, "{} commits", outcome.commits);
        });
    }
}
