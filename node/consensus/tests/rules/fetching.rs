//! What is missing is asked for until it comes: the one who should have it first, then others.

use crate::support::{
    actions,
    committee::{Committee, Parent, cell, change},
    node::{Node, PEER},
};
use qsdm_consensus::{Action, Event, FetchRequest, Message, PeerId, TimerId};
use qsdm_primitives::Round;

fn sync(node: &mut Node) -> Vec<Action> {
    node.run(Event::Timer(TimerId::Sync))
}

fn sync_timers(done: &[Action]) -> usize {
    actions::timers(done).iter().filter(|timer| **timer == (TimerId::Sync, 250)).count()
}

#[test]
fn a_missing_parent_is_asked_of_the_sender_and_then_of_others() {
    let mut node = Node::new(&Committee::new(4), 3);
    let first = node.committee.block(&Parent::genesis(), 1);
    let parent = node.committee.after(&first, &[0, 1, 2]);
    let second = node.committee.block(&parent, 2);
    let done = node.propose(&second);
    let block = FetchRequest::Block { id: first.header().id(), above: 0 };
    let certificate = FetchRequest::Certificate(parent.qc);
    assert_eq!(actions::fetches(&done), [(block.clone(), Some(PEER), 0)], "votes come by themselves at first");
    assert_eq!(sync_timers(&done), 1);
    let mut asked = actions::fetches(&sync(&mut node));
    asked.sort();
    assert_eq!(asked, [(block.clone(), None, 1), (certificate.clone(), Some(PEER), 0)]);
    let mut asked = actions::fetches(&sync(&mut node));
    asked.sort();
    assert_eq!(asked, [(block, None, 2), (certificate.clone(), None, 1)]);
    // what came is not asked for again
    node.receive(Message::Block(Box::new(first), None));
    assert_eq!(actions::fetches(&sync(&mut node)), [(certificate, None, 2)]);
    let done = node.certify(parent.qc);
    assert_eq!(actions::votes(&done), [second.header().id()]);
    let done = sync(&mut node);
    assert_eq!((actions::fetches(&done).len(), sync_timers(&done)), (0, 0), "the timer rests");
}

#[test]
fn missing_cells_are_asked_of_the_sender_and_then_of_others() {
    let mut node = Node::new(&Committee::new(4), 3);
    let missing = cell(1, 0);
    let block = node.committee.block_with(&Parent::genesis(), 1, |_, body| body.cut = vec![change(&missing)]);
    let request = FetchRequest::Cells(vec![missing.id]);
    assert_eq!(actions::fetches(&node.propose(&block)), [(request.clone(), Some(PEER), 0)]);
    assert_eq!(actions::fetches(&sync(&mut node)), [(request.clone(), None, 1)]);
    assert_eq!(actions::fetches(&sync(&mut node)), [(request, None, 2)]);
    assert_eq!(actions::votes(&node.hold(&missing)).len(), 1);
    assert!(actions::fetches(&sync(&mut node)).is_empty());
}

#[test]
fn one_timer_repeats_all_questions() {
    let mut node = Node::new(&Committee::new(4), 3);
    let mut done = Vec::new();
    for author in 0..4 {
        let block = node.committee.block_with(&Parent::genesis(), 1, |header, body| {
            header.time_ms += u64::from(author);
            body.cut = vec![change(&cell(author, 0))];
        });
        done.extend(node.propose(&block));
    }
    assert_eq!(sync_timers(&done), 1);
    let done = sync(&mut node);
    assert_eq!(sync_timers(&done), 1, "and is set again");
}

#[test]
fn the_end_of_a_round_neither_hurries_nor_stops_a_question() {
    let mut node = Node::new(&Committee::new(4), 3);
    let first = node.committee.block(&Parent::genesis(), 1);
    let parent = node.committee.after(&first, &[0, 1, 2]);
    let second = node.committee.block(&parent, 2);
    node.propose(&second);
    let done = node.time_out(1, &[0, 1, 2], Parent::genesis().qc);
    assert!(actions::fetches(&done).is_empty());
    assert_eq!(actions::fetches(&sync(&mut node)).len(), 2);
}

#[test]
fn a_whole_chain_that_was_asked_for_is_taken() {
    let committee = Committee::new(4);
    let mut other = Node::new(&committee, 2);
    let mut parent = Parent::genesis();
    let mut chain = Vec::new();
    for round in 1..=30 {
        let block = committee.block(&parent, round);
        let certificate = (round > 1).then(|| Box::new(committee.certificate(parent.qc)));
        chain.push((block.clone(), certificate));
        (parent, _) = other.grow(&block);
    }
    // it hears of the newest certificate, asks for its block, and gets all that it lacks, oldest first
    let mut node = Node::new(&committee, 3);
    let done = node.receive_from(PeerId(2), Message::Certificate(Box::new(committee.certificate(parent.qc))));
    let request = FetchRequest::Block { id: parent.id, above: 0 };
    assert_eq!(actions::fetches(&done), [(request, None, 0)]);
    assert_eq!(node.status().round, Round(31));
    for (block, certificate) in chain {
        node.receive(Message::Block(Box::new(block), certificate));
    }
    assert_eq!(node.status().height, other.status().height);
    assert_eq!((node.status().fetches, node.status().waiting), (0, 0));
}

#[test]
fn a_chain_that_comes_newest_first_is_taken_too() {
    let committee = Committee::new(4);
    let mut parent = Parent::genesis();
    let mut chain = Vec::new();
    for round in 1..=30 {
        let block = committee.block(&parent, round);
        let certificate = (round > 1).then(|| Box::new(committee.certificate(parent.qc)));
        parent = committee.after(&block, &[0, 1, 2]);
        chain.push((block, certificate));
    }
    let mut node = Node::new(&committee, 3);
    node.receive(Message::Certificate(Box::new(committee.certificate(parent.qc))));
    for (block, certificate) in chain.into_iter().rev() {
        node.receive(Message::Block(Box::new(block), certificate));
    }
    assert_eq!(node.status().height.0, 29);
    assert_eq!((node.status().fetches, node.status().waiting), (0, 0));
}
