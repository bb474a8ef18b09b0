//! Cuts that break a rule of the mesh are rejected with the rule; what they lack is asked for.

use crate::support::{
    actions,
    committee::{Committee, Parent, cell, change, index, lane, result},
    node::{Node, PEER},
};
use qsdm_consensus::{BlockError, FetchRequest};
use qsdm_mesh::{CellRef, CutError, Place};
use qsdm_primitives::{CellId, CutChange, Evidence, LaneId, Round, SubmeshId, VoteStatement};

/// A validator, and a certified block of round 1 that includes cell 0 of author 0.
fn with_one_cell() -> (Node, Parent) {
    let mut node = Node::new(&Committee::new(4), 3);
    let block = node.block_of(&Parent::genesis(), 1, &[cell(0, 0)]);
    let (parent, _) = node.grow(&block);
    (node, parent)
}

/// The verdict on a block of round 2 with this cut, where these cells are held.
fn verdict(held: &[CellRef], cut: Vec<CutChange>) -> Option<Result<(), CutError>> {
    let (mut node, parent) = with_one_cell();
    held.iter().for_each(|cell| drop(node.hold(cell)));
    let block = node.committee.block_with(&parent, 2, |_, body| body.cut = cut);
    node.judge(&block).map(|judged| {
        judged.map_err(|error| match error {
            BlockError::Cut(error) => error,
            other => panic!("{other}"),
        })
    })
}

fn forked(of: &CellRef) -> CellRef {
    CellRef { id: CellId([0xf0; 32]), ..of.clone() }
}

#[test]
fn a_cut_that_extends_the_parents_is_valid() {
    let cells = [cell(0, 1), cell(0, 2), cell(1, 0)];
    assert_eq!(verdict(&cells, vec![change(&cells[1]), change(&cells[2])]), Some(Ok(())));
}

#[test]
fn a_lane_that_stays_or_goes_back_is_rejected() {
    let error = CutError::NotAdvancing { lane: lane(0), from: 0, to: 0 };
    assert_eq!(verdict(&[], vec![change(&cell(0, 0))]), Some(Err(error)));
}

#[test]
fn a_lane_that_leaves_its_included_cell_is_rejected() {
    let (zero, one) = (forked(&cell(0, 0)), CellRef { own: CellId([0xf0; 32]), ..cell(0, 1) });
    let error = CutError::NotDescendant { lane: lane(0), seq: 0, tip: cell(0, 0).id, found: zero.id };
    assert_eq!(verdict(&[zero, one.clone()], vec![change(&one)]), Some(Err(error)));
}

#[test]
fn a_cell_elsewhere_than_the_cut_says_is_rejected() {
    let held = cell(1, 0);
    let moved = CutChange { lane: lane(2), seq: 0, cell: held.id };
    let error = CutError::WrongPlace { cell: held.id, lane: lane(2), seq: 0, found_lane: lane(1), found_seq: 0 };
    assert_eq!(verdict(&[held], vec![moved]), Some(Err(error)));
}

#[test]
fn a_cell_whose_link_is_left_out_is_rejected() {
    let linked = cell(2, 0);
    let link = Place { lane: lane(2), seq: 0, cell: linked.id };
    let open = CellRef { links: vec![link], ..cell(1, 0) };
    let error = CutError::NotClosed { cell: open.id, link: linked.id, lane: lane(2), seq: 0, reached: None };
    let held = [open.clone(), linked.clone()];
    assert_eq!(verdict(&held, vec![change(&open)]), Some(Err(error)));
    assert_eq!(verdict(&held, vec![change(&open), change(&linked)]), Some(Ok(())));
}

#[test]
fn a_lane_of_an_unknown_submesh_is_rejected() {
    let lane = LaneId { submesh: SubmeshId(7), author: index(1) };
    let strange = CellRef { lane, ..cell(1, 0) };
    assert_eq!(
        verdict(std::slice::from_ref(&strange), vec![change(&strange)]),
        Some(Err(CutError::UnknownSubmesh { lane }))
    );
}

#[test]
fn more_gas_than_a_block_has_is_rejected() {
    let greedy = CellRef { gas_limit: 1_000_001, ..cell(1, 0) };
    let error = CutError::TooMuchGas { submesh: None, gas: 1_000_001, max: 1_000_000 };
    assert_eq!(verdict(std::slice::from_ref(&greedy), vec![change(&greedy)]), Some(Err(error)));
    let lane = LaneId { submesh: SubmeshId(1), author: index(1) };
    let greedy = CellRef { lane, gas_limit: 500_001, ..cell(1, 0) };
    let error = CutError::TooMuchGas { submesh: Some(SubmeshId(1)), gas: 500_001, max: 500_000 };
    assert_eq!(verdict(std::slice::from_ref(&greedy), vec![change(&greedy)]), Some(Err(error)));
}

#[test]
fn a_lane_that_advances_too_far_is_rejected_without_its_cells() {
    let far = CutChange { lane: lane(1), seq: 64, cell: CellId([1; 32]) };
    let error = CutError::StepTooLong { lane: lane(1), steps: 65, max: 64 };
    assert_eq!(verdict(&[], vec![far]), Some(Err(error)));
}

#[test]
fn lanes_of_a_punished_author_stay_where_they_are() {
    let (mut node, parent) = with_one_cell();
    let committee = node.committee.clone();
    let vote = |byte: u8| {
        let block = qsdm_primitives::BlockId([byte; 32]);
        committee.vote_for(0, VoteStatement { epoch: committee.epoch(), round: Round(1), block })
    };
    let proof = Evidence::double_vote(vote(1), vote(2));
    let next = cell(0, 1);
    node.hold(&next);
    let block = committee.block_with(&parent, 2, |_, body| {
        body.cut = vec![change(&next)];
        body.evidence = vec![proof.clone()];
    });
    assert_eq!(node.judge(&block), Some(Err(BlockError::Cut(CutError::Frozen { lane: lane(0) }))), "in its block");
    let (mut node, parent) = with_one_cell();
    node.hold(&next);
    let block = committee.block_with(&parent, 2, |_, body| body.evidence = vec![proof]);
    let (parent, _) = node.grow(&block);
    let block = committee.block_with(&parent, 3, |_, body| body.cut = vec![change(&next)]);
    assert_eq!(node.judge(&block), Some(Err(BlockError::Cut(CutError::Frozen { lane: lane(0) }))), "behind it");
}

#[test]
fn a_cut_with_missing_cells_gets_its_vote_when_they_come() {
    let (mut node, parent) = with_one_cell();
    let cells = [cell(0, 1), cell(1, 0), cell(1, 1)];
    let cut = vec![change(&cells[0]), change(&cells[2])];
    let block = node.committee.block_with(&parent, 2, |_, body| body.cut = cut);
    let done = node.propose(&block);
    assert!(actions::votes(&done).is_empty());
    let mut missing = vec![cells[0].id, cells[2].id];
    missing.sort();
    assert_eq!(actions::fetches(&done), [(FetchRequest::Cells(missing), Some(PEER), 0)]);
    // the way down a lane is known cell by cell
    let done = node.hold(&cells[2]);
    let mut missing = vec![cells[0].id, cells[1].id];
    missing.sort();
    assert_eq!(actions::fetches(&done), [(FetchRequest::Cells(missing), Some(PEER), 0)]);
    assert!(actions::votes(&node.hold(&cells[0])).is_empty());
    let done = node.hold(&cells[1]);
    assert_eq!(actions::votes(&done), [block.header().id()]);
    assert_eq!(node.core.questions().count(), 0, "nothing is asked for any more");
}

#[test]
fn a_committed_block_runs_its_cells_once_in_an_order_that_all_share() {
    let committee = Committee::new(4);
    let cells = [cell(0, 0), cell(0, 1), cell(1, 0), cell(2, 0)];
    let order = |arrival: [usize; 4], me: u16| {
        let mut node = Node::new(&committee, me);
        arrival.iter().for_each(|at| drop(node.hold(&cells[*at])));
        let cut = vec![change(&cells[1]), change(&cells[2]), change(&cells[3])];
        let first = committee.block_with(&Parent::genesis(), 1, |_, body| body.cut = cut);
        let (parent, _) = node.grow(&first);
        let second = committee.block(&parent, 2);
        let (_, done) = node.grow(&second);
        let [committed] = &actions::commits(&done)[..] else { panic!("the first block is committed") };
        assert_eq!((committed.id, committed.number), (first.header().id(), Some(1)));
        assert_eq!(committed.tip.executed, result(0));
        assert_eq!(node.status().cells, 0, "committed cells are forgotten");
        committed.cells.clone()
    };
    let one = order([0, 1, 2, 3], 3);
    assert_eq!(one.len(), 4);
    assert_eq!(one, order([3, 2, 1, 0], 3));
    assert_eq!(one, order([2, 0, 3, 1], 2));
}
