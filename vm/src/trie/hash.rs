//! What nodes commit to: their RLP and the references by which parents name them (yellow paper, appendix D).

use super::{
    TrieValue,
    node::{Branch, Child, DIGITS, Leaf, nibble},
};
use alloy_primitives::{B256, keccak256};
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::{EMPTY_ROOT_HASH, nodes::RlpNode};

/// The hash of a trie's top node. That node is hashed even where its RLP is shorter than a hash.
pub(super) fn root<V: TrieValue>(node: &Child<V>) -> B256 {
    let mut encoder = Encoder::default();
    encoder.remember(node, 0);
    match memo(node) {
        Some(reference) => reference.as_hash().unwrap_or_else(|| keccak256(reference)),
        None => EMPTY_ROOT_HASH,
    }
}

/// The reference to a node, if it was computed since the node last changed or moved.
fn memo<V>(node: &Child<V>) -> Option<&RlpNode> {
    match node {
        Child::Branch(branch) => branch.memo().get(),
        Child::Leaf(leaf) => leaf.as_ref()?.memo.get(),
    }
}

/// Encodes nodes. `start` is everywhere the number of digits that lie above a node: its parent's depth and one more.
#[derive(Default)]
pub(super) struct Encoder {
    /// The node encoded last.
    pub(super) rlp: Vec<u8>,
    value: Vec<u8>,
    path: Vec<u8>,
}

impl Encoder {
    /// Computes the references of a node and of all below that lack theirs.
    pub(super) fn remember<V: TrieValue>(&mut self, node: &Child<V>, start: usize) {
        match node {
            Child::Leaf(Some(leaf)) if leaf.memo.get().is_none() => {
                self.encode_leaf(leaf, start);
                leaf.memo.get_or_init(|| RlpNode::from_rlp(&self.rlp));
            }
            Child::Branch(branch) if branch.memo().get().is_none() => {
                self.remember_children(branch);
                self.encode_branch(branch);
                let mut reference = RlpNode::from_rlp(&self.rlp);
                if branch.depth() > start {
                    self.encode_extension(node, start, &reference);
                    reference = RlpNode::from_rlp(&self.rlp);
                }
                branch.memo().get_or_init(|| reference);
            }
            _ => {}
        }
    }

    fn remember_children<V: TrieValue>(&mut self, branch: &Branch<V>) {
        for child in branch.children() {
            self.remember(child, branch.depth() + 1);
        }
    }

    /// Encodes `[path of what is left of the key, value]`.
    pub(super) fn encode_leaf<V: TrieValue>(&mut self, leaf: &Leaf<V>, start: usize) {
        self.value.clear();
        leaf.value.encode_value(&mut self.value);
        // A key ends on a whole byte, so its rest is whole bytes behind at most one single digit.
        self.path.clear();
        self.path.push(match nibble(leaf.key(), start) {
            Some(digit) if start % 2 == 1 => 0x30 | digit,
            _ => 0x20,
        });
        self.path.extend_from_slice(leaf.key().get(start.div_ceil(2)..).unwrap_or_default());
        let payload_length = self.path.as_slice().length() + self.value.as_slice().length();
        self.rlp.clear();
        Header { list: true, payload_length }.encode(&mut self.rlp);
        self.path.as_slice().encode(&mut self.rlp);
        self.value.as_slice().encode(&mut self.rlp);
    }

    /// Encodes `[16 references, value]`; the references are known.
    pub(super) fn encode_branch<V: TrieValue>(&mut self, branch: &Branch<V>) {
        self.value.clear();
        if let Some(leaf) = branch.value() {
            leaf.value.encode_value(&mut self.value);
        }
        let children = branch.children();
        let references = children.iter().filter_map(memo).map(|reference| reference.len()).sum::<usize>();
        let absent = usize::from(DIGITS) - children.len();
        self.rlp.clear();
        Header { list: true, payload_length: references + absent + self.value.as_slice().length() }
            .encode(&mut self.rlp);
        let mut references = children.iter().filter_map(memo);
        for digit in 0..DIGITS {
            match branch.mask() >> digit & 1 {
                0 => self.rlp.push(EMPTY_STRING_CODE),
                _ => references.next().into_iter().for_each(|reference| self.rlp.extend_from_slice(reference)),
            }
        }
        self.value.as_slice().encode(&mut self.rlp);
    }

    /// Encodes `[path from start to the branch, reference to the branch alone]`.
    pub(super) fn encode_extension<V>(&mut self, node: &Child<V>, start: usize, reference: &RlpNode) {
        let key = node.any_leaf().map(Leaf::key).unwrap_or_default();
        let odd = (node.depth() - start) % 2;
        let digit = |depth| nibble(key, depth).unwrap_or_default();
        self.path.clear();
        self.path.push(if odd == 1 { 0x10 | digit(start) } else { 0 });
        self.path.extend((start + odd..node.depth()).step_by(2).map(|depth| digit(depth) << 4 | digit(depth + 1)));
        self.rlp.clear();
        Header { list: true, payload_length: self.path.as_slice().length() + reference.len() }.encode(&mut self.rlp);
        self.path.as_slice().encode(&mut self.rlp);
        self.rlp.extend_from_slice(reference);
    }
}
