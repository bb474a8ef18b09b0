//! A persistent Merkle-Patricia trie with typed values: the state itself and its commitment in one structure.
//!
//! - A clone is a snapshot: one pointer. Tries share what they have in common; a change copies the path to its leaf, and
//!   only where another trie shares it.
//! - Every node remembers the reference its parent commits to. A change forgets those on its path and no others, so a
//!   root costs as much as there were changes since the last one.
//! - Leaves hold whole keys and branches the depth at which they part them, as in a crit-bit tree. A node therefore
//!   does not depend on where it hangs, reads compare a key once, and extension nodes exist in the encoding only.
//!
//! Roots and proofs are those of Ethereum (yellow paper, appendix D). Values are encoded when a root or a proof asks for
//! them, not when they are stored.

mod build;
mod diff;
mod edit;
mod hash;
mod iter;
mod node;
mod proof;
#[cfg(test)]
mod tests;

pub use diff::Diff;
pub use iter::Iter;

use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;
use node::{Child, nibble, nibble_count};
use qsdm_primitives::limits::TRIE_KEY_BYTES_MAX;

/// What a leaf holds.
pub trait TrieValue: Clone + Send + Sync + 'static {
    /// Appends the bytes that the leaf commits to: the RLP of a slot's value or of an account. Never nothing: an empty
    /// value means absence in Ethereum's trie.
    fn encode_value(&self, out: &mut Vec<u8>);

    /// True if both commit to the same bytes. [`Trie::diff`] leaves such pairs out.
    fn commits_to_same(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        self.encode_value(&mut ours);
        other.encode_value(&mut theirs);
        ours == theirs
    }
}

/// Why a trie can't be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrieError {
    /// Keys of sorted input have to rise strictly.
    #[error("key {index} of the sorted input is not greater than the one before: sort the input, drop duplicates")]
    NotAscending {
        /// Position of the key in the input, from 0.
        index: usize,
    },
    /// A key is over [`TRIE_KEY_BYTES_MAX`].
    #[error("key {index} of the sorted input has {bytes} bytes, over the limit of {limit}: hash long keys")]
    KeyTooLong {
        /// Position of the key in the input, from 0.
        index: usize,
        /// Length of the key.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// A persistent Merkle-Patricia trie. Cloning takes a snapshot in constant time.
pub struct Trie<V> {
    root: Child<V>,
    len: usize,
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: Child::default(), len: 0 }
    }
}

impl<V> Clone for Trie<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len }
    }
}

impl<V> std::fmt::Debug for Trie<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Trie").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<V: TrieValue> Trie<V> {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if both are the same nodes in memory: neither changed since one was cloned from the other. Costs nothing;
    /// tries of equal content that were built apart are not the same.
    pub fn same_as(&self, other: &Self) -> bool {
        self.root.same_as(&other.root)
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        // Branches say where to look only; the leaf's whole key decides.
        let mut node = &self.root;
        let leaf = loop {
            match node {
                Child::Leaf(leaf) => break leaf.as_deref(),
                Child::Branch(branch) => match nibble(key, branch.depth()) {
                    Some(digit) => node = branch.child(digit)?,
                    None if nibble_count(key) == branch.depth() => break branch.value(),
                    None => return None,
                },
            }
        };
        leaf.filter(|leaf| leaf.key() == key).map(|leaf| &leaf.value)
    }

    /// True if the key is there.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// A value to change in place. The path to it is copied where it is shared, and its commitment is computed anew
    /// whether or not the value changes.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        if self.contains(key) { edit::value_mut(&mut self.root, key) } else { None }
    }

    /// Stores a value and returns the one it replaces.
    ///
    /// # Panics
    /// If the key is over [`TRIE_KEY_BYTES_MAX`]. Keys of the state are hashes of 32 bytes.
    pub fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        assert!(
            key.len() <= TRIE_KEY_BYTES_MAX,
            "a trie key of {} bytes is over the limit of {TRIE_KEY_BYTES_MAX}: hash long keys",
            key.len()
        );
        let replaced = edit::insert(&mut self.root, key, value);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        if !self.contains(key) {
            return None;
        }
        let removed = edit::remove(&mut self.root, key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Replaces the value of a key by what the closure makes of it, where `None` is absence on either side.
    ///
    /// # Panics
    /// As [`insert`](Self::insert).
    pub fn update<F>(&mut self, key: &[u8], change: F)
    where
        F: FnOnce(Option<&V>) -> Option<V>,
    {
        match change(self.get(key)) {
            Some(value) => self.insert(key, value),
            None => self.remove(key),
        };
    }

    /// The Merkle root; `EMPTY_ROOT_HASH` of an empty trie.
    pub fn root(&self) -> B256 {
        if self.is_empty() { EMPTY_ROOT_HASH } else { hash::root(&self.root) }
    }
}
