//! Numbers in the form of Ethereum's JSON-RPC.

use alloy_primitives::U256;
use serde::{Serialize, Serializer, ser};
use std::str;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Written as hex without leading zeros: a QUANTITY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quantity<T>(pub(crate) T);

impl Serialize for Quantity<u64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shortest(&self.0.to_be_bytes(), serializer)
    }
}

impl Serialize for Quantity<u128> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shortest(&self.0.to_be_bytes(), serializer)
    }
}

impl Serialize for Quantity<U256> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shortest(&self.0.to_be_bytes::<32>(), serializer)
    }
}

impl Serialize for Quantity<usize> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shortest(&self.0.to_be_bytes(), serializer)
    }
}

fn shortest<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = [0; 66];
    text[..2].copy_from_slice(b"0x");
    let mut end = 2;
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            if end > 2 || digit > 0 {
                text[end] = DIGITS[usize::from(digit)];
                end += 1;
            }
        }
    }
    if end == 2 {
        text[end] = b'0';
        end += 1;
    }
    serializer.serialize_str(str::from_utf8(&text[..end]).map_err(ser::Error::custom)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap()
    }

    #[test]
    fn the_bounds_of_every_width_are_written() {
        assert_eq!(text(Quantity(0u64)), r#""0x0""#);
        assert_eq!(text(Quantity(16u64)), r#""0x10""#);
        assert_eq!(text(Quantity(u64::MAX)), format!(r#""0x{}""#, "f".repeat(16)));
        assert_eq!(text(Quantity(u128::MAX)), format!(r#""0x{}""#, "f".repeat(32)));
        assert_eq!(text(Quantity(U256::ZERO)), r#""0x0""#);
        assert_eq!(text(Quantity(U256::MAX)), format!(r#""0x{}""#, "f".repeat(64)));
    }

    proptest! {
        #[test]
        fn a_quantity_is_what_the_formatter_writes(value: u128) {
            prop_assert_eq!(text(Quantity(value)), format!(r#""{value:#x}""#));
            prop_assert_eq!(text(Quantity(U256::from(value))), format!(r#""{value:#x}""#));
        }
    }
}
