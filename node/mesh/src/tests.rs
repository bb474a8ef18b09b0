//! What the crate promises, on drawn meshes.

mod conflicts;
mod cuts;
mod delivery;
mod epochs;
mod fetching;
mod forks;
mod orders;
mod pending;
mod planning;
mod quotas;
mod rules;
mod weights;

use crate::{
    CellError, Effect, Mesh, MeshConfig, Origin, PeerId,
    draw::{Drawing, MemoryStore},
};
use qsdm_primitives::{CellId, Evidence, ValidatorIndex};

/// Local time of most tests: nine seconds after the cells.
const NOW_MS: u64 = 10_000;
const PEER: PeerId = PeerId(1);

/// A drawing and a mesh that gets its cells.
struct World {
    drawing: Drawing,
    mesh: Mesh<MemoryStore>,
    now_ms: u64,
}

impl World {
    fn new(text: &str) -> Self {
        Self::with(text, |_| {})
    }

    fn of(text: &str, me: u16) -> Self {
        Self::with(text, |config| config.me = Some(ValidatorIndex(me)))
    }

    fn with(text: &str, change: impl FnOnce(&mut MeshConfig)) -> Self {
        let drawing = Drawing::parse(text).unwrap();
        let mut config = drawing.config(None);
        change(&mut config);
        Self { drawing, mesh: Mesh::new(config, MemoryStore::default()), now_ms: NOW_MS }
    }

    fn id(&self, name: &str) -> CellId {
        self.drawing.get(name).unwrap_or_else(|| panic!("{name} is not drawn")).id
    }

    fn give_from(&mut self, name: &str, origin: Origin, from: PeerId) -> Vec<Effect> {
        let drawn = self.drawing.get(name).unwrap_or_else(|| panic!("{name} is not drawn"));
        self.mesh.receive(drawn.cell.clone(), drawn.keys.clone(), from, origin, self.now_ms)
    }

    /// Gives cells one after the other and says what follows.
    fn give(&mut self, names: &str, origin: Origin) -> Vec<String> {
        let effects: Vec<Effect> =
            names.split_whitespace().flat_map(|name| self.give_from(name, origin, PEER)).collect();
        self.say(&effects)
    }

    fn push(&mut self, names: &str) -> Vec<String> {
        self.give(names, Origin::Pushed)
    }

    fn tick(&mut self, now_ms: u64) -> Vec<String> {
        self.now_ms = now_ms;
        let effects = self.mesh.tick(now_ms);
        self.say(&effects)
    }

    fn push_all(&mut self) {
        let names: Vec<String> = self.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
        for name in names {
            let effects = self.give_from(&name, Origin::Pushed, PEER);
            assert!(admitted(&effects).contains(&self.id(&name)), "{name}: {:?}", self.say(&effects));
        }
    }

    /// Commits cells.
    fn include(&mut self, names: &str) -> Vec<String> {
        let ids: Vec<CellId> = names.split_whitespace().map(|name| self.id(name)).collect();
        for name in names.split_whitespace() {
            let signed = self.drawing.get(name).unwrap().cell.signed.clone();
            self.mesh.store_mut().insert(signed);
        }
        let effects = self.mesh.include(&ids, self.now_ms);
        self.say(&effects)
    }

    fn say(&self, effects: &[Effect]) -> Vec<String> {
        let name = |id: &CellId| self.drawing.name(id);
        let one = |effect: &Effect| match effect {
            Effect::Admit { reference, .. } => format!("admit {}", name(&reference.id)),
            Effect::Wait { cell, reason, .. } => format!("wait {} {}", name(cell), short(reason)),
            Effect::Refuse { cell, error, .. } => format!("refuse {} {}", name(cell), short(error)),
            Effect::Fetch { cell, from } => format!("fetch {} {}", name(cell), from.0),
            Effect::Evidence(evidence) => format!("evidence {}", offender(evidence)),
            Effect::Conflict(set) => {
                let others: Vec<String> = set.others.iter().map(|(cell, _)| name(cell)).collect();
                format!("{:?} {} {}", set.kind, name(&set.newest.0), others.join(" "))
            }
        };
        effects.iter().map(one).collect()
    }
}

fn short(error: &CellError) -> String {
    match error.rule() {
        Some(rule) => format!("V{rule}"),
        None if matches!(error, CellError::TooManyUncommitted { .. }) => "room".to_owned(),
        None => "quota".to_owned(),
    }
}

fn offender(evidence: &Evidence) -> char {
    assert_eq!(evidence.check(), Ok(()), "it proves something");
    char::from(b'a' + u8::try_from(evidence.offender().0).unwrap())
}

fn admitted(effects: &[Effect]) -> Vec<CellId> {
    let id = |effect: &Effect| match effect {
        Effect::Admit { reference, .. } => Some(reference.id),
        _ => None,
    };
    effects.iter().filter_map(id).collect()
}

/// What one cell is refused or made to wait for.
fn verdict(effects: &[Effect], id: CellId) -> Option<CellError> {
    effects.iter().find_map(|effect| match effect {
        Effect::Wait { cell, reason: error, .. } | Effect::Refuse { cell, error, .. } if *cell == id => {
            Some(error.clone())
        }
        _ => None,
    })
}

/// Two lanes that entangle each other: a and b in turn, `cells` each.
fn ladder(cells: usize) -> String {
    let mut text = "a0: R R\nb0: R a0\n".to_owned();
    for seq in 1..cells {
        text += &format!("a{seq}: a{} b{}\nb{seq}: b{} a{seq}\n", seq - 1, seq - 1, seq - 1);
    }
    text
}
