//! Roots by other means: alloy-trie's builder, and the yellow paper's definition written down as it stands.

use super::Map;
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Header;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};

/// The root by `HashBuilder`, for keys none of which is the start of another.
pub(super) fn hash_builder_root(map: &Map) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in map {
        builder.add_leaf(Nibbles::unpack(key), &value.0);
    }
    builder.root()
}

/// The root by the definition in appendix D, for any keys.
pub(super) fn reference_root(map: &Map) -> B256 {
    if map.is_empty() {
        return EMPTY_ROOT_HASH;
    }
    let digits = |key: &Vec<u8>| key.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).collect::<Vec<_>>();
    let entries = map.iter().map(|(key, value)| (digits(key), value.0.clone())).collect::<Vec<_>>();
    keccak256(structure(&entries, 0))
}

type Entry = (Vec<u8>, Vec<u8>);

/// The function c of the yellow paper: the RLP of the node of entries that agree in their first `depth` digits.
fn structure(entries: &[Entry], depth: usize) -> Vec<u8> {
    if let [(key, value)] = entries {
        return list(&[string(&hex_prefix(&key[depth..], true)), string(value)]);
    }
    let (first, last) = (&entries[0].0, &entries[entries.len() - 1].0);
    let shared = first.iter().zip(last).take_while(|(left, right)| left == right).count();
    if shared > depth {
        let path = hex_prefix(&first[depth..shared], false);
        return list(&[string(&path), node(&entries.iter().collect::<Vec<_>>(), shared)]);
    }
    let mut items = (0..16).map(|digit| {
        node(&entries.iter().filter(|(key, _)| key.get(depth) == Some(&digit)).collect::<Vec<_>>(), depth + 1)
    });
    let mut items = items.by_ref().collect::<Vec<_>>();
    items.push(string(entries.iter().find(|(key, _)| key.len() == depth).map_or(&[], |(_, value)| value.as_slice())));
    list(&items)
}

/// The function n: the node itself if it is short, else its hash.
fn node(entries: &[&Entry], depth: usize) -> Vec<u8> {
    if entries.is_empty() {
        return string(&[]);
    }
    let rlp = structure(&entries.iter().copied().cloned().collect::<Vec<_>>(), depth);
    if rlp.len() < 32 { rlp } else { string(keccak256(rlp).as_slice()) }
}

/// Appendix C.
fn hex_prefix(digits: &[u8], terminates: bool) -> Vec<u8> {
    let flag = if terminates { 2 } else { 0 };
    let mut padded = if digits.len() % 2 == 1 { vec![flag + 1] } else { vec![flag, 0] };
    padded.extend_from_slice(digits);
    padded.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    alloy_rlp::encode(bytes)
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list: true, payload_length: items.iter().map(Vec::len).sum() }.encode(&mut out);
    items.iter().for_each(|item| out.extend_from_slice(item));
    out
}
