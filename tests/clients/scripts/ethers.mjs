// ethers v6, unchanged: deploy, read, write, events over ws, fees, revert reasons, every transaction type, 7702, batches.
import { check, compileDemo, endpoint, failure, main, MNEMONIC, need, observe } from '../lib.mjs';

const ethers = need('ethers');
const url = endpoint();
const { Demo, BatchAccount } = compileDemo();
const provider = new ethers.JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 50, cacheTimeout: -1 });
const socket = new ethers.WebSocketProvider(url.replace('http', 'ws'));
const walletAt = (index) => ethers.HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`).connect(provider);
const owner = walletAt(0);
const other = walletAt(1);
const delegator = walletAt(3);

main(async () => {
  observe('network', (await provider.getNetwork()).chainId);
  const demo = await new ethers.ContractFactory(Demo.abi, Demo.bytecode, owner).deploy('ethers');
  await demo.waitForDeployment();
  observe('deploy', { address: await demo.getAddress(), gasUsed: (await demo.deploymentTransaction().wait()).gasUsed });
  observe('read', [await demo.name(), await demo.owner()]);
  await writesAndEvents(demo);
  await fees(demo);
  await reverts(demo);
  await types(demo);
  await delegation();
  await signerOfTheNode(demo);
  socket.destroy();
  provider.destroy();
});

async function writesAndEvents(demo) {
  const listening = demo.connect(socket);
  const event = new Promise((resolve) => listening.once('Stored', (...args) => resolve(args.slice(0, 4))));
  const head = new Promise((resolve) => socket.once('block', resolve));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const receipt = await (await demo.store(1n, 11n, 'by ethers')).wait();
  observe('write', { status: receipt.status, gasUsed: receipt.gasUsed, logs: receipt.logs.length, name: receipt.logs[0].eventName, confirmations: await receipt.confirmations() });
  observe('stored', await demo.getFunction('valueOf')(1n));
  observe('event over ws', await event);
  check((await head) >= receipt.blockNumber, 'a head over ws');
  observe('past events', (await demo.queryFilter(demo.filters.Stored(owner.address), 0)).map((log) => [...log.args]));
}

async function fees(demo) {
  const fee = await provider.getFeeData();
  const block = await provider.getBlock('latest');
  check(fee.gasPrice > 0n && fee.maxFeePerGas >= block.baseFeePerGas, 'the fee data pays the base fee');
  observe('tip', fee.maxPriorityFeePerGas);
  observe('estimates', [await demo.store.estimateGas(9n, 9n, 'x'), await provider.estimateGas({ from: owner.address, to: other.address, value: 1n })]);
  const full = await provider.getBlock(block.number, true);
  observe('block with transactions', { count: full.prefetchedTransactions.length, hash: full.prefetchedTransactions[0].hash === full.transactions[0] });
}

async function reverts(demo) {
  const reason = (error) => ({ code: error.code, reason: error.reason, name: error.revert?.name ?? null, args: error.revert ? [...error.revert.args] : null, data: error.data ?? null });
  observe('custom error', reason(await failure(() => demo.failWithCustomError(5n))));
  observe('require string', reason(await failure(() => demo.failWithString())));
  observe('panic', reason(await failure(() => demo.failWithPanic(0n))));
  observe('silent', reason(await failure(() => demo.failSilently())));
  observe('custom error when sent', reason(await failure(() => demo.writeThenFail(5n))));
  const mined = await failure(async () => (await demo.writeThenFail(5n, { gasLimit: 200_000n })).wait());
  observe('mined failure', { code: mined.code, status: mined.receipt.status, gasUsed: mined.receipt.gasUsed });
  const poor = await failure(() => owner.sendTransaction({ to: other.address, value: ethers.parseEther('999999999'), gasLimit: 21_000n }));
  observe('no funds', poor.code);
  const low = await failure(() => owner.sendTransaction({ to: other.address, nonce: 0, gasLimit: 21_000n }));
  observe('nonce used', low.code);
}

async function types(demo) {
  const to = await demo.getAddress();
  const data = demo.interface.encodeFunctionData('store', [2n, 22n, 'typed']);
  const gasPrice = 10n ** 11n;
  for (const overrides of [
    { type: 0, gasPrice },
    { type: 1, gasPrice, accessList: [{ address: to, storageKeys: [ethers.toBeHex(2, 32)] }] },
    { type: 2, maxFeePerGas: gasPrice, maxPriorityFeePerGas: 10n ** 9n },
  ]) {
    const sent = await owner.sendTransaction({ to, data, ...overrides });
    const receipt = await sent.wait();
    const read = await provider.getTransaction(sent.hash);
    check(read.signature.serialized === sent.signature.serialized, 'the signature reads back');
    observe('type ' + overrides.type, { type: receipt.type, status: receipt.status, gasUsed: receipt.gasUsed, readType: read.type, chainId: read.chainId });
  }
  const slot = await provider.getStorage(to, 2);
  observe('storage', slot);
}

async function delegation() {
  const code = await new ethers.ContractFactory(BatchAccount.abi, BatchAccount.bytecode, owner).deploy();
  await code.waitForDeployment();
  const nonce = await delegator.getNonce();
  const authorization = await delegator.authorize({ address: await code.getAddress(), nonce: nonce + 1, chainId: 31337n });
  const data = code.interface.encodeFunctionData('run', [[other.address], [5n]]);
  const receipt = await (await delegator.sendTransaction({ type: 4, to: delegator.address, data, authorizationList: [authorization] })).wait();
  observe('7702', { status: receipt.status, type: receipt.type, gasUsed: receipt.gasUsed, logs: receipt.logs.length, code: await provider.getCode(delegator.address), nonce: await delegator.getNonce() });
}

async function signerOfTheNode(demo) {
  const signer = await provider.getSigner(2);
  const receipt = await (await demo.connect(signer).store(5n, 55n, 'unlocked')).wait();
  observe('unlocked signer', { from: receipt.from, status: receipt.status });
  observe('unlocked signature', ethers.verifyMessage('hello', await signer.signMessage('hello')) === (await signer.getAddress()));
  const answers = await Promise.all([provider.getBalance(other.address), provider.getTransactionCount(owner.address), demo.name(), provider.getBlockNumber()]);
  observe('batched', [answers[0] > 0n, answers[1], answers[2], answers[3]]);
}
