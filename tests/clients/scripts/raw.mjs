// JSON-RPC without a library: which fields blocks, transactions and receipts carry, what errors look like, batches, filters.
import { check, compileDemo, endpoint, main, observe, need, post, rawRequest, receiptOf, rpc } from '../lib.mjs';
import { headerHash } from '../header.mjs';

const { encodeDeployData, encodeFunctionData } = need('viem');
const url = endpoint();
const { Demo } = compileDemo();

const keysOf = (object) => Object.keys(object).sort();
const errorOf = (answer) => (answer.error ? { code: answer.error.code, data: answer.error.data ?? null } : { result: answer.result });

main(async () => {
  const [owner, other] = await rpc(url, 'eth_accounts');
  observe('accounts', (await rpc(url, 'eth_accounts')).length);
  observe('chain', [await rpc(url, 'eth_chainId'), await rpc(url, 'net_version'), await rpc(url, 'net_listening'), await rpc(url, 'eth_syncing')]);
  observe('sha3', await rpc(url, 'web3_sha3', ['0x68656c6c6f']));

  const deployHash = await rpc(url, 'eth_sendTransaction', [{ from: owner, data: encodeDeployData({ ...Demo, args: ['raw'] }) }]);
  const deployed = await receiptOf(url, deployHash);
  const demo = deployed.contractAddress;
  observe('deploy receipt', deployed);
  const store = (key, value, note) => encodeFunctionData({ abi: Demo.abi, functionName: 'store', args: [key, value, note] });
  const sent = await rpc(url, 'eth_sendTransaction', [{ from: owner, to: demo, data: store(7n, 42n, 'raw'), value: '0x10' }]);
  const receipt = await receiptOf(url, sent);

  await blocks(receipt, sent);
  await transactions(receipt, sent);
  await logsAndFilters(demo, owner, other, store);
  await errors(owner, other, demo);
  await batches(owner);
  await calls(owner, other, demo);
});

async function blocks(receipt, sent) {
  const full = await rpc(url, 'eth_getBlockByNumber', [receipt.blockNumber, true]);
  const light = await rpc(url, 'eth_getBlockByHash', [receipt.blockHash, false]);
  observe('block fields', keysOf(full));
  observe('block', light);
  observe('transaction fields in a block', keysOf(full.transactions[0]));
  check(light.transactions[0] === sent, 'the block lists the transaction');
  check(headerHash(full) === full.hash, `the header's fields hash to ${headerHash(full)}, the block says ${full.hash}`);
  observe('header hash recomputed', true);
  observe('counts', [await rpc(url, 'eth_getBlockTransactionCountByNumber', [receipt.blockNumber]), await rpc(url, 'eth_getBlockTransactionCountByHash', [receipt.blockHash])]);
  observe('uncles', [await rpc(url, 'eth_getUncleCountByBlockNumber', [receipt.blockNumber]), await rpc(url, 'eth_getUncleByBlockNumberAndIndex', [receipt.blockNumber, '0x0'])]);
  observe('block receipts', (await rpc(url, 'eth_getBlockReceipts', [receipt.blockNumber])).map(keysOf));
  observe('unknown block', await rpc(url, 'eth_getBlockByNumber', ['0xffffff', false]));
  observe('unknown hash', await rpc(url, 'eth_getBlockByHash', ['0x' + '11'.repeat(32), false]));
  for (const tag of ['earliest', 'latest', 'safe', 'finalized', 'pending']) {
    const block = await rpc(url, 'eth_getBlockByNumber', [tag, false]);
    observe('tag ' + tag, block === null ? null : keysOf(block).length > 15);
  }
  const genesis = await rpc(url, 'eth_getBlockByNumber', ['0x0', false]);
  check(headerHash(genesis) === genesis.hash, 'the genesis hash follows from its fields');
}

async function transactions(receipt, sent) {
  const byHash = await rpc(url, 'eth_getTransactionByHash', [sent]);
  observe('receipt', receipt);
  observe('transaction', byHash);
  const byPlace = await rpc(url, 'eth_getTransactionByBlockNumberAndIndex', [receipt.blockNumber, '0x0']);
  const byHashPlace = await rpc(url, 'eth_getTransactionByBlockHashAndIndex', [receipt.blockHash, '0x0']);
  check(JSON.stringify(byPlace) === JSON.stringify(byHash) && JSON.stringify(byHashPlace) === JSON.stringify(byHash), 'one transaction reads the same by hash and by place');
  observe('raw transaction type', (await rpc(url, 'eth_getRawTransactionByHash', [sent])).slice(0, 4));
  observe('unknown transaction', [await rpc(url, 'eth_getTransactionByHash', ['0x' + '22'.repeat(32)]), await rpc(url, 'eth_getTransactionReceipt', ['0x' + '22'.repeat(32)])]);
}

async function logsAndFilters(demo, owner, other, store) {
  observe('logs by address', await rpc(url, 'eth_getLogs', [{ address: demo, fromBlock: 'earliest', toBlock: 'latest' }]));
  const topic = (await rpc(url, 'eth_getLogs', [{ address: demo, fromBlock: '0x0' }]))[0].topics;
  observe('logs by topic', (await rpc(url, 'eth_getLogs', [{ fromBlock: '0x0', topics: [topic[0], null, [topic[2], '0x' + '00'.repeat(32)]] }])).length);
  observe('logs that nobody wrote', await rpc(url, 'eth_getLogs', [{ fromBlock: '0x0', topics: ['0x' + '33'.repeat(32)] }]));
  const logFilter = await rpc(url, 'eth_newFilter', [{ address: demo }]);
  const blockFilter = await rpc(url, 'eth_newBlockFilter');
  const pendingFilter = await rpc(url, 'eth_newPendingTransactionFilter');
  await receiptOf(url, await rpc(url, 'eth_sendTransaction', [{ from: other, to: demo, data: store(8n, 1n, 'filter') }]));
  observe('filter changes', [
    (await rpc(url, 'eth_getFilterChanges', [logFilter])).map(keysOf),
    (await rpc(url, 'eth_getFilterChanges', [blockFilter])).length,
    (await rpc(url, 'eth_getFilterChanges', [pendingFilter])).length,
  ]);
  observe('filter changes the second time', [(await rpc(url, 'eth_getFilterChanges', [logFilter])).length, (await rpc(url, 'eth_getFilterChanges', [blockFilter])).length]);
  observe('filter logs', (await rpc(url, 'eth_getFilterLogs', [logFilter])).length);
  observe('uninstall', [await rpc(url, 'eth_uninstallFilter', [logFilter]), await rpc(url, 'eth_uninstallFilter', [logFilter])]);
}

async function errors(owner, other, demo) {
  observe('unknown method', errorOf(await rawRequest(url, 'eth_noSuchMethod')));
  observe('bad address', errorOf(await rawRequest(url, 'eth_getBalance', ['0x12', 'latest'])));
  observe('missing parameter', errorOf(await rawRequest(url, 'eth_getBalance', [])));
  observe('bad transaction bytes', errorOf(await rawRequest(url, 'eth_sendRawTransaction', ['0x02c0'])).code);
  observe('not JSON', errorOf((await post(url, '{"jsonrpc"')).body));
  observe('not a request', errorOf((await post(url, '{"foo":1}')).body));
  observe('no funds', errorOf(await rawRequest(url, 'eth_sendTransaction', [{ from: owner, to: other, value: '0x' + 'ff'.repeat(20), gas: '0x5208' }])));
  observe('stranger', errorOf(await rawRequest(url, 'eth_sendTransaction', [{ from: '0x' + '44'.repeat(20), to: other, value: '0x1' }])).code);
  const revert = (name, args) => ({ from: owner, to: demo, data: encodeFunctionData({ abi: Demo.abi, functionName: name, args }) });
  for (const [step, call] of [
    ['custom error', revert('failWithCustomError', [5n])],
    ['require string', revert('failWithString', [])],
    ['panic', revert('failWithPanic', [0n])],
    ['silent revert', revert('failSilently', [])],
  ]) {
    observe(step + ' in eth_call', errorOf(await rawRequest(url, 'eth_call', [call, 'latest'])));
    observe(step + ' in eth_estimateGas', errorOf(await rawRequest(url, 'eth_estimateGas', [call])));
  }
  const failed = await rpc(url, 'eth_sendTransaction', [{ ...revert('writeThenFail', [5n]), gas: '0x20000' }]);
  observe('a failed transaction', await receiptOf(url, failed));
}

async function batches(owner) {
  const request = (id, method, params) => ({ jsonrpc: '2.0', id, method, params });
  const { body } = await post(url, [request(1, 'eth_chainId', []), request('two', 'eth_noSuchMethod', []), request(3, 'eth_getTransactionCount', [owner, 'latest'])]);
  observe('batch', body.map((answer) => [answer.id, answer.error?.code ?? answer.result]).sort());
  const empty = await post(url, []);
  observe('empty batch', { code: empty.body?.error?.code ?? null });
}

async function calls(owner, other, demo) {
  const data = encodeFunctionData({ abi: Demo.abi, functionName: 'valueOf', args: [7n] });
  observe('call', await rpc(url, 'eth_call', [{ to: demo, data }, 'latest']));
  const slot = '0x' + '00'.repeat(31) + '02';
  observe('storage', await rpc(url, 'eth_getStorageAt', [demo, '0x2', 'latest']));
  observe('call with a state override', await rpc(url, 'eth_call', [{ to: demo, data: encodeFunctionData({ abi: Demo.abi, functionName: 'writes' }) }, 'latest', { [demo]: { stateDiff: { [slot]: '0x' + '00'.repeat(31) + '09' } } }]));
  observe('code length', (await rpc(url, 'eth_getCode', [demo, 'latest'])).length);
  observe('estimate of a transfer', await rpc(url, 'eth_estimateGas', [{ from: owner, to: other, value: '0x1' }]));
  observe('access list', await rpc(url, 'eth_createAccessList', [{ from: owner, to: demo, data }, 'latest']));
  observe('fee history fields', keysOf(await rpc(url, 'eth_feeHistory', ['0x2', 'latest', [25, 75]])));
  const simulated = await rpc(url, 'eth_simulateV1', [{ blockStateCalls: [{ calls: [{ from: owner, to: demo, data }] }] }, 'latest']);
  observe('simulate', { calls: simulated[0].calls.map(keysOf), status: simulated[0].calls[0].status, returnData: simulated[0].calls[0].returnData });
  observe('pool', await rpc(url, 'txpool_status'));
}
