//! Merkle proofs as `eth_getProof` gives them (EIP-1186).

use super::{
    Trie, TrieValue,
    hash::Encoder,
    node::{Branch, Child, Leaf, common_nibbles, nibble},
};
use alloy_primitives::Bytes;
use alloy_trie::nodes::RlpNode;

/// Nodes of a proof. One shorter than a hash stands inside its parent already; only the top node is always listed.
#[derive(Default)]
struct Proof {
    nodes: Vec<Bytes>,
}

impl Proof {
    fn push(&mut self, rlp: &[u8]) {
        if self.nodes.is_empty() || rlp.len() >= 32 {
            self.nodes.push(Bytes::copy_from_slice(rlp));
        }
    }
}

impl<V: TrieValue> Trie<V> {
    /// The nodes from the root towards a key: proof of its value, or, where the way ends early, of its absence.
    /// Empty for an empty trie.
    pub fn prove(&self, key: &[u8]) -> Vec<Bytes> {
        let (mut proof, mut encoder) = (Proof::default(), Encoder::default());
        let (mut node, mut start) = (&self.root, 0);
        encoder.remember(node, start);
        loop {
            match node {
                Child::Leaf(None) => break,
                Child::Leaf(Some(leaf)) => {
                    encoder.encode_leaf(leaf, start);
                    proof.push(&encoder.rlp);
                    break;
                }
                Child::Branch(branch) => {
                    if !prove_branch(&mut proof, &mut encoder, node, branch, start, key) {
                        break;
                    }
                    let Some(child) = nibble(key, branch.depth()).and_then(|digit| branch.child(digit)) else { break };
                    start = branch.depth() + 1;
                    node = child;
                }
            }
        }
        proof.nodes
    }
}

/// Adds a branch and the extension node in front of it. False if the key leaves the way within the extension.
fn prove_branch<V: TrieValue>(
    proof: &mut Proof,
    encoder: &mut Encoder,
    node: &Child<V>,
    branch: &Branch<V>,
    start: usize,
    key: &[u8],
) -> bool {
    encoder.encode_branch(branch);
    if branch.depth() == start {
        proof.push(&encoder.rlp);
        return true;
    }
    let rlp = encoder.rlp.clone();
    encoder.encode_extension(node, start, &RlpNode::from_rlp(&rlp));
    proof.push(&encoder.rlp);
    let below = node.any_leaf().map(Leaf::key).unwrap_or_default();
    if common_nibbles(below, key) < branch.depth() {
        return false;
    }
    proof.push(&rlp);
    true
}
