//! Branches and their parts.

use super::{Child, Leaf, rank};
use alloy_trie::nodes::RlpNode;
use std::sync::{Arc, OnceLock};

/// At least two entries whose keys part at one depth: children by digit, and a value if a key ends there.
///
/// What it takes to choose a child is here beside the pointer, so that a walk down waits for one line of memory a level.
pub(in crate::trie) struct Branch<V> {
    fork: Arc<Fork<V>>,
    depth: u16,
    mask: u16,
}

/// The shared part of a branch. The children are unsized: one allocation holds as many as there are.
struct Fork<V, C: ?Sized = [Child<V>]> {
    memo: OnceLock<RlpNode>,
    value: Option<Arc<Leaf<V>>>,
    children: C,
}

impl<V> Fork<V> {
    fn new(value: Option<Arc<Leaf<V>>>, count: usize, children: impl Iterator<Item = Child<V>>) -> Arc<Self> {
        macro_rules! sized {
            ($($count:literal)*) => {
                match count {
                    $($count => Self::sized::<$count>(value, children),)*
                    _ => Self::sized::<16>(value, children),
                }
            };
        }
        sized!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    }

    fn sized<const COUNT: usize>(
        value: Option<Arc<Leaf<V>>>,
        mut children: impl Iterator<Item = Child<V>>,
    ) -> Arc<Self> {
        let children: [Child<V>; COUNT] = std::array::from_fn(|_| children.next().unwrap_or_default());
        Arc::new(Fork { memo: OnceLock::new(), value, children })
    }

    /// Reads all reference counts in one go. Counting up locks one after the other, and each would wait for memory
    /// alone; plain reads wait together.
    fn touch_children(&self) {
        let counts = self.children.iter().map(Child::references).sum::<usize>();
        std::hint::black_box(counts);
    }

    fn copy(&self) -> Arc<Self> {
        self.touch_children();
        Self::new(self.value.clone(), self.children.len(), self.children.iter().cloned())
    }
}

impl<V> Clone for Branch<V> {
    fn clone(&self) -> Self {
        Self { fork: Arc::clone(&self.fork), ..*self }
    }
}

impl<V> Branch<V> {
    /// Digits before those that part the children.
    pub(in crate::trie) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// The digits that have a child, one bit each.
    pub(in crate::trie) fn mask(&self) -> u16 {
        self.mask
    }

    /// What the parent commits to, an extension node in front included. It holds for one place, as a leaf's does.
    pub(in crate::trie) fn memo(&self) -> &OnceLock<RlpNode> {
        &self.fork.memo
    }

    /// The leaf whose key ends here.
    pub(in crate::trie) fn value(&self) -> Option<&Leaf<V>> {
        self.fork.value.as_deref()
    }

    /// All children in ascending order.
    pub(in crate::trie) fn children(&self) -> &[Child<V>] {
        &self.fork.children
    }

    /// The child of a digit.
    pub(in crate::trie) fn child(&self, digit: u8) -> Option<&Child<V>> {
        if self.mask >> digit & 1 == 0 { None } else { self.fork.children.get(self.index_of(digit)) }
    }

    /// Position among the children of the first whose digit is not below `digit`.
    pub(in crate::trie) fn index_of(&self, digit: u8) -> usize {
        rank(self.mask, digit)
    }

    /// True if both are the same branch in memory.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.fork, &other.fork)
    }

    /// How many tries and nodes share the branch.
    pub(super) fn references(&self) -> usize {
        Arc::strong_count(&self.fork)
    }

    /// The branch for writing, without its memo; a copy takes its place if another trie shares it.
    fn make_mut(&mut self) -> &mut Fork<V> {
        if self.references() != 1 {
            self.fork = self.fork.copy();
        }
        let fork = Arc::get_mut(&mut self.fork).expect("invariant: no weak references, and just made unique");
        fork.memo.take();
        fork
    }

    /// Forgets the memo, because the branch moves to another place or changes below.
    pub(super) fn forget(&mut self) {
        self.make_mut();
    }

    /// The child of a digit, for writing.
    pub(in crate::trie) fn child_mut(&mut self, digit: Option<u8>) -> Option<&mut Child<V>> {
        let digit = digit.filter(|digit| self.mask >> digit & 1 == 1)?;
        let index = self.index_of(digit);
        self.make_mut().children.get_mut(index)
    }

    /// The leaf whose key ends here, for writing.
    pub(in crate::trie) fn value_mut(&mut self) -> Option<&mut Arc<Leaf<V>>> {
        self.make_mut().value.as_mut()
    }

    /// Takes a branch apart. Moves the parts where nobody shares the branch.
    pub(in crate::trie) fn into_parts(mut self) -> Parts<V> {
        let (depth, mask) = (self.depth(), self.mask);
        if let Some(fork) = Arc::get_mut(&mut self.fork) {
            let children = fork.children.iter_mut().map(std::mem::take).collect();
            return Parts { depth, mask, value: fork.value.take(), children };
        }
        self.fork.touch_children();
        Parts { depth, mask, value: self.fork.value.clone(), children: self.fork.children.to_vec() }
    }
}

/// A branch taken apart, to be put together with more or fewer entries.
pub(in crate::trie) struct Parts<V> {
    depth: usize,
    mask: u16,
    value: Option<Arc<Leaf<V>>>,
    children: Vec<Child<V>>,
}

impl<V: Clone> Parts<V> {
    /// Parts of a branch that has no entry yet.
    pub(in crate::trie) fn empty(depth: usize) -> Self {
        Self { depth, mask: 0, value: None, children: Vec::with_capacity(2) }
    }

    /// Digits before those that part the entries.
    pub(in crate::trie) fn depth(&self) -> usize {
        self.depth
    }

    /// Adds the child of a digit that has none.
    pub(in crate::trie) fn add(&mut self, digit: u8, child: Child<V>) {
        self.children.insert(rank(self.mask, digit), child);
        self.mask |= 1 << digit;
    }

    /// Adds a leaf whose digit here is `digit`, `None` if its key ends here.
    pub(in crate::trie) fn add_leaf(&mut self, digit: Option<u8>, leaf: Arc<Leaf<V>>) {
        match digit {
            Some(digit) => self.add(digit, Child::Leaf(Some(leaf))),
            None => self.value = Some(leaf),
        }
    }

    /// Takes out the leaf of a digit, of the branch itself for `None`. A branch under that digit stays.
    pub(in crate::trie) fn remove_leaf(&mut self, digit: Option<u8>) -> Option<Arc<Leaf<V>>> {
        let Some(digit) = digit else { return self.value.take() };
        let index = rank(self.mask, digit);
        if self.mask >> digit & 1 == 0 || !matches!(self.children.get(index), Some(Child::Leaf(_))) {
            return None;
        }
        self.mask &= !(1 << digit);
        match self.children.remove(index) {
            Child::Leaf(leaf) => leaf,
            Child::Branch(_) => None,
        }
    }

    /// The node of these parts: a branch, or what is left if that is a single entry.
    pub(in crate::trie) fn into_child(mut self) -> Child<V> {
        match (self.children.len(), &self.value) {
            // The memo of a value is never set: its branch commits to it directly.
            (0, _) => Child::Leaf(self.value),
            (1, None) => {
                let mut only = self.children.pop().unwrap_or_default();
                only.forget();
                only
            }
            (count, _) => Child::Branch(Branch {
                fork: Fork::new(self.value, count, self.children.into_iter()),
                depth: u16::try_from(self.depth).expect("invariant: keys are limited, and with them the depth"),
                mask: self.mask,
            }),
        }
    }
}
