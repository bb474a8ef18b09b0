//! Each rule refuses what breaks it, with the numbers.

use super::{NOW_MS, PEER, World, admitted, ladder, verdict};
use crate::{
    CellError, Origin, Phase, Severity,
    draw::{CHAIN_ID, EPOCH, validators},
};
use qsdm_primitives::{Dimension, Epoch, LaneId, Signers, SubmeshId, ValidatorIndex};

const ROOT: SubmeshId = SubmeshId(0);
const ONE: SubmeshId = SubmeshId(1);

fn lane(submesh: SubmeshId, author: u16) -> LaneId {
    LaneId { submesh, author: ValidatorIndex(author) }
}

/// The verdict on the last cell of a drawing, after all others.
#[track_caller]
fn last(world: &mut World) -> CellError {
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    let (name, before) = names.split_last().unwrap();
    for name in before {
        let effects = world.give_from(name, Origin::Certified, PEER);
        assert!(admitted(&effects).contains(&world.id(name)), "{name}: {:?}", world.say(&effects));
    }
    let effects = world.give_from(name, Origin::Pushed, PEER);
    let error = verdict(&effects, world.id(name)).unwrap_or_else(|| panic!("{name} is admitted"));
    if error.severity() == Severity::Peer {
        for origin in [Origin::Fetched, Origin::Certified, Origin::Stored] {
            let again = world.give_from(name, origin, PEER);
            assert_eq!(verdict(&again, world.id(name)).as_ref(), Some(&error), "structural: the same verdict always");
        }
        assert_eq!(world.mesh.usage().pending, 0);
    }
    error
}

#[track_caller]
fn refused(text: &str) -> CellError {
    last(&mut World::new(text))
}

#[test]
fn v1_another_chain_epoch_or_author() {
    assert_eq!(refused("a0: R R chain=2"), CellError::WrongChain { found: 2, expected: CHAIN_ID });
    assert_eq!(refused("a0: R R epoch=9"), CellError::WrongEpoch { found: Epoch(9), expected: EPOCH });
    let mut small = World::with("f0: R R", |config| config.set = validators(EPOCH, 4));
    assert_eq!(last(&mut small), CellError::NoSuchAuthor { author: ValidatorIndex(5), count: 4 });
}

#[test]
fn v1_a_submesh_that_is_unknown_closed_or_not_for_this_author() {
    assert_eq!(refused("a0.7: R R"), CellError::UnknownSubmesh { submesh: SubmeshId(7) });
    assert_eq!(refused("submesh 1 2 closed\na0.1: R R"), CellError::SubmeshClosed { submesh: ONE });
    let mut exclusive = World::with("submesh 0 2\na0: R R", |config| {
        config.submeshes.get_mut(&ROOT).unwrap().authors = Signers(0b1110);
    });
    assert_eq!(last(&mut exclusive), CellError::AuthorNotAllowed { lane: lane(ROOT, 0) });
}

#[test]
fn v1_more_gas_than_a_block_has_for_the_submesh() {
    let world = |text: &str| World::with(text, |config| config.submeshes.get_mut(&ROOT).unwrap().gas_per_block = 500);
    let error = CellError::GasLimit { submesh: ROOT, gas: 501, max: 500 };
    assert_eq!(last(&mut world("a0: R R gas=501")), error);
    assert_eq!(world("a0: R R gas=500").push("a0"), ["admit a0"], "as much is a block of its own");
}

#[test]
fn v3_another_number_of_links() {
    let (two, three) = (Dimension::Two, Dimension::Three);
    assert_eq!(refused("a0: R R R"), CellError::WrongDimension { submesh: ROOT, found: three, expected: two });
    assert_eq!(
        refused("submesh 0 3\na0: R R"),
        CellError::WrongDimension { submesh: ROOT, found: two, expected: three }
    );
}

#[test]
fn v4_an_own_link_that_is_not_the_cell_before() {
    let mut world = World::new("a0: R R\na1: R a0 depth=1");
    let link = world.drawing.get("a0").unwrap().cell.header().links.own;
    assert_eq!(last(&mut world), CellError::OwnRoot { lane: lane(ROOT, 0), seq: 1, link });
    let mut world = World::new("b0: R R\na0: b0 R");
    let link = world.id("b0");
    assert_eq!(last(&mut world), CellError::OwnRoot { lane: lane(ROOT, 0), seq: 0, link });
    let skipped = CellError::OwnPlace { lane: lane(ROOT, 0), seq: 2, found_lane: lane(ROOT, 0), found_seq: 0 };
    assert_eq!(refused("a0: R R\na2: a0 R"), skipped);
    let foreign = CellError::OwnPlace { lane: lane(ROOT, 0), seq: 1, found_lane: lane(ROOT, 1), found_seq: 0 };
    assert_eq!(refused("a0: R R\nb0: R R\nc0: R R\na1: b0 c0"), foreign);
    let elsewhere = CellError::OwnPlace { lane: lane(ROOT, 0), seq: 1, found_lane: lane(ONE, 0), found_seq: 0 };
    assert_eq!(refused("submesh 0 2\nsubmesh 1 2\na0.1: R R\nb0: R R\na1: a0.1 b0"), elsewhere);
}

#[test]
fn v5_links_to_one_cell_or_one_author() {
    let mut world = World::new("a0: R R\na1: a0 a0");
    let link = world.id("a0");
    assert_eq!(last(&mut world), CellError::SameLink { link });
    let mine = CellError::SameAuthor { author: ValidatorIndex(0) };
    assert_eq!(refused("a0: R R\nb0: R a0\na1: a0 b0\na2: a1 a0"), mine);
    let three = "submesh 0 3\nsubmesh 1 3\n";
    assert_eq!(refused(&format!("{three}a0.1: R R R.0\na0: R R a0.1")), mine);
    let peers = CellError::SameAuthor { author: ValidatorIndex(1) };
    assert_eq!(refused(&format!("{three}b0.1: R R R.0\nb0: R R R.1\na0: R b0 b0.1")), peers);
}

#[test]
fn v5_links_into_the_wrong_submesh() {
    let two = "submesh 0 2\nsubmesh 1 2\n";
    let peer = CellError::PeerSubmesh { found: ONE, expected: ROOT };
    assert_eq!(refused(&format!("{two}a0: R R.1")), peer);
    assert_eq!(refused(&format!("{two}b0.1: R R\na0: R b0.1")), peer);
    let three = "submesh 0 3\nsubmesh 1 3\n";
    let bridge = CellError::BridgeSubmesh { found: ROOT, of: ROOT };
    assert_eq!(refused(&format!("{three}b0: R R R.1\na0: R R b0")), bridge);
    assert_eq!(refused(&format!("{three}a0: R R R")), bridge, "the own root cell only where no other submesh is");
    let closed = CellError::BridgeSubmesh { found: ONE, of: ROOT };
    assert_eq!(refused("submesh 0 3\nsubmesh 1 3 closed\na0: R R R.1"), closed);
}

#[test]
fn v5_a_bridge_may_be_the_own_root_cell_where_only_one_submesh_takes_cells() {
    for text in ["submesh 0 3\na0: R R R", "submesh 0 3\nsubmesh 1 3 closed\na0: R R R"] {
        assert_eq!(World::new(text).push("a0"), ["admit a0"]);
    }
}

#[test]
fn v5_and_v6_a_root_cell_is_a_peer_up_to_depth_64() {
    // in a ladder, cell s of lane b has depth 2 s + 2
    let (fits, deep) = (format!("{}b32: b31 R", ladder(32)), format!("{}b33: b32 R", ladder(33)));
    assert_eq!(refused(&deep), CellError::PeerRoot { depth: 67, max: 64 });
    let mut world = World::new(&fits);
    let depth = world.drawing.get("b32").unwrap().cell.header().depth;
    assert_eq!(depth, 65);
    assert_eq!(last(&mut world), CellError::PeerRoot { depth: 65, max: 64 });
    let at_limit = format!("{}a32: a31 R", ladder(32));
    let mut world = World::new(&at_limit);
    assert_eq!(world.drawing.get("a32").unwrap().cell.header().depth, 64);
    world.push_all();
}

#[test]
fn v5_an_author_alone_may_always_link_to_the_root_cell() {
    let mut text = "authors 1\na0: R R\n".to_owned();
    (1..60).for_each(|seq| text += &format!("a{seq}: a{} R\n", seq - 1));
    World::new(&text).push_all();
    text += &(60..100).map(|seq| format!("a{seq}: a{} R\n", seq - 1)).collect::<String>();
    let mut world = World::new(&text);
    for seq in 0..100 {
        assert_eq!(world.give(&format!("a{seq}"), Origin::Certified), [format!("admit a{seq}")]);
    }
}

#[test]
fn v6_a_depth_that_the_links_do_not_give() {
    let wrong = |claimed, deepest| CellError::WrongDepth { claimed, deepest };
    assert_eq!(refused("a0: R R depth=0"), wrong(0, 0));
    assert_eq!(refused("a0: R R depth=2"), wrong(2, 0));
    assert_eq!(refused("a0: R R\nb0: R a0 depth=1"), wrong(1, 1));
    assert_eq!(refused("a0: R R\nb0: R a0 depth=18446744073709551615"), wrong(u64::MAX, 1));
    // links into another submesh don't count
    let bridged = "submesh 0 3\nsubmesh 1 3\nb0.1: R R R.0\nc0.1: R b0.1 R.0\n";
    assert_eq!(refused(&format!("{bridged}a0: R R c0.1 depth=3")), wrong(3, 0));
    World::new(&format!("{bridged}a0: R R c0.1")).push_all();
}

#[test]
fn v6_a_peer_too_far_back() {
    let text = |peer: &str| format!("c0: R R\nc1: c0 R\n{}a33: a32 {peer}", ladder(33));
    assert_eq!(refused(&text("c0")), CellError::PeerTooOld { depth: 66, found: 1, max: 64 });
    World::new(&text("c1")).push_all();
}

#[test]
fn v7_missing_parents_delay_and_refused_parents_refuse() {
    let mut world = World::new("a0: R R depth=7\nb0: R a0 depth=8\nc0: R b0 depth=9");
    let effects = world.give_from("b0", Origin::Pushed, PEER);
    let missing = CellError::ParentsMissing { cells: vec![world.id("a0")] };
    assert_eq!(verdict(&effects, world.id("b0")), Some(missing.clone()));
    assert_eq!(missing.severity(), Severity::Delayed);
    assert_eq!(world.push("c0"), ["wait c0 V7"], "b0 is there: nothing to ask for");
    let effects = world.give_from("a0", Origin::Fetched, PEER);
    let said = world.say(&effects);
    assert_eq!(said, ["refuse a0 V6", "refuse b0 V7", "refuse c0 V7"]);
    let parent = world.id("b0");
    assert_eq!(verdict(&effects, world.id("c0")), Some(CellError::ParentRefused { parent }));
    let usage = world.mesh.usage();
    assert_eq!((usage.pending, usage.pending_bytes, usage.wanted), (0, 0, 0));
}

#[test]
fn v8_older_than_a_parent() {
    let error = CellError::BeforeParent { time_ms: 1_999, parent_ms: 2_000 };
    assert_eq!(refused("a0: R R t=2000\nb0: R a0 t=1999"), error);
    let bridged = "submesh 0 3\nsubmesh 1 3\nb0.1: R R R.0 t=2000\na0: R R b0.1 t=1999";
    assert_eq!(refused(bridged), error, "a bridge counts");
}

#[test]
fn v8_ahead_of_the_clock_waits() {
    let mut world = World::new("a0: R R t=12001\nb0: R a0 t=12001");
    let effects = world.give_from("a0", Origin::Pushed, PEER);
    let ahead = CellError::AheadOfClock { time_ms: 12_001, now_ms: NOW_MS, max: 2_000 };
    assert_eq!(verdict(&effects, world.id("a0")), Some(ahead));
    assert_eq!(world.push("b0"), ["wait b0 V7"]);
    assert_eq!(world.tick(NOW_MS), [""; 0]);
    assert_eq!(world.tick(NOW_MS - 5_000), [""; 0], "a clock that goes back admits nothing");
    assert_eq!(world.tick(NOW_MS + 1), ["admit a0", "admit b0"]);
    let mut certified = World::new("a0: R R t=18446744073709551615");
    assert_eq!(certified.give("a0", Origin::Fetched), ["wait a0 V8"]);
    assert_eq!(certified.give("a0", Origin::Certified), ["admit a0"], "a certificate lifts the local rule");
}

#[test]
fn v9_cells_of_a_voided_author_are_taken_where_one_needs_them() {
    let mut world = World::new("a0: R R\nb0: R a0\na1: a0 b0\nc0: R a1\n");
    assert_eq!(world.push("a0"), ["admit a0"]);
    world.mesh.void(ValidatorIndex(0));
    assert_eq!(world.push("b0 a1"), ["admit b0", "refuse a1 V9"], "b0 links to a voided cell and stays valid");
    assert_eq!(world.push("c0"), ["wait c0 V7", "fetch a1 1"]);
    assert_eq!(world.push("a1"), ["admit a1", "admit c0"], "c0 needs it, even where it comes unasked");
}

#[test]
fn a_draining_submesh_takes_cells_until_the_epoch_ends() {
    let mut world = World::new("submesh 0 2\nsubmesh 1 2 draining\na0.1: R R\nb0.1: R a0.1");
    assert_eq!(world.push("a0.1"), ["admit a0.1"]);
    let mut config = world.drawing.config(None);
    config.submeshes.get_mut(&ONE).unwrap().phase = Phase::Closed;
    assert_eq!(world.mesh.next_epoch(config), [world.id("a0.1")]);
    assert_eq!(world.push("b0.1"), ["refuse b0.1 V1"]);
}
