//! Values of proposal files to ABI values, and ABI values to text.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, I256, U256, hex};
use core::fmt::Write;
use toml::Value;

/// Characters of a text that a message repeats at most.
const SHOWN_CHARACTERS: usize = 96;

/// Reads a TOML value as an ABI type; the error is what was found.
pub(crate) fn encode(value: &Value, expected: &DynSolType) -> Result<DynSolValue, String> {
    let converted = match (expected, value) {
        (DynSolType::Bool, Value::Boolean(flag)) => Some(DynSolValue::Bool(*flag)),
        (DynSolType::String, Value::String(text)) => Some(DynSolValue::String(text.clone())),
        (DynSolType::Address, Value::String(text)) => address(text).map(DynSolValue::Address),
        (DynSolType::Bytes, Value::String(text)) => bytes(text).map(DynSolValue::Bytes),
        (DynSolType::FixedBytes(size), Value::String(text)) => bytes(text)
            .filter(|bytes| bytes.len() == *size)
            .map(|bytes| DynSolValue::FixedBytes(B256::right_padding_from(&bytes), *size)),
        (DynSolType::Uint(bits), value) => unsigned(value, *bits).map(|number| DynSolValue::Uint(number, *bits)),
        (DynSolType::Int(bits), value) => signed(value, *bits).map(|number| DynSolValue::Int(number, *bits)),
        (DynSolType::Array(inner), Value::Array(items)) => Some(DynSolValue::Array(list(items, inner)?)),
        (DynSolType::FixedArray(inner, size), Value::Array(items)) if items.len() == *size => {
            Some(DynSolValue::FixedArray(list(items, inner)?))
        }
        (DynSolType::Tuple(types), Value::Array(items)) if items.len() == types.len() => {
            Some(DynSolValue::Tuple(each(items.iter().zip(types))?))
        }
        (DynSolType::CustomStruct { prop_names, tuple, .. }, Value::Table(table)) => {
            Some(fields(table, prop_names, tuple)?)
        }
        (DynSolType::CustomStruct { tuple, .. }, Value::Array(items)) if items.len() == tuple.len() => {
            Some(DynSolValue::Tuple(each(items.iter().zip(tuple))?))
        }
        _ => None,
    };
    converted.ok_or_else(|| found(value, expected))
}

fn list(items: &[Value], inner: &DynSolType) -> Result<Vec<DynSolValue>, String> {
    each(items.iter().map(|item| (item, inner)))
}

fn each<'a>(pairs: impl Iterator<Item = (&'a Value, &'a DynSolType)>) -> Result<Vec<DynSolValue>, String> {
    let encoded = pairs.enumerate().map(|(position, (value, expected))| {
        encode(value, expected).map_err(|found| format!("{found} in element {} ({expected})", position + 1))
    });
    encoded.collect()
}

/// A struct by the names of its fields: all of them, and no others.
fn fields(
    table: &toml::map::Map<String, Value>,
    names: &[String],
    types: &[DynSolType],
) -> Result<DynSolValue, String> {
    if let Some(unknown) = table.keys().find(|key| !names.contains(key)) {
        return Err(format!("a field `{unknown}`; the fields are {}", names.join(", ")));
    }
    let mut values = Vec::with_capacity(names.len());
    for (name, expected) in names.iter().zip(types) {
        let value = table.get(name).ok_or_else(|| format!("no field `{name}` ({expected})"))?;
        values.push(encode(value, expected).map_err(|found| format!("{found} in field `{name}` ({expected})"))?);
    }
    Ok(DynSolValue::Tuple(values))
}

/// What was found instead of `expected`, with what is wrong with it where that is not plain to see.
pub(crate) fn found(value: &Value, expected: &DynSolType) -> String {
    let shown = show_toml(value);
    match (expected, value) {
        (DynSolType::Address, Value::String(text)) if bytes(text).is_some_and(|bytes| bytes.len() == 20) => {
            format!("{shown}, whose checksum is wrong: check every digit")
        }
        (DynSolType::FixedBytes(_), Value::String(text)) => match bytes(text) {
            Some(bytes) => format!("{shown} of {} bytes", bytes.len()),
            None => shown,
        },
        _ => shown,
    }
}

pub(crate) fn address(text: &str) -> Option<Address> {
    // mixed case is a checksum (EIP-55), and one that is wrong is a typing error
    let digits = text.strip_prefix("0x")?;
    let mixed =
        digits.bytes().any(|byte| byte.is_ascii_lowercase()) && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if mixed { Address::parse_checksummed(text, None).ok() } else { text.parse().ok() }
}

pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

fn unsigned(value: &Value, bits: usize) -> Option<U256> {
    let number = match value {
        Value::Integer(number) => U256::from(u64::try_from(*number).ok()?),
        Value::String(text) => number_text(text)?,
        _ => return None,
    };
    (number.bit_len() <= bits).then_some(number)
}

/// Decimal with `_` between digits, or hex with 0x.
fn number_text(text: &str) -> Option<U256> {
    if let Some(digits) = text.strip_prefix("0x") {
        let valid = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return valid.then(|| U256::from_str_radix(digits, 16).ok())?;
    }
    let valid = text.split('_').all(|group| !group.is_empty() && group.bytes().all(|digit| digit.is_ascii_digit()));
    valid.then(|| U256::from_str_radix(&text.replace('_', ""), 10).ok())?
}

fn signed(value: &Value, bits: usize) -> Option<I256> {
    let number = match value {
        Value::Integer(number) => I256::try_from(*number).ok()?,
        Value::String(text) => match text.strip_prefix('-') {
            Some(rest) => I256::checked_from_sign_and_abs(alloy_primitives::Sign::Negative, number_text(rest)?)?,
            None => I256::try_from(number_text(text)?).ok()?,
        },
        _ => return None,
    };
    (number.bits() as usize <= bits).then_some(number)
}

fn show_toml(value: &Value) -> String {
    match value {
        Value::String(text) => match text.char_indices().nth(SHOWN_CHARACTERS) {
            Some((end, _)) => format!("the text {:?}… ({} bytes)", &text[..end], text.len()),
            None => format!("the text {text:?}"),
        },
        Value::Integer(number) => format!("the number {number}"),
        Value::Float(number) => format!("the fraction {number} (write whole numbers, large ones as text)"),
        Value::Boolean(flag) => format!("{flag}"),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "a table".to_owned(),
        Value::Datetime(date) => format!("the date {date}"),
    }
}

/// An ABI value for people: names of fields, addresses with their contract's name, texts in quotes.
pub(crate) fn show(value: &DynSolValue) -> String {
    let mut out = String::new();
    // writing to a string cannot fail
    let _ = write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &DynSolValue) -> core::fmt::Result {
    match value {
        DynSolValue::Bool(flag) => write!(out, "{flag}"),
        DynSolValue::Int(number, _) => write!(out, "{number}"),
        DynSolValue::Uint(number, _) => write!(out, "{number}"),
        DynSolValue::FixedBytes(word, size) => write!(out, "{}", hex::encode_prefixed(&word[..*size])),
        DynSolValue::Address(address) => write_address(out, *address),
        DynSolValue::Function(function) => write!(out, "{function}"),
        DynSolValue::Bytes(bytes) => write!(out, "{}", hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => write!(out, "{text:?}"),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => write_list(out, '[', items, None, ']'),
        DynSolValue::Tuple(items) => write_list(out, '(', items, None, ')'),
        DynSolValue::CustomStruct { prop_names, tuple, .. } => write_list(out, '{', tuple, Some(prop_names), '}'),
    }
}

fn write_address(out: &mut String, address: Address) -> core::fmt::Result {
    match qsdm_contracts::addresses::name_of(address) {
        Some(name) => write!(out, "{address} ({name})"),
        None => write!(out, "{address}"),
    }
}

fn write_list(
    out: &mut String,
    open: char,
    items: &[DynSolValue],
    names: Option<&[String]>,
    close: char,
) -> core::fmt::Result {
    out.push(open);
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        if let Some(name) = names.and_then(|names| names.get(position)) {
            write!(out, "{name}: ")?;
        }
        write_value(out, item)?;
    }
    out.push(close);
    Ok(())
}
