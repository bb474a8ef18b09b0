//! Ethereum's RLP tests against the codec that everything here is encoded with.
#![allow(clippy::unwrap_used, reason = "a vector that reads otherwise is a failed test")]

use alloy_primitives::{U512, hex};
use alloy_rlp::{Encodable, Error, Header};
use qsdm_tests::vectors;
use serde_json::Value;

/// Anything RLP can say.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    Bytes(Vec<u8>),
    List(Vec<Item>),
}

impl Encodable for Item {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        match self {
            Self::Bytes(bytes) => bytes.as_slice().encode(out),
            Self::List(items) => {
                Header { list: true, payload_length: items.iter().map(Encodable::length).sum() }.encode(out);
                items.iter().for_each(|item| item.encode(out));
            }
        }
    }
}

/// Reads one item off the front.
fn decode(input: &mut &[u8]) -> Result<Item, Error> {
    let header = Header::decode(input)?;
    let (mut payload, rest) = input.split_at_checked(header.payload_length).ok_or(Error::InputTooShort)?;
    *input = rest;
    if !header.list {
        return Ok(Item::Bytes(payload.to_vec()));
    }
    let mut items = Vec::new();
    while !payload.is_empty() {
        items.push(decode(&mut payload)?);
    }
    Ok(Item::List(items))
}

/// Reads one item that is all there is.
fn decode_exact(mut input: &[u8]) -> Result<Item, Error> {
    let item = decode(&mut input)?;
    if input.is_empty() { Ok(item) } else { Err(Error::UnexpectedLength) }
}

/// What a test's `in` stands for: text as its bytes, a number (or `#` and one too large for JSON) without leading zeros.
fn item(value: &Value) -> Item {
    let number = |number: U512| Item::Bytes(number.to_be_bytes_trimmed_vec());
    match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => number(digits.parse().unwrap()),
            None => Item::Bytes(text.as_bytes().to_vec()),
        },
        Value::Number(small) => number(U512::from(small.as_u64().unwrap())),
        Value::Array(items) => Item::List(items.iter().map(item).collect()),
        other => panic!("the input of an RLP test is text, a number or a list, not {other}"),
    }
}

#[test]
fn encodings_are_those_of_ethereum_and_malformed_ones_are_refused() {
    let Some(folder) = vectors::ethereum("ethereum-tests/RLPTests").unwrap() else { return };
    let (mut valid, mut invalid) = (0, 0);
    for file in vectors::json_files(&folder).unwrap() {
        for (name, case) in vectors::cases(&file).unwrap() {
            let encoded = hex::decode(case["out"].as_str().unwrap()).unwrap();
            let decoded = decode_exact(&encoded);
            if case["in"] == "INVALID" {
                assert!(decoded.is_err(), "{name} is malformed but reads as {decoded:?}");
                invalid += 1;
                continue;
            }
            let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(hex::encode(alloy_rlp::encode(&decoded)), hex::encode(&encoded), "{name}");
            if case["in"] != "VALID" {
                assert_eq!(decoded, item(&case["in"]), "{name}");
            }
            valid += 1;
        }
    }
    assert!(valid > 0 && invalid > 0, "the archive has RLP tests: {valid} valid, {invalid} invalid");
}
