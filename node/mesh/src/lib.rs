#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cell_ref;
mod config;
mod conflict;
mod cut;
#[cfg(any(test, feature = "test-support"))]
pub mod draw;
mod effect;
mod error;
mod fetch;
mod held;
mod mesh;
mod order;
mod origin;
mod pending;
mod pin;
pub mod ports;
mod quota;
#[cfg(test)]
mod tests;
mod validity;

pub use cell_ref::{CellRef, Place, Tip};
pub use config::{MeshConfig, Phase, SubmeshRules};
pub use conflict::{ConflictKind, ConflictSet, TransactionKey};
pub use cut::{CellSource, Cut, CutRules, CutView, extend, propose};
pub use effect::Effect;
pub use error::{CellError, CutError, PlanError, Severity};
pub use mesh::{CellPlan, Mesh, Usage};
pub use order::order;
pub use origin::{Origin, PeerId};
pub use pin::pinned_author;
