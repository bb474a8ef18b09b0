//! Names of things: hashes that identify, and numbers that count.

use crate::{
    SubmeshId,
    codec::{CodecError, Decode, Encode, Reader},
};
use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The first four bytes in hex: enough to follow one in a log.
            pub fn short(&self) -> impl fmt::Display + use<> {
                Short([self.0[0], self.0[1], self.0[2], self.0[3]])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                reader.array().map(Self)
            }
        }
    };
}

struct Short([u8; 4]);

impl fmt::Display for Short {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

hash_id! {
    /// BLAKE3-256 of a cell's canonical header.
    CellId
}
hash_id! {
    /// BLAKE3-256 of a block's canonical header.
    BlockId
}
hash_id! {
    /// BLAKE3-256 of a validator set's canonical encoding.
    SetId
}
hash_id! {
    /// What execution computed: the hash of an EVM block, or a state root.
    ExecutionHash
}
hash_id! {
    /// BLAKE3-256 of a cell's or a block's canonical body.
    BodyHash
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The next one, or `None` where the numbers end.
            pub fn next(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }

            /// Whether `self` comes directly after `other`.
            pub fn follows(self, other: Self) -> bool {
                other.next() == Some(self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                Decode::decode(reader).map(Self)
            }
        }
    };
}

counter! {
    /// A term of one validator set. Lanes, rounds and certificates belong to one epoch.
    Epoch, u64
}
counter! {
    /// A try to extend the chain, within an epoch. 0 is the epoch's start; the first block has round 1 or later.
    Round, u64
}
counter! {
    /// Number of ancestors of a block of the consensus chain, over all epochs. EVM blocks are numbered apart, because
    /// an empty block makes none.
    Height, u64
}
counter! {
    /// Place of a validator in its epoch's [`ValidatorSet`](crate::ValidatorSet).
    ValidatorIndex, u16
}

impl Encode for SubmeshId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for SubmeshId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Decode::decode(reader).map(Self)
    }
}

/// One author's chain of cells in one submesh. The epoch is known from where a lane is named: no link crosses an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId {
    /// The submesh.
    pub submesh: SubmeshId,
    /// The author.
    pub author: ValidatorIndex,
}

impl fmt::Display for LaneId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.submesh, self.author)
    }
}

impl Encode for LaneId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.submesh.encode(out);
        self.author.encode(out);
    }
}

impl Decode for LaneId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { submesh: Decode::decode(reader)?, author: Decode::decode(reader)? })
    }
}
