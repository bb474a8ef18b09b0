#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod addresses;
pub mod bindings;
mod catalogue;
mod config;
mod error;
mod plan;
pub mod roles;
mod track;

pub use catalogue::{Contract, contract_at, contracts};
pub use config::{GenesisConfig, GenesisValidator, RootSubmesh};
pub use error::Error;
pub use plan::genesis_plan;
pub use track::{Track, TrackSettings, UnknownTrack, epoch_seconds};
