//! The buffer of cells that wait is bounded, and never in the way.

use super::{NOW_MS, PEER, World, ladder};
use crate::{
    Effect, Mesh, Origin,
    draw::{CHAIN_ID, Drawing, EPOCH, MemoryStore, Rng, sign},
};
use alloy_primitives::Bytes;
use qsdm_crypto::Verified;
use qsdm_primitives::{
    BodyHash, Cell, CellBody, CellHeader, CellId, LaneId, Links, SubmeshId, ValidatorIndex, ValidatorSet,
    limits::{
        CELLS_PENDING_BYTES_PER_AUTHOR_MAX, CELLS_PENDING_PER_AUTHOR_MAX, CELLS_PER_SECOND_MAX, FETCHES_OPEN_MAX,
    },
};

const DRAWING: &str = "authors 4\nsubmesh 0 3\nsubmesh 1 3";

/// A cell whose three parents nobody has.
fn orphan(rng: &mut Rng, set: &ValidatorSet, author: u16, transactions: Vec<Bytes>) -> Verified<Cell> {
    let mut id = || {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
        CellId(bytes)
    };
    let header = CellHeader {
        chain_id: CHAIN_ID,
        epoch: EPOCH,
        lane: LaneId { submesh: SubmeshId(0), author: ValidatorIndex(author) },
        links: Links { own: id(), peer: id(), bridge: Some(id()) },
        seq: 1 + rng.next_u64() / 2,
        depth: 2 + rng.next_u64() / 2,
        time_ms: 1_000,
        gas_limit: 0,
        transactions: 0,
        body: BodyHash::default(),
    };
    sign(header, CellBody { transactions }, set)
}

fn mesh() -> (Drawing, Mesh<MemoryStore>) {
    let drawing = Drawing::parse(DRAWING).unwrap();
    let mesh = Mesh::new(drawing.config(None), MemoryStore::default());
    (drawing, mesh)
}

#[test]
fn a_million_missing_parents_leave_every_buffer_at_its_limit() {
    let (drawing, mut mesh) = mesh();
    let mut rng = Rng::new(30);
    let (authors, limit) = (4, CELLS_PENDING_PER_AUTHOR_MAX);
    let (mut missing, mut waited) = (0, 0);
    for number in 0..333_400u64 {
        let author = u16::try_from(number % authors).unwrap();
        // as fast as the quotas allow: all authors together
        let now_ms = NOW_MS + number * 1_000 / (authors * u64::from(CELLS_PER_SECOND_MAX));
        let cell = orphan(&mut rng, &drawing.set, author, Vec::new());
        missing += 3;
        let effects = mesh.receive(cell, Vec::new(), PEER, Origin::Pushed, now_ms);
        waited += effects.iter().filter(|effect| matches!(effect, Effect::Wait { .. })).count();
        if number % 500 == 0 {
            let usage = mesh.usage();
            assert!(usage.pending_of_one <= limit && usage.held == 0, "{usage:?}");
            assert!(usage.wanted <= 3 * usage.pending && usage.asked <= FETCHES_OPEN_MAX, "{usage:?}");
            assert!(usage.pending_bytes_of_one <= CELLS_PENDING_BYTES_PER_AUTHOR_MAX, "{usage:?}");
        }
    }
    assert!(missing > 1_000_000);
    assert!(waited > 4 * limit, "{waited} cells waited for a while: quotas alone did not refuse them");
    let usage = mesh.usage();
    assert_eq!((usage.pending, usage.pending_of_one, usage.asked), (4 * limit, limit, FETCHES_OPEN_MAX));
    assert_eq!(usage.wanted, 3 * 4 * limit, "what left took its questions along");
}

#[test]
fn large_cells_are_bounded_by_their_bytes() {
    let (drawing, mut mesh) = mesh();
    let mut rng = Rng::new(31);
    for _ in 0..40 {
        let cell = orphan(&mut rng, &drawing.set, 0, vec![Bytes::from(vec![0; 1_000_000])]);
        let _ = mesh.receive(cell, Vec::new(), PEER, Origin::Fetched, NOW_MS);
        assert!(mesh.usage().pending_bytes <= CELLS_PENDING_BYTES_PER_AUTHOR_MAX);
    }
    assert_eq!(mesh.usage().pending, 16);
}

#[test]
fn a_full_buffer_does_not_stop_the_cells_that_empty_it() {
    // b is correct; its buffer and a's are full of cells without parents
    let mut world = World::new(&format!("submesh 0 2\n{}", ladder(40)));
    let mut rng = Rng::new(32);
    let set = world.drawing.set.clone();
    for number in 0..2_000 {
        let mut header = orphan(&mut rng, &set, number % 2, Vec::new()).header().clone();
        header.links.bridge = None;
        let cell = sign(header, CellBody::default(), &set);
        let _ = world.mesh.receive(cell, Vec::new(), PEER, Origin::Fetched, NOW_MS);
    }
    assert_eq!(world.mesh.usage().pending_of_one, CELLS_PENDING_PER_AUTHOR_MAX);
    // the honest cells come in the worst order: each waits for all that come later
    for seq in (0..40).rev() {
        world.give(&format!("b{seq} a{seq}"), Origin::Fetched);
    }
    assert_eq!(world.mesh.usage().held, 80, "{:?}", world.mesh.usage());
}

#[test]
fn a_cell_dropped_for_space_is_asked_for_again_where_another_author_needs_it() {
    let mut text = "submesh 0 2\na1: ?own ?peer depth=900\nb0: R a1\n".to_owned();
    for number in 0..256 {
        text += &format!("a{number}{}: ?x{number} ?y{number} depth=5\n", "'".repeat(2));
    }
    let mut world = World::new(&text);
    assert_eq!(world.give("a1 b0", Origin::Fetched).len(), 4);
    let names: Vec<String> = world.drawing.cells[2..].iter().map(|cell| cell.name.clone()).collect();
    // seq 0 needs the root cell: leave that one out
    let mut said = Vec::new();
    for name in &names[1..] {
        said.extend(world.give(name, Origin::Fetched));
    }
    assert!(!said.contains(&"refuse a1 quota".to_owned()), "255 and this one fit");
    let extra = orphan(&mut Rng::new(5), &world.drawing.set, 0, Vec::new()).header().clone();
    let header = CellHeader { links: Links { bridge: None, ..extra.links }, depth: 4, ..extra };
    let cell = sign(header, CellBody::default(), &world.drawing.set);
    let effects = world.mesh.receive(cell, Vec::new(), PEER, Origin::Fetched, NOW_MS);
    let said = world.say(&effects);
    assert!(said.contains(&"refuse a1 quota".to_owned()), "the deepest goes");
    assert!(!said.contains(&"fetch a1 1".to_owned()), "and is not asked for at once, to be dropped again");
    let mut later = world.tick(NOW_MS + 500);
    for round in 2..20 {
        later.extend(world.tick(NOW_MS + round * 500));
    }
    assert!(later.contains(&"fetch a1 1".to_owned()), "b0 needs it");
}

#[test]
fn a_long_pile_is_released_at_once() {
    let mut world = World::new(&ladder(60));
    for seq in (1..60).rev() {
        world.push(&format!("b{seq} a{seq}"));
    }
    world.push("b0");
    assert_eq!(world.mesh.usage().held, 0);
    assert_eq!(world.push("a0").len(), 120);
    assert_eq!(world.mesh.usage().pending, 0);
}
