//! What an author plans is valid everywhere, entangles everybody, and stops when nothing is new.

use super::{NOW_MS, PEER, World, admitted};
use crate::{
    CellPlan, Effect, Mesh, MeshConfig, Origin, PlanError,
    draw::{CHAIN_ID, Drawing, EPOCH, MemoryStore, Rng, sign},
};
use alloy_primitives::Bytes;
use qsdm_crypto::Verified;
use qsdm_primitives::{BodyHash, Cell, CellBody, CellHeader, CellId, SubmeshId, ValidatorIndex, ValidatorSet};

const ROOT: SubmeshId = SubmeshId(0);

/// Authors who plan, sign and exchange cells.
struct Authors {
    drawing: Drawing,
    meshes: Vec<Mesh<MemoryStore>>,
}

impl Authors {
    fn new(text: &str) -> Self {
        let drawing = Drawing::parse(text).unwrap();
        let mesh = |index| Mesh::new(drawing.config(Some(index)), MemoryStore::default());
        let meshes = drawing.set.indices().map(mesh).collect();
        Self { drawing, meshes }
    }

    /// An author writes a cell and everybody among `readers` gets it.
    fn write(
        &mut self,
        author: usize,
        submesh: SubmeshId,
        transactions: usize,
        now_ms: u64,
        readers: &[usize],
    ) -> Result<CellPlan, PlanError> {
        let plan = self.meshes[author].plan(submesh, now_ms)?;
        let cell = signed(&plan, transactions, &self.drawing.set);
        for reader in readers {
            let id = cell.header().id();
            let effects = self.meshes[*reader].receive(cell.clone(), Vec::new(), PEER, Origin::Pushed, now_ms);
            assert!(admitted(&effects).contains(&id), "reader {reader}, {plan:?}: {effects:?}");
        }
        Ok(plan)
    }

    /// Everybody commits all.
    fn commit(&mut self, now_ms: u64) {
        for mesh in &mut self.meshes {
            let ids: Vec<CellId> = mesh.cells().map(|cell| cell.id).collect();
            for id in &ids {
                let signed = mesh.signed(id).unwrap().clone();
                mesh.store_mut().insert(signed);
            }
            let effects = mesh.include(&ids, now_ms);
            assert_eq!(effects, []);
        }
    }
}

fn signed(plan: &CellPlan, transactions: usize, set: &ValidatorSet) -> Verified<Cell> {
    let header = CellHeader {
        chain_id: CHAIN_ID,
        epoch: EPOCH,
        lane: plan.lane,
        seq: plan.seq,
        depth: plan.depth,
        links: plan.links,
        time_ms: plan.time_ms,
        gas_limit: 0,
        transactions: 0,
        body: BodyHash::default(),
    };
    let transactions = (0..transactions).map(|number| Bytes::from(vec![number as u8; 10])).collect();
    sign(header, CellBody { transactions }, set)
}

#[test]
fn every_planned_cell_is_valid_everywhere() {
    for (seed, text) in [
        "authors 1\nsubmesh 0 2",
        "authors 1\nsubmesh 0 3",
        "authors 2\nsubmesh 0 3\nsubmesh 1 2",
        "authors 4\nsubmesh 0 2",
        "authors 4\nsubmesh 0 3\nsubmesh 1 3\nsubmesh 2 2 draining\nsubmesh 3 2 closed",
        "authors 7\nsubmesh 0 3\nsubmesh 1 3",
    ]
    .into_iter()
    .enumerate()
    {
        let mut authors = Authors::new(text);
        let count = authors.meshes.len();
        let everyone: Vec<usize> = (0..count).collect();
        let mut rng = Rng::new(seed as u64);
        let open: Vec<SubmeshId> = authors.drawing.submeshes.keys().copied().filter(|id| id.0 < 3).collect();
        let mut written = 0;
        for step in 0..600u64 {
            let now_ms = NOW_MS + step * 100 - rng.below(50) as u64;
            let submesh = *rng.pick(&open).unwrap();
            let author = rng.below(count);
            written += usize::from(authors.write(author, submesh, rng.below(2), now_ms, &everyone).is_ok());
            if rng.percent(10) {
                authors.commit(now_ms);
            }
        }
        assert!(written > 500, "{text}: {written}");
    }
}

#[test]
fn a_silent_author_is_entangled_before_its_cell_is_too_old_to_link_to() {
    // d's only cell arrives late: the others always have newer ones to link to
    let mut authors = Authors::new("authors 4\nsubmesh 0 2");
    authors.write(3, ROOT, 1, NOW_MS, &[3]).unwrap();
    for step in 0..30 {
        authors.write(step % 3, ROOT, 1, NOW_MS + step as u64, &[0, 1, 2]).unwrap();
    }
    let late = authors.meshes[3].cells().next().unwrap().id;
    let header = authors.meshes[3].signed(&late).unwrap().header.clone();
    let plan = CellPlan {
        lane: header.lane,
        seq: header.seq,
        depth: header.depth,
        links: header.links,
        time_ms: header.time_ms,
    };
    let cell = signed(&plan, 1, &authors.drawing.set);
    for mesh in &mut authors.meshes[..3] {
        let effects = mesh.receive(cell.clone(), Vec::new(), PEER, Origin::Pushed, NOW_MS + 30);
        assert_eq!(admitted(&effects), [late]);
    }
    for step in 30..60 {
        authors.write(step % 3, ROOT, 1, NOW_MS + step as u64, &[0, 1, 2]).unwrap();
    }
    assert_eq!(authors.meshes[0].entangled_weight(&late), Some(3));
}

#[test]
fn a_peer_is_linked_to_as_long_as_rule_v6_allows_it() {
    let mut authors = Authors::new("authors 4\nsubmesh 0 2");
    let peer = authors.write(1, ROOT, 1, NOW_MS, &[0]).unwrap();
    assert_eq!(peer.depth, 1);
    for depth in 2..=65 {
        let plan = authors.write(0, ROOT, 1, NOW_MS, &[0]).unwrap();
        assert_eq!(plan.depth, depth);
        assert_eq!(plan.links.bridge, None);
        if depth == 40 {
            authors.commit(NOW_MS + 1_000);
        }
    }
    let too_deep = PlanError::NoPeer { submesh: ROOT, least: 2 };
    authors.commit(NOW_MS + 1_000);
    assert_eq!(authors.meshes[0].plan(ROOT, NOW_MS), Err(too_deep));
}

#[test]
fn sixteen_cells_outside_the_own_past_make_a_witness() {
    let mut text = "b0: R R tx=1:0:1\n".to_owned();
    (1..40).for_each(|seq| text += &format!("b{seq}: b{} R tx=1:{seq}:{seq}\n", seq - 1));
    let mut world = World::of(&text, 0);
    for seq in 0..16 {
        assert_eq!(world.mesh.wants_witness(NOW_MS), [], "{seq} cells");
        world.push(&format!("b{seq}"));
    }
    assert_eq!(world.mesh.wants_witness(NOW_MS), [ROOT]);
    let plan = world.mesh.plan(ROOT, NOW_MS).unwrap();
    assert_eq!(plan.links.peer, world.id("b15"), "the newest");
    let witness = signed(&plan, 0, &world.drawing.set);
    let effects = world.mesh.receive(witness, Vec::new(), PEER, Origin::Pushed, NOW_MS);
    assert!(matches!(effects[..], [Effect::Admit { .. }]));
    assert_eq!(world.mesh.wants_witness(NOW_MS), []);
}

#[test]
fn empty_cells_committed_cells_and_quarantined_authors_need_no_witness() {
    let mut text = String::new();
    for author in ['b', 'c'] {
        text += &format!("{author}0: R R tx=1:0:1\n");
        (1..20).for_each(|seq| text += &format!("{author}{seq}: {author}{} R tx=1:{seq}:{seq}\n", seq - 1));
    }
    text += "d0: R R\n";
    (1..20).for_each(|seq| text += &format!("d{seq}: d{} R\n", seq - 1));
    let lane =
        |author: char, until: usize| (0..until).map(|seq| format!("{author}{seq}")).collect::<Vec<_>>().join(" ");
    let mut world = World::of(&text, 0);
    world.push(&lane('d', 20));
    assert_eq!(world.mesh.wants_witness(NOW_MS), [], "witnesses of others");
    world.push(&lane('b', 20));
    assert_eq!(world.mesh.wants_witness(NOW_MS), [ROOT]);
    world.include(&lane('b', 10));
    assert_eq!(world.mesh.wants_witness(NOW_MS), [], "ten are left");
    world.push(&lane('c', 20));
    assert_eq!(world.mesh.wants_witness(NOW_MS), [ROOT]);
    world.mesh.void(ValidatorIndex(2));
    assert_eq!(world.mesh.wants_witness(NOW_MS), []);
    let mut outside = World::new(&text);
    outside.push(&lane('b', 20));
    assert_eq!(outside.mesh.wants_witness(NOW_MS), [], "a node that is no author");
}

#[test]
fn idle_authors_fall_silent_after_their_witnesses() {
    let mut authors = Authors::new("authors 4\nsubmesh 0 3\nsubmesh 1 3");
    let everyone = [0, 1, 2, 3];
    for step in 0..40 {
        authors.write(0, SubmeshId(1), 1, NOW_MS + step, &everyone).unwrap();
    }
    let mut witnesses = 0;
    loop {
        let due = (0..4).find_map(|author| Some((author, *authors.meshes[author].wants_witness(NOW_MS).first()?)));
        let Some((author, submesh)) = due else { break };
        authors.write(author, submesh, 0, NOW_MS + 100, &everyone).unwrap();
        witnesses += 1;
        assert!(witnesses < 20, "witnesses trigger witnesses");
    }
    assert_eq!(witnesses, 3, "each of the others one");
}

#[test]
fn no_plan_without_a_place_to_write() {
    let text = "authors 4\nsubmesh 0 2\nsubmesh 1 2 closed\na0: R ?x\nb0: R R\nb1: b0 R";
    let observer = World::new(text);
    assert_eq!(observer.mesh.plan(ROOT, NOW_MS), Err(PlanError::NotAuthor { submesh: ROOT }));
    let mut author = World::of(text, 0);
    let closed = SubmeshId(1);
    assert_eq!(author.mesh.plan(closed, NOW_MS), Err(PlanError::NotOpen { submesh: closed }));
    author.give("a0", Origin::Stored);
    assert_eq!(author.mesh.plan(ROOT, NOW_MS), Err(PlanError::OwnCellWaits { submesh: ROOT }));
    let excluded = World::with(text, |config: &mut MeshConfig| {
        config.me = Some(ValidatorIndex(0));
        config.submeshes.get_mut(&ROOT).unwrap().authors.0 = 0b10;
    });
    assert_eq!(excluded.mesh.plan(ROOT, NOW_MS), Err(PlanError::NotAuthor { submesh: ROOT }));
}

#[test]
fn an_author_stops_at_64_uncommitted_cells_and_where_no_peer_is_left() {
    let mut authors = Authors::new("authors 4\nsubmesh 0 2");
    for step in 0..64 {
        authors.write(0, ROOT, 1, NOW_MS + step, &[0]).unwrap();
    }
    let full = PlanError::TooManyUncommitted { count: 64, max: 64 };
    assert_eq!(authors.meshes[0].plan(ROOT, NOW_MS), Err(full));
    authors.commit(NOW_MS);
    let alone = PlanError::NoPeer { submesh: ROOT, least: 1 };
    assert_eq!(authors.meshes[0].plan(ROOT, NOW_MS), Err(alone), "depth 65 needs a peer that is a cell");
}
