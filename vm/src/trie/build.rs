//! A trie out of sorted input, in linear time.

use super::{
    Trie, TrieError, TrieValue,
    node::{Child, Leaf, Parts, common_nibbles, nibble},
};
use qsdm_primitives::limits::TRIE_KEY_BYTES_MAX;

/// The branches on the path to the newest leaf, which is not attached yet.
struct Spine<V> {
    open: Vec<Parts<V>>,
    newest: Child<V>,
    key: Vec<u8>,
}

impl<V: TrieValue> Spine<V> {
    /// Attaches the newest node to the lowest open branch.
    fn attach(&mut self) {
        let Some(branch) = self.open.last_mut() else { return };
        match (nibble(&self.key, branch.depth()), std::mem::take(&mut self.newest)) {
            (Some(digit), child) => branch.add(digit, child),
            (None, Child::Leaf(Some(leaf))) => branch.add_leaf(None, leaf),
            (None, _) => {}
        }
    }

    /// Closes the branches below a depth: no key to come has their digits.
    fn close_below(&mut self, depth: usize) {
        while self.open.last().is_some_and(|branch| branch.depth() > depth) {
            self.attach();
            if let Some(branch) = self.open.pop() {
                self.newest = branch.into_child();
            }
        }
    }

    fn push(&mut self, key: &[u8], value: V) {
        let parting = common_nibbles(&self.key, key);
        self.close_below(parting);
        if self.open.last().is_none_or(|branch| branch.depth() < parting) {
            self.open.push(Parts::empty(parting));
        }
        self.attach();
        self.begin(key, value);
    }

    fn begin(&mut self, key: &[u8], value: V) {
        self.newest = Child::Leaf(Some(Leaf::new(key, value)));
        self.key.clear();
        self.key.extend_from_slice(key);
    }

    fn finish(mut self) -> Child<V> {
        while !self.open.is_empty() {
            self.attach();
            self.newest = self.open.pop().map(Parts::into_child).unwrap_or_default();
        }
        self.newest
    }
}

impl<V: TrieValue> Trie<V> {
    /// A trie of entries whose keys rise strictly. Takes linear time and hashes nothing.
    ///
    /// # Errors
    /// [`TrieError::NotAscending`] for a key that is not greater than the one before; [`TrieError::KeyTooLong`].
    pub fn from_sorted<K, I>(entries: I) -> Result<Self, TrieError>
    where
        K: AsRef<[u8]>,
        I: IntoIterator<Item = (K, V)>,
    {
        let mut spine = Spine { open: Vec::new(), newest: Child::default(), key: Vec::new() };
        let mut len = 0;
        for (index, (key, value)) in entries.into_iter().enumerate() {
            let key = key.as_ref();
            if key.len() > TRIE_KEY_BYTES_MAX {
                return Err(TrieError::KeyTooLong { index, bytes: key.len(), limit: TRIE_KEY_BYTES_MAX });
            }
            match index {
                0 => spine.begin(key, value),
                _ if key <= spine.key.as_slice() => return Err(TrieError::NotAscending { index }),
                _ => spine.push(key, value),
            }
            len = index + 1;
        }
        Ok(Self { root: spine.finish(), len })
    }
}
