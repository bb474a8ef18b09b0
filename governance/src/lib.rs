#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod decode;
mod draft;
mod error;
mod file;
mod ledger;
mod reader;
mod reputation;
mod revert;
mod status;
mod text;
mod value;

pub use decode::{DescribedAction, DescribedArgument, describe_action};
pub use draft::{Action, Draft, description_hash, proposal_id};
pub use error::Error;
pub use file::{ActionFile, ProposalFile};
pub use ledger::{Ledger, LedgerError, LedgerLog};
pub use reader::{Proposal, Reader, Tally, TrackView};
pub use reputation::{ReputationView, read_reputation};
pub use revert::explain_revert;
pub use status::{ProposalState, Step, Times};
pub use text::printable;
