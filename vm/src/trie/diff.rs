//! What changed between two tries, at a cost that follows the changes.

use super::{
    Trie, TrieValue,
    node::{Branch, Child, DIGITS, Leaf, common_nibbles, nibble},
};

/// Changes in ascending order of keys: key, value before, value after. Parts that both tries share are skipped unseen.
pub struct Diff<'a, V> {
    /// What is to be compared, the nearest on top.
    pending: Vec<Pair<'a, V>>,
}

enum Pair<'a, V> {
    /// Nodes that cover the same keys; those agree in the first `known` digits.
    Nodes { old: Option<&'a Child<V>>, new: Option<&'a Child<V>>, known: usize },
    /// Leaves of one key.
    Leaves { old: Option<&'a Leaf<V>>, new: Option<&'a Leaf<V>> },
}

impl<V: TrieValue> Trie<V> {
    /// What turns `self` into `later`, in ascending order of keys: key, value before, value after. Costs as much as the
    /// two differ in memory: what one was cloned from the other is skipped. Rewritten values that commit to the same
    /// bytes are left out.
    pub fn diff<'a>(&'a self, later: &'a Self) -> Diff<'a, V> {
        let mut diff = Diff { pending: Vec::new() };
        diff.push(Some(&self.root), Some(&later.root), 0);
        diff
    }
}

impl<'a, V: TrieValue> Iterator for Diff<'a, V> {
    type Item = (&'a [u8], Option<&'a V>, Option<&'a V>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.pending.pop()? {
                Pair::Nodes { old, new, known } => self.compare(old, new, known),
                Pair::Leaves { old, new } => {
                    let Some(leaf) = new.or(old) else { continue };
                    if let (Some(old), Some(new)) = (old, new)
                        && old.value.commits_to_same(&new.value)
                    {
                        continue;
                    }
                    return Some((leaf.key(), old.map(|leaf| &leaf.value), new.map(|leaf| &leaf.value)));
                }
            }
        }
    }
}

impl<'a, V: TrieValue> Diff<'a, V> {
    fn push(&mut self, old: Option<&'a Child<V>>, new: Option<&'a Child<V>>, known: usize) {
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) if old.same_as(new) => {}
            _ => self.pending.push(Pair::Nodes { old, new, known }),
        }
    }

    fn push_leaves(&mut self, old: Option<&'a Leaf<V>>, new: Option<&'a Leaf<V>>) {
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) if std::ptr::eq(old, new) => {}
            _ => self.pending.push(Pair::Leaves { old, new }),
        }
    }

    /// Takes a pair of nodes apart.
    fn compare(&mut self, old: Option<&'a Child<V>>, new: Option<&'a Child<V>>, known: usize) {
        let old = old.filter(|node| !node.is_nothing());
        let new = new.filter(|node| !node.is_nothing());
        let (Some(old), Some(new)) = (old, new) else {
            return match (old, new) {
                (Some(Child::Branch(old)), None) => self.open(Some(old), None),
                (None, Some(Child::Branch(new))) => self.open(None, Some(new)),
                _ => self.push_leaves(old.and_then(Child::as_leaf), new.and_then(Child::as_leaf)),
            };
        };
        let level = old.depth().min(new.depth());
        let (Some(old_leaf), Some(new_leaf)) = (old.any_leaf(), new.any_leaf()) else { return };
        let apart = known < level && common_nibbles(old_leaf.key(), new_leaf.key()) < level;
        match (old, new) {
            _ if apart => self.push_apart(old, new, old_leaf.key() < new_leaf.key()),
            (Child::Branch(left), Child::Branch(right)) if left.depth() == right.depth() => {
                self.open(Some(left), Some(right));
            }
            (Child::Branch(branch), _) if branch.depth() == level => self.open_beside(branch, new, false),
            (_, Child::Branch(branch)) if branch.depth() == level => self.open_beside(branch, old, true),
            _ if old.depth() == new.depth() => self.push_leaves(old.as_leaf(), new.as_leaf()),
            // The key of a leaf is the start of the other's.
            _ => self.push_apart(old, new, old.depth() == level),
        }
    }

    /// Two nodes without a key in common, the lesser first.
    fn push_apart(&mut self, old: &'a Child<V>, new: &'a Child<V>, old_first: bool) {
        if old_first {
            self.push(None, Some(new), 0);
            self.push(Some(old), None, 0);
        } else {
            self.push(Some(old), None, 0);
            self.push(None, Some(new), 0);
        }
    }

    /// Entries of branches at one depth, side by side.
    fn open(&mut self, old: Option<&'a Branch<V>>, new: Option<&'a Branch<V>>) {
        let Some(branch) = old.or(new) else { return };
        let known = branch.depth() + 1;
        for digit in (0..DIGITS).rev() {
            let child = |branch: Option<&'a Branch<V>>| branch.and_then(|branch| branch.child(digit));
            self.push(child(old), child(new), known);
        }
        self.push_leaves(old.and_then(Branch::value), new.and_then(Branch::value));
    }

    /// Entries of a branch beside a node of the other trie that lies at its value or within one of its digits.
    fn open_beside(&mut self, branch: &'a Branch<V>, other: &'a Child<V>, branch_is_new: bool) {
        let Some(key) = other.any_leaf().map(Leaf::key) else { return };
        let place = nibble(key, branch.depth());
        for digit in (0..DIGITS).rev() {
            let (child, other) = (branch.child(digit), (place == Some(digit)).then_some(other));
            let (old, new) = if branch_is_new { (other, child) } else { (child, other) };
            self.push(old, new, branch.depth() + 1);
        }
        let (value, other) = (branch.value(), place.is_none().then(|| other.as_leaf()).flatten());
        let (old, new) = if branch_is_new { (other, value) } else { (value, other) };
        self.push_leaves(old, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[derive(Clone)]
    struct Number(u8);

    impl TrieValue for Number {
        fn encode_value(&self, out: &mut Vec<u8>) {
            out.push(self.0);
        }
    }

    #[test]
    fn what_two_tries_share_is_not_walked() {
        let key = |index: u32| keccak256(index.to_be_bytes());
        let mut trie = Trie::default();
        for index in 0..10_000 {
            trie.insert(&key(index)[..], Number(1));
        }
        let before = trie.clone();
        assert!(before.diff(&trie).pending.is_empty());
        for index in 0..3 {
            trie.insert(&key(index)[..], Number(2));
        }
        let mut diff = before.diff(&trie);
        let (mut nodes, mut leaves) = (0, 0);
        while let Some(pair) = diff.pending.pop() {
            match pair {
                Pair::Nodes { old, new, known } => {
                    diff.compare(old, new, known);
                    nodes += 1;
                }
                Pair::Leaves { .. } => leaves += 1,
            }
        }
        assert_eq!(leaves, 3);
        assert!(nodes <= 3 * 8, "{nodes} pairs of nodes for 3 changes in a trie of some 5 levels");
    }
}
