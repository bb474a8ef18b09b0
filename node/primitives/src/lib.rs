#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod genesis;
pub mod limits;
mod spec;
mod submesh;
pub mod system;

pub use genesis::{GenesisAccount, GenesisPlan, GenesisStep};
pub use spec::{ChainSpec, SPEC_VERSION, SpecError};
pub use submesh::SubmeshId;
