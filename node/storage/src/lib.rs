#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod codec;
mod error;
mod folder;
mod index;
mod journal;
mod mesh;
mod pending;
mod readers;
mod safety;
mod schema;
mod seal;
mod store;

pub use error::StorageError;
pub use journal::{JournalRecord, PoolJournal, Recovered};
pub use mesh::{EndedEpoch, MeshBatch, MeshRecovery, MeshStore, Skipped, StoredCommit};
pub use safety::{SafetyLog, SafetyLogError, SafetyReport};
pub use store::{CheckReport, Progress, Store};
