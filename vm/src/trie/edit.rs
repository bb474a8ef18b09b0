//! Changes: walk down, copy what is shared, forget what no longer holds.

use super::{
    TrieValue,
    node::{Child, Leaf, Parts, common_nibbles, nibble},
};
use std::sync::Arc;

/// The value of a key that is there, for writing.
pub(super) fn value_mut<'a, V: TrieValue>(root: &'a mut Child<V>, key: &[u8]) -> Option<&'a mut V> {
    let mut place = root;
    loop {
        match place {
            Child::Leaf(leaf) => return leaf.as_mut().map(|leaf| &mut Leaf::make_mut(leaf).value),
            Child::Branch(branch) => match nibble(key, branch.depth()) {
                None => return branch.value_mut().map(|leaf| &mut Leaf::make_mut(leaf).value),
                digit => place = branch.child_mut(digit)?,
            },
        }
    }
}

/// Stores a value and returns the one it replaces.
pub(super) fn insert<V: TrieValue>(root: &mut Child<V>, key: &[u8], value: V) -> Option<V> {
    let Some(nearest) = nearest_leaf(root, key) else {
        *root = Child::Leaf(Some(Leaf::new(key, value)));
        return None;
    };
    if nearest.key() == key {
        return replace(root, key, value);
    }
    let parting = common_nibbles(nearest.key(), key);
    let nearest_digit = nibble(nearest.key(), parting);
    let place = place_at(root, key, parting);
    let mut parts = match std::mem::take(place) {
        Child::Branch(branch) if branch.depth() == parting => branch.into_parts(),
        mut sibling => {
            sibling.forget();
            let mut parts = Parts::empty(parting);
            match (nearest_digit, sibling) {
                (None, Child::Leaf(Some(leaf))) => parts.add_leaf(None, leaf),
                (Some(digit), sibling) => parts.add(digit, sibling),
                (None, _) => {}
            }
            parts
        }
    };
    parts.add_leaf(nibble(key, parting), Leaf::new(key, value));
    *place = parts.into_child();
    None
}

/// A leaf that no other leaf beats in digits shared with the key from the start.
pub(super) fn nearest_leaf<'a, V>(root: &'a Child<V>, key: &[u8]) -> Option<&'a Leaf<V>> {
    let mut node = root;
    loop {
        let Child::Branch(branch) = node else { return node.any_leaf() };
        match nibble(key, branch.depth()) {
            Some(digit) => match branch.child(digit) {
                Some(child) => node = child,
                None => return node.any_leaf(),
            },
            None => return node.any_leaf(),
        }
    }
}

/// The place of the first node on the key's path that lies at a depth or below it; the path above is made writable.
fn place_at<'a, V: TrieValue>(root: &'a mut Child<V>, key: &[u8], depth: usize) -> &'a mut Child<V> {
    let mut place = root;
    while let Child::Branch(branch) = &*place
        && branch.depth() < depth
    {
        let digit = nibble(key, branch.depth());
        place = place.child_mut(digit).expect("invariant: the nearest leaf hangs below and has these digits");
    }
    place
}

/// Replaces the value of a key that is there.
fn replace<V: TrieValue>(root: &mut Child<V>, key: &[u8], value: V) -> Option<V> {
    value_mut(root, key).map(|place| std::mem::replace(place, value))
}

/// Removes a key that is there and returns its value.
pub(super) fn remove<V: TrieValue>(root: &mut Child<V>, key: &[u8]) -> Option<V> {
    let mut place = root;
    loop {
        let Child::Branch(branch) = &*place else { return take_leaf(place) };
        let digit = nibble(key, branch.depth());
        if digit.is_none_or(|digit| matches!(branch.child(digit), Some(Child::Leaf(_)))) {
            return remove_entry(place, digit);
        }
        place = place.child_mut(digit)?;
    }
}

/// Removes the leaf of a digit, the value for `None`, from the branch at a place.
fn remove_entry<V: TrieValue>(place: &mut Child<V>, digit: Option<u8>) -> Option<V> {
    let Child::Branch(branch) = std::mem::take(place) else { return None };
    let mut parts = branch.into_parts();
    let removed = parts.remove_leaf(digit);
    *place = parts.into_child();
    removed.map(into_value)
}

fn take_leaf<V: TrieValue>(place: &mut Child<V>) -> Option<V> {
    match std::mem::take(place) {
        Child::Leaf(leaf) => leaf.map(into_value),
        Child::Branch(_) => None,
    }
}

fn into_value<V: TrieValue>(leaf: Arc<Leaf<V>>) -> V {
    Arc::try_unwrap(leaf).map_or_else(|shared| shared.value.clone(), |leaf| leaf.value)
}
