//! One set of cells, delivered in a thousand orders with different local collection times: one mesh, one order.

use super::{NOW_MS, World};
use crate::{
    CellRef, CellSource, Cut, CutError, CutRules, Effect, Mesh, Origin, PeerId,
    draw::{Drawing, MemoryStore, RandomDag, Rng},
    extend, order, propose,
};
use qsdm_primitives::{BlockId, CellId, CutChange, Evidence, Signers, SubmeshId};
use std::collections::{BTreeMap, BTreeSet};

/// One committed block: what it changes, who is frozen, and the order of its cells.
struct Block {
    changes: Vec<CutChange>,
    seed: BlockId,
    frozen: Signers,
    order: Vec<CellId>,
}

struct Story {
    drawing: Drawing,
    rules: CutRules,
    blocks: Vec<Block>,
    /// Cells of correct authors with all their ancestors.
    needed: BTreeSet<CellId>,
}

/// Blocks that commit a random drawing with conflicts and forks, as one node would see them.
fn story(seed: u64) -> Story {
    let dag = RandomDag { authors: 5, submeshes: 2, cells: 90, forkers: 1, transactions: 60, nonces: 8 };
    let mut world = World::new(&dag.draw(seed));
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    world.give(&names.join(" "), Origin::Certified);
    let cells: BTreeMap<CellId, CellRef> = world.mesh.cells().map(|cell| (cell.id, cell.clone())).collect();
    let rules =
        CutRules { block_gas: 30_000, submeshes: BTreeMap::from([(SubmeshId(0), 20_000), (SubmeshId(1), 20_000)]) };
    let mut before = Cut::default();
    let mut blocks = Vec::new();
    for number in 0..40u8 {
        // the forker's evidence is committed in the fourth block
        let frozen = if number < 3 { Signers::NONE } else { Signers(1 << 4) };
        let seed = BlockId([number; 32]);
        let changes = propose(&before, &cells, &|_| true, frozen, &rules, &seed);
        let included = extend(&before, &changes, &cells, frozen, &rules).unwrap();
        let included: Vec<CellRef> = included.iter().map(|id| cells[id].clone()).collect();
        let order = order(&included, &seed);
        before.apply(&changes);
        blocks.push(Block { changes, seed, frozen, order });
    }
    let mut needed = BTreeSet::new();
    let pasts = super::weights::pasts(&world);
    for cell in cells.values().filter(|cell| cell.lane.author.0 != 4) {
        needed.insert(cell.id);
        needed.extend(&pasts[&cell.id]);
    }
    let committed: BTreeSet<CellId> = blocks.iter().flat_map(|block| &block.order).copied().collect();
    let correct = cells.values().filter(|cell| cell.lane.author.0 != 4);
    assert!(correct.map(|cell| cell.id).all(|id| committed.contains(&id)), "seed {seed}: every correct cell commits");
    Story { drawing: world.drawing, rules, blocks, needed }
}

/// A node that gets the cells in a random order, answers to its questions late, and commits when it happens to.
struct Node<'a> {
    story: &'a Story,
    mesh: Mesh<MemoryStore>,
    rng: Rng,
    cut: Cut,
    next: usize,
    answers: Vec<CellId>,
    admitted: BTreeSet<CellId>,
    order: Vec<CellId>,
    evidence: Vec<Evidence>,
    now_ms: u64,
}

impl<'a> Node<'a> {
    fn new(story: &'a Story, seed: u64) -> Self {
        let mesh = Mesh::new(story.drawing.config(None), MemoryStore::default());
        Self {
            story,
            mesh,
            rng: Rng::new(seed),
            cut: Cut::default(),
            next: 0,
            answers: Vec::new(),
            admitted: BTreeSet::new(),
            order: Vec::new(),
            evidence: Vec::new(),
            now_ms: NOW_MS,
        }
    }

    fn run(&mut self) {
        let mut deliveries: Vec<usize> = (0..self.story.drawing.cells.len()).collect();
        self.rng.shuffle(&mut deliveries);
        for index in deliveries {
            self.now_ms += self.rng.below(30) as u64;
            self.give(index, Origin::Pushed);
            while self.rng.percent(50) && !self.answers.is_empty() {
                self.answer();
            }
            if self.rng.percent(20) {
                self.commit();
            }
        }
        for _ in 0..1_000 {
            if self.next == self.story.blocks.len() && self.answers.is_empty() && self.mesh.usage().wanted == 0 {
                return;
            }
            self.now_ms += 100;
            let effects = self.mesh.tick(self.now_ms);
            self.note(effects);
            self.answer();
            self.commit();
        }
        panic!("not all blocks commit: {} of {}, {:?}", self.next, self.story.blocks.len(), self.mesh.usage());
    }

    fn give(&mut self, index: usize, origin: Origin) {
        let drawn = &self.story.drawing.cells[index];
        let peer = PeerId(self.rng.below(3) as u32);
        let effects = self.mesh.receive(drawn.cell.clone(), drawn.keys.clone(), peer, origin, self.now_ms);
        self.note(effects);
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Admit { reference, .. } => assert!(self.admitted.insert(reference.id), "admitted once"),
                Effect::Fetch { cell, .. } => self.answers.push(cell),
                Effect::Evidence(evidence) => self.evidence.push(evidence),
                Effect::Refuse { error, .. } => assert_eq!(error.rule(), Some(9), "{error}"),
                Effect::Wait { .. } | Effect::Conflict(_) => {}
            }
        }
    }

    fn answer(&mut self) {
        if self.answers.is_empty() {
            return;
        }
        let id = self.answers.swap_remove(self.rng.below(self.answers.len()));
        // one in ten is lost
        if let Some(index) = self.story.drawing.cells.iter().position(|cell| cell.id == id)
            && self.rng.percent(90)
        {
            self.give(index, Origin::Fetched);
        }
    }

    /// Collects the next block if all its cells are here.
    fn commit(&mut self) {
        let story = self.story;
        let Some(block) = story.blocks.get(self.next) else { return };
        match extend(&self.cut, &block.changes, &self.mesh, block.frozen, &story.rules) {
            Ok(ids) => {
                let included: Vec<CellRef> = ids.iter().map(|id| self.mesh.cell(id).unwrap().clone()).collect();
                self.order.extend(order(&included, &block.seed));
                self.cut.apply(&block.changes);
                for id in &ids {
                    let signed = self.mesh.signed(id).unwrap().clone();
                    self.mesh.store_mut().insert(signed);
                }
                if !block.frozen.is_empty() {
                    block.frozen.iter().for_each(|author| self.mesh.void(author));
                }
                let effects = self.mesh.include(&ids, self.now_ms);
                self.note(effects);
                self.next += 1;
            }
            Err(CutError::Missing { cells }) => self.answers.extend(cells),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_thousand_delivery_orders_give_one_mesh_and_one_order() {
    let mut forks_seen = 0;
    for seed in 0..10 {
        let story = story(seed);
        let expected: Vec<CellId> = story.blocks.iter().flat_map(|block| block.order.clone()).collect();
        // a thousand of one set of cells, some of others
        for delivery in 0..if seed == 0 { 1_000 } else { 20 } {
            let mut node = Node::new(&story, seed * 1_000 + delivery);
            node.run();
            assert_eq!(node.order, expected, "seed {seed}, delivery {delivery}");
            assert!(node.admitted.is_superset(&story.needed), "seed {seed}, delivery {delivery}");
            assert!(node.evidence.len() <= 1, "seed {seed}, delivery {delivery}");
            assert!(node.evidence.iter().all(|evidence| evidence.check() == Ok(())));
            forks_seen += node.evidence.len();
            assert_eq!(node.mesh.usage().pending, 0, "seed {seed}, delivery {delivery}");
        }
    }
    assert!(forks_seen > 500, "{forks_seen} forks were seen: the drawings have some");
}
