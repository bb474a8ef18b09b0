//! Naming a block: a tag, a height, a hash, or an object with one of the latter two (EIP-1898).

use super::number;
use alloy_primitives::{B256, hex::FromHex};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use std::fmt;

/// A named block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The newest block.
    Latest,
    /// The newest executed block; the order never reverts, so it is the latest one.
    Safe,
    /// The newest block whose hash the committee certified; in development the latest one.
    Finalized,
    /// The block that comes next.
    Pending,
    /// Block 0.
    Earliest,
}

/// What a caller means by a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockId {
    /// By name.
    Tag(Tag),
    /// By height.
    Number(u64),
    /// By hash.
    Hash(B256),
}

impl Default for BlockId {
    fn default() -> Self {
        Self::LATEST
    }
}

impl BlockId {
    /// What a left-out parameter means.
    pub(crate) const LATEST: Self = Self::Tag(Tag::Latest);

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        Ok(Self::Tag(match text {
            "latest" => Tag::Latest,
            "pending" => Tag::Pending,
            "safe" => Tag::Safe,
            "finalized" => Tag::Finalized,
            "earliest" => Tag::Earliest,
            // 0x and 32 bytes
            _ if text.len() == 66 => return B256::from_hex(text).map(Self::Hash).map_err(E::custom),
            _ => return number(text).map(Self::Number),
        }))
    }
}

impl<'de> Deserialize<'de> for BlockId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BlockIdVisitor)
    }
}

struct BlockIdVisitor;

impl<'de> Visitor<'de> for BlockIdVisitor {
    type Value = BlockId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "a block number, a block hash, an object with either, or one of latest, safe, finalized, pending, earliest",
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<BlockId, E> {
        BlockId::from_text(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<BlockId, E> {
        Ok(BlockId::Number(number))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<BlockId, A::Error> {
        /// `requireCanonical` is accepted and always met: there are no other blocks.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Object {
            block_hash: Option<BlockId>,
            block_number: Option<BlockId>,
            #[serde(rename = "requireCanonical")]
            _require_canonical: Option<bool>,
        }
        let object = Object::deserialize(de::value::MapAccessDeserializer::new(map))?;
        match (object.block_hash, object.block_number) {
            (Some(_), Some(_)) => {
                Err(de::Error::custom("cannot specify both blockHash and blockNumber, choose one or the other"))
            }
            (Some(hash @ BlockId::Hash(_)), None) => Ok(hash),
            (Some(_), None) => Err(de::Error::custom("blockHash: expected a hash of 32 bytes")),
            (None, Some(BlockId::Hash(_))) => Err(de::Error::custom("blockNumber: hex number > 64 bits")),
            (None, Some(number)) => Ok(number),
            (None, None) => Err(de::Error::custom("expected blockHash or blockNumber")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(text: &str) -> Result<BlockId, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_of_a_block_is_understood() {
        let hash = B256::repeat_byte(0xab);
        assert_eq!(decode(r#""latest""#), Ok(BlockId::LATEST));
        assert_eq!(decode(r#""pending""#), Ok(BlockId::Tag(Tag::Pending)));
        assert_eq!(decode(r#""0x10""#), Ok(BlockId::Number(16)));
        assert_eq!(decode("16"), Ok(BlockId::Number(16)));
        assert_eq!(decode(&format!(r#""{hash}""#)), Ok(BlockId::Hash(hash)));
        assert_eq!(decode(&format!(r#"{{"blockHash":"{hash}","requireCanonical":true}}"#)), Ok(BlockId::Hash(hash)));
        assert_eq!(decode(r#"{"blockNumber":"0x10"}"#), Ok(BlockId::Number(16)));
        assert_eq!(decode(r#"{"blockNumber":"safe"}"#), Ok(BlockId::Tag(Tag::Safe)));
    }

    #[test]
    fn everything_else_is_refused() {
        let hash = B256::ZERO;
        let both = format!(r#"{{"blockHash":"{hash}","blockNumber":"0x1"}}"#);
        for bad in ["{}", r#""2""#, r#""Latest""#, r#""""#, "true", "[]", r#"{"blockHash":"0x1"}"#, "-1", &both] {
            assert!(decode(bad).is_err(), "{bad}");
        }
        let nested = format!("{}1{}", r#"{"blockNumber":"#.repeat(100_000), "}".repeat(100_000));
        assert!(decode(&nested).is_err());
    }

    proptest! {
        #[test]
        fn a_height_survives_both_of_its_forms(height: u64) {
            prop_assert_eq!(decode(&format!(r#""{height:#x}""#)), Ok(BlockId::Number(height)));
            prop_assert_eq!(decode(&height.to_string()), Ok(BlockId::Number(height)));
        }
    }
}
