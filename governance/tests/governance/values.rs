//! Random values of random types: from a file to calldata and back.

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
use alloy_json_abi::Function;
use alloy_primitives::{Address, B256, I256, U256, hex};
use proptest::{collection::vec, prelude::*};
use qsdm_governance::ProposalFile;
use toml::{Table, Value};

const STRANGER: &str = "0x1111111111111111111111111111111111111111";

fn kind() -> impl Strategy<Value = DynSolType> {
    let leaf = prop_oneof![
        Just(DynSolType::Bool),
        Just(DynSolType::Address),
        Just(DynSolType::Bytes),
        Just(DynSolType::String),
        (1..=32_usize).prop_map(DynSolType::FixedBytes),
        (1..=32_usize).prop_map(|bytes| DynSolType::Uint(8 * bytes)),
        (1..=32_usize).prop_map(|bytes| DynSolType::Int(8 * bytes)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|kind| DynSolType::Array(Box::new(kind))),
            (inner.clone(), 1..4_usize).prop_map(|(kind, size)| DynSolType::FixedArray(Box::new(kind), size)),
            vec(inner, 1..4).prop_map(DynSolType::Tuple),
        ]
    })
}

/// A word that is small, large or anything between.
fn word() -> impl Strategy<Value = U256> {
    (any::<[u8; 32]>(), 0..=256_usize).prop_map(|(bytes, shift)| U256::from_be_bytes(bytes).wrapping_shr(shift))
}

fn all(kinds: &[DynSolType]) -> BoxedStrategy<Vec<DynSolValue>> {
    kinds.iter().map(value).collect::<Vec<_>>().boxed()
}

fn value(kind: &DynSolType) -> BoxedStrategy<DynSolValue> {
    match kind.clone() {
        DynSolType::Bool => any::<bool>().prop_map(DynSolValue::Bool).boxed(),
        DynSolType::Address => any::<[u8; 20]>().prop_map(|bytes| DynSolValue::Address(bytes.into())).boxed(),
        DynSolType::Bytes => vec(any::<u8>(), 0..70).prop_map(DynSolValue::Bytes).boxed(),
        DynSolType::FixedBytes(size) => vec(any::<u8>(), size)
            .prop_map(move |bytes| DynSolValue::FixedBytes(B256::right_padding_from(&bytes), size))
            .boxed(),
        DynSolType::Uint(bits) => {
            word().prop_map(move |word| DynSolValue::Uint(word & (U256::MAX >> (256 - bits)), bits)).boxed()
        }
        DynSolType::Int(bits) => word()
            .prop_map(move |word| DynSolValue::Int(I256::from_raw(word << (256 - bits)).asr(256 - bits), bits))
            .boxed(),
        DynSolType::Array(inner) => vec(value(&inner), 0..4).prop_map(DynSolValue::Array).boxed(),
        DynSolType::FixedArray(inner, size) => vec(value(&inner), size).prop_map(DynSolValue::FixedArray).boxed(),
        DynSolType::Tuple(kinds) => all(&kinds).prop_map(DynSolValue::Tuple).boxed(),
        _ => "(.|\n){0,40}".prop_map(DynSolValue::String).boxed(),
    }
}

/// As a member would write it: small numbers plain, large ones as text, in decimal or hex.
fn written(value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(flag) => Value::Boolean(*flag),
        DynSolValue::String(text) => Value::String(text.clone()),
        DynSolValue::Address(address) if address[0] % 2 == 0 => Value::String(address.to_string()),
        DynSolValue::Address(address) => Value::String(address.to_string().to_lowercase()),
        DynSolValue::Bytes(bytes) => Value::String(hex::encode_prefixed(bytes)),
        DynSolValue::FixedBytes(word, size) => Value::String(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Uint(number, _) => match i64::try_from(*number) {
            Ok(number) => Value::Integer(number),
            Err(_) if number.bit(0) => Value::String(number.to_string()),
            Err(_) => Value::String(format!("{number:#x}")),
        },
        DynSolValue::Int(number, _) => {
            i64::try_from(*number).map_or_else(|_| Value::String(number.to_string()), Value::Integer)
        }
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            Value::Array(items.iter().map(written).collect())
        }
        other => panic!("{other:?} is not made here"),
    }
}

fn signature(kind: &DynSolType) -> String {
    match kind {
        DynSolType::Array(inner) => format!("{}[]", signature(inner)),
        DynSolType::FixedArray(inner, size) => format!("{}[{size}]", signature(inner)),
        DynSolType::Tuple(kinds) => format!("({})", signatures(kinds)),
        plain => plain.to_string(),
    }
}

fn signatures(kinds: &[DynSolType]) -> String {
    kinds.iter().map(signature).collect::<Vec<_>>().join(",")
}

fn file(function: &str, args: Vec<Value>) -> String {
    let action = Table::from_iter([
        ("target".to_owned(), Value::String(STRANGER.to_owned())),
        ("fn".to_owned(), Value::String(function.to_owned())),
        ("args".to_owned(), Value::Array(args)),
    ]);
    let file = Table::from_iter([
        ("track".to_owned(), Value::String("root".to_owned())),
        ("title".to_owned(), Value::String("Values".to_owned())),
        ("action".to_owned(), Value::Array(vec![Value::Table(action)])),
    ]);
    toml::to_string(&file).unwrap()
}

fn call() -> impl Strategy<Value = (Vec<DynSolType>, Vec<DynSolValue>)> {
    vec(kind(), 0..4).prop_flat_map(|kinds| {
        let values = all(&kinds);
        (Just(kinds), values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_what_is_called((kinds, values) in call()) {
        let function = format!("f({})", signatures(&kinds));
        let text = file(&function, values.iter().map(written).collect());
        let action = ProposalFile::parse(&text).unwrap().actions.remove(0);
        prop_assert_eq!(action.target, STRANGER.parse::<Address>().unwrap());
        let function = Function::parse(&function).unwrap();
        let selector = function.selector();
        prop_assert_eq!(&action.data[..4], selector.as_slice());
        prop_assert_eq!(function.abi_decode_input(&action.data[4..]).unwrap(), values);
    }

    #[test]
    fn a_value_of_another_type_is_refused_or_means_the_same((kinds, values) in call(), wanted in kind()) {
        let Some(given) = values.first() else { return Ok(()) };
        let function = format!("f({})", signature(&wanted));
        let text = file(&function, vec![written(given)]);
        match ProposalFile::parse(&text) {
            // such as a small uint16 for a uint8, or hex text for a string: the same writing
            Ok(file) => {
                let decoded = Function::parse(&function).unwrap().abi_decode_input(&file.actions[0].data[4..]).unwrap();
                prop_assert!(wanted.matches(&decoded[0]), "{:?} from {:?} of {:?}", decoded, given, kinds[0]);
            }
            Err(error) => prop_assert!(error.to_string().contains("expected"), "{}", error),
        }
    }

    #[test]
    fn no_text_panics_the_reader(text in "(.|\n){0,200}") {
        // most are refused; what matters is that they are, and not with a panic
        prop_assert!(ProposalFile::parse(&text).is_err());
    }
}
