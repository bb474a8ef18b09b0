//! Where the committed chain stands.

use crate::schedule::Participation;
use qsdm_primitives::{
    BlockId, Epoch, Executed, Height, Round, Signers, ValidatorIndex,
    codec::{CodecError, Decode, Encode, Reader},
};
use std::sync::Arc;

/// Where the committed chain stands: all that the blocks to come depend on, but for the cut. The cut is what the lanes'
/// newest cut changes of this epoch say, and is kept as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitTip {
    /// The epoch that the next block belongs to.
    pub epoch: Epoch,
    /// Time of the epoch's first parent in milliseconds: its boundary comes an epoch's length later.
    pub epoch_start_ms: u64,
    /// The newest committed block.
    pub block: BlockId,
    /// Its height.
    pub height: Height,
    /// Its round; 0 where it is of the epoch before.
    pub round: Round,
    /// Its time.
    pub time_ms: u64,
    /// Who proposed it; nobody, where it is of the epoch before.
    pub proposer: Option<ValidatorIndex>,
    /// The newest ancestor by another proposer.
    pub seed: BlockId,
    /// What it says was executed.
    pub executed: Executed,
    /// Number of the newest EVM block that the chain makes.
    pub number: u64,
    /// Whether it is the last block of its epoch, or comes after it: what comes after it is never committed.
    pub is_over: bool,
    /// Round of the certificate that committed it; the safety record knows one at least as new.
    pub certified: Round,
    /// Who was found to have misbehaved in this epoch, for each kind of evidence.
    pub punished: [Signers; 3],
    /// Who proposed and voted how often in the last windows of rounds.
    pub participation: Arc<Participation>,
}

impl CommitTip {
    /// The tip before the first block of the chain.
    pub fn genesis(block: BlockId, time_ms: u64, executed: Executed) -> Self {
        Self {
            epoch: Epoch(0),
            epoch_start_ms: time_ms,
            block,
            height: Height(0),
            round: Round(0),
            time_ms,
            proposer: None,
            seed: block,
            executed,
            number: executed.number,
            is_over: false,
            certified: Round(0),
            punished: [Signers::NONE; 3],
            participation: Arc::default(),
        }
    }

    /// The tip of the next epoch before its first block.
    #[must_use]
    pub fn next_epoch(&self, epoch: Epoch) -> Self {
        Self {
            epoch,
            epoch_start_ms: self.time_ms,
            round: Round(0),
            proposer: None,
            seed: self.block,
            is_over: false,
            certified: Round(0),
            punished: [Signers::NONE; 3],
            participation: Arc::default(),
            ..self.clone()
        }
    }

    /// The authors whose lanes don't advance any more in this epoch.
    pub fn frozen(&self) -> Signers {
        self.punished.iter().fold(Signers::NONE, |all, some| all.union(*some))
    }
}

/// Version of the tip format, the first byte.
const TIP_VERSION: u8 = 1;

impl Encode for CommitTip {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(TIP_VERSION);
        self.epoch.encode(out);
        self.epoch_start_ms.encode(out);
        self.block.encode(out);
        self.height.encode(out);
        self.round.encode(out);
        self.time_ms.encode(out);
        self.proposer.encode(out);
        self.seed.encode(out);
        self.executed.encode(out);
        self.number.encode(out);
        u8::from(self.is_over).encode(out);
        self.certified.encode(out);
        self.punished.iter().for_each(|signers| signers.encode(out));
        self.participation.encode(out);
    }
}

impl Decode for CommitTip {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::decode(reader)? {
            TIP_VERSION => {}
            found => return Err(CodecError::Unknown { what: "version of a commit tip", found }),
        }
        Ok(Self {
            epoch: Decode::decode(reader)?,
            epoch_start_ms: Decode::decode(reader)?,
            block: Decode::decode(reader)?,
            height: Decode::decode(reader)?,
            round: Decode::decode(reader)?,
            time_ms: Decode::decode(reader)?,
            proposer: Decode::decode(reader)?,
            seed: Decode::decode(reader)?,
            executed: Decode::decode(reader)?,
            number: Decode::decode(reader)?,
            is_over: match u8::decode(reader)? {
                0 => false,
                1 => true,
                found => return Err(CodecError::Unknown { what: "truth value", found }),
            },
            certified: Decode::decode(reader)?,
            punished: [Decode::decode(reader)?, Decode::decode(reader)?, Decode::decode(reader)?],
            participation: Arc::new(Decode::decode(reader)?),
        })
    }
}
