//! Ethereum's trie tests against the trie that holds the state.
#![allow(clippy::unwrap_used, reason = "a vector that reads otherwise is a failed test")]

use alloy_primitives::{B256, hex, keccak256};
use qsdm_tests::vectors;
use qsdm_vm::trie::{Trie, TrieValue};
use serde_json::Value;
use std::path::PathBuf;

/// A value of the tests: bytes that the leaf commits to as they are.
#[derive(Clone)]
struct Raw(Vec<u8>);

impl TrieValue for Raw {
    fn encode_value(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

/// A key and what happens to it: `None` removes.
type Step = (Vec<u8>, Option<Vec<u8>>);

fn bytes(text: &str) -> Vec<u8> {
    text.strip_prefix("0x").map_or_else(|| text.as_bytes().to_vec(), |digits| hex::decode(digits).unwrap())
}

fn step(key: &str, value: &Value) -> Step {
    (bytes(key), value.as_str().map(bytes).filter(|value| !value.is_empty()))
}

/// The steps of a test. `true` if they may be taken in any order.
fn steps(input: &Value) -> (Vec<Step>, bool) {
    match input {
        Value::Array(steps) => (steps.iter().map(|pair| step(pair[0].as_str().unwrap(), &pair[1])).collect(), false),
        Value::Object(steps) => (steps.iter().map(|(key, value)| step(key, value)).collect(), true),
        other => panic!("the input of a trie test is a list or an object, not {other}"),
    }
}

fn run<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Trie<Raw> {
    let mut trie = Trie::default();
    for (key, value) in steps {
        match value {
            Some(value) => drop(trie.insert(key, Raw(value.clone()))),
            None => drop(trie.remove(key)),
        }
    }
    trie
}

/// Every rotation of the steps, forwards and backwards; for up to five steps that is already a good part of all orders.
fn orders(steps: &[Step]) -> impl Iterator<Item = Vec<&Step>> {
    (0..steps.len()).flat_map(|first| {
        let rotated = steps[first..].iter().chain(&steps[..first]).collect::<Vec<_>>();
        [rotated.iter().rev().copied().collect(), rotated]
    })
}

fn check(name: &str, steps: &[Step], any_order: bool, expected: B256) {
    let trie = run(steps);
    assert_eq!(trie.root(), expected, "{name}");
    let entries = trie.iter().map(|(key, value)| (key.to_vec(), value.clone()));
    assert_eq!(Trie::from_sorted(entries).unwrap().root(), expected, "{name}, built from its sorted entries");
    if any_order {
        for order in orders(steps) {
            assert_eq!(run(order.iter().copied()).root(), expected, "{name}, order {order:?}");
        }
    }
    // What came and went leaves no trace.
    let mut disturbed = trie.clone();
    for (key, _) in steps {
        let longer = [key.as_slice(), &[0x55]].concat();
        disturbed.insert(&longer, Raw(vec![1; 40]));
        disturbed.root();
        disturbed.remove(&longer);
    }
    assert_eq!(disturbed.root(), expected, "{name}, after other keys came and went");
    assert_eq!(trie.root(), expected, "{name}, the snapshot");
}

fn files(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Some(folder) = vectors::ethereum("ethereum-tests/TrieTests").unwrap() else { return Vec::new() };
    let files = vectors::json_files(&folder).unwrap();
    let files =
        files.into_iter().filter(|file| wanted(file.file_stem().unwrap().to_str().unwrap())).collect::<Vec<_>>();
    assert!(!files.is_empty(), "the archive has trie tests");
    files
}

#[test]
fn roots_are_those_of_ethereum() {
    for file in files(|name| name != "trietestnextprev") {
        let secure = file.file_stem().unwrap().to_ascii_lowercase().to_str().unwrap().contains("secure");
        for (name, case) in vectors::cases(&file).unwrap() {
            let (mut steps, any_order) = steps(&case["in"]);
            if secure {
                steps.iter_mut().for_each(|(key, _)| *key = keccak256(&key).to_vec());
            }
            let expected = case["root"].as_str().unwrap().parse().unwrap();
            check(&format!("{}: {name}", file.display()), &steps, any_order, expected);
        }
    }
}

#[test]
fn neighbours_of_a_key_are_those_of_ethereum() {
    for file in files(|name| name == "trietestnextprev") {
        for (name, case) in vectors::cases(&file).unwrap() {
            let keys = case["in"].as_array().unwrap().iter().map(|key| (bytes(key.as_str().unwrap()), Some(vec![1])));
            let trie = run(&keys.collect::<Vec<_>>());
            for test in case["tests"].as_array().unwrap() {
                let [key, previous, next] = [0, 1, 2].map(|index| bytes(test[index].as_str().unwrap()));
                let found = trie.iter_from(&key).map(|(found, _)| found).find(|found| *found != key.as_slice());
                assert_eq!(found.unwrap_or_default(), next, "{name}: after {key:?}");
                let found = trie.iter().map(|(found, _)| found).take_while(|found| *found < key.as_slice()).last();
                assert_eq!(found.unwrap_or_default(), previous, "{name}: before {key:?}");
            }
        }
    }
}
