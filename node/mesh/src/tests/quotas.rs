//! What an author and a peer may send.

use super::{NOW_MS, PEER, World, ladder, verdict};
use crate::{CellError, Origin, PeerId, Severity};
use qsdm_primitives::{
    ValidatorIndex,
    limits::{CELLS_BURST_MAX, CELLS_UNCOMMITTED_PER_AUTHOR_MAX},
};

/// One author's lane beside the root cell, and as many lanes of it as are needed for many cells.
fn lanes(submeshes: usize, cells: usize) -> String {
    let mut text: String = (0..submeshes).map(|submesh| format!("submesh {submesh} 2\n")).collect();
    for submesh in 0..submeshes {
        text += &format!("a0.{submesh}: R R\n");
        text += &(1..cells).map(|seq| format!("a{seq}.{submesh}: a{}.{submesh} R\n", seq - 1)).collect::<String>();
    }
    text
}

#[test]
fn an_author_has_at_most_64_uncommitted_cells() {
    let mut world = World::new(&lanes(2, 40));
    let names = |submesh: usize| (0..40).map(|seq| format!("a{seq}.{submesh}")).collect::<Vec<_>>().join(" ");
    assert!(world.push(&names(0)).iter().all(|line| line.starts_with("admit")));
    let said = world.push(&names(1));
    assert_eq!(said.iter().filter(|line| line.starts_with("admit")).count(), 24);
    let effects = world.give_from("a24.1", Origin::Pushed, PEER);
    assert_eq!(verdict(&effects, world.id("a24.1")), None, "it waits already");
    assert_eq!(said[24], "wait a24.1 room");
    assert_eq!(said[25], "wait a25.1 V7", "its parent is here and waits: no question");
    assert_eq!(world.mesh.usage().held, CELLS_UNCOMMITTED_PER_AUTHOR_MAX);
    let freed: Vec<String> = (0..10).map(|seq| format!("a{seq}.0")).collect();
    let admitted = world.include(&freed.join(" "));
    let admitted: Vec<String> = admitted.into_iter().filter(|line| line.starts_with("admit")).collect();
    let expected: Vec<String> = (24..34).map(|seq| format!("admit a{seq}.1")).collect();
    assert_eq!(admitted, expected, "as many as were committed");
}

#[test]
fn what_another_author_waits_for_is_not_held_back_by_its_authors_count() {
    let mut text = lanes(2, 64);
    text += "b0.1: R a3.1\n";
    let mut world = World::new(&text);
    world.push(&(0..64).map(|seq| format!("a{seq}.0")).collect::<Vec<_>>().join(" "));
    assert_eq!(world.push("a0.1"), ["wait a0.1 room"]);
    assert_eq!(world.push("b0.1"), ["wait b0.1 V7", "fetch a3.1 1"]);
    assert_eq!(world.give("a3.1", Origin::Fetched), ["wait a3.1 V7", "fetch a2.1 1"]);
    assert_eq!(world.give("a2.1", Origin::Fetched), ["wait a2.1 V7", "fetch a1.1 1"]);
    assert_eq!(world.give("a1.1", Origin::Fetched), ["wait a1.1 V7"]);
    let said = world.give("a0.1", Origin::Fetched);
    assert_eq!(said, ["admit a0.1", "admit a1.1", "admit a2.1", "admit a3.1", "admit b0.1"]);
}

#[test]
fn a_lane_has_at_most_as_many_cells_as_a_cut_may_include() {
    let mut world = World::new(&ladder(70));
    for seq in 0..64 {
        assert_eq!(world.give(&format!("a{seq} b{seq}"), Origin::Fetched).len(), 2);
    }
    let effects = world.give_from("a64", Origin::Fetched, PEER);
    let error = CellError::TooManyUncommitted { author: ValidatorIndex(0), count: 64, max: 64 };
    assert_eq!(verdict(&effects, world.id("a64")), Some(error));
    assert_eq!(world.give("a64", Origin::Certified), ["admit a64"]);
    assert_eq!(world.give("b64", Origin::Stored), ["admit b64"]);
}

#[test]
fn an_author_sends_64_cells_a_second_after_a_burst_of_128() {
    let mut text = String::new();
    (0..400).for_each(|number| text += &format!("a{}: ?{number} R depth=2\n", number + 1));
    let mut world = World::new(&text);
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    let judged = |said: &[String]| said.iter().filter(|line| line.ends_with(" V7")).count();
    let taken = |world: &mut World, names: &[String]| judged(&world.push(&names.join(" ")));
    assert_eq!(taken(&mut world, &names[..200]), CELLS_BURST_MAX as usize);
    let effects = world.give_from("a300", Origin::Pushed, PEER);
    let error = CellError::AuthorCells { author: ValidatorIndex(0), max: 64 };
    assert_eq!(error.severity(), Severity::Delayed, "it is kept");
    assert_eq!(verdict(&effects, world.id("a300")), Some(error));
    world.now_ms = NOW_MS - 5_000;
    assert_eq!(taken(&mut world, &names[200..250]), 0, "a clock that goes back grants nothing");
    assert_eq!(judged(&world.tick(NOW_MS - 5_000)), 0, "neither to what waits");
    assert_eq!(judged(&world.tick(NOW_MS)), 0, "nor when it is back");
    assert_eq!(judged(&world.tick(NOW_MS + 500)), 32);
    assert_eq!(judged(&world.tick(NOW_MS + 500)), 0, "once");
    assert_eq!(judged(&world.tick(NOW_MS + 750)), 16);
}

/// A lane whose author has used its burst up for cells without parents, with another author's cell above it.
fn after_a_flood() -> (World, Vec<String>) {
    let mut text: String =
        (0..128).map(|number| format!("a{}: ?{number} ?x{number} depth=900\n", number + 500)).collect();
    text += "a0: R R\n";
    text += &(1..60).map(|seq| format!("a{seq}: a{} R\n", seq - 1)).collect::<String>();
    text += "b0: R a40\n";
    let mut world = World::new(&text);
    let names = |range: std::ops::Range<usize>| (range.map(|seq| format!("a{seq}"))).collect::<Vec<_>>();
    let flood = names(500..628).join(" ");
    assert!(world.push(&flood).iter().all(|line| !line.ends_with(" quota")));
    (world, names(0..60))
}

#[test]
fn what_comes_too_fast_comes_in_by_depth_whatever_the_order_of_arrival_was() {
    let orders: [fn(&mut Vec<String>); 3] =
        [|_| {}, |names| names.reverse(), |names| crate::draw::Rng::new(31).shuffle(names)];
    for rearrange in orders {
        let (mut world, mut names) = after_a_flood();
        rearrange(&mut names);
        let said = world.push(&names.join(" "));
        assert!(said.iter().all(|line| line.ends_with(" quota") && line.starts_with("wait")), "{said:?}");
        assert_eq!(world.mesh.usage().held, 0);
        let admitted: Vec<String> =
            world.tick(NOW_MS + 500).into_iter().filter(|line| line.starts_with("admit")).collect();
        let expected: Vec<String> = (0..32).map(|seq| format!("admit a{seq}")).collect();
        assert_eq!(admitted, expected, "64 a second, the shallowest first");
    }
}

#[test]
fn what_another_author_links_to_does_not_wait_for_its_authors_quota() {
    let (mut world, names) = after_a_flood();
    world.push(&names.join(" "));
    let said = world.push("b0");
    let admitted: Vec<&String> = said.iter().filter(|line| line.starts_with("admit")).collect();
    let last = admitted.last().map(|line| line.as_str());
    assert_eq!((admitted.len(), last), (42, Some("admit b0")), "a0 to a40 and b0: {said:?}");
    assert!(!said.iter().any(|line| line.starts_with("fetch")), "everything is here");
}

#[test]
fn a_peer_sends_what_its_bytes_allow() {
    let mut world = World::new("a0: R R");
    let cell = world.drawing.get("a0").unwrap().cell.clone();
    let mut refused = 0;
    for _ in 0..60_000 {
        let effects = world.mesh.receive(cell.clone(), Vec::new(), PEER, Origin::Pushed, NOW_MS);
        refused += usize::from(matches!(verdict(&effects, world.id("a0")), Some(CellError::PeerBytes { .. })));
    }
    // 128 MiB of cells of about 3.5 kB
    assert!((15_000..30_000).contains(&refused), "{refused}");
    let other = world.mesh.receive(cell, Vec::new(), PeerId(2), Origin::Pushed, NOW_MS);
    assert!(other.is_empty(), "another peer is another matter");
}

#[test]
fn the_greatest_times_do_no_harm() {
    let mut world = World::new("a0: R R t=18446744073709551615\nb0: R a0\nc0: R ?x t=18446744073709551615");
    for now_ms in [u64::MAX, 0, u64::MAX, 1] {
        world.now_ms = now_ms;
        world.push("c0 b0 a0");
        world.tick(now_ms);
    }
    assert_eq!(world.mesh.usage().held, 2);
}
