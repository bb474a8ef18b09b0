//! The nodes in memory.
//!
//! ```text
//! Child ── Leaf(None)                   nothing
//!       ├─ Leaf(Arc)                    whole key, value
//!       └─ Branch(depth, digits, Arc)   a value that ends here, children in one allocation
//! ```
//! Digits are nibbles (4 bits, the high one first); depth counts them from the start of the key. A branch at depth `d`
//! parts keys whose first `d` digits agree. What an extension node would hold follows from any leaf below.

mod branch;

pub(super) use branch::{Branch, Parts};

use alloy_trie::nodes::RlpNode;
use std::sync::{Arc, OnceLock};

/// Digits a branch can have.
pub(super) const DIGITS: u8 = 16;

/// Number of digits in a key.
pub(super) fn nibble_count(key: &[u8]) -> usize {
    key.len() * 2
}

/// The digit of a key at a depth, unless the key has ended there.
pub(super) fn nibble(key: &[u8], depth: usize) -> Option<u8> {
    let byte = *key.get(depth / 2)?;
    Some(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0xf })
}

/// Number of digits in which two keys agree from the start.
pub(super) fn common_nibbles(left: &[u8], right: &[u8]) -> usize {
    match left.iter().zip(right).position(|(left, right)| left != right) {
        Some(index) => index * 2 + usize::from(left[index] >> 4 == right[index] >> 4),
        None => left.len().min(right.len()) * 2,
    }
}

/// Number of digits in a mask below a digit.
fn rank(mask: u16, digit: u8) -> usize {
    (mask & ((1 << digit) - 1)).count_ones() as usize
}

/// A key, in place if it is no longer than a hash.
enum Key {
    Short { len: u8, bytes: [u8; 32] },
    Long(Box<[u8]>),
}

impl Key {
    fn new(key: &[u8]) -> Self {
        let mut bytes = [0; 32];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(key);
                Self::Short { len, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

/// A key and its value. The memo comes first: then a parent that copies and hashes reads one line of memory of it.
#[repr(C)]
pub(super) struct Leaf<V> {
    /// What the parent commits to. It holds for one place in the trie and is forgotten when the leaf moves.
    pub(super) memo: OnceLock<RlpNode>,
    key: Key,
    /// The value.
    pub(super) value: V,
}

impl<V> Leaf<V> {
    pub(super) fn new(key: &[u8], value: V) -> Arc<Self> {
        Arc::new(Self { memo: OnceLock::new(), key: Key::new(key), value })
    }

    pub(super) fn key(&self) -> &[u8] {
        self.key.as_slice()
    }
}

impl<V: Clone> Leaf<V> {
    /// The leaf for writing, without its memo; a copy takes its place if another trie shares it.
    pub(super) fn make_mut(this: &mut Arc<Self>) -> &mut Self {
        if Arc::strong_count(this) != 1 {
            *this = Self::new(this.key(), this.value.clone());
        }
        let leaf = Arc::get_mut(this).expect("invariant: a leaf has no weak references and was just made unique");
        leaf.memo.take();
        leaf
    }

    /// Forgets the memo, because the leaf moves to another place.
    pub(super) fn forget(this: &mut Arc<Self>) {
        Self::make_mut(this);
    }
}

/// A place in the trie and what hangs there.
pub(super) enum Child<V> {
    Branch(Branch<V>),
    /// `None` is nothing: only an empty trie has that.
    Leaf(Option<Arc<Leaf<V>>>),
}

impl<V> Default for Child<V> {
    fn default() -> Self {
        Self::Leaf(None)
    }
}

impl<V> Clone for Child<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Branch(branch) => Self::Branch(branch.clone()),
            Self::Leaf(leaf) => Self::Leaf(leaf.clone()),
        }
    }
}

impl<V> Child<V> {
    /// True if both are the same node in memory.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Branch(left), Self::Branch(right)) => left.same_as(right),
            (Self::Leaf(Some(left)), Self::Leaf(Some(right))) => Arc::ptr_eq(left, right),
            (Self::Leaf(None), Self::Leaf(None)) => true,
            _ => false,
        }
    }

    /// The leaf, if it is one.
    pub(super) fn as_leaf(&self) -> Option<&Leaf<V>> {
        match self {
            Self::Leaf(leaf) => leaf.as_deref(),
            Self::Branch(_) => None,
        }
    }

    /// True for the only node of an empty trie.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Leaf(None))
    }

    fn references(&self) -> usize {
        match self {
            Self::Branch(branch) => branch.references(),
            Self::Leaf(leaf) => leaf.as_ref().map_or(0, Arc::strong_count),
        }
    }

    /// Some leaf below. All of them agree in the digits before the node's depth.
    pub(super) fn any_leaf(&self) -> Option<&Leaf<V>> {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => return leaf.as_deref(),
                Self::Branch(branch) => match branch.value() {
                    Some(leaf) => return Some(leaf),
                    None => node = branch.children().first()?,
                },
            }
        }
    }

    /// The depth at which the node parts or ends keys.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Branch(branch) => branch.depth(),
            Self::Leaf(leaf) => leaf.as_ref().map_or(0, |leaf| nibble_count(leaf.key())),
        }
    }
}

impl<V: Clone> Child<V> {
    /// The child of a branch for a digit, for writing; the branch is made writable.
    pub(super) fn child_mut(&mut self, digit: Option<u8>) -> Option<&mut Self> {
        match self {
            Self::Branch(branch) => branch.child_mut(digit),
            Self::Leaf(_) => None,
        }
    }

    /// Forgets the node's memo, because it moves to another place; a copy moves if another trie shares it.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Branch(branch) => branch.forget(),
            Self::Leaf(Some(leaf)) => Leaf::forget(leaf),
            Self::Leaf(None) => {}
        }
    }
}
