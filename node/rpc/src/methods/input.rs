//! Decoding what callers send: stricter than the decoders of the types themselves, which accept hex without 0x.

use alloy_primitives::{Address, B256, Bytes, U256, hex::FromHex};
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use std::{fmt, marker::PhantomData};

mod block_id;
mod log_filter;

pub(crate) use block_id::{BlockId, Tag};
pub(crate) use log_filter::LogFilter;

/// Hex with 0x in front.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Prefixed<T>(pub(crate) T);

pub(crate) type AddressInput = Prefixed<Address>;
pub(crate) type HashInput = Prefixed<B256>;
pub(crate) type BytesInput = Prefixed<Bytes>;

impl<'de, T: FromHex<Error: fmt::Display>> Deserialize<'de> for Prefixed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PrefixedVisitor(PhantomData))
    }
}

struct PrefixedVisitor<T>(PhantomData<T>);

impl<T: FromHex<Error: fmt::Display>> Visitor<'_> for PrefixedVisitor<T> {
    type Value = Prefixed<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a hex string with 0x prefix")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let digits = digits(text)?;
        // the decoder would take a second prefix
        if digits.starts_with("0x") {
            return Err(E::custom("invalid hex string"));
        }
        T::from_hex(digits).map(Prefixed).map_err(E::custom)
    }
}

/// What follows the 0x.
fn digits<E: de::Error>(text: &str) -> Result<&str, E> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => Ok(digits),
        None if text.is_empty() => Err(E::custom("empty hex string")),
        None => Err(E::custom("hex string without 0x prefix")),
    }
}

/// A number up to 2^64 − 1: hex with 0x in front, or a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a hex number with 0x prefix")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                number(text).map(Number)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

fn number<E: de::Error>(text: &str) -> Result<u64, E> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err(E::custom("hex string \"0x\"; zero is 0x0"));
    }
    // from_str_radix alone would take a sign
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(E::custom("invalid hex string"));
    }
    u64::from_str_radix(digits, 16).map_err(|_| E::custom("hex number > 64 bits"))
}

/// A storage slot: up to 32 bytes of hex, with or without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotInput {
    pub(crate) slot: U256,
    /// Whether all 32 bytes were written.
    pub(crate) full: bool,
}

impl<'de> Deserialize<'de> for SlotInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SlotVisitor;

        impl Visitor<'_> for SlotVisitor {
            type Value = SlotInput;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a storage slot as a hex string with 0x prefix")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SlotInput, E> {
                let digits = digits(text)?;
                if digits.len() > 64 {
                    let bytes = digits.len().div_ceil(2);
                    return Err(E::custom(format_args!("storage key too long (want at most 32 bytes, have {bytes})")));
                }
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(E::custom("invalid hex in storage key"));
                }
                let slot = if digits.is_empty() { Ok(U256::ZERO) } else { U256::from_str_radix(digits, 16) };
                Ok(SlotInput { slot: slot.map_err(E::custom)?, full: digits.len() > 62 })
            }
        }

        deserializer.deserialize_str(SlotVisitor)
    }
}

/// A list with an upper limit that is checked while it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtMost<T, const MAX: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for AtMost<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
            type Value = AtMost<T, MAX>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a list of at most {MAX}")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    if items.len() == MAX {
                        return Err(de::Error::custom(format_args!("too many entries (max {MAX})")));
                    }
                    items.push(item);
                }
                Ok(AtMost(items))
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn hex_needs_its_prefix_and_its_length() {
        let address = format!(r#""0x{}""#, "ab".repeat(20));
        assert!(decode::<AddressInput>(&address).is_ok());
        let bare = format!(r#""{}""#, "ab".repeat(20));
        assert!(decode::<AddressInput>(&bare).unwrap_err().contains("without 0x prefix"));
        for bad in [r#""0x""#, r#""0xab""#, r#""""#, r#""0xzz""#, "7", "null", "[]"] {
            assert!(decode::<AddressInput>(bad).is_err(), "{bad}");
            assert!(decode::<HashInput>(bad).is_err(), "{bad}");
        }
        assert!(decode::<BytesInput>(r#""0xabc""#).is_err());
        assert_eq!(decode::<BytesInput>(r#""0x""#).unwrap().0, Bytes::new());
    }

    #[test]
    fn numbers_are_hex_or_json_and_fit_in_64_bits() {
        assert_eq!(decode::<Number>(r#""0x10""#), Ok(Number(16)));
        assert_eq!(decode::<Number>("16"), Ok(Number(16)));
        assert_eq!(decode::<Number>(r#""0xffffffffffffffff""#), Ok(Number(u64::MAX)));
        for bad in [r#""16""#, r#""0x""#, r#""0x10000000000000000""#, r#""0x+1""#, "-1", "1.5", "{}"] {
            assert!(decode::<Number>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_slot_may_be_short_or_whole() {
        assert_eq!(decode::<SlotInput>(r#""0x1""#), Ok(SlotInput { slot: U256::from(1), full: false }));
        let whole = format!(r#""0x{:064x}""#, 7);
        assert_eq!(decode::<SlotInput>(&whole), Ok(SlotInput { slot: U256::from(7), full: true }));
        let long = format!(r#""0x{:066x}""#, 7);
        assert!(decode::<SlotInput>(&long).unwrap_err().contains("have 33"));
    }

    #[test]
    fn a_list_ends_at_its_limit() {
        assert_eq!(decode::<AtMost<u8, 2>>("[1,2]"), Ok(AtMost(vec![1, 2])));
        assert!(decode::<AtMost<u8, 2>>("[1,2,3]").unwrap_err().contains("max 2"));
    }
}
