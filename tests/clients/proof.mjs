// Verifies the answer of eth_getProof (EIP-1186) against a state root, without trusting the node for anything else.
import { check, need } from './lib.mjs';

const { keccak256, fromRlp, toRlp, hexToBytes, toHex } = need('viem');

const nibblesOf = (hex) => [...hex.slice(2)].map((c) => parseInt(c, 16));

/** Follows `key` down `nodes` from `root`; returns the RLP value at its end, or null where the trie proves absence. */
export function valueInTrie(root, key, nodes) {
  const path = nibblesOf(keccak256(key));
  let expected = root;
  for (const [depth, node] of nodes.entries()) {
    check(keccak256(node) === expected, `proof node ${depth} does not hash to what its parent names`);
    let items = fromRlp(node, 'hex');
    for (;;) {
      const next = step(items, path);
      if (next.value !== undefined) return next.value;
      // a child shorter than 32 bytes stands inside its parent
      if (Array.isArray(next.child)) items = next.child;
      else {
        expected = next.child;
        break;
      }
    }
  }
  check(false, 'the proof ends before the key does');
}

function step(items, path) {
  if (items === '0x') return { value: null }; // the empty trie is the RLP of an empty string
  if (items.length === 17) {
    if (path.length === 0) return { value: items[16] };
    const child = items[path.shift()];
    return child === '0x' ? { value: null } : { child };
  }
  const prefix = nibblesOf(items[0]);
  const isLeaf = prefix[0] >= 2;
  const part = prefix.slice(prefix[0] % 2 === 1 ? 1 : 2);
  const matches = part.every((nibble, i) => path[i] === nibble);
  if (!matches || (isLeaf && part.length !== path.length)) return { value: null };
  path.splice(0, part.length);
  return isLeaf ? { value: items[1] } : { child: items[1] };
}

const quantity = (hex) => (BigInt(hex) === 0n ? '0x' : toHex(BigInt(hex)));

/** Throws unless every account field and every storage value in `proof` follows from `stateRoot`. */
export function verifyProof(stateRoot, proof) {
  const account = valueInTrie(stateRoot, proof.address, proof.accountProof);
  const stated = [quantity(proof.nonce), quantity(proof.balance), proof.storageHash, proof.codeHash];
  if (account === null) {
    check(BigInt(proof.balance) === 0n && BigInt(proof.nonce) === 0n, 'an absent account has a balance or nonce');
  } else {
    check(toRlp(stated) === account, 'the stated account is not the one in the trie');
  }
  for (const slot of proof.storageProof) {
    const key = toHex(hexToBytes(toHex(BigInt(slot.key), { size: 32 })));
    const value = slot.proof.length === 0 ? null : valueInTrie(proof.storageHash, key, slot.proof);
    const inTrie = value === null ? 0n : BigInt(fromRlp(value, 'hex') === '0x' ? '0x0' : fromRlp(value, 'hex'));
    check(inTrie === BigInt(slot.value), `slot ${slot.key}: the trie has ${inTrie}, the answer says ${slot.value}`);
  }
}
