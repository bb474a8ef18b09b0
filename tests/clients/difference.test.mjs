import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, shapeOf } from './difference.mjs';

const hash = (byte) => '0x' + byte.repeat(32);
const between = (left, right) => differences(shapeOf(left), shapeOf(right));

test('two hashes of the right shape are no difference', () => {
  assert.deepEqual(between({ blockHash: hash('ab') }, { blockHash: hash('cd') }), []);
});

test('a hash of the wrong length is a difference', () => {
  assert.equal(between({ blockHash: hash('ab') }, { blockHash: '0xabXX' }).length, 1);
});

test('a quantity with leading zeros or as a number is a difference', () => {
  assert.equal(between({ gasPrice: '0x10' }, { gasPrice: '0x010' }).length, 1);
  assert.equal(between({ timestamp: '0x10' }, { timestamp: 16 }).length, 1);
});

test('gas used is compared exactly', () => {
  assert.deepEqual(between({ gasUsed: '0x5208' }, { gasUsed: '0x5209' }), [{ path: '/gasUsed', left: '0x5208', right: '0x5209' }]);
});

test('a missing field is named', () => {
  assert.deepEqual(between(['a', 'b'], ['a']), [{ path: '/b', left: 'there', right: 'absent' }]);
  assert.deepEqual(between({ a: 1, b: null }, { a: 1 }), [{ path: '/b', left: null, right: undefined }]);
});

test('a step that only one node reached is a difference', () => {
  assert.equal(differences(undefined, { a: 1 }).length, 1);
});
