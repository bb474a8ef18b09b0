//! What is told to everybody, and passed on.

use qsdm_primitives::{
    BlockId, CellId, Epoch, Height, LaneId,
    codec::{CodecError, Decode, Encode, Reader},
};

/// What is told to everybody, and passed on by those whose node accepts it. It is not signed: whoever acts on it fetches
/// what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// There is a new cell.
    Cell {
        /// Which.
        id: CellId,
        /// The lane's epoch.
        epoch: Epoch,
        /// Its lane.
        lane: LaneId,
        /// Its place there.
        seq: u64,
    },
    /// The chain has become longer.
    Height {
        /// Epoch of the newest committed block.
        epoch: Epoch,
        /// Its height.
        height: Height,
        /// The block.
        block: BlockId,
    },
}

impl Encode for Announcement {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Cell { id, epoch, lane, seq } => {
                out.push(1);
                id.encode(out);
                epoch.encode(out);
                lane.encode(out);
                seq.encode(out);
            }
            Self::Height { epoch, height, block } => {
                out.push(2);
                epoch.encode(out);
                height.encode(out);
                block.encode(out);
            }
        }
    }
}

impl Decode for Announcement {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::decode(reader)? {
            1 => Self::Cell {
                id: CellId::decode(reader)?,
                epoch: Epoch::decode(reader)?,
                lane: LaneId::decode(reader)?,
                seq: u64::decode(reader)?,
            },
            2 => Self::Height {
                epoch: Epoch::decode(reader)?,
                height: Height::decode(reader)?,
                block: BlockId::decode(reader)?,
            },
            found => return Err(CodecError::Unknown { what: "kind of announcement", found }),
        })
    }
}
