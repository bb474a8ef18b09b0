//! Nothing that is signed leaves before the record that it depends on is durable.

use crate::support::{
    actions,
    committee::{Committee, GENESIS, Parent, cell, lane},
    node::Node,
};
use qsdm_consensus::{Action, Event, PersistSeq, Unsigned};
use qsdm_primitives::{BodyHash, CellHeader, CellId, Links, Round};

/// A validator of four on a disk that answers only when told to.
fn slow(me: u16) -> Node {
    let mut node = Node::new(&Committee::new(4), me);
    node.syncs = false;
    node
}

fn header(author: u16, seq: u64, salt: u8) -> CellHeader {
    CellHeader {
        chain_id: crate::support::committee::CHAIN,
        epoch: qsdm_primitives::Epoch(0),
        lane: lane(author),
        seq,
        depth: seq + 1,
        links: Links { own: CellId([seq as u8; 32]), peer: CellId([9; 32]), bridge: None },
        time_ms: crate::support::committee::START_MS,
        gas_limit: 21_000,
        transactions: 1,
        body: BodyHash([salt; 32]),
    }
}

/// The number of the only record that is to be made durable.
fn asked(done: &[Action]) -> PersistSeq {
    let seqs: Vec<_> =
        done.iter().filter_map(|action| if let Action::Persist(_, seq) = action { Some(*seq) } else { None }).collect();
    assert_eq!(seqs.len(), 1, "one record a step: {done:?}");
    seqs[0]
}

/// What waits is signed in answer to the right `Durable`, and only then.
fn leaves_when_durable(node: &mut Node, done: &[Action]) -> Vec<Unsigned> {
    assert!(actions::signatures(done).is_empty(), "signed too early: {done:?}");
    let seq = asked(done);
    let before = node.run(Event::Durable(PersistSeq(seq.0 - 1)));
    assert!(actions::signatures(&before).is_empty(), "an older record is durable");
    let after = node.run(Event::Durable(seq));
    let signed = actions::signatures(&after);
    assert!(!signed.is_empty());
    let again = node.run(Event::Durable(seq));
    assert!(actions::signatures(&again).iter().all(|unsigned| !signed.contains(unsigned)), "signed twice");
    signed
}

#[test]
fn a_vote_leaves_when_its_record_is_durable() {
    let mut node = slow(3);
    let block = node.committee.block(&Parent::genesis(), 1);
    let done = node.propose(&block);
    let record = &actions::records(&done)[0];
    assert_eq!(record.last_vote.map(|vote| vote.block), Some(block.header().id()));
    let is_store = |action: &Action| matches!(action, Action::Store(..));
    let is_persist = |action: &Action| matches!(action, Action::Persist(..));
    assert!(actions::place(&done, is_store) < actions::place(&done, is_persist), "the block is stored first");
    let signed = leaves_when_durable(&mut node, &done);
    assert!(matches!(&signed[..], [Unsigned::Vote(vote)] if vote.block == block.header().id()));
}

#[test]
fn a_timeout_leaves_when_its_record_is_durable() {
    let mut node = slow(3);
    let done = node.expire();
    assert_eq!(actions::records(&done)[0].last_timeout, Round(1));
    let signed = leaves_when_durable(&mut node, &done);
    assert!(matches!(&signed[..], [Unsigned::Timeout { round: Round(1), .. }]));
    // repeating it takes no new record
    let done = node.expire();
    assert!(actions::records(&done).is_empty());
    assert_eq!(actions::timeouts(&done).len(), 1);
}

#[test]
fn a_block_leaves_when_its_record_is_durable() {
    let mut node = slow(0);
    let done = node.acknowledge(&cell(1, 0));
    let record = &actions::records(&done)[0];
    assert_eq!(record.last_proposed(), Round(1));
    let signed = leaves_when_durable(&mut node, &done);
    let Unsigned::Block(block) = &signed[0] else { panic!("{signed:?}") };
    assert_eq!(record.last_proposal, Some((Round(1), block.header.id())));
}

#[test]
fn a_cell_leaves_when_its_record_is_durable() {
    let mut node = slow(3);
    let header = header(3, 0, 1);
    let done = node.run(Event::WriteCell(Box::new(header.clone())));
    assert_eq!(actions::records(&done)[0].lanes.get(&header.lane.submesh), Some(&(0, header.id())));
    let signed = leaves_when_durable(&mut node, &done);
    assert_eq!(signed, [Unsigned::Cell(Box::new(header))]);
}

#[test]
fn a_commit_waits_for_the_record_that_knows_its_certificate() {
    let mut node = slow(3);
    let committee = node.committee.clone();
    let first = committee.block(&Parent::genesis(), 1);
    let parent = committee.after(&first, &[0, 1, 2]);
    let second = committee.block(&parent, 2);
    node.propose(&first);
    node.certify(parent.qc);
    node.propose(&second);
    let certified = committee.after(&second, &[0, 1, 2]).qc;
    let done = node.certify(certified);
    assert!(actions::commits(&done).is_empty());
    let record = &actions::records(&done)[0];
    assert_eq!(record.high_qc.reference, certified);
    let done = node.run(Event::Durable(asked(&done)));
    let commits = actions::commits(&done);
    assert_eq!(commits.len(), 1);
    assert!(commits[0].tip.certified <= record.high_qc.round(), "else a restart refuses to sign");
}

#[test]
fn records_that_become_durable_together_release_what_waited_in_order() {
    let mut node = slow(3);
    let committee = node.committee.clone();
    let block = committee.block(&Parent::genesis(), 1);
    let first = node.propose(&block);
    node.certify(committee.after(&block, &[0, 1, 2]).qc);
    let second = node.expire();
    let (first, second) = (asked(&first), asked(&second));
    assert!(first < second);
    let done = node.run(Event::Durable(second));
    let signed = actions::signatures(&done);
    assert!(matches!(&signed[..], [Unsigned::Vote(_), Unsigned::Timeout { round: Round(2), .. }]), "{signed:?}");
}

#[test]
fn nothing_is_durable_that_was_not_asked_for() {
    let mut node = slow(3);
    node.run(Event::Durable(PersistSeq(u64::MAX)));
    let done = node.expire();
    assert!(actions::signatures(&done).is_empty());
    assert_eq!(actions::timeouts(&node.run(Event::Durable(asked(&done)))).len(), 1);
}

#[test]
fn a_record_that_nothing_depends_on_is_not_written() {
    let mut node = Node::with(&Committee::new(4), None, |_| {});
    let block = node.committee.block(&Parent::genesis(), 1);
    let (_, done) = node.grow(&block);
    assert!(actions::records(&done).is_empty(), "nothing was signed and nothing committed");
}

#[test]
fn a_place_in_a_lane_is_taken_once() {
    let mut node = Node::new(&Committee::new(4), 3);
    let sign = |node: &mut Node, header: CellHeader| actions::signatures(&node.run(Event::WriteCell(Box::new(header))));
    let first = header(3, 5, 1);
    assert_eq!(sign(&mut node, first.clone()), [Unsigned::Cell(Box::new(first.clone()))]);
    assert_eq!(sign(&mut node, header(3, 5, 2)), [], "another cell in this place");
    assert_eq!(sign(&mut node, header(3, 4, 1)), [], "a place before it");
    assert_eq!(sign(&mut node, header(2, 6, 1)), [], "somebody else's lane");
    let other_epoch = CellHeader { epoch: qsdm_primitives::Epoch(1), ..header(3, 6, 1) };
    assert_eq!(sign(&mut node, other_epoch), []);
    node.restart().expect("the record is there");
    assert_eq!(sign(&mut node, header(3, 5, 2)), [], "another cell after a restart");
    assert_eq!(sign(&mut node, first.clone()).len(), 1, "the same cell may be signed again");
    assert_eq!(sign(&mut node, header(3, 6, 1)).len(), 1);
    // lanes of other submeshes count for themselves
    let mut other = header(3, 0, 1);
    other.lane.submesh = qsdm_primitives::SubmeshId(1);
    assert_eq!(sign(&mut node, other).len(), 1);
    assert_eq!(node.core.record().lanes.len(), 2);
    assert_eq!(node.core.record().high_qc.reference.block(), GENESIS);
}
