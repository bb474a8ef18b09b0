//! What was executed: final when a quorum says so, and the end of signing where it differs.

use crate::support::{
    actions,
    committee::{Committee, Parent, cell, result},
    node::Node,
};
use qsdm_consensus::{Event, HaltReason};
use qsdm_primitives::{Block, CellHeader, Executed, ExecutionHash, Round};

/// A validator that executes nothing by itself, and a block that reports EVM block 1.
fn reported() -> (Node, Block) {
    let mut node = Node::new(&Committee::new(4), 3);
    node.executes = false;
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 2);
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::commits(&done)[0].number, Some(1));
    let block = node.committee.block_with(&parent, 3, |header, _| header.executed = result(1));
    (node, block)
}

fn other() -> Executed {
    Executed { number: 1, hash: ExecutionHash([0xbb; 32]) }
}

#[test]
fn a_result_is_final_when_a_quorum_voted_for_a_block_that_reports_it() {
    let (mut node, block) = reported();
    assert_eq!(node.status().finalized, result(0));
    node.run(Event::Executed(result(1), None));
    let done = node.propose(&block);
    assert!(actions::finalized(&done).is_empty(), "a leader's word");
    let done = node.votes(&block, &[0]);
    assert!(actions::finalized(&done).is_empty(), "two votes");
    let done = node.votes(&block, &[1]);
    assert_eq!(actions::finalized(&done), [result(1)]);
    assert_eq!(node.status().finalized, result(1));
    let parent = node.committee.after(&block, &[0, 1, 2]);
    let next = node.committee.block(&parent, 4);
    let (_, done) = node.grow(&next);
    assert!(actions::finalized(&done).is_empty(), "told once");
}

#[test]
fn a_result_may_be_final_before_it_is_computed_here() {
    let (mut node, block) = reported();
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::finalized(&done), [result(1)]);
    assert!(actions::votes(&done).is_empty());
    assert!(actions::halts(&node.run(Event::Executed(result(1), None))).is_empty());
    let next = node.committee.block(&parent, 4);
    assert_eq!(node.judge(&next), Some(Ok(())));
}

/// A node that halted: it follows the chain and signs nothing.
fn signs_nothing(mut node: Node, block: &Block) {
    assert!(node.status().is_halted);
    let mut parent = node.committee.after(block, &[0, 1, 2]);
    let mut done = node.certify(parent.qc);
    for round in 4..=8 {
        let block = node.committee.block(&parent, round);
        let (next, grown) = node.grow(&block);
        parent = next;
        done.extend(grown);
        done.extend(node.expire());
    }
    done.extend(node.time_out(9, &[0, 1], parent.qc));
    done.extend(node.acknowledge(&cell(1, 0)));
    let header = CellHeader {
        chain_id: crate::support::committee::CHAIN,
        epoch: node.committee.epoch(),
        lane: crate::support::committee::lane(3),
        seq: 0,
        depth: 1,
        links: qsdm_primitives::Links { own: cell(0, 0).id, peer: cell(0, 0).id, bridge: None },
        time_ms: 0,
        gas_limit: 0,
        transactions: 0,
        body: qsdm_primitives::BodyHash([0; 32]),
    };
    done.extend(node.run(Event::WriteCell(Box::new(header))));
    assert!(actions::signatures(&done).is_empty());
    assert!(actions::halts(&done).is_empty(), "said once");
    assert!(!actions::commits(&done).is_empty(), "it follows");
    assert!(node.core.halted().is_some());
    assert!(node.status().round > Round(8));
}

#[test]
fn a_node_that_computed_something_else_than_a_quorum_halts() {
    let reason = HaltReason::ExecutionDiverged { number: 1, ours: other().hash, theirs: result(1).hash };
    let (mut node, block) = reported();
    node.run(Event::Executed(other(), None));
    let (_, done) = node.grow(&block);
    assert_eq!(actions::halts(&done), std::slice::from_ref(&reason), "computed before");
    signs_nothing(node, &block);
    let (mut node, block) = reported();
    node.grow(&block);
    assert!(!node.status().is_halted);
    let done = node.run(Event::Executed(other(), None));
    assert_eq!(actions::halts(&done), [reason], "computed after");
    signs_nothing(node, &block);
}

#[test]
fn an_old_result_that_a_quorum_agreed_on_is_compared_too() {
    let (mut node, block) = reported();
    let (parent, _) = node.grow(&block);
    let next = node.block_of(&parent, 4, &[cell(0, 1)]);
    let (parent, _) = node.grow(&next);
    let next = node.committee.block(&parent, 5);
    let (parent, _) = node.grow(&next);
    let next = node.committee.block_with(&parent, 6, |header, _| header.executed = result(2));
    let (_, done) = node.grow(&next);
    assert_eq!(actions::finalized(&done), [result(2)]);
    let done = node.run(Event::Executed(other(), None));
    assert_eq!(actions::halts(&done).len(), 1, "number 1, though 2 is final already");
}

#[test]
fn no_more_results_wait_than_are_compared_with_blocks() {
    let (mut node, block) = reported();
    let (mut parent, _) = node.grow(&block);
    // execution stands still while the others go on: each report is remembered, within a limit
    let (mut done, mut number) = (Vec::new(), 1);
    for round in 4..40 {
        let next = node.committee.block_with(&parent, round, |header, _| header.executed = result(number));
        let (next, grown) = node.grow(&next);
        parent = next;
        done.extend(grown);
        number = number.min(1);
    }
    assert!(actions::halts(&done).is_empty());
    assert_eq!(actions::commits(&done).len(), 36);
}
