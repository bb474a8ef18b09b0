//! Commits, the ends of epochs, and who writes for whom.

use super::{NOW_MS, World, ladder};
use crate::{
    CutView, Mesh, MeshConfig, Origin,
    draw::{EPOCH, MemoryStore, validators},
    pinned_author,
};
use qsdm_primitives::{Epoch, LaneId, SubmeshId, ValidatorIndex};

#[test]
fn committed_cells_leave_and_their_children_find_them_in_the_store() {
    let mut world = World::new(&ladder(4));
    assert_eq!(world.push("a0 b0 a1").len(), 3);
    assert_eq!(world.include("a0 b0 a1"), [""; 0]);
    assert_eq!(world.mesh.usage().held, 0);
    let lane = LaneId { submesh: SubmeshId(0), author: ValidatorIndex(0) };
    assert_eq!(world.mesh.included().tip(lane).map(|tip| tip.seq), Some(1));
    assert_eq!(world.push("b1 a2"), ["admit b1", "admit a2"]);
    assert_eq!(world.push("a0 b0 a1"), [""; 0], "known");
}

#[test]
fn a_commit_releases_what_waited_for_a_cell_that_never_came() {
    let mut world = World::new(&ladder(3));
    assert_eq!(world.push("b0"), ["wait b0 V7", "fetch a0 1"]);
    assert_eq!(world.include("a0"), ["admit b0"]);
    assert_eq!(world.mesh.usage().wanted, 0);
    assert_eq!(world.push("b1"), ["wait b1 V7", "fetch a1 1"]);
    assert_eq!(world.include("b1"), [""; 0], "a cell that waited is committed");
    assert_eq!(world.mesh.usage().pending, 0);
}

#[test]
fn cells_that_are_not_committed_die_with_their_epoch() {
    let mut world = World::new("a0: R R\nb0: R a0\nc0: R b0\nd0: R ?x\n");
    world.push("a0 b0 c0 d0");
    world.include("a0");
    let mut left = vec![world.id("b0"), world.id("c0")];
    left.sort_unstable();
    let mut config = world.drawing.config(None);
    config.set = validators(Epoch(4), 4);
    assert_eq!(world.mesh.next_epoch(config), left);
    let usage = world.mesh.usage();
    assert_eq!((usage.held, usage.pending, usage.wanted, usage.keys), (0, 0, 0, 0));
    assert_eq!(world.push("b0"), ["refuse b0 V1"], "a cell of the old epoch");
}

#[test]
fn an_epoch_ends_all_quarantines() {
    let mut world = World::new("a0: R R\na0': R R t=1001\nb0: R R");
    world.push("a0 a0'");
    world.mesh.void(ValidatorIndex(1));
    assert_eq!(world.mesh.quarantined().0, 0b11);
    let config = world.drawing.config(None);
    world.mesh.next_epoch(config);
    assert_eq!(world.mesh.quarantined().0, 0);
}

#[test]
fn a_node_that_starts_again_goes_on_from_the_committed_cut() {
    let mut world = World::of(&ladder(6), 0);
    world.push("a0 b0 a1 b1");
    world.include("a0 b0 a1 b1");
    let config =
        MeshConfig { included: world.mesh.included().clone(), ..world.drawing.config(Some(ValidatorIndex(0))) };
    let store: MemoryStore = world.mesh.store().clone();
    world.mesh = Mesh::new(config, store);
    let plan = world.mesh.plan(SubmeshId(0), NOW_MS).unwrap();
    assert_eq!((plan.seq, plan.links.own, plan.links.peer), (2, world.id("a1"), world.id("b1")));
    assert_eq!(world.give("a2", Origin::Stored), ["admit a2"]);
    assert_eq!(world.mesh.plan(SubmeshId(0), NOW_MS).unwrap().seq, 3);
}

#[test]
fn void_drops_what_waits_and_nobody_needs() {
    let mut world = World::new("a0: R ?x\na1: a0 R\nb0: R a1\na2: a1 b0\na3: a2 R\nc0: R b0");
    world.push("a0 a1 b0 a2 a3");
    assert_eq!(world.mesh.usage().pending, 5);
    world.mesh.void(ValidatorIndex(0));
    for (name, waits) in [("a0", true), ("a1", true), ("b0", true), ("a2", false), ("a3", false)] {
        assert_eq!(world.mesh.is_pending(&world.id(name)), waits, "{name}");
    }
}

#[test]
fn senders_are_spread_over_the_authors_and_stay_for_an_epoch() {
    let set = validators(EPOCH, 7);
    let mut counts = [0usize; 7];
    for number in 0..7_000u64 {
        let mut sender = [0; 20];
        sender[..8].copy_from_slice(&number.to_le_bytes());
        let first = pinned_author(&sender, EPOCH, &set, 0);
        assert_eq!(first, pinned_author(&sender, EPOCH, &set, 7), "after the last comes the first");
        counts[usize::from(first.0)] += 1;
        let mut line: Vec<u16> = (0..7).map(|attempt| pinned_author(&sender, EPOCH, &set, attempt).0).collect();
        line.sort_unstable();
        assert_eq!(line, [0, 1, 2, 3, 4, 5, 6], "everybody is in the line once");
    }
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    let moved = (0..100u8).filter(|byte| {
        let sender = [*byte; 20];
        pinned_author(&sender, EPOCH, &set, 0) != pinned_author(&sender, Epoch(4), &set, 0)
    });
    assert!(moved.count() > 50, "another epoch, another author");
}
