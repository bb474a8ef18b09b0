//! What happens to a core.

use crate::message::Message;
use qsdm_crypto::Verified;
pub use qsdm_mesh::PeerId;
use qsdm_mesh::{CellRef, CutRules};
use qsdm_primitives::{
    BlockId, CellHeader, CellId, Epoch, Evidence, Executed, ExecutionHash, QcRef, Round, ValidatorIndex, ValidatorSet,
};

/// Counts the records that a core asked to be made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistSeq(pub u64);

/// A timer that a core asked for. One that it no longer waits for is ignored when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerId {
    /// The end of a round. The second number tells a timer from the one that replaced it.
    Round(Round, u64),
    /// A leader without work proposes an empty block.
    Heartbeat(Round),
    /// Questions and epoch votes are repeated.
    Sync,
}

/// How an epoch ended, as execution computed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The epoch's last block.
    pub block: BlockId,
    /// State root after it.
    pub state_root: ExecutionHash,
    /// The validators of the next epoch.
    pub next: ValidatorSet,
    /// Gas and open submeshes of the next epoch.
    pub rules: CutRules,
}

/// What happens to a core.
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer sent something. Own messages come back this way too, signed, once they have left.
    Message(PeerId, Verified<Message>),
    /// A peer asks for the votes of a certificate.
    CertificateRequest(PeerId, QcRef),
    /// A timer fired.
    Timer(TimerId),
    /// A cell was admitted by the mesh and is stored durably. It is of the epoch that [`Core::status`](crate::Core::status)
    /// says: the core is in the next one before [`Action::EpochChanged`](crate::Action::EpochChanged) tells the mesh.
    CellHeld(CellRef),
    /// A validator says over its authenticated connection that it holds a cell.
    Acknowledged(ValidatorIndex, CellId),
    /// The own next cell of a lane is ready to be signed.
    WriteCell(Box<CellHeader>),
    /// The mesh found a proof of misbehaviour.
    Evidence(Verified<Evidence>),
    /// This record, all before it, and every block asked to be stored before it are durable.
    Durable(PersistSeq),
    /// A committed block was executed. The last block of an epoch brings its end.
    Executed(Executed, Option<Box<EpochEnd>>),
    /// The local clock in milliseconds since the Unix epoch. Comes before events that it matters to.
    Tick(u64),
    /// A peer sent something of another epoch, which can't be checked here.
    OtherEpoch(PeerId, Epoch),
}
