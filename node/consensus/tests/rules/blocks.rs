//! Which blocks are valid: for each rule a block that breaks it and nothing else.

use crate::support::{
    actions,
    committee::{Committee, GENESIS, Parent, START_MS, cell, index, result},
    node::Node,
};
use qsdm_consensus::BlockError;
use qsdm_primitives::{
    Block, BlockBody, BlockHeader, Evidence, EvidenceKind, Executed, ExecutionHash, Height, QcRef, Round, VoteStatement,
};

/// A validator that leads nothing soon, and a certified block of round 1.
fn at_round_2() -> (Node, Parent) {
    let mut node = Node::new(&Committee::new(4), 3);
    let block = node.committee.block(&Parent::genesis(), 1);
    let (parent, _) = node.grow(&block);
    assert_eq!(node.status().round, Round(2));
    (node, parent)
}

/// The verdict on a block of round 2 that differs in one thing from a valid one.
fn verdict(change: impl FnOnce(&mut BlockHeader, &mut BlockBody)) -> Option<Result<(), BlockError>> {
    let (mut node, parent) = at_round_2();
    let block = node.committee.block_with(&parent, 2, change);
    node.judge(&block)
}

fn double_vote(committee: &Committee, by: u16, round: u64) -> Evidence {
    let vote = |byte: u8| {
        let block = qsdm_primitives::BlockId([byte; 32]);
        committee.vote_for(by, VoteStatement { epoch: committee.epoch(), round: Round(round), block })
    };
    Evidence::double_vote(vote(1), vote(2))
}

#[test]
fn a_valid_block_gets_a_vote() {
    assert_eq!(verdict(|_, _| {}), Some(Ok(())));
    assert_eq!(verdict(|header, _| header.time_ms += 1_500), Some(Ok(())));
    let (mut node, parent) = at_round_2();
    let cells = [cell(0, 0), cell(2, 0)];
    let block = node.block_of(&parent, 2, &cells);
    assert_eq!(node.judge(&block), Some(Ok(())));
    let (mut node, parent) = at_round_2();
    let proof = double_vote(&node.committee, 0, 1);
    let block = node.committee.block_with(&parent, 2, |_, body| body.evidence = vec![proof]);
    assert_eq!(node.judge(&block), Some(Ok(())));
}

#[test]
fn a_block_that_is_not_one_above_its_parent_is_rejected() {
    for found in [3, u64::MAX] {
        let error = BlockError::Height { found: Height(found), parent: Height(1) };
        assert_eq!(verdict(|header, _| header.height = Height(found)), Some(Err(error)));
    }
    // not above the committed chain, or beside it: no news, and not looked at
    for found in [0, 1] {
        assert_eq!(verdict(|header, _| header.height = Height(found)), None);
    }
}

#[test]
fn a_block_whose_certificate_is_of_another_round_than_its_parent_is_rejected() {
    let (mut node, parent) = at_round_2();
    // a faulty quorum votes for the block of round 1 as if it were of round 2
    let statement = VoteStatement { round: Round(2), ..parent.qc.statement };
    let qc = QcRef { statement, ..parent.qc };
    node.certify(qc);
    let block = node.committee.block(&Parent { qc, ..parent }, 3);
    assert_eq!(node.judge(&block), Some(Err(BlockError::CertificateRound { found: Round(2), parent: Round(1) })));
}

#[test]
fn a_block_in_the_middle_of_the_epoch_that_calls_its_parent_the_start_is_rejected() {
    let (mut node, parent) = at_round_2();
    let committee = node.committee.clone();
    let qc = QcRef::start(committee.epoch(), parent.id);
    let timeout = committee.timeout_certificate(1, &[0, 1, 2], QcRef::start(committee.epoch(), GENESIS));
    let block = committee.block_with(&Parent { qc, ..parent }, 2, |_, body| body.timeout = Some(timeout));
    assert_eq!(node.judge(&block), Some(Err(BlockError::CertificateRound { found: Round(0), parent: Round(1) })));
}

#[test]
fn a_block_of_somebody_who_does_not_lead_the_round_is_rejected() {
    for other in [0, 2] {
        let error = BlockError::NotLeader { round: Round(2), leader: index(1), proposer: index(other) };
        assert_eq!(verdict(|header, _| header.proposer = index(other)), Some(Err(error)));
    }
}

#[test]
fn a_block_on_an_older_certificate_than_its_timeout_certificate_knows_is_rejected() {
    let (mut node, parent) = at_round_2();
    let committee = node.committee.clone();
    let start = Parent::genesis();
    let on = |parent: &Parent, high: QcRef| {
        let timeout = committee.timeout_certificate(2, &[0, 1, 2], high);
        committee.block_with(parent, 3, |_, body| body.timeout = Some(timeout))
    };
    let stale = on(&start, parent.qc);
    assert_eq!(node.judge(&stale), Some(Err(BlockError::StaleCertificate { found: Round(0), least: Round(1) })));
    // as old as the newest that the quorum knew is right, and so is a newer one
    assert_eq!(at_round_2().0.judge(&on(&start, start.qc)), Some(Ok(())));
    assert_eq!(at_round_2().0.judge(&on(&parent, start.qc)), Some(Ok(())));
    assert_eq!(at_round_2().0.judge(&on(&parent, parent.qc)), Some(Ok(())));
}

#[test]
fn a_block_before_its_parent_is_rejected() {
    let error = BlockError::Time { found: START_MS - 1, parent: START_MS };
    assert_eq!(verdict(|header, _| header.time_ms -= 1), Some(Err(error)));
}

/// A validator whose chain makes the EVM block 1, the parent that includes it, and the parent that says so.
fn with_one_executed() -> (Node, Parent, Parent) {
    let (mut node, parent) = at_round_2();
    let block = node.block_of(&parent, 2, &[cell(0, 0)]);
    let (second, _) = node.grow(&block);
    let block = node.committee.block_with(&second, 3, |header, _| header.executed = result(1));
    let (third, _) = node.grow(&block);
    assert_eq!((node.status().round, node.status().finalized), (Round(4), result(1)));
    (node, second, third)
}

#[test]
fn a_block_that_takes_back_what_was_executed_is_rejected() {
    let other = Executed { number: 0, hash: ExecutionHash([1; 32]) };
    let error = BlockError::ExecutedBack { found: 0, parent: 0 };
    assert_eq!(verdict(|header, _| header.executed = other), Some(Err(error)), "another hash");
    let (mut node, _, third) = with_one_executed();
    let block = node.committee.block_with(&third, 4, |header, _| header.executed = result(0));
    assert_eq!(node.judge(&block), Some(Err(BlockError::ExecutedBack { found: 0, parent: 1 })));
}

#[test]
fn a_block_that_says_more_was_executed_than_its_chain_holds_is_rejected() {
    for found in [1, u64::MAX] {
        let error = BlockError::ExecutedAhead { found, most: 0 };
        assert_eq!(verdict(|header, _| header.executed = result(found)), Some(Err(error)));
    }
    let (mut node, _, third) = with_one_executed();
    let block = node.committee.block_with(&third, 4, |header, _| header.executed = result(2));
    assert_eq!(node.judge(&block), Some(Err(BlockError::ExecutedAhead { found: 2, most: 1 })));
}

#[test]
fn behind_the_last_block_of_the_epoch_only_an_empty_block_is_valid() {
    let after_boundary = || {
        let (mut node, parent) = at_round_2();
        node.now_ms = START_MS + 3_600_000;
        let last = node.committee.block_with(&parent, 2, |header, _| header.time_ms = START_MS + 3_600_000);
        node.tick(0);
        let (parent, _) = node.grow(&last);
        (node, parent)
    };
    let error = || Some(Err(BlockError::NotEmpty { why: "the epoch is over" }));
    let (mut node, parent) = after_boundary();
    let block = node.block_of(&parent, 3, &[cell(0, 0)]);
    assert_eq!(node.judge(&block), error());
    let (mut node, parent) = after_boundary();
    let proof = double_vote(&node.committee, 0, 1);
    let block = node.committee.block_with(&parent, 3, |_, body| body.evidence = vec![proof]);
    assert_eq!(node.judge(&block), error());
    let (mut node, parent) = after_boundary();
    let block = node.committee.block(&parent, 3);
    assert_eq!(node.judge(&block), Some(Ok(())));
}

#[test]
fn the_last_block_of_the_epoch_may_include_cells() {
    let (mut node, parent) = at_round_2();
    node.tick(3_600_000);
    let cells = [cell(0, 0)];
    let mut last = node.block_of(&parent, 2, &cells);
    last.signed.header.time_ms = START_MS + 3_600_000;
    last.signed.signature = node.committee.sign(1, last.header());
    assert_eq!(node.judge(&last), Some(Ok(())));
}

/// A chain of so many blocks that make an EVM block each, none of which is executed.
fn lagging(evm_blocks: u64) -> (Node, Parent) {
    let mut node = Node::new(&Committee::new(4), 3);
    node.executes = false;
    let mut parent = Parent::genesis();
    for at in 0..evm_blocks {
        let block = node.block_of(&parent, at + 1, &[cell(0, at)]);
        (parent, _) = node.grow(&block);
    }
    (node, parent)
}

#[test]
fn with_execution_more_than_eight_blocks_behind_only_empty_cuts_are_valid() {
    let (mut node, parent) = lagging(8);
    let block = node.block_of(&parent, 9, &[cell(0, 8)]);
    assert_eq!(node.judge(&block), Some(Ok(())), "eight behind");
    let (mut node, parent) = lagging(9);
    let block = node.block_of(&parent, 10, &[cell(0, 9)]);
    assert_eq!(node.judge(&block), Some(Err(BlockError::NotEmpty { why: "execution is too far behind" })));
    // evidence need not wait for execution
    let (mut node, parent) = lagging(9);
    let proof = double_vote(&node.committee, 2, 1);
    let block = node.committee.block_with(&parent, 10, |_, body| body.evidence = vec![proof]);
    assert_eq!(node.judge(&block), Some(Ok(())));
    let (mut node, parent) = lagging(9);
    let block = node.committee.block(&parent, 10);
    assert_eq!(node.judge(&block), Some(Ok(())));
}

#[test]
fn nobody_is_punished_twice_for_one_kind() {
    let error = || Some(Err(BlockError::PunishedBefore { offender: index(0), kind: EvidenceKind::DoubleVote }));
    let (mut node, parent) = at_round_2();
    let committee = node.committee.clone();
    let proofs = vec![double_vote(&committee, 0, 1), double_vote(&committee, 0, 7)];
    let twice = committee.block_with(&parent, 2, |_, body| body.evidence = proofs.clone());
    assert_eq!(node.judge(&twice), error(), "twice in one block");
    let with = |parent: &Parent, round: u64, proof: Evidence| -> Block {
        committee.block_with(parent, round, |_, body| body.evidence = vec![proof])
    };
    let (mut node, parent) = at_round_2();
    let block = with(&parent, 2, proofs[0].clone());
    let (parent, _) = node.grow(&block);
    let again = with(&parent, 3, proofs[1].clone());
    assert_eq!(node.judge(&again), error(), "again, before the first is committed");
    let block = committee.block(&parent, 3);
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::commits(&done).len(), 1);
    let again = with(&parent, 4, proofs[1].clone());
    assert_eq!(node.judge(&again), error(), "again, after it");
    let other = with(&parent, 4, double_vote(&committee, 2, 1));
    assert_eq!(node.judge(&other), Some(Ok(())), "somebody else");
}
