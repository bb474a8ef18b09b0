//! Searches the model of the rules: as they are they hold, and each of them is needed.
//!
//! `QSDM_MODEL=long` searches the larger bounds too; minutes instead of seconds.

// how far a search went is its result
#![allow(clippy::print_stdout)]

#[path = "model/plain.rs"]
mod plain;

use plain::{Plain, Tree};
use qsdm_tests::model::{COMMITS_AGREE, Mutation, Protocol, Rules, State};
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn is_long() -> bool {
    std::env::var_os("QSDM_MODEL").is_some_and(|mode| mode == "long")
}

/// Searches all states; they satisfy every property.
fn holds(rounds: u8, with_binding_steps: bool) {
    let started = Instant::now();
    let model = Protocol { rules: Rules { rounds, mutation: None }, blocks_a_round: 3, with_binding_steps };
    let checker = model.checker().threads(threads()).spawn_bfs().join();
    println!(
        "{rounds} rounds, binding steps {with_binding_steps}: {} states, {} steps, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64()
    );
    assert!(checker.is_done(), "every state was searched");
    checker.assert_properties();
}

#[test]
fn the_rules_hold_for_five_rounds() {
    holds(5, false);
    if is_long() {
        holds(6, false);
    }
}

#[test]
fn the_rules_hold_with_the_steps_that_only_bind() {
    holds(if is_long() { 5 } else { 4 }, true);
}

#[test]
fn without_any_of_the_rules_there_is_a_fork() {
    for mutation in Mutation::ALL {
        let started = Instant::now();
        let rules = Rules { rounds: 4, mutation: Some(mutation) };
        let model = Protocol { rules, blocks_a_round: 2, with_binding_steps: false };
        let stop = HasDiscoveries::AllOf(BTreeSet::from([COMMITS_AGREE]));
        let checker = model.checker().finish_when(stop).spawn_bfs().join();
        let fork = checker.discovery(COMMITS_AGREE);
        let path = fork.unwrap_or_else(|| panic!("{mutation:?} survives"));
        println!(
            "{mutation:?}: a fork after {} states, {:.2} s, in {} steps:",
            checker.unique_state_count(),
            started.elapsed().as_secs_f64(),
            path.clone().into_actions().len()
        );
        path.into_actions().iter().for_each(|step| println!("  {step:?}"));
    }
}

/// The certified blocks of a state, as the plain explorer names them.
fn tree_of(state: &State) -> Tree {
    let way = |mut place: u8| {
        let mut rounds = Vec::new();
        while place > 0 {
            let block = &state.blocks[usize::from(place)];
            rounds.insert(0, block.round);
            place = block.parent;
        }
        rounds
    };
    let mut tree: Tree = state.certified().map(|(place, _)| way(place)).collect();
    tree.sort();
    tree
}

/// Every tree of certified blocks in which no block has more than `copies` certified children of one round.
fn trees_of(model: &Protocol, copies: u8) -> (BTreeSet<Tree>, usize) {
    let mut waiting = model.init_states();
    let mut seen: HashSet<State> = waiting.iter().cloned().collect();
    let mut trees = BTreeSet::new();
    while let Some(state) = waiting.pop() {
        let mut children = BTreeMap::new();
        state.certified().for_each(|(_, block)| *children.entry((block.parent, block.round)).or_insert(0) += 1);
        if children.values().all(|count| *count <= copies) {
            trees.insert(tree_of(&state));
        }
        waiting.extend(model.next_states(&state).into_iter().filter(|next| seen.insert(next.clone())));
    }
    (trees, seen.len())
}

/// The model reaches the trees that an explorer reaches which leaves nothing out.
fn loses_no_tree(rounds: u8, copies: u8, learns: bool, mutation: Option<Mutation>) {
    let started = Instant::now();
    let (expected, plain_states) = Plain { rounds, copies, learns, mutation }.trees();
    // room for all blocks that the plain explorer can have in a round within the bounds below; the one mutation under
    // which a block that lacks votes is never forgotten gets no more than that
    let blocks_a_round = if mutation == Some(Mutation::VoteTwiceInARound) { 2 } else { 6 };
    let model = Protocol { rules: Rules { rounds, mutation }, blocks_a_round, with_binding_steps: false };
    let (found, states) = trees_of(&model, copies);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{mutation:?}, {rounds} rounds, {copies} copies, learns {learns}: {} trees, {states} states instead of \
         {plain_states}, {seconds:.1} s",
        found.len()
    );
    assert_eq!(found, expected, "{mutation:?}");
}

#[test]
fn what_the_model_leaves_out_loses_no_tree_of_certified_blocks() {
    loses_no_tree(2, 2, true, None);
    loses_no_tree(3, 1, false, None);
    for mutation in Mutation::ALL {
        let has_many_blocks = matches!(mutation, Mutation::VoteTwiceInARound | Mutation::QuorumOfTwoF);
        loses_no_tree(if has_many_blocks { 2 } else { 3 }, 1, false, Some(mutation));
    }
    if is_long() {
        loses_no_tree(3, 1, true, None);
    }
}

#[test]
fn steps_that_only_bind_lead_to_no_other_tree() {
    let trees = |with_binding_steps| {
        let rules = Rules { rounds: 4, mutation: None };
        trees_of(&Protocol { rules, blocks_a_round: 2, with_binding_steps }, u8::MAX).0
    };
    let without = trees(false);
    println!("{} trees in 4 rounds", without.len());
    assert_eq!(trees(true), without);
}
