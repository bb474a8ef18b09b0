//! Rounds and their ends.

use crate::support::{
    actions,
    committee::{Committee, Parent, bogus, cell},
    node::{Node, PEER},
};
use qsdm_consensus::{Event, FetchRequest, Message, PeerId, TimerId};
use qsdm_primitives::{QcRef, Round};

const IDLE_MS: u64 = 5_000;

fn start() -> QcRef {
    Parent::genesis().qc
}

#[test]
fn one_correct_timeout_is_joined_and_less_is_not() {
    for (count, faulty) in [(4, 1), (7, 2), (16, 5)] {
        let committee = Committee::new(count);
        let mut node = Node::new(&committee, count as u16 - 1);
        let some: Vec<u16> = (0..faulty).collect();
        let done = node.time_out(1, &some, start());
        assert!(actions::timeouts(&done).is_empty(), "{faulty} of {count} may all be faulty");
        let done = node.time_out(1, &[faulty], start());
        assert_eq!(actions::timeouts(&done), [(Round(1), start())], "{count} validators");
        let done = node.time_out(1, &[faulty + 1], start());
        assert!(actions::timeouts(&done).is_empty(), "once is enough");
    }
}

#[test]
fn a_quorum_of_timeouts_ends_the_round() {
    let mut node = Node::new(&Committee::new(4), 3);
    node.time_out(1, &[0, 1], start());
    assert_eq!(node.status().round, Round(2), "two others and the own one");
    let record = node.core.record();
    assert_eq!((record.last_timeout, record.timed_out()), (Round(1), Round(1)));
    let high_tc = record.high_tc.as_ref().expect("kept");
    assert_eq!(high_tc.signers(), [0, 1, 3].map(qsdm_primitives::ValidatorIndex).into_iter().collect());
    node.committee.verify(high_tc.as_ref().clone());
}

#[test]
fn a_later_round_that_others_gave_up_is_given_up_too() {
    let mut node = Node::new(&Committee::new(4), 3);
    let done = node.time_out(6, &[0, 1], start());
    assert_eq!(actions::timeouts(&done), [(Round(6), start())]);
    assert_eq!(node.status().round, Round(7));
}

#[test]
fn a_certificate_ends_the_round_without_a_timeout() {
    let mut node = Node::new(&Committee::new(4), 3);
    let block = node.committee.block(&Parent::genesis(), 1);
    let (parent, done) = node.grow(&block);
    assert!(actions::timeouts(&done).is_empty());
    assert_eq!((node.status().round, node.status().certified), (Round(2), Round(1)));
    // whoever is late gets no company
    assert!(actions::timeouts(&node.time_out(1, &[0, 1], start())).is_empty());
    assert_eq!(actions::timeouts(&node.expire()), [(Round(2), parent.qc)]);
}

/// A validator whose leaders are expected to act at once, because a cell waits.
fn busy() -> Node {
    let mut node = Node::new(&Committee::new(4), 3);
    node.acknowledge(&cell(0, 0));
    node
}

#[test]
fn failed_rounds_grow_by_half_up_to_eight_times_and_a_certificate_makes_them_short_again() {
    let mut node = busy();
    let mut lengths = vec![node.round_timer.expect("set").1];
    for round in 1..=9 {
        node.time_out(round, &[0, 1], start());
        lengths.push(node.round_timer.expect("set").1);
    }
    assert_eq!(lengths, [1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 8_000, 8_000, 8_000, 8_000]);
    let timeout = node.core.record().high_tc.as_deref().cloned();
    let block = node.committee.block_with(&Parent::genesis(), 10, |_, body| body.timeout = timeout);
    node.grow(&block);
    assert_eq!(node.status().round, Round(11));
    assert_eq!(node.round_timer.expect("set"), (TimerId::Round(Round(11), 11 + 1), 1_000));
}

#[test]
fn an_idle_leader_is_given_the_time_between_heartbeats() {
    let mut node = Node::new(&Committee::new(4), 3);
    assert_eq!(node.round_timer.expect("set").1, 1_000 + IDLE_MS);
    node.hold(&cell(0, 0));
    assert_eq!(node.round_timer.expect("set").1, 1_000 + IDLE_MS, "a cell that one holds is not work yet");
    let done = node.acknowledge(&cell(0, 0));
    assert_eq!(actions::timers(&done), [(TimerId::Round(Round(1), 2), 1_000)]);
    // the patient timer was replaced
    assert!(node.run(Event::Timer(TimerId::Round(Round(1), 1))).is_empty());
    assert_eq!(actions::timeouts(&node.expire()).len(), 1);
}

#[test]
fn a_timeout_is_repeated_whenever_the_timer_fires() {
    let mut node = busy();
    for _ in 0..3 {
        let done = node.expire();
        assert_eq!(actions::timeouts(&done), [(Round(1), start())]);
        assert_eq!(node.round_timer.expect("set").1, 1_000, "a round that is not over has not failed again");
    }
    assert_eq!(node.status().timeouts, 1, "one a validator and round");
}

#[test]
fn a_timer_of_another_round_is_ignored() {
    let mut node = busy();
    let (old, _) = node.round_timer.expect("set");
    node.time_out(1, &[0, 1], start());
    assert!(node.run(Event::Timer(old)).is_empty());
    assert!(node.run(Event::Timer(TimerId::Round(Round(9), 3))).is_empty());
}

#[test]
fn a_peer_that_is_behind_is_told_the_newest_certificates_now_and_then() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    let block = committee.block(&Parent::genesis(), 1);
    let (parent, _) = node.grow(&block);
    node.time_out(2, &[0, 1], parent.qc);
    assert_eq!(node.status().round, Round(3));
    let record = node.core.record().clone();
    let late = || Message::Timeout(Box::new(committee.timeout(2, 1, start())));
    let told = |done: &[_], peer: PeerId| {
        let certificate = Message::Certificate(Box::new(record.high_qc.as_ref().clone()));
        let timeout = record.high_tc.as_deref().cloned().expect("a round was timed out");
        assert_eq!(
            actions::answers(done),
            [(peer, certificate), (peer, Message::TimeoutCertificate(Box::new(timeout)))]
        );
    };
    told(&node.receive(late()), PEER);
    assert!(node.receive(late()).is_empty(), "not twice within half a round");
    told(&node.receive_from(PeerId(10), late()), PeerId(10));
    node.tick(499);
    assert!(node.receive(late()).is_empty());
    node.tick(1);
    told(&node.propose(&committee.block(&Parent::genesis(), 1)), PEER);
    node.tick(500);
    let timeout = committee.timeout_certificate(1, &[0, 1, 2], start());
    told(&node.receive(Message::TimeoutCertificate(Box::new(timeout))), PEER);
}

#[test]
fn a_timeout_certificate_moves_whoever_receives_it() {
    let mut node = Node::new(&Committee::new(4), 3);
    let timeout = node.committee.timeout_certificate(5, &[0, 1, 2], start());
    let done = node.receive(Message::TimeoutCertificate(Box::new(timeout)));
    assert_eq!(node.status().round, Round(6));
    // the round of this validator: it has a heartbeat to keep
    assert!(actions::timers(&done).contains(&(TimerId::Heartbeat(Round(6)), IDLE_MS)));
}

#[test]
fn a_timeout_certificate_that_claims_a_certificate_nobody_has_changes_nothing() {
    let mut node = Node::new(&Committee::new(4), 3);
    let claimed = bogus(&node.committee, 4);
    let timeout = node.committee.timeout_certificate(5, &[0, 1, 2], claimed);
    let done = node.receive(Message::TimeoutCertificate(Box::new(timeout)));
    assert_eq!(node.status().round, Round(1));
    assert_eq!(node.core.record().high_tc, None);
    assert!(actions::signatures(&done).is_empty());
    let questions: Vec<_> = node.core.questions().cloned().collect();
    assert_eq!(questions, [FetchRequest::Certificate(claimed)], "whoever claims it is asked for it");
    // one that claims what is known is not held up by it
    let timeout = node.committee.timeout_certificate(2, &[0, 1, 2], start());
    node.receive(Message::TimeoutCertificate(Box::new(timeout)));
    assert_eq!(node.status().round, Round(3));
}

#[test]
fn a_timeout_certificate_waits_for_the_certificate_that_it_names() {
    let mut node = Node::new(&Committee::new(4), 3);
    let block = node.committee.block(&Parent::genesis(), 1);
    let named = node.committee.after(&block, &[0, 1, 2]).qc;
    let timeout = node.committee.timeout_certificate(5, &[0, 1, 2], named);
    node.receive(Message::TimeoutCertificate(Box::new(timeout)));
    assert_eq!(node.status().round, Round(1));
    node.certify(named);
    assert_eq!(node.status().round, Round(6));
    assert_eq!(node.core.record().timed_out(), Round(5));
}

#[test]
fn timeouts_with_a_claimed_certificate_count_once_it_is_here() {
    let mut node = Node::new(&Committee::new(7), 6);
    let block = node.committee.block(&Parent::genesis(), 1);
    let named = node.committee.after(&block, &[0, 1, 2, 3, 4]).qc;
    let claimed = bogus(&node.committee, 3);
    node.time_out(4, &[0, 1], claimed);
    let done = node.time_out(4, &[2, 3], named);
    assert!(actions::timeouts(&done).is_empty(), "none of them counts yet");
    assert_eq!(node.status().timeouts, 4, "they are kept");
    let done = node.certify(named);
    assert!(actions::timeouts(&done).is_empty(), "two may be faulty");
    let done = node.time_out(4, &[4], named);
    assert_eq!(actions::timeouts(&done), [(Round(4), named)]);
    // each validator waits with one timeout, whatever else it claims
    for round in 10..40 {
        node.time_out(round, &[0, 1], bogus(&node.committee, round - 1));
    }
    assert_eq!(node.status().timeouts, 2 + 4);
}

#[test]
fn votes_and_timeouts_of_rounds_far_ahead_are_dropped() {
    let mut node = Node::new(&Committee::new(4), 3);
    let near = bogus(&node.committee, 65).statement;
    let far = bogus(&node.committee, 66).statement;
    for statement in [far, qsdm_primitives::VoteStatement { round: Round(u64::MAX), ..far }, near] {
        node.receive(Message::Vote(node.committee.vote_for(0, statement)));
    }
    assert_eq!(node.status().votes, 1);
    for round in [u64::MAX, 66, 65] {
        node.time_out(round, &[0], start());
    }
    assert_eq!(node.status().timeouts, 1);
}
