//! Entangled weight against its definition.

use super::{NOW_MS, World};
use crate::{Origin, draw::RandomDag};
use proptest::prelude::*;
use qsdm_primitives::{CellId, Signers};
use std::collections::{BTreeMap, BTreeSet};

/// All ancestors of each cell, from the links alone.
pub(super) fn pasts(world: &World) -> BTreeMap<CellId, BTreeSet<CellId>> {
    let mut pasts: BTreeMap<CellId, BTreeSet<CellId>> = BTreeMap::new();
    for drawn in &world.drawing.cells {
        let mut past = BTreeSet::new();
        for link in drawn.cell.header().links.iter() {
            if let Some(of_link) = pasts.get(&link) {
                past.extend(of_link.iter().copied());
                past.insert(link);
            }
        }
        pasts.insert(drawn.id, past);
    }
    pasts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_weight_is_that_of_the_authors_in_the_future(seed: u64) {
        let dag = RandomDag { authors: 7, submeshes: 2, cells: 120, forkers: 2, transactions: 0, nonces: 1 };
        let mut world = World::new(&dag.draw(seed));
        let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
        let mut futures: BTreeMap<CellId, Signers> = BTreeMap::new();
        let pasts = pasts(&world);
        for name in names {
            world.give(&name, Origin::Certified);
            let drawn = world.drawing.get(&name).unwrap();
            futures.insert(drawn.id, Signers::NONE);
            for ancestor in &pasts[&drawn.id] {
                futures.get_mut(ancestor).unwrap().insert(drawn.cell.header().lane.author);
            }
        }
        for (id, authors) in futures {
            let expected = world.drawing.set.weight_of(authors);
            prop_assert_eq!(world.mesh.entangled_weight(&id), Some(expected), "{}", world.drawing.name(&id));
        }
    }
}

#[test]
fn weight_grows_with_each_author_that_builds_on_a_cell() {
    let mut world = World::new("a0: R R\nb0: R a0\nc0: R b0\nd0: R R\na1: a0 c0");
    let weight = |world: &World| world.mesh.entangled_weight(&world.id("a0"));
    assert_eq!(weight(&world), None, "not held");
    for (name, expected) in [("a0", 0), ("b0", 1), ("c0", 2), ("d0", 2), ("a1", 3)] {
        world.push(name);
        assert_eq!(weight(&world), Some(expected), "after {name}");
    }
    assert_eq!(world.now_ms, NOW_MS);
}
