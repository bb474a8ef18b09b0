//! What a leader proposes, and when.

use crate::support::{
    actions,
    committee::{Committee, Parent, START_MS, cell, change, index, result},
    node::Node,
};
use qsdm_consensus::{Action, Event, Message, TimerId, UnsignedBlock};
use qsdm_mesh::CellRef;
use qsdm_primitives::{CellId, Evidence, Executed, Round, VoteStatement};

/// The leader of the first round.
fn leader() -> Node {
    Node::new(&Committee::new(4), 0)
}

fn only(done: &[Action]) -> UnsignedBlock {
    let [block] = &actions::proposals(done)[..] else { panic!("one proposal: {done:?}") };
    block.clone()
}

#[test]
fn with_work_a_leader_proposes_at_once_what_others_vote_for() {
    let mut node = leader();
    let done = node.acknowledge(&cell(1, 0));
    let block = only(&done);
    assert_eq!(block.body.cut, [change(&cell(1, 0))]);
    assert_eq!((block.header.round, block.header.proposer), (Round(1), index(0)));
    assert_eq!(actions::votes(&done), [block.header.id()], "its own vote");
    let Some(Message::Proposal(signed)) = node.sign(&qsdm_consensus::Unsigned::Block(Box::new(block))) else {
        panic!("a block is signed as a proposal")
    };
    let mut other = Node::new(&node.committee, 3);
    other.hold(&cell(1, 0));
    assert_eq!(other.judge(&signed), Some(Ok(())));
}

#[test]
fn without_work_a_leader_proposes_when_the_heartbeat_is_due() {
    let mut node = leader();
    let heartbeat = Event::Timer(TimerId::Heartbeat(Round(1)));
    let done = node.tick(5_000);
    assert!(actions::proposals(&done).is_empty());
    assert!(actions::proposals(&node.run(Event::Timer(TimerId::Heartbeat(Round(2))))).is_empty(), "another round's");
    let block = only(&node.run(heartbeat.clone()));
    assert!(block.body.cut.is_empty());
    assert_eq!(block.header.time_ms, START_MS + 5_000);
    assert!(actions::proposals(&node.run(heartbeat)).is_empty(), "once a round");
}

#[test]
fn the_heartbeat_is_set_once_a_round() {
    let mut node = Node::new(&Committee::new(4), 1);
    let block = node.committee.block(&Parent::genesis(), 1);
    let (_, mut done) = node.grow(&block);
    done.extend(node.hold(&cell(2, 0)));
    done.extend(node.hold(&cell(2, 1)));
    let timers = actions::timers(&done);
    let beats: Vec<_> = timers.iter().filter(|(timer, _)| matches!(timer, TimerId::Heartbeat(_))).collect();
    assert_eq!(beats, [&(TimerId::Heartbeat(Round(2)), 5_000)]);
}

#[test]
fn a_leader_leads_two_rounds_in_a_row() {
    let mut node = Node::new(&Committee::new(4), 1);
    let block = node.block_of(&Parent::genesis(), 1, &[cell(2, 0)]);
    let (_, done) = node.grow(&block);
    let second = only(&done);
    assert_eq!(second.header.round, Round(2));
    let certified = node.sign(&qsdm_consensus::Unsigned::Block(Box::new(second.clone())));
    let Some(Message::Proposal(certified)) = certified else { panic!("a proposal") };
    let (_, done) = node.grow(&certified);
    let third = only(&done);
    assert_eq!((third.header.round, third.header.parent), (Round(3), second.header.id()));
    assert_eq!(actions::commits(&done).len(), 1);
}

#[test]
fn whoever_does_not_lead_proposes_nothing() {
    for me in 1..4 {
        let mut node = Node::new(&Committee::new(4), me);
        let mut done = node.acknowledge(&cell(1, 0));
        done.extend(node.run(Event::Timer(TimerId::Heartbeat(Round(1)))));
        assert!(actions::proposals(&done).is_empty());
    }
}

#[test]
fn a_leader_that_gave_the_round_up_does_not_propose_in_it() {
    let mut node = leader();
    node.expire();
    let mut done = node.acknowledge(&cell(1, 0));
    done.extend(node.run(Event::Timer(TimerId::Heartbeat(Round(1)))));
    assert!(actions::proposals(&done).is_empty());
}

#[test]
fn a_leader_whose_certified_block_is_missing_waits_for_it() {
    let mut node = Node::new(&Committee::new(4), 1);
    node.acknowledge(&cell(2, 0));
    let block = node.committee.block(&Parent::genesis(), 1);
    let done = node.certify(node.committee.after(&block, &[0, 2, 3]).qc);
    assert!(actions::proposals(&done).is_empty());
    let done = node.receive(Message::Block(Box::new(block.clone()), None));
    assert_eq!(only(&done).header.parent, block.header().id());
}

#[test]
fn the_first_block_after_a_failed_round_says_why_no_block_of_it_is_extended() {
    let mut node = Node::new(&Committee::new(4), 1);
    node.acknowledge(&cell(2, 0));
    let start = Parent::genesis().qc;
    let done = node.time_out(1, &[0, 2, 3], start);
    let block = only(&done);
    let timeout = block.body.timeout.as_ref().expect("a timeout certificate");
    assert_eq!((timeout.round, timeout.high_qc, block.header.qc), (Round(1), start, start));
    // with a certificate of the round before, there is nothing to say
    let mut node = Node::new(&Committee::new(4), 1);
    node.acknowledge(&cell(2, 0));
    let first = node.committee.block(&Parent::genesis(), 1);
    let (_, done) = node.grow(&first);
    assert_eq!(only(&done).body.timeout, None);
}

#[test]
fn a_leader_includes_what_one_correct_validator_holds() {
    // no work: the block comes with the heartbeat, when all acknowledgements are there
    let beat = |holders: &[u16], is_held_first: bool| {
        let mut node = leader();
        let cell = CellRef { transactions: 0, ..cell(1, 0) };
        let mut done = Vec::new();
        if is_held_first {
            done.extend(node.hold(&cell));
        }
        for holder in holders {
            done.extend(node.run(Event::Acknowledged(index(*holder), cell.id)));
        }
        if !is_held_first {
            done.extend(node.hold(&cell));
        }
        done.extend(node.run(Event::Timer(TimerId::Heartbeat(Round(1)))));
        only(&done).body.cut.len()
    };
    assert_eq!(beat(&[], true), 0, "itself alone");
    assert_eq!(beat(&[2], true), 1, "itself and another");
    assert_eq!(beat(&[2], false), 1, "in any order");
    assert_eq!(beat(&[0], true), 0, "itself twice");
    assert_eq!(beat(&[9], true), 0, "nobody of the set");
    assert_eq!(beat(&[9], false), 0);
}

#[test]
fn a_cell_that_is_not_here_is_not_included() {
    let mut node = leader();
    for holder in 1..4 {
        node.run(Event::Acknowledged(index(holder), CellId([1; 32])));
    }
    let done = node.run(Event::Timer(TimerId::Heartbeat(Round(1))));
    assert!(only(&done).body.cut.is_empty());
}

#[test]
fn a_leader_reports_the_newest_result_that_its_chain_holds() {
    let mut node = Node::new(&Committee::new(4), 2);
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 2);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 3);
    let (_, done) = node.grow(&block);
    assert_eq!(only(&done).header.executed, result(1), "at once: the result is not final yet");
    // one that runs ahead of the chain, after a restart for instance, is not reported
    let mut node = leader();
    node.run(Event::Executed(result(7), None));
    node.acknowledge(&cell(1, 0));
    let done = node.run(Event::Timer(TimerId::Heartbeat(Round(1))));
    let proposed = actions::proposals(&done);
    assert!(proposed.iter().all(|block| block.header.executed == Executed { ..result(0) }));
}

#[test]
fn the_end_of_the_epoch_is_proposed_when_it_is_due() {
    let mut node = leader();
    assert!(actions::proposals(&node.tick(3_599_999)).is_empty());
    let block = only(&node.tick(1));
    assert_eq!(block.header.time_ms, START_MS + 3_600_000);
    assert!(block.body.cut.is_empty());
}

#[test]
fn a_proposal_has_as_many_proofs_as_fit() {
    let mut node = Node::new(&Committee::new(7), 0);
    let committee = node.committee.clone();
    let mut done = Vec::new();
    for offender in 1..7 {
        let vote = |byte: u8| {
            let block = qsdm_primitives::BlockId([byte; 32]);
            committee.vote_for(offender, VoteStatement { epoch: committee.epoch(), round: Round(1), block })
        };
        // before its round, so that all of them wait
        node.expire();
        done.extend(node.prove(Evidence::double_vote(vote(1), vote(2))));
    }
    assert_eq!((node.status().evidence, actions::proposals(&done).len()), (6, 0));
    for round in 1..14 {
        node.time_out(round, &[1, 2, 3, 4, 5], Parent::genesis().qc);
    }
    assert_eq!(node.status().leader, index(0));
    // the next round that it leads
    let blocks = actions::proposals(&node.time_out(13, &[1, 2, 3, 4, 5], Parent::genesis().qc));
    assert!(blocks.is_empty());
    let record = node.core.record().clone();
    assert_eq!(record.last_proposed(), Round(14));
    let proposed = node.disk.blocks.iter().find(|(block, _)| block.header().round == Round(14));
    let (block, _) = proposed.expect("the own block is stored");
    assert_eq!(block.body.evidence.len(), 4);
}
