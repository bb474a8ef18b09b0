// What two nodes may answer differently without being different: hashes, signatures, times and prices follow from the genesis
// block and the clock, so only their shape is compared. Everything else is compared as it is.

const HASH = /^0x[0-9a-fA-F]{64}$/;
const QUANTITY = /^0x(0|[1-9a-f][0-9a-f]*)$/;

// Fields that hold a hash or half a signature.
const HASHES = new Set(['hash', 'blockHash', 'parentHash', 'stateRoot', 'transactionsRoot', 'receiptsRoot', 'mixHash', 'transactionHash', 'r', 's']);
// Fields that follow from the clock, from the base fee or from the parity of a signature.
const QUANTITIES = new Set(['timestamp', 'blockTimestamp', 'baseFeePerGas', 'gasPrice', 'effectiveGasPrice', 'maxFeePerGas', 'gasLimit', 'size', 'v', 'yParity']);

/** Replaces what may differ by a word for its shape. */
export function shapeOf(value, key = '') {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, key === 'transactions' ? 'hash' : ''));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.keys(value).sort().map((name) => [name, shapeOf(value[name], name)]));
  }
  if (HASHES.has(key) && typeof value === 'string') return HASH.test(value) || QUANTITY.test(value) ? '<hash>' : value;
  if (QUANTITIES.has(key) && typeof value === 'number') return '<number>';
  if (QUANTITIES.has(key) && typeof value === 'string') return QUANTITY.test(value) ? '<quantity>' : value;
  return value;
}

/** The paths at which two shapes differ: [{ path, left, right }]. */
export function differences(left, right, path = '') {
  const bothObjects = [left, right].every((v) => v !== null && typeof v === 'object') && Array.isArray(left) === Array.isArray(right);
  if (!bothObjects) return JSON.stringify(left) === JSON.stringify(right) ? [] : [{ path, left, right }];
  if (Array.isArray(left) && [...left, ...right].every((item) => typeof item === 'string')) return differentWords(left, right, path);
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.flatMap((name) => differences(left[name], right[name], `${path}/${name}`));
}

// Lists of words (field names, mostly) are compared as sets where they have different lengths, so that a missing field is named.
function differentWords(left, right, path) {
  if (left.length === right.length) {
    return left.flatMap((word, i) => (word === right[i] ? [] : [{ path: `${path}/${i}`, left: word, right: right[i] }]));
  }
  const missing = left.filter((word) => !right.includes(word)).map((word) => ({ path: `${path}/${word}`, left: 'there', right: 'absent' }));
  const added = right.filter((word) => !left.includes(word)).map((word) => ({ path: `${path}/${word}`, left: 'absent', right: 'there' }));
  return [...missing, ...added];
}
