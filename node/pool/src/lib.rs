#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod audit;
mod best;
mod check;
mod config;
mod dropped;
mod entry;
mod error;
mod heads;
mod inner;
mod pool;
mod queue;
mod recover;
mod room;
mod sender;
mod view;

pub use best::BestTransactions;
pub use config::{PoolConfig, PoolEnv, Submission};
pub use dropped::DropReason;
pub use error::PoolError;
pub use pool::{Added, Pool};
pub use recover::{encode, recover_raw, recover_raw_unprotected};
pub use view::{BySender, Content};
