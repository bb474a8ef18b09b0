//! The linear order.

use super::World;
use crate::{
    CellRef, CutRules, Origin,
    draw::{RandomDag, Rng},
    extend, order, propose,
};
use proptest::prelude::*;
use qsdm_primitives::{BlockId, CellId, Signers};
use std::collections::BTreeMap;

fn held(seed: u64, forkers: usize) -> (World, BTreeMap<CellId, CellRef>) {
    let dag = RandomDag { authors: 6, submeshes: 3, cells: 150, forkers, transactions: 0, nonces: 1 };
    let mut world = World::new(&dag.draw(seed));
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    world.give(&names.join(" "), Origin::Certified);
    let cells = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    (world, cells)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parents_come_first_and_the_input_order_does_not_matter(seed: u64, by: [u8; 32], forkers in 0usize..3) {
        let (world, cells) = held(seed, forkers);
        let rules = CutRules {
            block_gas: u64::MAX,
            submeshes: world.drawing.submeshes.keys().map(|id| (*id, u64::MAX)).collect(),
        };
        let by = BlockId(by);
        let changes = propose(world.mesh.included(), &cells, &|_| true, Signers::NONE, &rules, &by);
        let ids = extend(world.mesh.included(), &changes, &cells, Signers::NONE, &rules).unwrap();
        let mut included: Vec<CellRef> = ids.iter().map(|id| cells[id].clone()).collect();
        let ordered = order(&included, &by);
        prop_assert_eq!(ordered.len(), included.len());
        let at: BTreeMap<CellId, usize> = ordered.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        for cell in &included {
            for parent in cell.parents().filter(|parent| at.contains_key(parent)) {
                prop_assert!(at[&parent] < at[&cell.id]);
            }
        }
        Rng::new(seed).shuffle(&mut included);
        prop_assert_eq!(order(&included, &by), ordered);
    }
}

/// The definition, step by step: of the cells whose parents are all placed, the one with the smallest key.
fn by_definition(cells: &[CellRef], seed: &BlockId) -> Vec<CellId> {
    let rank = |cell: &CellRef| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.0).update(&cell.lane.submesh.0.to_le_bytes());
        hasher.update(&cell.lane.author.0.to_le_bytes());
        (cell.depth, *hasher.finalize().as_bytes(), cell.seq, cell.id)
    };
    let mut left: Vec<&CellRef> = cells.iter().collect();
    let mut placed = Vec::new();
    while !left.is_empty() {
        let waits = |cell: &CellRef| cell.parents().any(|parent| left.iter().any(|other| other.id == parent));
        let next = left.iter().filter(|cell| !waits(cell)).min_by_key(|cell| rank(cell)).unwrap().id;
        left.retain(|cell| cell.id != next);
        placed.push(next);
    }
    placed
}

#[test]
fn the_order_is_the_one_of_the_definition() {
    for seed in 0..20 {
        let (_, cells) = held(seed, 1);
        let all: Vec<CellRef> = cells.into_values().collect();
        let by = BlockId([u8::try_from(seed).unwrap(); 32]);
        assert_eq!(order(&all, &by), by_definition(&all, &by), "seed {seed}");
    }
}

#[test]
fn the_seed_decides_among_cells_of_one_depth() {
    let mut world = World::new("a0: R R\nb0: R R\nc0: R R\nd0: R R\na1: a0 b0");
    world.push_all();
    let cells: Vec<CellRef> = world.mesh.cells().cloned().collect();
    let firsts: Vec<String> = (0..40).map(|byte| world.drawing.name(&order(&cells, &BlockId([byte; 32]))[0])).collect();
    for name in ["a0", "b0", "c0", "d0"] {
        assert!(firsts.iter().any(|first| first == name), "{name} is first for some seed: {firsts:?}");
    }
    for byte in 0..40 {
        assert_eq!(world.drawing.name(&order(&cells, &BlockId([byte; 32]))[4]), "a1", "the deepest comes last");
    }
}

#[test]
fn the_order_of_a_drawing_never_changes() {
    let mut world = World::new("a0: R R\nb0: R R\nc0: R a0\nd0: R b0\na1: a0 c0\nb1: b0 d0\nc1: c0 a1");
    world.push_all();
    let cells: Vec<CellRef> = world.mesh.cells().cloned().collect();
    let names: Vec<String> = order(&cells, &BlockId([7; 32])).iter().map(|id| world.drawing.name(id)).collect();
    assert_eq!(names.join(" "), "a0 b0 d0 c0 a1 b1 c1");
}

#[test]
fn nothing_and_a_cell_given_twice_are_no_trouble() {
    assert_eq!(order(&[], &BlockId([0; 32])), []);
    let mut world = World::new("a0: R R");
    world.push_all();
    let cell = world.mesh.cells().next().unwrap().clone();
    assert_eq!(order(&[cell.clone(), cell.clone()], &BlockId([0; 32])), [cell.id]);
}
