//! Floods by validators that break the rules: memory stays bounded, and the chain goes on.

use crate::support::{
    actions,
    committee::{Committee, Parent, bogus, cell, change, index},
    node::{Node, PEER},
};
use qsdm_consensus::{FetchRequest, Message, PeerId};
use qsdm_primitives::{
    Block, BlockId, Round, VoteStatement,
    limits::{BLOCKS_UNCOMMITTED_MAX, BLOCKS_WAITING_MAX, FETCHES_OPEN_MAX},
};

/// As many different blocks of the first round's leader.
fn many(committee: &Committee, count: u64) -> Vec<Block> {
    let block = |at| committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += at);
    (0..count).map(block).collect()
}

#[test]
fn a_leader_of_a_thousand_blocks_in_one_round_stops_nobody() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    let blocks = many(&committee, 1_200);
    for block in &blocks[1..] {
        node.propose(block);
    }
    assert!(node.status().blocks <= 2 && node.status().waiting <= 2, "{:?}", node.status());
    // the others agreed on one that this node did not take
    let first = &blocks[0];
    let parent = committee.after(first, &[0, 1, 2]);
    node.certify(parent.qc);
    let request = FetchRequest::Block { id: parent.id, above: 0 };
    assert!(node.core.questions().any(|question| *question == request));
    node.receive(Message::Block(Box::new(first.clone()), None));
    let second = committee.block(&parent, 2);
    assert_eq!(node.judge(&second), Some(Ok(())));
}

#[test]
fn certificates_that_one_validator_claims_do_not_crowd_out_other_questions() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    for round in 2..600 {
        node.time_out(round + 1, &[0], bogus(&committee, round));
    }
    assert!(node.status().fetches <= 4, "{:?}", node.status());
    let missing = cell(1, 0);
    let block = committee.block_with(&Parent::genesis(), 1, |_, body| body.cut = vec![change(&missing)]);
    let done = node.propose(&block);
    assert_eq!(actions::fetches(&done), [(FetchRequest::Cells(vec![missing.id]), Some(PEER), 0)]);
}

#[test]
fn timeout_certificates_with_claims_do_not_crowd_out_other_questions() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    for round in 2..600 {
        let timeout = committee.timeout_certificate(round + 1, &[0, 1, 2], bogus(&committee, round));
        node.receive_from(PeerId(round as u32), Message::TimeoutCertificate(Box::new(timeout)));
    }
    assert!(node.status().fetches <= FETCHES_OPEN_MAX / 2, "{:?}", node.status());
    let missing = cell(1, 0);
    let block = committee.block_with(&Parent::genesis(), 1, |_, body| body.cut = vec![change(&missing)]);
    let done = node.propose(&block);
    assert_eq!(actions::fetches(&done), [(FetchRequest::Cells(vec![missing.id]), Some(PEER), 0)]);
}

/// A block of validator 2 with a parent that does not exist.
fn orphan(committee: &Committee, round: u64, salt: u64) -> Block {
    let qc = bogus(committee, round - 1);
    let parent = Parent { id: qc.block(), qc, round: qc.round(), ..Parent::genesis() };
    committee.block_with(&parent, round, |header, _| {
        header.proposer = index(2);
        header.time_ms += salt;
        header.height.0 += round;
    })
}

/// A node that was timed out of rounds up to `round`, and the valid block of the next one.
fn late(node: &mut Node, parent: &Parent, round: u64) -> Block {
    let committee = node.committee.clone();
    let timeout = committee.timeout_certificate(round, &[0, 1, 2], parent.qc);
    node.receive(Message::TimeoutCertificate(Box::new(timeout.clone())));
    let leader = node.status().leader;
    committee.block_with(parent, round + 1, |header, body| {
        header.proposer = leader;
        body.timeout = Some(timeout);
    })
}

#[test]
fn orphans_sent_as_answers_do_not_keep_a_block_from_waiting() {
    for (rounds, each) in [(2..40, 20), (2..700, 1), (2..700, 4)] {
        let mut node = Node::new(&Committee::new(4), 3);
        let committee = node.committee.clone();
        node.propose(&orphan(&committee, 5, 0));
        for round in rounds.clone() {
            for salt in 1..=each {
                node.receive(Message::Block(Box::new(orphan(&committee, round, salt)), None));
            }
        }
        assert!(node.status().waiting <= BLOCKS_WAITING_MAX);
        // a valid block that has to wait for a cell
        let missing = cell(1, 0);
        let mut block = late(&mut node, &Parent::genesis(), 800);
        block.body.cut = vec![change(&missing)];
        block.signed.header.body = block.body.hash();
        block.signed.signature = committee.sign(block.header().proposer.0, block.header());
        let done = node.propose(&block);
        let request = FetchRequest::Cells(vec![missing.id]);
        assert!(
            actions::fetches(&done).iter().any(|(asked, ..)| *asked == request),
            "{rounds:?} × {each}: {:?}",
            node.status()
        );
        assert_eq!(actions::votes(&node.hold(&missing)), [block.header().id()]);
        assert!(node.status().fetches <= FETCHES_OPEN_MAX);
    }
}

#[test]
fn a_thousand_rounds_without_a_commit_fill_nothing_for_good() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    let first = committee.block(&Parent::genesis(), 1);
    let (start, _) = node.grow(&first);
    let rounds = BLOCKS_UNCOMMITTED_MAX as u64 + 100;
    let mut votes_max = 0;
    for round in 2..rounds {
        let block = late(&mut node, &start, round);
        node.propose(&block);
        // everybody votes, and never enough for one block
        for voter in [0, 1, 2] {
            let block =
                BlockId(*blake3::hash(&[round.to_le_bytes(), u64::from(voter).to_le_bytes()].concat()).as_bytes());
            let statement = VoteStatement { epoch: committee.epoch(), round: Round(round + 1), block };
            node.receive(Message::Vote(committee.vote_for(voter, statement)));
        }
        votes_max = votes_max.max(node.status().votes);
    }
    assert!(node.status().blocks <= BLOCKS_UNCOMMITTED_MAX);
    assert!(votes_max <= (256 + 64 + 2) * 2 * 4, "{votes_max} votes are kept");
    // then all is well again
    let block = late(&mut node, &start, rounds);
    let (parent, _) = node.grow(&block);
    let block = committee.block_with(&parent, rounds + 2, |header, _| header.proposer = node.status().leader);
    let (parent, done) = node.grow(&block);
    assert_eq!(actions::commits(&done).len(), 2);
    assert_eq!(node.status().blocks, 1);
    let next = committee.block_with(&parent, rounds + 3, |header, _| header.proposer = node.status().leader);
    assert_eq!(node.judge(&next), Some(Ok(())));
    // the restart reads more blocks than may be kept
    assert!(node.disk.blocks.len() > BLOCKS_UNCOMMITTED_MAX);
    node.restart().expect("everything is on disk");
    assert_eq!((node.status().height.0, node.status().blocks), (2, 2));
}

#[test]
fn votes_for_blocks_that_nobody_has_are_two_a_voter_and_round() {
    let mut node = Node::new(&Committee::new(4), 3);
    let committee = node.committee.clone();
    for round in 1..200 {
        for salt in 0..5u8 {
            for voter in 0..4 {
                let statement = VoteStatement {
                    epoch: committee.epoch(),
                    round: Round(round),
                    block: BlockId([salt ^ (voter as u8 * 16); 32]),
                };
                node.receive(Message::Vote(committee.vote_for(voter, statement)));
            }
        }
    }
    assert_eq!(node.status().votes, 65 * 2 * 4);
    assert_eq!(node.status().evidence, 4);
}

#[test]
fn timeouts_are_one_a_voter_and_round() {
    let mut node = Node::new(&Committee::new(7), 6);
    let start = Parent::genesis().qc;
    for round in 1..200 {
        node.time_out(round, &[0, 1], start);
    }
    assert_eq!(node.status().timeouts, 65 * 2);
    assert_eq!(node.status().round, Round(1), "two of seven end no round");
}
