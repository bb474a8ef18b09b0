#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod block;
mod cell;
mod certificate;
pub mod codec;
#[cfg(feature = "compression")]
pub mod compression;
mod evidence;
pub mod genesis;
mod ids;
pub mod limits;
mod signature;
mod signers;
mod spec;
mod statement;
mod submesh;
pub mod system;
mod validators;

pub use block::{Block, BlockBody, BlockHeader, CutChange, Executed, SignedBlockHeader};
pub use cell::{Cell, CellBody, CellHeader, Dimension, Links, SignedCellHeader, root_cell};
pub use certificate::{
    EpochCertificate, EpochClaim, EpochVote, QcRef, QuorumCertificate, Timeout, TimeoutCertificate, TimeoutEntry,
    TimeoutStatement, Vote, VoteStatement,
};
pub use evidence::{Evidence, EvidenceError, EvidenceKind};
pub use genesis::{GenesisAccount, GenesisPlan, GenesisStep};
pub use ids::{BlockId, BodyHash, CellId, Epoch, ExecutionHash, Height, LaneId, Round, SetId, ValidatorIndex};
pub use signature::{Algorithm, PublicKey, Signature};
pub use signers::Signers;
pub use spec::{ChainSpec, SPEC_VERSION, SpecError};
pub use statement::{Domain, Statement, hash_of};
pub use submesh::SubmeshId;
pub use validators::{SetError, Validator, ValidatorSet};
