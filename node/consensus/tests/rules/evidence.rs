//! Proofs of misbehaviour: found once, proposed once.

use crate::support::{
    actions,
    committee::{Committee, Parent, cell},
    node::Node,
};
use qsdm_consensus::{Action, Event, Message, TimerId};
use qsdm_primitives::{BlockId, Evidence, EvidenceKind, Round, Vote, VoteStatement};

fn vote(committee: &Committee, by: u16, round: u64, block: u8) -> Vote {
    committee.vote_for(by, VoteStatement { epoch: committee.epoch(), round: Round(round), block: BlockId([block; 32]) })
}

fn vote_for(node: &mut Node, by: u16, round: u64, block: u8) -> Vec<Action> {
    let vote = vote(&node.committee, by, round, block);
    node.receive(Message::Vote(vote))
}

#[test]
fn two_votes_in_a_round_are_evidence_once() {
    let mut node = Node::new(&Committee::new(4), 3);
    let mut done = vote_for(&mut node, 0, 1, 1);
    done.extend(vote_for(&mut node, 0, 2, 2));
    assert!(actions::evidence(&done).is_empty(), "one vote in each round");
    let proof = Evidence::double_vote(vote(&node.committee, 0, 1, 1), vote(&node.committee, 0, 1, 2));
    assert_eq!(actions::evidence(&vote_for(&mut node, 0, 1, 2)), std::slice::from_ref(&proof));
    node.committee.verify(proof);
    let mut done = vote_for(&mut node, 0, 1, 2);
    done.extend(vote_for(&mut node, 0, 1, 3));
    done.extend(vote_for(&mut node, 0, 2, 3));
    assert!(actions::evidence(&done).is_empty(), "a second proof against one offender proves nothing more");
    assert_eq!(node.status().evidence, 1);
    assert_eq!(node.status().votes, 4, "two blocks a voter and round");
    assert_eq!(actions::evidence(&vote_for(&mut node, 1, 1, 1)), []);
    assert_eq!(actions::evidence(&vote_for(&mut node, 1, 1, 2)).len(), 1, "another offender");
}

#[test]
fn a_certificate_and_a_vote_prove_a_double_vote_too() {
    let mut node = Node::new(&Committee::new(4), 3);
    let block = node.committee.block(&Parent::genesis(), 1);
    node.certify(node.committee.after(&block, &[0, 1, 2]).qc);
    assert_eq!(actions::evidence(&vote_for(&mut node, 0, 1, 9)).len(), 1);
}

#[test]
fn two_proposals_in_a_round_are_evidence_once() {
    let mut node = Node::new(&Committee::new(4), 3);
    let blocks: Vec<_> =
        (0..3).map(|at| node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += at)).collect();
    assert!(actions::evidence(&node.propose(&blocks[0])).is_empty());
    assert!(actions::evidence(&node.propose(&blocks[0])).is_empty(), "the same block again");
    let done = node.propose(&blocks[1]);
    let proof = Evidence::double_proposal(blocks[0].signed.clone(), blocks[1].signed.clone());
    assert_eq!(actions::evidence(&done), std::slice::from_ref(&proof));
    node.committee.verify(proof);
    let mut done = node.propose(&blocks[2]);
    done.extend(node.propose(&blocks[1]));
    assert!(actions::evidence(&done).is_empty());
    assert_eq!(node.status().evidence, 1);
}

#[test]
fn what_the_mesh_found_is_not_told_to_the_mesh() {
    let mut node = Node::new(&Committee::new(4), 3);
    let proof = Evidence::double_vote(vote(&node.committee, 0, 1, 1), vote(&node.committee, 0, 1, 2));
    assert!(actions::evidence(&node.prove(proof)).is_empty());
    assert_eq!(node.status().evidence, 1);
}

#[test]
fn evidence_is_in_the_next_own_proposal_and_forgotten_when_it_is_committed() {
    let mut node = Node::new(&Committee::new(4), 0);
    vote_for(&mut node, 1, 1, 1);
    let done = vote_for(&mut node, 1, 1, 2);
    let [block] = &actions::proposals(&done)[..] else { panic!("evidence is work: {done:?}") };
    assert_eq!(block.body.evidence.len(), 1);
    assert_eq!(block.body.evidence[0].kind(), EvidenceKind::DoubleVote);
    let (block, _) = node.disk.blocks[0].clone();
    let first = node.committee.after(&block, &[0, 2, 3]);
    node.certify(first.qc);
    let second = node.committee.block(&first, 2);
    let (_, done) = node.grow(&second);
    let [committed] = &actions::commits(&done)[..] else { panic!("the block is committed") };
    assert_eq!(committed.number, Some(1), "evidence makes an EVM block");
    assert_eq!(committed.tip.frozen().iter().map(|index| index.0).collect::<Vec<_>>(), [1]);
    assert_eq!(node.status().evidence, 0);
    // punished once in the epoch
    vote_for(&mut node, 1, 9, 1);
    let done = vote_for(&mut node, 1, 9, 2);
    assert!(actions::evidence(&done).is_empty());
    assert_eq!(node.status().evidence, 0);
}

#[test]
fn evidence_that_an_uncommitted_block_has_is_not_proposed_again() {
    let mut node = Node::new(&Committee::new(4), 1);
    let proof = Evidence::double_vote(vote(&node.committee, 2, 1, 1), vote(&node.committee, 2, 1, 2));
    node.prove(proof.clone());
    let block = node.committee.block_with(&Parent::genesis(), 1, |_, body| body.evidence = vec![proof]);
    let (_, done) = node.grow(&block);
    let [next] = &actions::proposals(&done)[..] else { panic!("the parent has to be committed") };
    assert!(next.body.evidence.is_empty());
    assert_eq!(node.status().evidence, 1, "until the block is committed");
}

#[test]
fn cells_of_a_punished_author_are_neither_kept_nor_proposed() {
    let mut node = Node::new(&Committee::new(4), 1);
    node.acknowledge(&cell(2, 0));
    node.acknowledge(&cell(3, 0));
    let proof = Evidence::double_vote(vote(&node.committee, 2, 1, 1), vote(&node.committee, 2, 1, 2));
    let block = node.committee.block_with(&Parent::genesis(), 1, |_, body| body.evidence = vec![proof]);
    let (_, done) = node.grow(&block);
    let [next] = &actions::proposals(&done)[..] else { panic!("there is work") };
    let authors: Vec<u16> = next.body.cut.iter().map(|change| change.lane.author.0).collect();
    assert_eq!(authors, [3]);
    let (next, _) = node.disk.blocks[1].clone();
    let certified = node.committee.after(&next, &[0, 1, 2]).qc;
    assert_eq!(actions::commits(&node.certify(certified)).len(), 1);
    assert_eq!(node.status().cells, 1, "the punished author's are forgotten");
    node.hold(&cell(2, 1));
    assert_eq!(node.status().cells, 1, "and not taken any more");
}

#[test]
fn evidence_of_another_epoch_is_not_kept() {
    let mut node = Node::new(&Committee::new(4), 3);
    let other = Committee::of(qsdm_primitives::Epoch(1), &[1; 4]);
    let proof = Evidence::double_vote(vote(&other, 0, 1, 1), vote(&other, 0, 1, 2));
    node.run(Event::Evidence(other.verify(proof)));
    assert_eq!(node.status().evidence, 0);
}

#[test]
fn a_double_voter_counts_once() {
    let mut node = Node::new(&Committee::new(4), 3);
    let one = node.committee.block(&Parent::genesis(), 1);
    let other = node.committee.block_with(&Parent::genesis(), 1, |header, _| header.time_ms += 1);
    node.propose(&one);
    node.propose(&other);
    node.votes(&one, &[0]);
    node.votes(&other, &[0, 1, 2]);
    assert_eq!(node.status().certified, Round(0), "two for each, and one that voted for both");
    // its vote for the other block is there all the same, if the others' certificate counts it
    let reference = node.committee.after(&other, &[0, 1, 2]).qc;
    let done = node.run(Event::CertificateRequest(crate::support::node::PEER, reference));
    assert_eq!(actions::answers(&done).len(), 1);
    assert!(node.run(Event::Timer(TimerId::Heartbeat(Round(1)))).is_empty());
}
