// viem, unchanged: deploy, read, write, events over ws, fees, revert reasons, every transaction type, 7702, proofs, dev methods.
import { check, compileDemo, endpoint, failure, main, MNEMONIC, need, observe } from '../lib.mjs';
import { headerHash } from '../header.mjs';
import { verifyProof } from '../proof.mjs';

const viem = need('viem');
const { mnemonicToAccount } = need('viem/accounts');
const { foundry } = need('viem/chains');

const url = endpoint();
const { Demo, BatchAccount } = compileDemo();
const accounts = [0, 1, 2, 3].map((addressIndex) => mnemonicToAccount(MNEMONIC, { addressIndex }));
const [owner, other, third, delegator] = accounts;
const transport = viem.http(url);
const options = { chain: foundry, pollingInterval: 50 };
const client = viem.createPublicClient({ ...options, transport });
const socket = viem.createPublicClient({ ...options, transport: viem.webSocket(url.replace('http', 'ws')) });
const walletOf = (account) => viem.createWalletClient({ ...options, account, transport });
const wallet = walletOf(owner);
const dev = viem.createTestClient({ ...options, mode: 'anvil', transport });
const mined = (hash) => client.waitForTransactionReceipt({ hash });

main(async () => {
  observe('chain', await client.getChainId());
  const deployHash = await wallet.deployContract({ ...Demo, args: ['viem'] });
  const { contractAddress: address, gasUsed } = await mined(deployHash);
  observe('deploy', { address, gasUsed });
  const demo = { address, abi: Demo.abi };

  observe('read', [await client.readContract({ ...demo, functionName: 'name' }), await client.readContract({ ...demo, functionName: 'owner' })]);
  await writesAndEvents(demo);
  await fees(demo);
  await reverts(demo);
  await types(demo);
  await delegation();
  await proofs(demo);
  await filters(demo);
  await signing();
  await devMethods(demo);
});

async function writesAndEvents(demo) {
  const seen = [];
  const heads = [];
  const stopEvents = socket.watchContractEvent({ ...demo, eventName: 'Stored', onLogs: (logs) => seen.push(...logs) });
  const stopHeads = socket.watchBlockNumber({ onBlockNumber: (number) => heads.push(number) });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { request, result } = await client.simulateContract({ ...demo, functionName: 'store', args: [1n, 11n, 'by viem'], account: owner });
  observe('simulated result', result);
  const receipt = await mined(await wallet.writeContract(request));
  observe('write', { status: receipt.status, gasUsed: receipt.gasUsed, logs: receipt.logs.length });
  observe('stored', await client.readContract({ ...demo, functionName: 'valueOf', args: [1n] }));
  for (let tries = 0; tries < 200 && (seen.length === 0 || heads.length === 0); tries++) await new Promise((resolve) => setTimeout(resolve, 25));
  stopEvents();
  stopHeads();
  check(seen.length === 1, `one event over ws, saw ${seen.length}`);
  observe('event over ws', { name: seen[0].eventName, args: seen[0].args, removed: seen[0].removed });
  observe('heads over ws', heads.length > 0);
  const past = await client.getContractEvents({ ...demo, eventName: 'Stored', fromBlock: 0n, args: { by: owner.address } });
  observe('past events', past.map((log) => log.args));
}

async function fees(demo) {
  const estimated = await client.estimateFeesPerGas();
  check(estimated.maxFeePerGas >= estimated.maxPriorityFeePerGas, 'the fee cap holds the tip');
  const block = await client.getBlock();
  check(estimated.maxFeePerGas >= block.baseFeePerGas, 'the estimated fee pays the base fee');
  const history = await client.getFeeHistory({ blockCount: 3, rewardPercentiles: [10, 90] });
  observe('fee history', { bases: history.baseFeePerGas.length, ratios: history.gasUsedRatio.length, rewards: history.reward.map((r) => r.length) });
  observe('gas estimates', [
    await client.estimateGas({ account: owner, to: other.address, value: 1n }),
    await client.estimateContractGas({ ...demo, functionName: 'store', args: [9n, 9n, 'x'], account: owner }),
  ]);
  check((await client.getGasPrice()) > 0n, 'a gas price');
}

async function reverts(demo) {
  const reason = (error) => {
    const revert = error.walk((e) => e instanceof viem.ContractFunctionRevertedError);
    return revert ? { name: revert.data?.errorName ?? null, args: revert.data?.args ?? null, reason: revert.reason ?? null, raw: revert.raw ?? null } : { other: error.shortMessage };
  };
  for (const [step, functionName, args] of [['custom error', 'failWithCustomError', [5n]], ['require string', 'failWithString', []], ['panic', 'failWithPanic', [0n]], ['silent', 'failSilently', []]]) {
    observe(step + ' when read', reason(await failure(() => client.readContract({ ...demo, functionName, args }))));
  }
  const write = { ...demo, functionName: 'writeThenFail', args: [5n] };
  observe('custom error when simulated', reason(await failure(() => client.simulateContract({ ...write, account: owner }))));
  observe('custom error when estimated', reason(await failure(() => client.estimateContractGas({ ...write, account: owner }))));
  const receipt = await mined(await wallet.writeContract({ ...write, gas: 200_000n }));
  observe('mined failure', { status: receipt.status, gasUsed: receipt.gasUsed });
  observe('nothing was written', await client.readContract({ ...demo, functionName: 'valueOf', args: [1n] }));
  const poor = viem.parseEther('999999999');
  const error = await failure(() => wallet.sendTransaction({ to: other.address, value: poor, gas: 21_000n }));
  observe('no funds', error.walk((e) => e instanceof viem.InsufficientFundsError) !== null);
  const low = await failure(() => wallet.sendTransaction({ to: other.address, nonce: 0, gas: 21_000n }));
  observe('nonce too low', low.walk((e) => e instanceof viem.NonceTooLowError) !== null);
}

async function signed(transaction) {
  return owner.signTransaction({ chainId: foundry.id, gas: 100_000n, ...(transaction.type === 'eip1559' && { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n }), ...transaction });
}

async function types(demo) {
  const data = viem.encodeFunctionData({ abi: demo.abi, functionName: 'store', args: [2n, 22n, 'typed'] });
  const base = { to: demo.address, data };
  const gasPrice = 10n ** 11n;
  for (const [type, extra] of [
    ['legacy', { gasPrice }],
    ['eip2930', { gasPrice, accessList: [{ address: demo.address, storageKeys: [viem.toHex(2, { size: 32 })] }] }],
    ['eip1559', { accessList: [] }],
  ]) {
    const nonce = await client.getTransactionCount({ address: owner.address, blockTag: 'pending' });
    const hash = await client.sendRawTransaction({ serializedTransaction: await signed({ ...base, ...extra, type, nonce }) });
    const receipt = await mined(hash);
    const transaction = await client.getTransaction({ hash });
    check(transaction.hash === hash && transaction.from === owner.address.toLowerCase(), 'the transaction reads back');
    observe('type ' + type, { receipt: receipt.type, status: receipt.status, gasUsed: receipt.gasUsed, type: transaction.type, typeHex: transaction.typeHex, accessList: transaction.accessList ?? null, yParity: transaction.yParity !== undefined, chainId: transaction.chainId ?? null });
  }
  const wrong = await failure(async () => client.sendRawTransaction({ serializedTransaction: await signed({ ...base, type: 'eip1559', nonce: 99, chainId: 1 }) }));
  observe('wrong chain id', wrong.name);
}

async function delegation() {
  const { contractAddress: code } = await mined(await wallet.deployContract(BatchAccount));
  const own = walletOf(delegator);
  const authorization = await own.signAuthorization({ contractAddress: code, executor: 'self' });
  const data = viem.encodeFunctionData({ abi: BatchAccount.abi, functionName: 'run', args: [[third.address, other.address], [5n, 6n]] });
  const before = await client.getBalance({ address: third.address });
  const hash = await own.sendTransaction({ authorizationList: [authorization], to: delegator.address, data });
  const receipt = await mined(hash);
  const transaction = await client.getTransaction({ hash });
  observe('7702 batch', { status: receipt.status, type: receipt.type, gasUsed: receipt.gasUsed, logs: receipt.logs.length, authorizations: transaction.authorizationList.length, got: (await client.getBalance({ address: third.address })) - before });
  observe('7702 code', await client.getCode({ address: delegator.address }));
  observe('7702 nonce', await client.getTransactionCount({ address: delegator.address }));
  // someone else carries the second authorization, which clears the delegation
  const clear = await own.signAuthorization({ contractAddress: viem.zeroAddress });
  const cleared = await mined(await wallet.sendTransaction({ authorizationList: [clear], to: delegator.address }));
  observe('7702 cleared', { status: cleared.status, code: (await client.getCode({ address: delegator.address })) ?? null });
}

async function proofs(demo) {
  const block = await client.getBlock();
  const nobody = '0x00000000000000000000000000000000deadbeef';
  for (const [name, address] of [['contract', demo.address], ['account', owner.address], ['nobody', nobody]]) {
    const slots = [viem.toHex(2, { size: 32 }), viem.toHex(77, { size: 32 })];
    const proof = await client.request({ method: 'eth_getProof', params: [address, slots, viem.toHex(block.number)] });
    verifyProof(block.stateRoot, proof);
    observe('proof of ' + name, { nonce: proof.nonce, slots: proof.storageProof.map((s) => [s.key, s.value]), verified: true });
  }
  const raw = await client.request({ method: 'eth_getBlockByNumber', params: [viem.toHex(block.number), false] });
  check(headerHash(raw) === raw.hash, 'the header hash follows from its fields');
}

async function filters(demo) {
  const events = await client.createContractEventFilter({ ...demo, eventName: 'Stored', fromBlock: 0n });
  const blocks = await client.createBlockFilter();
  const before = (await client.getFilterLogs({ filter: events })).length;
  await mined(await wallet.writeContract({ ...demo, functionName: 'store', args: [3n, 33n, 'filter'] }));
  observe('filters', { logs: (await client.getFilterLogs({ filter: events })).length - before, blocks: (await client.getFilterChanges({ filter: blocks })).length, uninstalled: await client.uninstallFilter({ filter: events }) });
  const batching = viem.createPublicClient({ ...options, transport: viem.http(url, { batch: true }) });
  const answers = await Promise.all([batching.getChainId(), batching.getBalance({ address: other.address }), batching.readContract({ ...demo, functionName: 'name' })]);
  observe('batched', [answers[0], answers[1] > 0n, answers[2]]);
}

async function signing() {
  const unlocked = viem.createWalletClient({ ...options, account: owner.address, transport });
  const message = 'hello qsdm';
  const typed = { domain: { name: 'demo', version: '1', chainId: foundry.id }, types: { Ballot: [{ name: 'proposal', type: 'uint256' }, { name: 'support', type: 'uint8' }] }, primaryType: 'Ballot', message: { proposal: 7n, support: 1 } };
  observe('personal_sign is the local signature', (await unlocked.signMessage({ message })) === (await owner.signMessage({ message })));
  observe('signTypedData is the local signature', (await unlocked.signTypedData(typed)) === (await owner.signTypedData(typed)));
  const [account] = await unlocked.getAddresses();
  observe('first account', account);
}

async function devMethods(demo) {
  const snapshot = await dev.snapshot();
  await dev.setBalance({ address: third.address, value: 123n });
  await dev.setNonce({ address: third.address, nonce: 44 });
  await dev.setStorageAt({ address: demo.address, index: 2, value: viem.toHex(500, { size: 32 }) });
  observe('set state', [await client.getBalance({ address: third.address }), await client.getTransactionCount({ address: third.address }), await client.readContract({ ...demo, functionName: 'writes' })]);
  await dev.revert({ id: snapshot });
  observe('state after revert', await client.readContract({ ...demo, functionName: 'writes' }));

  const first = await client.getBlock();
  await dev.increaseTime({ seconds: 3600 });
  await dev.mine({ blocks: 2 });
  const later = await client.getBlock();
  observe('time moved', { blocks: later.number - first.number, hour: later.timestamp - first.timestamp >= 3600n });
  await dev.setNextBlockTimestamp({ timestamp: later.timestamp + 100n });
  await dev.mine({ blocks: 1 });
  observe('next timestamp', (await client.getBlock()).timestamp - later.timestamp);

  await dev.setAutomine(false);
  const hash = await wallet.sendTransaction({ to: other.address, value: 1n });
  observe('held in the pool', { block: (await client.getTransaction({ hash })).blockNumber, pool: (await dev.getTxpoolStatus()), nonces: (await client.getTransactionCount({ address: owner.address, blockTag: 'pending' })) - (await client.getTransactionCount({ address: owner.address })) });
  await dev.mine({ blocks: 1 });
  observe('mined by hand', (await mined(hash)).status);
  await dev.setAutomine(true);

  const stranger = '0x1111111111111111111111111111111111111111';
  await dev.setBalance({ address: stranger, value: 10n ** 18n });
  await dev.impersonateAccount({ address: stranger });
  const impersonated = viem.createWalletClient({ ...options, account: stranger, transport });
  observe('impersonated', (await mined(await impersonated.sendTransaction({ to: other.address, value: 1n }))).from);
  await dev.stopImpersonatingAccount({ address: stranger });
}
