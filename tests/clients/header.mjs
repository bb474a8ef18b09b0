// Recomputes a block's hash and transaction root from what eth_getBlockByNumber answers, as a client that trusts nobody does.
import { need } from './lib.mjs';

const { keccak256, toRlp, toHex } = need('viem');

const quantity = (hex) => (hex === undefined || BigInt(hex) === 0n ? '0x' : toHex(BigInt(hex)));

/** The hash of the header that the block's fields make (Osaka: through requestsHash where it is there). */
export function headerHash(block) {
  const fields = [
    block.parentHash, block.sha3Uncles, block.miner, block.stateRoot, block.transactionsRoot, block.receiptsRoot, block.logsBloom,
    quantity(block.difficulty), quantity(block.number), quantity(block.gasLimit), quantity(block.gasUsed), quantity(block.timestamp),
    block.extraData, block.mixHash, block.nonce,
  ];
  if (block.baseFeePerGas !== undefined) fields.push(quantity(block.baseFeePerGas));
  if (block.withdrawalsRoot !== undefined) fields.push(block.withdrawalsRoot);
  if (block.blobGasUsed !== undefined) fields.push(quantity(block.blobGasUsed), quantity(block.excessBlobGas));
  if (block.parentBeaconBlockRoot !== undefined) fields.push(block.parentBeaconBlockRoot);
  if (block.requestsHash !== undefined) fields.push(block.requestsHash);
  return keccak256(toRlp(fields));
}
