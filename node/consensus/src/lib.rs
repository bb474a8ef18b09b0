#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod action;
mod aggregate;
mod config;
mod core;
mod error;
mod event;
mod message;
mod mutant;
mod record;
mod schedule;
mod tip;
mod tree;

pub use action::{Action, CommittedBlock, FetchRequest, HaltReason, Unsigned, UnsignedBlock};
pub use config::{Config, Parameters};
pub use core::{Core, RecoverError, Recovery, Status};
pub use error::BlockError;
pub use event::{EpochEnd, Event, PeerId, PersistSeq, TimerId};
pub use message::{Message, MessageKind};
#[cfg(feature = "mutants")]
pub use mutant::Mutant;
pub use record::{LogError, SafetyRecord, append_to_log, read_log};
pub use tip::CommitTip;
