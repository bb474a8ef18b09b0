//! Numbers as development tools send them: hex, decimal text or JSON numbers.

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// A number up to 2^256 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DevQuantity(pub(super) U256);

/// A number up to 2^64 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DevNumber(pub(super) u64);

struct QuantityVisitor;

impl de::Visitor<'_> for QuantityVisitor {
    type Value = DevQuantity;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number: JSON, decimal text, or hex with 0x prefix")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<DevQuantity, E> {
        Ok(DevQuantity(U256::from(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<DevQuantity, E> {
        // JavaScript writes large whole numbers with an exponent
        if value.is_finite() && value >= 0.0 && value.fract() == 0.0 && value < 2f64.powi(128) {
            return Ok(DevQuantity(U256::from(value as u128)));
        }
        Err(E::custom(format_args!("{value} is not a whole number from 0 on")))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DevQuantity, E> {
        let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
                U256::from_str_radix(digits, 16).ok()
            }
            None if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) => {
                U256::from_str_radix(text, 10).ok()
            }
            _ => None,
        };
        parsed.map(DevQuantity).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for DevQuantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

impl<'de> Deserialize<'de> for DevNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let DevQuantity(value) = Deserialize::deserialize(deserializer)?;
        u64::try_from(value)
            .map(Self)
            .map_err(|_| de::Error::custom(format_args!("{value} is above the limit of {}", u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<u64, String> {
        serde_json::from_str::<DevNumber>(text).map(|number| number.0).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_that_tools_send_is_read() {
        for text in ["16", "\"16\"", "\"0x10\"", "\"0X10\"", "\"0x0010\"", "1.6e1"] {
            assert_eq!(decode(text), Ok(16), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["-1", "1.5", "\"\"", "\"0x\"", "\"0xg\"", "\"+1\"", "\"-1\"", "true", "[1]", "1e200"] {
            assert!(decode(text).is_err(), "{text}");
        }
        assert!(decode("\"0x10000000000000000\"").unwrap_err().contains("above the limit"));
    }
}
