//! Starting again from what is on disk.

use crate::support::{
    actions,
    committee::{Committee, Parent, cell, genesis_tip, result},
    node::{Node, PEER, recovery},
};
use qsdm_consensus::{Action, Config, Core, Event, Message, Parameters, RecoverError, Recovery, SafetyRecord};
use qsdm_primitives::{BlockId, Epoch, Height, QuorumCertificate, Round};
use std::sync::Arc;

fn node() -> Node {
    Node::new(&Committee::new(4), 3)
}

/// A validator of a chain with a committed block, and the parent of round 3.
fn with_a_commit() -> (Node, Parent) {
    let mut node = node();
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    let block = node.committee.block(&parent, 2);
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::commits(&done).len(), 1);
    (node, parent)
}

#[test]
fn after_a_restart_the_vote_of_the_round_is_sent_again_and_no_other() {
    let mut node = node();
    let one = node.committee.block(&Parent::genesis(), 1);
    let other = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += 1);
    assert_eq!(node.judge(&one), Some(Ok(())));
    let done = node.restart().expect("everything is on disk");
    assert_eq!(actions::votes(&done), [one.header().id()]);
    assert_eq!(node.status().votes, 1, "and counted");
    assert_eq!(node.judge(&other), None);
    assert_eq!(node.judge(&one), None);
}

#[test]
fn a_vote_that_was_durable_and_never_left_is_sent_after_the_restart() {
    let mut node = node();
    node.syncs = false;
    let one = node.committee.block(&Parent::genesis(), 1);
    let done = node.propose(&one);
    node.disk.record = actions::records(&done).pop();
    node.syncs = true;
    let done = node.restart().expect("everything is on disk");
    assert_eq!(actions::votes(&done), [one.header().id()]);
}

#[test]
fn a_vote_that_was_not_durable_is_free_after_the_restart() {
    let mut node = node();
    node.syncs = false;
    let one = node.committee.block(&Parent::genesis(), 1);
    let other = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += 1);
    assert!(actions::votes(&node.propose(&one)).is_empty());
    node.disk.blocks.clear();
    node.syncs = true;
    assert!(actions::votes(&node.restart().expect("a first start")).is_empty());
    assert_eq!(node.judge(&other), Some(Ok(())));
}

#[test]
fn after_a_restart_the_timeout_of_the_round_is_sent_again() {
    let mut node = node();
    let block = node.committee.block(&Parent::genesis(), 1);
    let (parent, _) = node.grow(&block);
    node.expire();
    let done = node.restart().expect("everything is on disk");
    assert_eq!(actions::timeouts(&done), [(Round(2), parent.qc)]);
    assert_eq!(node.status().timeouts, 1, "all that crash after a timeout find their own again");
    let block = node.committee.block(&parent, 2);
    assert_eq!(node.judge(&block), None, "no vote in a round that was timed out before the crash");
}

#[test]
fn all_that_crash_after_a_timeout_end_the_round_together() {
    let committee = Committee::new(4);
    let mut nodes: Vec<Node> = (0..4).map(|me| Node::new(&committee, me)).collect();
    let mut sent = Vec::new();
    for node in &mut nodes {
        node.expire();
        let done = node.restart().expect("everything is on disk");
        for (round, high_qc) in actions::timeouts(&done) {
            sent.push(committee.timeout(node.me().0, round.0, high_qc));
        }
    }
    for node in &mut nodes {
        for timeout in &sent {
            node.receive(Message::Timeout(Box::new(timeout.clone())));
        }
        assert_eq!(node.status().round, Round(2));
    }
}

#[test]
fn a_leader_does_not_propose_again_in_a_round() {
    let committee = Committee::new(4);
    let mut node = Node::new(&committee, 0);
    let done = node.acknowledge(&cell(1, 0));
    assert_eq!(actions::proposals(&done).len(), 1);
    node.disk.blocks.clear();
    let mut done = node.restart().expect("everything is on disk");
    done.extend(node.acknowledge(&cell(2, 0)));
    done.extend(node.run(Event::Timer(qsdm_consensus::TimerId::Heartbeat(Round(1)))));
    assert_eq!(actions::proposals(&done), []);
}

#[test]
fn the_chain_goes_on_where_it_was() {
    let (mut node, parent) = with_a_commit();
    let before = node.status();
    let done = node.restart().expect("everything is on disk");
    assert!(!done.iter().any(|action| matches!(action, Action::Store(..))), "what is stored is not stored again");
    let after = node.status();
    assert_eq!(
        (after.round, after.height, after.certified, after.blocks),
        (before.round, before.height, before.certified, before.blocks)
    );
    let block = node.committee.block_with(&parent, 3, |header, _| header.executed = result(1));
    let (_, done) = node.grow(&block);
    assert_eq!(actions::votes(&done), [block.header().id()]);
    let heights: Vec<Height> = actions::commits(&done).iter().map(|block| block.tip.height).collect();
    assert_eq!(heights, [Height(2)]);
    assert_eq!(node.status().finalized, result(1));
}

#[test]
fn a_commit_that_was_lost_happens_again() {
    let (mut node, _) = with_a_commit();
    node.disk.tip = genesis_tip();
    node.disk.cut = qsdm_mesh::Cut::default();
    node.disk.executed = result(0);
    node.disk.results.clear();
    let done = node.restart().expect("the record is newer than the chain");
    let commits = actions::commits(&done);
    assert_eq!(commits.len(), 1);
    assert_eq!((commits[0].tip.height, commits[0].cells.len()), (Height(1), 1));
}

#[test]
fn what_a_stored_certificate_commits_is_in_the_record_too() {
    let mut node = node();
    let committee = node.committee.clone();
    let first = committee.block(&Parent::genesis(), 1);
    let (parent, _) = node.grow(&first);
    let record = node.disk.record.clone();
    // the second block can't be judged any more after the restart, before its cell is there again
    let lost = cell(0, 0);
    let second = node.block_of(&parent, 2, std::slice::from_ref(&lost));
    let (parent, _) = node.grow(&second);
    let third = committee.block(&parent, 3);
    node.propose(&third);
    node.disk.cells.clear();
    (node.disk.tip, node.disk.record) = (genesis_tip(), record);
    node.restart().expect("everything but the cell is on disk");
    let done = node.hold(&lost);
    assert_eq!(actions::commits(&done).len(), 1);
    node.restart().expect("the record is as new as the chain");
}

#[test]
fn a_record_from_before_the_newest_commit_is_refused() {
    let (mut node, _) = with_a_commit();
    let newest = node.disk.record.clone();
    let stale = SafetyRecord::new(Epoch(0), genesis_tip().block);
    node.disk.record = Some(stale);
    let refused = node.restart().expect_err("a backup");
    assert_eq!(
        refused,
        RecoverError::StaleRecord { found_epoch: Epoch(0), found: Round(0), epoch: Epoch(0), needed: Round(2) }
    );
    node.disk.record = newest;
    assert!(node.restart().is_ok());
}

#[test]
fn a_chain_without_a_record_is_refused() {
    let (mut node, _) = with_a_commit();
    node.disk.record = None;
    assert_eq!(node.restart().expect_err("signed before"), RecoverError::MissingRecord { height: Height(1) });
    assert!(self::node().restart().is_ok(), "before the first block there is nothing to contradict");
}

#[test]
fn a_key_that_was_made_on_an_existing_chain_signs_from_there() {
    let (mut node, _) = with_a_commit();
    node.disk.record = None;
    let disk = Recovery { is_new_key: true, ..recovery(&node.committee, &node.disk) };
    let (core, _) = Core::recover(node.config.clone(), disk, node.now_ms).expect("it has signed nothing");
    assert_eq!(core.status().height, Height(1));
    assert!(core.record().last_vote.is_some(), "it votes for what is not committed yet");
}

#[test]
fn without_a_key_any_record_will_do() {
    let (node, parent) = with_a_commit();
    for record in [None, Some(SafetyRecord::new(Epoch(0), genesis_tip().block)), node.disk.record.clone()] {
        let config = Config {
            chain_id: crate::support::committee::CHAIN,
            key: None,
            parameters: Parameters::default(),
            rules: crate::support::committee::rules(),
            #[cfg(feature = "mutants")]
            mutant: None,
        };
        let disk = crate::support::node::Disk { record, ..node.disk.clone() };
        let (core, _) = Core::recover(config, recovery(&node.committee, &disk), node.now_ms).expect("an observer");
        let mut observer = Node::with(&node.committee, None, |_| {});
        observer.core = core;
        let block = node.committee.block_with(&parent, 3, |header, _| header.executed = result(1));
        let (_, done) = observer.grow(&block);
        assert_eq!(observer.status().certified, Round(3));
        assert!(actions::signatures(&done).is_empty());
    }
}

/// A validator whose record is of the next epoch, while its chain is not there yet.
fn behind_its_record() -> (Node, SafetyRecord) {
    let (mut node, _) = with_a_commit();
    let parent = BlockId([8; 32]);
    let mut record = SafetyRecord::new(Epoch(1), parent);
    let next = Committee::of(Epoch(1), &[1; 4]);
    let statement = qsdm_primitives::VoteStatement { epoch: Epoch(1), round: Round(3), block: BlockId([9; 32]) };
    let reference = qsdm_primitives::QcRef { statement, signers: next.set.everyone() };
    record.high_qc = Arc::new(next.certificate(reference));
    record.last_vote = Some(qsdm_primitives::VoteStatement { round: Round(4), ..statement });
    record.last_timeout = Round(2);
    node.disk.record = Some(record.clone());
    (node, record)
}

#[test]
fn a_record_of_a_later_epoch_signs_nothing_and_is_kept_as_it_is() {
    let (mut node, record) = behind_its_record();
    let mut done = node.restart().expect("the chain may be behind the record");
    assert_eq!(node.status().round, Round(2), "the rounds of one epoch say nothing about another's");
    let (_, parent) = with_a_commit();
    done.extend(node.certify(parent.qc));
    let block = node.committee.block_with(&parent, 3, |header, _| header.executed = result(1));
    let (parent, grown) = node.grow(&block);
    done.extend(grown);
    assert_eq!(actions::commits(&done).len(), 1, "it follows the chain");
    assert_eq!(node.status().round, Round(4));
    done.extend(node.expire());
    done.extend(node.time_out(4, &[0, 1, 2], parent.qc));
    assert_eq!(node.status().round, Round(5));
    assert!(actions::signatures(&done).is_empty());
    assert_eq!(node.disk.record, Some(record.clone()), "nothing of an old epoch overwrites it");
    assert!(actions::records(&done).iter().all(|kept| *kept == record));
}

#[test]
fn stored_blocks_of_another_epoch_or_below_the_tip_are_left_out() {
    let (mut node, parent) = with_a_commit();
    let strange = Committee::of(Epoch(1), &[1; 4]);
    let block = strange.block_with(&parent, 3, |header, _| header.qc.statement.epoch = Epoch(1));
    let certificate: Option<Arc<QuorumCertificate>> = None;
    node.disk.blocks.push((Arc::new(block), certificate));
    node.restart().expect("everything is on disk");
    assert_eq!((node.status().blocks, node.status().waiting), (1, 0));
    assert!(node.receive_from(PEER, Message::Certificate(Box::new(node.committee.certificate(parent.qc)))).is_empty());
}
