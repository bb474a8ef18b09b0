//! Walks in ascending order of keys.

use super::{
    Trie, TrieValue,
    edit::nearest_leaf,
    node::{Branch, Child, Leaf, common_nibbles, nibble},
};

/// Entries in ascending order of keys.
pub struct Iter<'a, V> {
    /// What is to come, the nearest on top: values and children of the branches on the path.
    pending: Vec<Pending<'a, V>>,
}

enum Pending<'a, V> {
    Leaf(&'a Leaf<V>),
    Children(&'a [Child<V>]),
}

impl<'a, V> Iter<'a, V> {
    fn push(&mut self, node: &'a Child<V>) {
        match node {
            Child::Leaf(Some(leaf)) => self.pending.push(Pending::Leaf(leaf)),
            Child::Leaf(None) => {}
            Child::Branch(branch) => {
                self.pending.push(Pending::Children(branch.children()));
                self.pending.extend(branch.value().map(Pending::Leaf));
            }
        }
    }

    fn push_children_from(&mut self, branch: &'a Branch<V>, index: usize) {
        let later = branch.children().get(index..).unwrap_or_default();
        self.pending.push(Pending::Children(later));
    }
}

impl<'a, V> Iterator for Iter<'a, V> {
    type Item = (&'a [u8], &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.pending.pop()? {
                Pending::Leaf(leaf) => return Some((leaf.key(), &leaf.value)),
                Pending::Children(children) => {
                    if let Some((first, rest)) = children.split_first() {
                        self.pending.push(Pending::Children(rest));
                        self.push(first);
                    }
                }
            }
        }
    }
}

impl<V: TrieValue> Trie<V> {
    /// All entries in ascending order of keys.
    pub fn iter(&self) -> Iter<'_, V> {
        let mut entries = Iter { pending: Vec::new() };
        entries.push(&self.root);
        entries
    }

    /// The entries whose keys are not below `start`, in ascending order. Finding the first takes one walk down.
    pub fn iter_from(&self, start: &[u8]) -> Iter<'_, V> {
        let mut entries = Iter { pending: Vec::new() };
        let Some(nearest) = nearest_leaf(&self.root, start) else { return entries };
        let parting = common_nibbles(nearest.key(), start);
        let mut node = &self.root;
        // Above the parting the nearest leaf and `start` take the same way.
        while let Child::Branch(branch) = node
            && branch.depth() < parting
            && let Some(digit) = nibble(start, branch.depth())
            && let Some(child) = branch.child(digit)
        {
            entries.push_children_from(branch, branch.index_of(digit) + 1);
            node = child;
        }
        match (node, nibble(start, parting)) {
            (Child::Branch(branch), Some(digit)) if branch.depth() == parting => {
                entries.push_children_from(branch, branch.index_of(digit));
            }
            // All below lies on the same side of `start` as the nearest leaf.
            _ if nearest.key() >= start => entries.push(node),
            _ => {}
        }
        entries
    }
}

impl<'a, V: TrieValue> IntoIterator for &'a Trie<V> {
    type Item = (&'a [u8], &'a V);
    type IntoIter = Iter<'a, V>;

    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}
