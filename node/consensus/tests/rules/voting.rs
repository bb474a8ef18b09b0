//! What a validator votes for, and what it waits for.

use crate::support::{
    actions,
    committee::{Committee, Parent, START_MS, cell, result},
    node::{Node, PEER},
};
use qsdm_consensus::{Event, FetchRequest, Message};
use qsdm_primitives::{Block, Executed, ExecutionHash, Round};

fn node() -> Node {
    Node::new(&Committee::new(4), 3)
}

#[test]
fn there_is_one_vote_a_round() {
    let mut node = node();
    let one = node.committee.block(&Parent::genesis(), 1);
    let other = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += 1);
    assert_eq!(node.judge(&one), Some(Ok(())));
    assert_eq!(node.judge(&other), None, "valid, and not voted for");
    assert_eq!(node.status().blocks, 2);
    assert_eq!(node.judge(&one), None, "nor is the first one again");
    node.tick(10);
    let done = node.hold(&cell(0, 0));
    assert!(actions::signatures(&done).is_empty());
}

#[test]
fn a_block_of_a_round_that_is_over_gets_no_vote() {
    let mut node = node();
    let old = node.committee.block(&Parent::genesis(), 1);
    node.certify(node.committee.after(&old, &[0, 1, 2]).qc);
    assert_eq!(node.status().round, Round(2));
    assert_eq!(node.judge(&old), None);
}

#[test]
fn a_block_of_a_round_to_come_gets_its_vote_in_its_round() {
    let mut node = node();
    let first = node.committee.block(&Parent::genesis(), 1);
    let parent = node.committee.after(&first, &[0, 1, 2]);
    let second = node.committee.block(&parent, 2);
    assert_eq!(node.judge(&second), None);
    assert_eq!(node.judge(&first), Some(Ok(())));
    let done = node.votes(&first, &[0, 1, 2]);
    assert_eq!(actions::votes(&done), [second.header().id()]);
}

#[test]
fn a_round_that_was_timed_out_gets_no_vote() {
    let mut node = node();
    let done = node.expire();
    assert_eq!(actions::timeouts(&done), [(Round(1), Parent::genesis().qc)]);
    let block = node.committee.block(&Parent::genesis(), 1);
    assert_eq!(node.judge(&block), None);
    assert_eq!(node.status().blocks, 1, "it is valid, though");
}

#[test]
fn a_block_ahead_of_the_clock_waits_for_the_clock() {
    let mut node = node();
    let block = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms = START_MS + 2_500);
    assert_eq!(node.judge(&block), None);
    assert!(actions::votes(&node.tick(499)).is_empty());
    assert_eq!(actions::votes(&node.tick(1)), [block.header().id()], "two seconds ahead");
}

#[test]
fn a_clock_that_is_set_back_is_not_followed() {
    let mut node = node();
    node.tick(1_000);
    node.run(Event::Tick(START_MS - 1_000_000));
    let block = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms = START_MS + 3_000);
    assert_eq!(node.judge(&block), Some(Ok(())));
}

/// A validator that has executed nothing, and the block of round 3 that says that EVM block 1 was executed.
fn before_execution() -> (Node, Block) {
    let mut node = node();
    node.executes = false;
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 2);
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::commits(&done).len(), 1);
    let block = node.committee.block_with(&parent, 3, |header, _| header.executed = result(1));
    (node, block)
}

#[test]
fn a_vote_waits_until_the_result_was_computed_here() {
    let (mut node, block) = before_execution();
    assert_eq!(node.judge(&block), None);
    let done = node.run(Event::Executed(result(1), None));
    assert_eq!(actions::votes(&done), [block.header().id()]);
}

#[test]
fn a_block_with_another_result_gets_no_vote() {
    let (mut node, block) = before_execution();
    assert_eq!(node.judge(&block), None);
    let ours = Executed { number: 1, hash: ExecutionHash([0xbb; 32]) };
    let done = node.run(Event::Executed(ours, None));
    assert!(actions::signatures(&done).is_empty());
    assert!(!node.status().is_halted, "one leader alone proves nothing");
}

#[test]
fn a_block_whose_parent_is_missing_is_voted_for_when_the_parent_comes() {
    let mut node = node();
    let first = node.committee.block(&Parent::genesis(), 1);
    let parent = node.committee.after(&first, &[0, 1, 2]);
    node.certify(parent.qc);
    let second = node.committee.block(&parent, 2);
    let done = node.propose(&second);
    let request = FetchRequest::Block { id: first.header().id(), above: 0 };
    assert!(node.core.questions().any(|question| *question == request));
    assert!(actions::votes(&done).is_empty());
    let done = node.receive(Message::Block(Box::new(first), None));
    assert_eq!(actions::votes(&done), [second.header().id()]);
    assert_eq!(node.core.questions().count(), 0);
}

#[test]
fn a_block_whose_certificate_is_missing_is_voted_for_when_its_votes_come() {
    let mut node = node();
    let first = node.committee.block(&Parent::genesis(), 1);
    node.propose(&first);
    let parent = node.committee.after(&first, &[0, 1, 2]);
    let second = node.committee.block(&parent, 2);
    assert_eq!(node.judge(&second), None);
    assert!(node.core.questions().any(|question| *question == FetchRequest::Certificate(parent.qc)));
    let done = node.votes(&first, &[0, 1]);
    assert!(actions::votes(&done).is_empty(), "a vote that the block counts is missing");
    let done = node.votes(&first, &[2]);
    assert_eq!(actions::votes(&done), [second.header().id()]);
}

#[test]
fn a_voter_holds_the_very_votes_that_a_block_counts() {
    let mut node = node();
    let first = node.committee.block(&Parent::genesis(), 1);
    node.propose(&first);
    // a quorum of other votes is a certificate, and still not the one that the block names
    node.votes(&first, &[0, 1]);
    assert_eq!(node.status().certified, Round(1), "with the own vote");
    let parent = node.committee.after(&first, &[0, 1, 2]);
    let second = node.committee.block(&parent, 2);
    assert_eq!(node.judge(&second), None);
    let done = node.certify(parent.qc);
    assert_eq!(actions::votes(&done), [second.header().id()]);
}

#[test]
fn a_certificate_is_served_with_the_votes_that_are_named() {
    let mut node = node();
    let block = node.committee.block(&Parent::genesis(), 1);
    node.propose(&block);
    node.votes(&block, &[0, 1, 2]);
    for voters in [[0, 1, 2].as_slice(), &[0, 1, 3], &[1, 2, 3], &[0, 1, 2, 3]] {
        let wanted = node.committee.after(&block, voters).qc;
        let done = node.run(Event::CertificateRequest(PEER, wanted));
        let certificate = node.committee.certificate(wanted);
        assert_eq!(actions::answers(&done), [(PEER, Message::Certificate(Box::new(certificate)))]);
    }
    let unknown = crate::support::committee::bogus(&node.committee, 1);
    assert!(node.run(Event::CertificateRequest(PEER, unknown)).is_empty());
}
