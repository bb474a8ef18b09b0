//! Conflict sets against their definition.

use super::{NOW_MS, PEER, World, weights::pasts};
use crate::{ConflictKind, Effect, Origin, TransactionKey, conflict::KeyIndex, draw::RandomDag};
use proptest::prelude::*;
use qsdm_primitives::{
    CellId, SubmeshId, ValidatorIndex,
    limits::{CONFLICT_KEYS_PER_AUTHOR_MAX, CONFLICT_SET_MAX},
};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction in a cell.
type Appearance = (CellId, [u8; 32]);

/// Two of them that exclude each other, the smaller one first.
fn pair(one: Appearance, other: Appearance) -> (Appearance, Appearance) {
    if one <= other { (one, other) } else { (other, one) }
}

/// All pairs of different transactions with one key in cells neither of which is in the other's past.
fn by_definition(world: &World) -> BTreeMap<(Appearance, Appearance), bool> {
    let pasts = pasts(world);
    let all: Vec<_> =
        world.drawing.cells.iter().flat_map(|cell| cell.keys.iter().map(move |key| (cell.id, *key))).collect();
    let mut pairs = BTreeMap::new();
    for (one_cell, one) in &all {
        for (other_cell, other) in &all {
            let same_key = (one.sender, one.nonce) == (other.sender, other.nonce) && one.hash != other.hash;
            let related =
                one_cell == other_cell || pasts[one_cell].contains(other_cell) || pasts[other_cell].contains(one_cell);
            if same_key && !related {
                pairs.insert(pair((*one_cell, one.hash), (*other_cell, other.hash)), one.effect == other.effect);
            }
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_pair_is_found_once_and_nothing_else(seed: u64) {
        let dag = RandomDag { authors: 5, submeshes: 2, cells: 60, forkers: 1, transactions: 60, nonces: 8 };
        let mut world = World::new(&dag.draw(seed));
        let expected = by_definition(&world);
        let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
        let mut found = BTreeSet::new();
        for name in names {
            for effect in world.give_from(&name, Origin::Certified, PEER) {
                let Effect::Conflict(set) = effect else { continue };
                prop_assert!(set.others.len() <= CONFLICT_SET_MAX);
                let pairs: Vec<_> = set.others.iter().map(|other| pair(set.newest, *other)).collect();
                let all_equal = pairs.iter().all(|pair| expected.get(pair) == Some(&true));
                let kind = if all_equal { ConflictKind::Replacement } else { ConflictKind::Conflict };
                prop_assert_eq!(set.kind, kind);
                for pair in pairs {
                    prop_assert!(found.insert(pair), "reported twice");
                }
            }
        }
        prop_assert_eq!(found, expected.keys().copied().collect::<BTreeSet<_>>());
    }
}

#[test]
fn a_fee_bump_is_told_from_a_double_spend() {
    let mut world = World::new("a0: R R tx=1:5:10:1\nb0: R R tx=1:5:11:1\nc0: R R tx=1:5:12:2\nd0: R c0 tx=1:5:10:1");
    assert_eq!(world.push("a0"), ["admit a0"]);
    assert_eq!(world.push("b0"), ["admit b0", "Replacement b0 a0"]);
    assert_eq!(world.push("c0"), ["admit c0", "Conflict c0 a0 b0"]);
    assert_eq!(world.push("d0"), ["admit d0", "Replacement d0 b0"], "a0 has the same one, c0 is in the past");
}

#[test]
fn an_author_with_endless_transactions_is_looked_at_up_to_a_limit() {
    let mut index = KeyIndex::default();
    let key = |nonce| TransactionKey { sender: [1; 20], nonce, hash: [0; 32], effect: [0; 32] };
    let (cell, author) = (CellId([1; 32]), ValidatorIndex(0));
    let many: Vec<TransactionKey> = (0..CONFLICT_KEYS_PER_AUTHOR_MAX as u64 + 5).map(key).collect();
    assert_eq!(index.insert(cell, author, &many), CONFLICT_KEYS_PER_AUTHOR_MAX);
    let other = (CellId([2; 32]), ValidatorIndex(1));
    assert_eq!(index.insert(other.0, other.1, &vec![key(0); 100]), 100);
    assert_eq!(index.len(), CONFLICT_KEYS_PER_AUTHOR_MAX + CONFLICT_SET_MAX - 1, "a set is bounded too");
    index.remove(cell, author, &many);
    index.remove(other.0, other.1, &[key(0)]);
    assert_eq!(index.len(), 0);
}

#[test]
fn committed_cells_conflict_with_nothing_any_more() {
    let mut world = World::new("a0: R R tx=1:5:10\nb0: R R tx=1:5:11");
    world.push("a0");
    world.include("a0");
    assert_eq!(world.mesh.usage().keys, 0);
    assert_eq!(world.push("b0"), ["admit b0"]);
}

#[test]
fn a_tip_is_not_linked_to_while_what_contradicts_it_waits() {
    let text = "b0: R R tx=1:5:10\nd0: R R\nc0: R d0 tx=1:5:11";
    let mut world = World::of(text, 0);
    world.push("b0 c0");
    let peer = |world: &World, now_ms| world.mesh.plan(SubmeshId(0), now_ms).unwrap().links.peer;
    assert_ne!(peer(&world, NOW_MS), world.id("b0"), "c0 waits for d0");
    assert_eq!(peer(&world, NOW_MS + 1_000), world.id("b0"), "but not for ever");
    assert_eq!(world.push("d0"), ["admit d0", "admit c0", "Conflict c0 b0"]);
    assert_eq!(peer(&world, NOW_MS), world.id("c0"), "both are held");
}
