//! Signatures and public keys as bytes with their algorithm. What they prove is `qsdm-crypto`'s matter.

use crate::codec::{CodecError, Decode, Encode, Reader};
use alloy_primitives::Bytes;
use core::fmt;

/// A parameter set of ML-DSA (FIPS 204, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Security category 2.
    MlDsa44 = 1,
    /// Security category 3: cells, votes and blocks.
    MlDsa65 = 2,
    /// Security category 5.
    MlDsa87 = 3,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    /// Length of a public key in bytes (FIPS 204, table 2).
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::MlDsa44 => 1_312,
            Self::MlDsa65 => 1_952,
            Self::MlDsa87 => 2_592,
        }
    }

    /// Length of a signature in bytes (FIPS 204, table 2).
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::MlDsa44 => 2_420,
            Self::MlDsa65 => 3_309,
            Self::MlDsa87 => 4_627,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        })
    }
}

impl Encode for Algorithm {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Algorithm {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let found = u8::decode(reader)?;
        let known = Self::ALL.into_iter().find(|algorithm| *algorithm as u8 == found);
        known.ok_or(CodecError::Unknown { what: "signature algorithm", found })
    }
}

macro_rules! tagged_bytes {
    ($(#[$doc:meta])* $name:ident, $length:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            algorithm: Algorithm,
            bytes: Bytes,
        }

        impl $name {
            /// Takes bytes of any length: a wrong one is refused on decoding and by every verifier.
            pub fn new(algorithm: Algorithm, bytes: impl Into<Bytes>) -> Self {
                Self { algorithm, bytes: bytes.into() }
            }

            /// The parameter set.
            pub fn algorithm(&self) -> Algorithm {
                self.algorithm
            }

            /// The bytes that FIPS 204 defines.
            pub fn bytes(&self) -> &[u8] {
                &self.bytes
            }

            /// Whether there are as many bytes as the algorithm has.
            pub fn has_right_length(&self) -> bool {
                self.bytes.len() == self.algorithm.$length()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({}, {} bytes)"), self.algorithm, self.bytes.len())
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.algorithm.encode(out);
                out.extend_from_slice(&self.bytes);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                let algorithm = Algorithm::decode(reader)?;
                let bytes = reader.take(algorithm.$length())?;
                Ok(Self { algorithm, bytes: Bytes::copy_from_slice(bytes) })
            }
        }
    };
}

tagged_bytes! {
    /// A signature: the algorithm's byte and as many bytes as it has.
    Signature, signature_bytes
}
tagged_bytes! {
    /// A public key: the algorithm's byte and as many bytes as it has.
    PublicKey, public_key_bytes
}
