//! Who leads, as a whole node sees it.

use crate::support::{
    committee::{Committee, Parent, index},
    node::Node,
};
use qsdm_primitives::{Block, Round, ValidatorIndex};
use std::collections::BTreeMap;

/// Rounds of a window with four validators.
const WINDOW: u64 = 32;

/// A chain that validator 3 neither proposes nor votes for, but in the rounds where it is awake; who leads each round.
fn leaders(rounds: u64, is_awake: impl Fn(u64) -> bool) -> BTreeMap<u64, ValidatorIndex> {
    let committee = Committee::new(4);
    let mut node = Node::with(&committee, None, |_| {});
    let mut parent = Parent::genesis();
    let mut leaders = BTreeMap::new();
    let mut timeout = None;
    for round in 1..=rounds {
        assert_eq!(node.status().round, Round(round));
        let leader = node.status().leader;
        leaders.insert(round, leader);
        if leader == index(3) && !is_awake(round) {
            node.time_out(round, &[0, 1, 2], parent.qc);
            timeout = node.core.record().high_tc.as_deref().cloned();
            continue;
        }
        let block: Block = committee.block_with(&parent, round, |header, body| {
            header.proposer = leader;
            body.timeout = timeout.take();
        });
        node.propose(&block);
        let voters: &[u16] = if is_awake(round) { &[0, 1, 2, 3] } else { &[0, 1, 2] };
        parent = committee.after(&block, voters);
        node.certify(parent.qc);
    }
    assert!(node.status().height.0 > rounds / 2);
    leaders
}

fn slots(leaders: &BTreeMap<u64, ValidatorIndex>, window: u64, of: u16) -> usize {
    leaders.range(window * WINDOW..(window + 1) * WINDOW).filter(|(_, leader)| **leader == index(of)).count()
}

#[test]
fn a_silent_leader_is_left_out_two_windows_later_and_returns_when_it_votes() {
    let leaders = leaders(8 * WINDOW, |round| round >= 4 * WINDOW);
    let of_silent: Vec<usize> = (0..8).map(|window| slots(&leaders, window, 3)).collect();
    // silent for four windows: out in windows 2 to 5; in window 4 it votes, so it leads in window 6
    assert_eq!(of_silent[2..6], [0, 0, 0, 0], "{of_silent:?}");
    assert!(of_silent[0] > 0 && of_silent[1] > 0 && of_silent[6] > 0 && of_silent[7] > 0, "{of_silent:?}");
}

#[test]
fn all_lead_as_often_where_all_are_awake_and_two_rounds_each_time() {
    let leaders = leaders(4 * WINDOW, |_| true);
    for window in 0..4 {
        for of in 0..4 {
            // round 0 is nobody's, and the rounds here begin with 1
            let expected = if (window, of) == (0, 0) { 7 } else { 8 };
            assert_eq!(slots(&leaders, window, of), expected, "window {window}, validator {of}");
        }
    }
    for round in (2..4 * WINDOW).step_by(2) {
        assert_eq!(leaders.get(&round), leaders.get(&(round + 1)), "rounds {round} and {}", round + 1);
    }
}
