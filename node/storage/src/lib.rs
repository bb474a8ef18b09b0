#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod codec;
mod error;
mod folder;
mod index;
mod journal;
mod pending;
mod readers;
mod schema;
mod seal;
mod store;

pub use error::StorageError;
pub use journal::{JournalRecord, PoolJournal, Recovered};
pub use store::{CheckReport, Progress, Store};
