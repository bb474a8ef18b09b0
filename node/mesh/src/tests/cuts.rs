//! Cuts against their definition.

use super::World;
use crate::{
    CellRef, Cut, CutError, CutRules, CutView, Origin,
    draw::{RandomDag, Rng},
    extend, propose,
};
use proptest::prelude::*;
use qsdm_primitives::{
    BlockId, CellId, CutChange, LaneId, Signers, SubmeshId, ValidatorIndex,
    codec::{Decode, Encode, Reader},
};
use std::collections::{BTreeMap, BTreeSet};

type Cells = BTreeMap<CellId, CellRef>;

fn held(seed: u64, forkers: usize) -> Cells {
    let dag = RandomDag { authors: 4, submeshes: 2, cells: 60, forkers, transactions: 0, nonces: 1 };
    let mut world = World::new(&dag.draw(seed));
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    world.give(&names.join(" "), Origin::Certified);
    world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect()
}

fn rules(block_gas: u64, share: u64) -> CutRules {
    CutRules { block_gas, submeshes: BTreeMap::from([(SubmeshId(0), share), (SubmeshId(1), share)]) }
}

fn change(cell: &CellRef) -> CutChange {
    CutChange { lane: cell.lane, seq: cell.seq, cell: cell.id }
}

/// A cell and all before it by own links, as sets; `None` where one is not held.
fn lane_past(cells: &Cells, id: CellId) -> Option<BTreeSet<CellId>> {
    let cell = cells.get(&id)?;
    let mut past = if cell.seq == 0 { BTreeSet::new() } else { lane_past(cells, cell.own)? };
    past.insert(id);
    Some(past)
}

/// What a cut includes, as the design says it: `None` where it is invalid. `cells` holds all of them.
fn by_definition(
    before: &Cut,
    changes: &[CutChange],
    cells: &Cells,
    frozen: Signers,
    rules: &CutRules,
) -> Option<BTreeSet<CellId>> {
    let mut after = before.clone();
    after.apply(changes);
    let mut included = BTreeSet::new();
    for change in changes {
        let cell = &cells[&change.cell];
        let old = before.tip(change.lane);
        let past = lane_past(cells, change.cell)?;
        let covered = old.map_or_else(BTreeSet::new, |tip| lane_past(cells, tip.cell).unwrap());
        let descends = past.is_superset(&covered) && past.len() > covered.len();
        if (cell.lane, cell.seq) != (change.lane, change.seq) || !descends || frozen.contains(cell.lane.author) {
            return None;
        }
        included.extend(past.difference(&covered).copied());
    }
    let distinct: BTreeSet<LaneId> = changes.iter().map(|change| change.lane).collect();
    let closed = included
        .iter()
        .flat_map(|id| &cells[id].links)
        .all(|link| frozen.contains(link.lane.author) || after.tip(link.lane).is_some_and(|tip| tip.seq >= link.seq));
    let gas = |of: &dyn Fn(&CellRef) -> bool| -> u64 {
        included.iter().map(|id| &cells[id]).filter(|cell| of(cell)).map(|cell| cell.gas_limit).sum()
    };
    let fits = gas(&|_| true) <= rules.block_gas
        && rules.submeshes.iter().all(|(id, share)| gas(&|cell| cell.lane.submesh == *id) <= *share);
    (distinct.len() == changes.len() && closed && fits).then_some(included)
}

/// Random changes: mostly a tip for some lanes, sometimes nonsense.
fn random_changes(rng: &mut Rng, cells: &Cells, before: &Cut) -> Vec<CutChange> {
    let all: Vec<&CellRef> = cells.values().collect();
    let mut changes = BTreeMap::new();
    for _ in 0..rng.below(9) {
        let Some(cell) = rng.pick(&all) else { break };
        let mut change = change(cell);
        if rng.percent(3) {
            change.seq += 1;
        }
        if before.tip(cell.lane).is_none_or(|tip| tip.seq < cell.seq) || rng.percent(5) {
            changes.insert(change.lane, change);
        }
    }
    changes.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn extend_is_its_definition(seed: u64, forkers in 0usize..2, frozen in 0u64..16, gas in 0u64..60_000) {
        let cells = held(seed, forkers);
        let mut rng = Rng::new(seed ^ 1);
        let mut before = Cut::default();
        let (mut valid, mut invalid) = (0, 0);
        for _ in 0..60 {
            let frozen = if rng.percent(50) { Signers(frozen) } else { Signers::NONE };
            let rules = if rng.percent(30) { rules(gas, gas / 2) } else { rules(u64::MAX, u64::MAX) };
            // every other time what a leader would propose, with a change or two left out or replaced
            let mut changes = random_changes(&mut rng, &cells, &before);
            if rng.percent(60) {
                let eligible: BTreeSet<CellId> = cells.keys().copied().filter(|_| rng.percent(90)).collect();
                let seed = BlockId([rng.below(256) as u8; 32]);
                changes = propose(&before, &cells, &|id| eligible.contains(id), frozen, &rules, &seed);
                let drop = rng.below(8);
                changes = changes.into_iter().enumerate().filter(|(at, _)| *at != drop).map(|(_, c)| c).collect();
            }
            let expected = by_definition(&before, &changes, &cells, frozen, &rules);
            let found = extend(&before, &changes, &cells, frozen, &rules);
            match (&found, &expected) {
                (Ok(found), Some(expected)) => {
                    valid += 1;
                    prop_assert_eq!(found.len(), expected.len(), "each cell once");
                    prop_assert_eq!(&found.iter().copied().collect::<BTreeSet<_>>(), expected);
                    if rng.percent(15) {
                        before.apply(&changes);
                    }
                }
                (Err(_), None) => invalid += 1,
                _ => prop_assert!(false, "{found:?} against {expected:?}"),
            }
        }
        prop_assert!(valid > 0 && invalid > 0, "{valid} valid, {invalid} invalid: both sides are looked at");
    }

    #[test]
    fn proposals_are_accepted_and_nothing_can_be_added(
        seed: u64, forkers in 0usize..2, frozen in 0u64..16, gas in 0u64..60_000, share in 0u64..60_000, percent in 50usize..101
    ) {
        let cells = held(seed, forkers);
        let mut rng = Rng::new(seed ^ 2);
        let eligible: BTreeSet<CellId> = cells.keys().copied().filter(|_| rng.percent(percent)).collect();
        let (rules, frozen) = (rules(gas, share), Signers(frozen));
        let mut before = Cut::default();
        for round in 0..30u8 {
            let by = BlockId([round; 32]);
            let changes = propose(&before, &cells, &|id| eligible.contains(id), frozen, &rules, &by);
            let included = extend(&before, &changes, &cells, frozen, &rules);
            prop_assert!(included.is_ok(), "{included:?}");
            prop_assert!(included.unwrap().iter().all(|id| eligible.contains(id)));
            prop_assert_eq!(&changes, &propose(&before, &cells, &|id| eligible.contains(id), frozen, &rules, &by));
            if forkers == 0 {
                check_nothing_fits(&before, &changes, &cells, &eligible, frozen, &rules)?;
            }
            if changes.is_empty() {
                break;
            }
            before.apply(&changes);
        }
    }

    #[test]
    fn a_cut_survives_its_encoding(seed: u64) {
        let cells = held(seed, 0);
        let mut cut = Cut::default();
        cut.apply(&propose(&cut, &cells, &|_| true, Signers::NONE, &rules(u64::MAX, u64::MAX), &BlockId([1; 32])));
        let bytes = cut.to_bytes();
        prop_assert_eq!(qsdm_primitives::codec::decode::<Cut>(&bytes), Ok(cut));
    }
}

/// No lane can go on by one eligible cell.
fn check_nothing_fits(
    before: &Cut,
    changes: &[CutChange],
    cells: &Cells,
    eligible: &BTreeSet<CellId>,
    frozen: Signers,
    rules: &CutRules,
) -> Result<(), TestCaseError> {
    let mut after = before.clone();
    after.apply(changes);
    for cell in cells.values().filter(|cell| eligible.contains(&cell.id)) {
        let follows = match after.tip(cell.lane) {
            Some(tip) => cell.own == tip.cell,
            None => cell.seq == 0,
        };
        if follows {
            let mut more: BTreeMap<LaneId, CutChange> = changes.iter().map(|change| (change.lane, *change)).collect();
            more.insert(cell.lane, change(cell));
            let more: Vec<CutChange> = more.into_values().collect();
            prop_assert!(extend(before, &more, cells, frozen, rules).is_err(), "{cell:?} would fit");
        }
    }
    Ok(())
}

#[test]
fn each_error_says_what_is_wrong() {
    let mut world = World::new(
        "submesh 0 2\nsubmesh 1 2\na0: R R gas=10\nb0: R a0 gas=10\na1: a0 b0 gas=10\na0': R R t=1001\na1': a0' b0\n\
         a0.1: R R gas=5",
    );
    world.give("a0 b0 a1 a0' a1' a0.1", Origin::Certified);
    let cells: Cells = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    let at = |name: &str| change(&cells[&world.id(name)]);
    let judge = |before: &[&str], changes: &[CutChange], frozen: u64, rules: &CutRules| {
        let mut cut = Cut::default();
        cut.apply(&before.iter().map(|name| at(name)).collect::<Vec<_>>());
        extend(&cut, changes, &cells, Signers(frozen), rules).unwrap_err()
    };
    let free = rules(u64::MAX, u64::MAX);
    let (a, b) = (at("a0").lane, at("b0").lane);
    assert_eq!(judge(&[], &[at("b0"), at("a0")], 0, &free), CutError::NotAscending { lane: a });
    assert_eq!(judge(&[], &[at("a0"), at("a1")], 0, &free), CutError::NotAscending { lane: a });
    assert_eq!(judge(&[], &[at("a0")], 1, &free), CutError::Frozen { lane: a });
    assert_eq!(judge(&["a0"], &[at("a0")], 0, &free), CutError::NotAdvancing { lane: a, from: 0, to: 0 });
    let not_closed = CutError::NotClosed { cell: world.id("b0"), link: world.id("a0"), lane: a, seq: 0, reached: None };
    assert_eq!(judge(&[], &[at("b0")], 0, &free), not_closed);
    let left = CutError::NotDescendant { lane: a, seq: 0, tip: world.id("a0"), found: world.id("a0'") };
    assert_eq!(judge(&["a0"], &[at("a1'"), at("b0")], 0, &free), left);
    let wrong = CutChange { seq: 1, ..at("b0") };
    let found = CutError::WrongPlace { cell: wrong.cell, lane: b, seq: 1, found_lane: b, found_seq: 0 };
    assert_eq!(judge(&[], &[at("a0"), wrong], 0, &free), found);
    let elsewhere = CutChange { lane: LaneId { submesh: SubmeshId(9), author: ValidatorIndex(0) }, ..at("a0") };
    assert_eq!(judge(&[], &[elsewhere], 0, &free), CutError::UnknownSubmesh { lane: elsewhere.lane });
    let much = CutError::TooMuchGas { submesh: None, gas: 20, max: 19 };
    assert_eq!(judge(&[], &[at("a0"), at("b0")], 0, &rules(19, 99)), much);
    let share = CutError::TooMuchGas { submesh: Some(SubmeshId(1)), gas: 5, max: 4 };
    assert_eq!(judge(&[], &[at("a0.1")], 0, &rules(99, 4)), share);
    let long = CutError::StepTooLong { lane: a, steps: 65, max: 64 };
    assert_eq!(judge(&[], &[CutChange { seq: 64, ..at("a0") }], 0, &free), long);
    let endless = CutError::StepTooLong { lane: a, steps: u64::MAX, max: 64 };
    assert_eq!(judge(&[], &[CutChange { seq: u64::MAX, ..at("a0") }], 0, &free), endless);
    let many = vec![at("a0"); 4_097];
    assert_eq!(judge(&[], &many, 0, &free), CutError::TooManyChanges { found: 4_097, max: 4_096 });
}

#[test]
fn missing_cells_are_named_and_the_verdict_waits_for_them() {
    let mut world = World::new("a0: R R\nb0: R a0\na1: a0 b0\nb1: b0 a1");
    world.push_all();
    let mut cells: Cells = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    let changes = [change(&cells[&world.id("a1")]), change(&cells[&world.id("b1")])];
    let mut gone = vec![world.id("a0"), world.id("b1")];
    gone.sort_unstable();
    gone.iter().for_each(|id| drop(cells.remove(id)));
    let free = rules(u64::MAX, u64::MAX);
    let judged = extend(&Cut::default(), &changes, &cells, Signers::NONE, &free);
    assert_eq!(judged, Err(CutError::Missing { cells: gone }));
}

#[test]
fn a_link_to_the_losing_branch_of_a_fork_blocks_nobody() {
    let mut world = World::new("a0: R R\na0': R R t=1001\nb0: R a0'");
    world.push_all();
    let cells: Cells = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    let free = rules(u64::MAX, u64::MAX);
    let changes = [change(&cells[&world.id("a0")]), change(&cells[&world.id("b0")])];
    let included = extend(&Cut::default(), &changes, &cells, Signers::NONE, &free).unwrap();
    assert_eq!(included.len(), 2);
    let frozen = extend(&Cut::default(), &changes[1..], &cells, Signers(1), &free).unwrap();
    assert_eq!(frozen, [world.id("b0")]);
}

#[test]
fn lanes_share_gas_when_it_is_short() {
    let mut text = String::new();
    for author in ['a', 'b', 'c', 'd'] {
        text += &format!("{author}0: R R gas=10\n");
    }
    for seq in 1..20 {
        text += &format!("a{seq}: a{} R gas=10\n", seq - 1);
    }
    let mut world = World::new(&text);
    world.push_all();
    let cells: Cells = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    for byte in 0..20 {
        let changes = propose(&Cut::default(), &cells, &|_| true, Signers::NONE, &rules(60, 60), &BlockId([byte; 32]));
        let seqs: Vec<u64> = changes.iter().map(|change| change.seq).collect();
        assert_eq!(seqs, [2, 0, 0, 0], "three of a busy lane, one of each other");
    }
    let first = |byte| {
        let one = propose(&Cut::default(), &cells, &|_| true, Signers::NONE, &rules(10, 10), &BlockId([byte; 32]));
        one[0].lane.author.0
    };
    let firsts: BTreeSet<u16> = (0..40).map(first).collect();
    assert_eq!(firsts.len(), 4, "the seed decides who is first");
}

#[test]
fn the_encoding_of_a_cut_never_changes() {
    let lane = LaneId { submesh: SubmeshId(0x0102_0304), author: ValidatorIndex(0x0506) };
    let mut cut = Cut::default();
    cut.apply(&[CutChange { lane, seq: 7, cell: CellId([9; 32]) }]);
    let mut expected = vec![1, 0, 0, 0, 4, 3, 2, 1, 6, 5, 7, 0, 0, 0, 0, 0, 0, 0];
    expected.extend([9; 32]);
    assert_eq!(cut.to_bytes(), expected);
}

#[test]
fn a_cut_that_is_not_canonical_is_refused() {
    let lane = LaneId { submesh: SubmeshId(0), author: ValidatorIndex(0) };
    let entry = CutChange { lane, seq: 0, cell: CellId([1; 32]) };
    let mut bytes = 2u32.to_bytes();
    entry.encode(&mut bytes);
    entry.encode(&mut bytes);
    assert!(Cut::decode(&mut Reader::new(&bytes)).is_err());
    assert!(Cut::decode(&mut Reader::new(&u32::MAX.to_bytes())).is_err());
}
