//! The end of an epoch and the beginning of the next.

use crate::support::{
    actions,
    committee::{Committee, Parent, START_MS, cell, change, index, statement},
    node::{Node, PEER},
};
use qsdm_consensus::{Action, Event, FetchRequest, HaltReason, Message, PeerId, SafetyRecord, TimerId, Unsigned};
use qsdm_primitives::{Block, Epoch, EpochClaim, ExecutionHash, Height, Round};
use std::sync::Arc;

const END_MS: u64 = START_MS + 3_600_000;

/// The validators of the first epoch and of the next, which has one more.
fn committees() -> (Committee, Committee) {
    (Committee::new(4), Committee::of(Epoch(1), &[1; 5]))
}

/// A node at the time at which the epoch's end is due.
fn due(me: Option<u16>) -> Node {
    let (now, next) = committees();
    let mut node = Node::with(&now, me, |_| {});
    node.next = Some(next);
    node.tick(3_600_000);
    node
}

/// The last block of the epoch, and the one that commits it.
fn last_two(committee: &Committee) -> [Block; 2] {
    let last = committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms = END_MS);
    let after = committee.block(&committee.after(&last, &[0, 1, 2]), 2);
    [last, after]
}

/// A node that committed the epoch's last block.
fn ended(me: Option<u16>) -> (Node, Vec<Action>, Parent) {
    let mut node = due(me);
    let [last, after] = last_two(&node.committee);
    let (_, mut done) = node.grow(&last);
    let (parent, grown) = node.grow(&after);
    done.extend(grown);
    (node, done, parent)
}

fn claims(done: &[Action]) -> Vec<EpochClaim> {
    let claim = |unsigned: Unsigned| if let Unsigned::Epoch(claim) = unsigned { Some(claim) } else { None };
    actions::signatures(done).into_iter().filter_map(claim).collect()
}

fn vote(node: &mut Node, voters: &[u16], claim: EpochClaim) -> Vec<Action> {
    let mut done = Vec::new();
    for voter in voters {
        if node.committee.epoch() == claim.epoch {
            done.extend(node.receive(Message::EpochVote(node.committee.epoch_vote(*voter, claim))));
        }
    }
    done
}

#[test]
fn the_first_committed_block_at_the_end_is_the_last_one() {
    let (node, done, _) = ended(Some(3));
    let [committed] = &actions::commits(&done)[..] else { panic!("the last block is committed") };
    assert!(committed.is_boundary);
    assert_eq!((committed.tip.height, committed.number), (Height(1), Some(1)), "the end makes an EVM block");
    assert_eq!(claims(&done), [node.claim()], "and is signed once it is executed");
}

#[test]
fn blocks_behind_the_last_one_are_certified_and_never_committed() {
    let (mut node, _, mut parent) = ended(Some(3));
    for round in 3..=6 {
        let block = node.committee.block(&parent, round);
        let (next, done) = node.grow(&block);
        assert_eq!(actions::votes(&done), [block.header().id()]);
        assert!(actions::commits(&done).is_empty());
        parent = next;
    }
    assert_eq!(node.status().height, Height(1));
    assert_eq!(node.status().round, Round(7));
}

#[test]
fn behind_the_last_block_a_leader_proposes_nothing_but_empty_blocks() {
    let (mut node, mut done, _) = ended(Some(1));
    done.extend(node.acknowledge(&cell(0, 0)));
    done.extend(node.run(Event::Timer(TimerId::Heartbeat(Round(3)))));
    let behind: Vec<_> = actions::proposals(&done).into_iter().filter(|block| block.header.round > Round(1)).collect();
    assert!(!behind.is_empty());
    for block in behind {
        assert!(block.body.cut.is_empty() && block.body.evidence.is_empty(), "{block:?}");
    }
}

#[test]
fn a_quorum_of_equal_claims_begins_the_next_epoch() {
    let (mut node, ..) = ended(Some(3));
    let claim = node.claim();
    let done = vote(&mut node, &[0], claim);
    assert_eq!(node.status().epoch, Epoch(0), "two of four");
    assert!(done.iter().all(|action| !matches!(action, Action::EpochChanged(_))));
    let other = EpochClaim { state_root: ExecutionHash([9; 32]), ..claim };
    vote(&mut node, &[1], other);
    assert_eq!(node.status().epoch, Epoch(0), "one says something else");
    let old = node.committee.clone();
    let done = vote(&mut node, &[2], claim);
    let changed = done.iter().filter_map(|action| match action {
        Action::EpochChanged(certificate) => Some(certificate.as_ref().clone()),
        _ => None,
    });
    let changed: Vec<_> = changed.collect();
    assert_eq!(changed, [old.epoch_certificate(claim, &[0, 2, 3])]);
    let status = node.status();
    assert_eq!((status.epoch, status.round, status.height), (Epoch(1), Round(1), Height(1)));
    assert_eq!((status.blocks, status.cells, status.votes, status.timeouts, status.evidence), (0, 0, 0, 0, 0));
    let record = node.core.record();
    assert_eq!((record.epoch, record.last_vote, record.last_timeout), (Epoch(1), None, Round(0)));
    assert_eq!(record.high_qc.reference, Parent::start(Epoch(1), node.core.committed().0).qc);
}

#[test]
fn the_next_epoch_goes_on_from_the_last_block() {
    let (mut node, ..) = ended(Some(3));
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    let start = Parent::start(Epoch(1), node.core.committed().0);
    let committee = node.committee.clone();
    assert_eq!(committee.set.len(), 5);
    let first = node.block_of(&start, 1, &[cell(4, 0)]);
    let (parent, _) = node.grow(&first);
    let (_, done) = node.grow(&committee.block(&parent, 2));
    let [committed] = &actions::commits(&done)[..] else { panic!("a commit in the new epoch") };
    assert_eq!((committed.tip.height, committed.tip.epoch, committed.number), (Height(2), Epoch(1), Some(2)));
    assert_eq!(committed.tip.epoch_start_ms, END_MS, "it lasts from the last block on");
    // a restart finds all of it
    node.disk.cells.clear();
    node.restart().expect("everything is on disk");
    assert_eq!((node.status().height, node.status().epoch), (Height(2), Epoch(1)));
}

#[test]
fn whoever_is_in_the_next_set_under_another_number_signs_under_it() {
    let (now, _) = committees();
    let mut node = Node::with(&now, None, |config| config.key = Some(Committee::of(Epoch(1), &[1; 5]).key(4)));
    node.next = Some(Committee::of(Epoch(1), &[1; 5]));
    node.tick(3_600_000);
    assert_eq!(node.status().me, None);
    let [last, after] = last_two(&now);
    node.grow(&last);
    node.grow(&after);
    let claim = node.claim();
    let done = vote(&mut node, &[0, 1, 2], claim);
    assert!(claims(&done).is_empty(), "an observer signs no end");
    assert_eq!(node.me(), index(4));
    let start = Parent::start(Epoch(1), node.core.committed().0);
    let block = node.committee.block(&start, 1);
    assert_eq!(node.judge(&block), Some(Ok(())));
}

#[test]
fn whoever_is_not_in_the_next_set_observes() {
    let mut node = due(Some(3));
    node.next = Some(Committee::of(Epoch(1), &[1; 3]));
    let [last, after] = last_two(&node.committee);
    node.grow(&last);
    node.grow(&after);
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    assert_eq!(node.status().me, None);
    let start = Parent::start(Epoch(1), node.core.committed().0);
    let block = node.committee.block(&start, 1);
    let (_, done) = node.grow(&block);
    assert!(actions::signatures(&done).is_empty());
    assert_eq!(node.status().round, Round(2));
}

#[test]
fn the_own_claim_is_repeated_until_the_epoch_changes() {
    let (mut node, done, _) = ended(Some(3));
    assert!(actions::timers(&done).contains(&(TimerId::Sync, 250)));
    for _ in 0..3 {
        let done = node.run(Event::Timer(TimerId::Sync));
        assert_eq!(claims(&done), [node.claim()]);
        assert_eq!(actions::timers(&done), [(TimerId::Sync, 250)]);
    }
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    assert!(node.run(Event::Timer(TimerId::Sync)).is_empty());
}

#[test]
fn one_timer_repeats_questions_in_every_epoch() {
    let (mut node, ..) = ended(Some(3));
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    // the timer of the old epoch is under way: a question of the new one needs no second
    let start = Parent::start(Epoch(1), node.core.committed().0);
    let block = node.committee.block_with(&start, 1, |_, body| body.cut = vec![change(&cell(1, 0))]);
    let done = node.propose(&block);
    assert_eq!(actions::fetches(&done).len(), 1);
    assert!(actions::timers(&done).iter().all(|(timer, _)| *timer != TimerId::Sync));
    let done = node.run(Event::Timer(TimerId::Sync));
    assert_eq!(actions::fetches(&done).len(), 1);
    assert_eq!(actions::timers(&done), [(TimerId::Sync, 250)]);
}

#[test]
fn a_claim_is_signed_again_after_a_restart() {
    let (mut node, ..) = ended(Some(3));
    let done = node.restart().expect("everything is on disk");
    assert_eq!(claims(&done), [node.claim()]);
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    assert_eq!(node.status().epoch, Epoch(1));
}

#[test]
fn a_node_that_computed_another_end_than_a_quorum_halts() {
    let (mut node, ..) = ended(Some(3));
    let other = EpochClaim { state_root: ExecutionHash([9; 32]), ..node.claim() };
    let done = vote(&mut node, &[0, 1, 2], other);
    assert_eq!(actions::halts(&done), [HaltReason::EpochDiverged { epoch: Epoch(0) }]);
    assert_eq!(node.status().epoch, Epoch(0));
    assert!(claims(&node.run(Event::Timer(TimerId::Sync))).is_empty());
}

#[test]
fn whatever_waits_to_be_signed_for_an_epoch_that_is_over_is_dropped() {
    let (mut node, _, parent) = ended(Some(3));
    node.syncs = false;
    let block = node.committee.block(&parent, 3);
    let done = node.propose(&block);
    assert_eq!(actions::records(&done).len(), 1);
    let claim = node.claim();
    let old = node.committee.clone();
    let certificate = old.epoch_certificate(claim, &[0, 1, 2]);
    let done = node.receive(Message::EpochCertificate(Box::new(certificate)));
    let seq = done.iter().filter_map(|action| if let Action::Persist(_, seq) = action { Some(*seq) } else { None });
    let done = node.run(Event::Durable(seq.max().expect("the new record")));
    assert!(done.iter().any(|action| matches!(action, Action::EpochChanged(_))));
    assert!(actions::votes(&done).is_empty(), "of the old epoch");
}

#[test]
fn a_lagging_node_follows_by_the_certificate_of_the_end() {
    let mut node = due(Some(3));
    let old = node.committee.clone();
    let [last, _] = last_two(&old);
    let claim = {
        let (ended, ..) = ended(Some(3));
        ended.claim()
    };
    // whoever is ahead is asked how the epoch ended
    let done = node.run(Event::OtherEpoch(PeerId(5), Epoch(1)));
    assert_eq!(actions::fetches(&done), [(FetchRequest::EpochCertificate(Epoch(0)), Some(PeerId(5)), 0)]);
    let certificate = old.epoch_certificate(claim, &[0, 1, 2]);
    let done = node.receive(Message::EpochCertificate(Box::new(certificate)));
    let request = FetchRequest::Block { id: last.header().id(), above: 0 };
    assert_eq!(actions::fetches(&done), [(request, None, 0)]);
    // no block behind the last one is needed to commit it
    let done = node.receive(Message::Block(Box::new(last), None));
    assert_eq!(actions::commits(&done).len(), 1);
    assert_eq!(node.status().epoch, Epoch(1));
}

#[test]
fn a_node_that_committed_by_the_certificate_of_the_end_starts_again() {
    let mut node = due(Some(3));
    node.executes = false;
    let old = node.committee.clone();
    let [last, _] = last_two(&old);
    let claim = {
        let (ended, ..) = ended(Some(3));
        ended.claim()
    };
    let certificate = old.epoch_certificate(claim, &[0, 1, 2]);
    node.receive(Message::EpochCertificate(Box::new(certificate.clone())));
    let done = node.receive(Message::Block(Box::new(last), None));
    let committed = actions::commits(&done).pop().expect("committed");
    node.restart().expect("its record is as new as its chain");
    let executed = node.execute(&committed).expect("an EVM block");
    node.run(executed);
    node.receive(Message::EpochCertificate(Box::new(certificate)));
    assert_eq!(node.status().epoch, Epoch(1));
}

#[test]
fn all_that_crash_between_two_epochs_end_the_old_one_together() {
    let mut nodes: Vec<Node> = (0..4).map(|me| ended(Some(me)).0).collect();
    let mut sent = Vec::new();
    for node in &mut nodes {
        // the record of the next epoch was durable, and nothing else of it
        node.disk.record = Some(SafetyRecord::new(Epoch(1), node.disk.tip.block));
        let done = node.restart().expect("the record may be ahead");
        assert!(actions::signatures(&done).iter().all(|unsigned| matches!(unsigned, Unsigned::Epoch(_))));
        sent.extend(claims(&done).into_iter().map(|claim| node.committee.epoch_vote(node.me().0, claim)));
    }
    for node in &mut nodes {
        for vote in &sent {
            if node.status().epoch == Epoch(0) {
                node.receive(Message::EpochVote(vote.clone()));
            }
        }
        assert_eq!(node.status().epoch, Epoch(1));
    }
}

#[test]
fn a_record_of_the_next_epoch_is_taken_up_when_the_chain_is_there() {
    let (mut node, ..) = ended(Some(3));
    let next = node.next.clone().expect("prepared");
    let start = Parent::start(Epoch(1), &node.disk.tip);
    let [one, other] = [0, 1].map(|at| {
        next.block_with(&start, 2, |header, body| {
            header.time_ms += at;
            body.timeout = Some(next.timeout_certificate(1, &[0, 1, 2, 3], start.qc));
        })
    });
    // it voted in round 2 of the next epoch; then the chain lost its end
    let mut record = SafetyRecord::new(Epoch(1), start.id);
    record.last_vote = Some(statement(&one));
    record.high_tc = one.body.timeout.clone().map(Arc::new);
    node.disk.record = Some(record.clone());
    node.restart().expect("the record may be ahead");
    let claim = node.claim();
    vote(&mut node, &[0, 1, 2], claim);
    assert_eq!((node.status().epoch, node.status().round), (Epoch(1), Round(2)));
    assert_eq!(*node.core.record(), record);
    assert_eq!(node.judge(&other), None, "no second vote");
    assert_eq!(node.status().blocks, 1);
    let parent = node.committee.after(&one, &[0, 1, 2, 4]);
    node.propose(&one);
    node.certify(parent.qc);
    let block = node.committee.block(&parent, 3);
    assert_eq!(node.judge(&block), Some(Ok(())), "from then on it votes as ever");
}

#[test]
fn a_peer_in_an_epoch_that_is_over_is_told_how_it_ended() {
    let (mut node, ..) = ended(Some(3));
    let claim = node.claim();
    vote(&mut node, &[0, 1], claim);
    let done = node.run(Event::OtherEpoch(PEER, Epoch(0)));
    let told = actions::answers(&done);
    assert!(matches!(&told[..], [(PEER, Message::EpochCertificate(certificate))] if certificate.claim == claim));
    assert!(node.run(Event::OtherEpoch(PEER, Epoch(0))).is_empty(), "not twice within half a round");
    node.tick(500);
    let late =
        Committee::new(4).verify(Message::Timeout(Box::new(Committee::new(4).timeout(0, 9, Parent::genesis().qc))));
    assert_eq!(actions::answers(&node.run(Event::Message(PEER, late))).len(), 1, "nor must it ask");
}

#[test]
fn a_claim_of_an_end_that_is_not_committed_here_changes_nothing_yet() {
    let mut node = due(Some(3));
    let claim = {
        let (ended, ..) = ended(Some(3));
        ended.claim()
    };
    vote(&mut node, &[0, 1, 2], claim);
    assert_eq!((node.status().epoch, node.status().height), (Epoch(0), Height(0)));
    let [last, _] = last_two(&node.committee);
    node.receive(Message::Block(Box::new(last), None));
    assert_eq!(node.status().epoch, Epoch(1));
}
