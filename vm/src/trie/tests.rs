//! The trie against a sorted map, alloy-trie's `HashBuilder` and a transcription of the yellow paper.

mod reference;

use super::{TRIE_KEY_BYTES_MAX, Trie, TrieError, TrieValue};
use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, proof::verify_proof};
use proptest::{collection::vec, prelude::*, sample::select};
use reference::{hash_builder_root, reference_root};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A value that commits to its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Raw(Vec<u8>);

impl TrieValue for Raw {
    fn encode_value(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

type Map = BTreeMap<Vec<u8>, Raw>;

#[derive(Clone, Debug)]
enum Operation {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Change(Vec<u8>, Vec<u8>),
    Update(Vec<u8>, Option<Vec<u8>>),
    Snapshot,
    Root,
}

/// Keys of 32 bytes in families that share anything from nothing to all but the last digit.
fn hash_like_key() -> BoxedStrategy<Vec<u8>> {
    let shared = select(vec![0usize, 1, 2, 5, 15, 30, 31]);
    (shared, vec(select(vec![0x00u8, 0x01, 0x10, 0x1f, 0xf0, 0xff]), 2), 0u8..4)
        .prop_map(|(shared, tail, family)| {
            let mut key = vec![family * 0x11; 32];
            let end = 32.min(shared + tail.len());
            key[shared..end].copy_from_slice(&tail[..end - shared]);
            key
        })
        .boxed()
}

/// Short keys of any length, often one the start of another.
fn nested_key() -> BoxedStrategy<Vec<u8>> {
    vec(select(vec![0x00u8, 0x01, 0x10, 0x11, 0xff]), 0..6).boxed()
}

/// Keys of two bytes: with short values their nodes stand inside their parents.
fn short_key() -> BoxedStrategy<Vec<u8>> {
    vec(select(vec![0x00u8, 0x01, 0x02, 0x10, 0x20, 0xff]), 2).boxed()
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 1..4), vec(any::<u8>(), 1..80)]
}

fn operations(key: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        6 => (key.clone(), value()).prop_map(|(key, value)| Operation::Insert(key, value)),
        4 => key.clone().prop_map(Operation::Remove),
        2 => (key.clone(), value()).prop_map(|(key, value)| Operation::Change(key, value)),
        2 => (key, proptest::option::of(value())).prop_map(|(key, value)| Operation::Update(key, value)),
        1 => Just(Operation::Snapshot),
        1 => Just(Operation::Root),
    ];
    vec(operation, 1..120)
}

/// Runs operations on a trie and on a map, comparing every answer. Returns the snapshots, the last state included.
fn run(trie: &mut Trie<Raw>, map: &mut Map, operations: &[Operation]) -> Vec<(Trie<Raw>, Map)> {
    let mut snapshots = Vec::new();
    for operation in operations {
        match operation.clone() {
            Operation::Insert(key, value) => {
                assert_eq!(trie.insert(&key, Raw(value.clone())), map.insert(key, Raw(value)));
            }
            Operation::Remove(key) => assert_eq!(trie.remove(&key), map.remove(&key)),
            Operation::Change(key, value) => {
                let (found, expected) = (trie.get_mut(&key), map.get_mut(&key));
                assert_eq!(found, expected);
                if let (Some(found), Some(expected)) = (found, expected) {
                    found.0.clone_from(&value);
                    expected.0 = value;
                }
            }
            Operation::Update(key, value) => {
                trie.update(&key, |old| {
                    assert_eq!(old, map.get(&key));
                    value.clone().map(Raw)
                });
                match value {
                    Some(value) => map.insert(key, Raw(value)),
                    None => map.remove(&key),
                };
            }
            Operation::Snapshot => snapshots.push((trie.clone(), map.clone())),
            Operation::Root => assert_eq!(trie.root(), reference_root(map)),
        }
        assert_eq!(trie.len(), map.len());
    }
    snapshots.push((trie.clone(), map.clone()));
    snapshots
}

fn assert_same(trie: &Trie<Raw>, map: &Map) {
    let entries = trie.iter().map(|(key, value)| (key.to_vec(), value.clone())).collect::<Vec<_>>();
    assert_eq!(entries, map.clone().into_iter().collect::<Vec<_>>());
    assert_eq!(trie.len(), map.len());
    assert_eq!(trie.is_empty(), map.is_empty());
    assert_eq!(trie.root(), reference_root(map));
    assert_eq!(trie.clone().root(), trie.root());
    let rebuilt = Trie::from_sorted(map.iter().map(|(key, value)| (key, value.clone()))).unwrap();
    assert_eq!(rebuilt.root(), trie.root());
    assert_eq!(rebuilt.len(), map.len());
}

fn expected_diff(old: &Map, new: &Map) -> Vec<(Vec<u8>, Option<Raw>, Option<Raw>)> {
    let mut keys = old.keys().chain(new.keys()).cloned().collect::<Vec<_>>();
    keys.sort();
    keys.dedup();
    let changes = keys.into_iter().map(|key| (old.get(&key).cloned(), new.get(&key).cloned(), key));
    changes.filter(|(old, new, _)| old != new).map(|(old, new, key)| (key, old, new)).collect()
}

fn assert_diff(old: (&Trie<Raw>, &Map), new: (&Trie<Raw>, &Map)) {
    let changes = old.0.diff(new.0).map(|(key, old, new)| (key.to_vec(), old.cloned(), new.cloned()));
    assert_eq!(changes.collect::<Vec<_>>(), expected_diff(old.1, new.1));
}

fn assert_proof(trie: &Trie<Raw>, map: &Map, key: &[u8]) {
    let proof = trie.prove(key);
    let expected = map.get(key).map(|value| value.0.clone());
    match proof.first() {
        // `verify_proof` takes a top node this short for one inside a parent.
        Some(top) if top.len() < 32 => assert_eq!((proof.len(), keccak256(top)), (1, trie.root())),
        _ => verify_proof(trie.root(), Nibbles::unpack(key), expected, &proof).unwrap(),
    }
    assert!(proof.iter().skip(1).all(|node| node.len() >= 32), "short nodes stand inside their parents");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn hash_like_keys_behave_as_a_map_and_snapshots_stay(operations in operations(hash_like_key())) {
        for (trie, map) in run(&mut Trie::default(), &mut Map::new(), &operations) {
            assert_same(&trie, &map);
            prop_assert_eq!(trie.root(), hash_builder_root(&map));
        }
    }

    #[test]
    fn nested_keys_behave_as_a_map_and_snapshots_stay(operations in operations(nested_key())) {
        for (trie, map) in run(&mut Trie::default(), &mut Map::new(), &operations) {
            assert_same(&trie, &map);
        }
    }

    #[test]
    fn short_keys_behave_as_a_map_and_snapshots_stay(operations in operations(short_key())) {
        for (trie, map) in run(&mut Trie::default(), &mut Map::new(), &operations) {
            assert_same(&trie, &map);
            prop_assert_eq!(trie.root(), hash_builder_root(&map));
        }
    }

    #[test]
    fn proofs_verify_for_present_and_absent_keys(
        long in operations(hash_like_key()),
        short in operations(short_key()),
        long_absent in vec(hash_like_key(), 20),
        short_absent in vec(short_key(), 20),
    ) {
        for (operations, absent) in [(long, long_absent), (short, short_absent)] {
            for (trie, map) in run(&mut Trie::default(), &mut Map::new(), &operations) {
                map.keys().chain(&absent).for_each(|key| assert_proof(&trie, &map, key));
            }
        }
    }

    #[test]
    fn diff_finds_exactly_what_changed(
        long in operations(hash_like_key()),
        nested in operations(nested_key()),
        other_long in operations(hash_like_key()),
        other_nested in operations(nested_key()),
    ) {
        for (operations, others) in [(long, other_long), (nested, other_nested)] {
            // Snapshots of one history share nodes; the other history shares nothing with them.
            let mut states = run(&mut Trie::default(), &mut Map::new(), &operations);
            states.extend(run(&mut Trie::default(), &mut Map::new(), &others));
            for (old, old_map) in &states {
                for (new, new_map) in &states {
                    assert_diff((old, old_map), (new, new_map));
                }
            }
        }
    }

    #[test]
    fn walk_from_a_start_yields_what_a_map_range_yields(
        long in operations(hash_like_key()),
        nested in operations(nested_key()),
        long_starts in vec(hash_like_key(), 20),
        nested_starts in vec(nested_key(), 20),
    ) {
        for (operations, starts) in [(&long, &long_starts), (&nested, &nested_starts), (&long, &nested_starts)] {
            let (mut trie, mut map) = (Trie::default(), Map::new());
            run(&mut trie, &mut map, operations);
            for start in starts.iter().chain(map.keys()) {
                let entries = trie.iter_from(start).map(|(key, value)| (key.to_vec(), value.clone()));
                let expected = map.range(start.clone()..).map(|(key, value)| (key.clone(), value.clone()));
                prop_assert_eq!(entries.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        }
    }
}

/// A value that counts how often it is encoded and compared.
#[derive(Clone)]
struct Counted(u64, Arc<AtomicUsize>);

impl TrieValue for Counted {
    fn encode_value(&self, out: &mut Vec<u8>) {
        self.1.fetch_add(1, Ordering::Relaxed);
        alloy_rlp::Encodable::encode(&self.0, out);
    }
}

fn hashed(index: u64) -> B256 {
    keccak256(index.to_be_bytes())
}

fn counted_trie(keys: u64) -> (Trie<Counted>, Arc<AtomicUsize>) {
    let (mut trie, counter) = (Trie::default(), Arc::new(AtomicUsize::new(0)));
    for index in 0..keys {
        trie.insert(&hashed(index)[..], Counted(index + 1, Arc::clone(&counter)));
    }
    (trie, counter)
}

#[test]
fn root_encodes_each_leaf_once_and_then_only_what_changed() {
    let (mut trie, counter) = counted_trie(10_000);
    assert_eq!(counter.load(Ordering::Relaxed), 0, "values are encoded when a root is asked for");
    let first = trie.root();
    assert_eq!(counter.swap(0, Ordering::Relaxed), 10_000);
    assert_eq!(trie.root(), first);
    assert_eq!(counter.load(Ordering::Relaxed), 0, "an unchanged root costs nothing");

    let snapshot = trie.clone();
    trie.insert(&hashed(77)[..], Counted(1_000_000, Arc::clone(&counter)));
    assert_ne!(trie.root(), first);
    assert_eq!(counter.swap(0, Ordering::Relaxed), 1, "one leaf changed");
    assert_eq!(snapshot.root(), first);
    assert_eq!(counter.swap(0, Ordering::Relaxed), 0, "the snapshot keeps what it remembers");

    trie.insert(&hashed(77)[..], Counted(78, Arc::clone(&counter)));
    assert_eq!(trie.root(), first);
}

#[test]
fn diff_of_a_snapshot_looks_at_changed_leaves_only() {
    let (mut trie, counter) = counted_trie(10_000);
    let before = trie.clone();
    assert!(before.same_as(&trie));
    for index in 0..5 {
        trie.insert(&hashed(index)[..], Counted(9_999_999, Arc::clone(&counter)));
    }
    trie.remove(&hashed(5)[..]);
    assert!(!before.same_as(&trie));
    let changes = before.diff(&trie).map(|(key, _, new)| (key.to_vec(), new.is_some())).collect::<Vec<_>>();
    let mut expected = (0..6).map(|index| (hashed(index).to_vec(), index < 5)).collect::<Vec<_>>();
    expected.sort();
    assert_eq!(changes, expected);
    // A removal can move one neighbour to another place; it is compared and found equal.
    assert!(counter.load(Ordering::Relaxed) <= 2 * (5 + 1));
}

#[test]
fn empty_trie_has_the_empty_root_and_an_empty_proof() {
    let mut trie = Trie::<Raw>::default();
    assert_eq!(trie.root(), EMPTY_ROOT_HASH);
    assert!(trie.prove(&[1]).is_empty() && trie.is_empty() && trie.iter().next().is_none());
    assert_eq!(trie.get(&[]), None);
    trie.insert(&[], Raw(vec![1]));
    assert_eq!(trie.get(&[]), Some(&Raw(vec![1])));
    assert_eq!(trie.remove(&[]), Some(Raw(vec![1])));
    assert_eq!(trie.root(), EMPTY_ROOT_HASH);
    let mut ours = Vec::new();
    Raw(vec![7]).encode_value(&mut ours);
    assert_eq!(ours, vec![7]);
}

#[test]
fn proof_ends_where_the_key_leaves_the_way() {
    let key = |last: u8| [&[0x11; 31], [last].as_slice()].concat();
    let mut trie = Trie::default();
    trie.insert(&key(0x11), Raw(vec![1; 40]));
    trie.insert(&key(0x21), Raw(vec![2; 40]));
    // An extension of 62 digits, a branch, two leaves.
    assert_eq!(trie.prove(&key(0x21)).len(), 3);
    assert_eq!(trie.prove(&key(0x22)).len(), 3, "the leaf in the place of the absent key");
    assert_eq!(trie.prove(&key(0x31)).len(), 2, "the branch that has no such digit");
    assert_eq!(trie.prove(&[0x12; 32]).len(), 1, "the extension that goes elsewhere");
}

#[test]
fn sorted_input_out_of_order_or_with_long_keys_is_refused() {
    let entries = |keys: &[&[u8]]| keys.iter().map(|key| (key.to_vec(), Raw(vec![1]))).collect::<Vec<_>>();
    let built = |keys: &[&[u8]]| Trie::from_sorted(entries(keys)).map(|trie| trie.len());
    assert_eq!(built(&[]), Ok(0));
    assert_eq!(built(&[b"", b"a", b"ab", b"b"]), Ok(4));
    assert_eq!(built(&[b"a", b"b", b"b"]), Err(TrieError::NotAscending { index: 2 }));
    assert_eq!(built(&[b"ab", b"a"]), Err(TrieError::NotAscending { index: 1 }));
    let long = [7; TRIE_KEY_BYTES_MAX + 1];
    let refused = TrieError::KeyTooLong { index: 1, bytes: TRIE_KEY_BYTES_MAX + 1, limit: TRIE_KEY_BYTES_MAX };
    assert_eq!(built(&[b"", &long]), Err(refused));
    assert_eq!(built(&[b"", &long[1..]]), Ok(2));
}

#[test]
fn deepest_trie_fits_the_stack_of_a_thread() {
    // A chain in which every digit of the longest key parts two keys.
    let longest = [0x22; TRIE_KEY_BYTES_MAX];
    let mut trie = Trie::default();
    for length in 0..TRIE_KEY_BYTES_MAX {
        for digit in [0x21, 0x32] {
            let mut key = longest[..=length].to_vec();
            key[length] = digit;
            trie.insert(&key, Raw(vec![1; 40]));
        }
        trie.insert(&longest[..length], Raw(vec![2; 40]));
    }
    trie.insert(&longest, Raw(vec![3; 40]));
    let map = trie.iter().map(|(key, value)| (key.to_vec(), value.clone())).collect::<Map>();
    assert_eq!(map.len(), 3 * TRIE_KEY_BYTES_MAX + 1);
    let rebuilt = Trie::from_sorted(map).unwrap();
    assert_eq!(rebuilt.root(), trie.root());
    assert_eq!(rebuilt.diff(&trie).count(), 0);
    assert_eq!(trie.prove(&longest).len(), 2 * TRIE_KEY_BYTES_MAX + 1);
    assert_eq!(trie.remove(&longest), Some(Raw(vec![3; 40])));
}

#[test]
#[should_panic(expected = "over the limit")]
fn key_over_the_limit_is_refused_loudly() {
    Trie::default().insert(&[0; TRIE_KEY_BYTES_MAX + 1], Raw(vec![1]));
}

#[test]
fn threads_that_share_a_trie_agree_on_its_root() {
    let mut trie = Trie::default();
    let mut map = Map::new();
    for index in 0..2_000u64 {
        let value = Raw(alloy_rlp::encode(U256::from(index + 1)));
        trie.insert(&hashed(index)[..], value.clone());
        map.insert(hashed(index).to_vec(), value);
    }
    let expected = hash_builder_root(&map);
    let roots = std::thread::scope(|scope| {
        let threads = (0..4).map(|_| scope.spawn(|| trie.root())).collect::<Vec<_>>();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(roots, vec![expected; 4]);
}
