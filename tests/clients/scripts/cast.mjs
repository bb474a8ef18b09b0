// Stock cast against a node: what a person at a terminal does.
import { check, compileDemo, endpoint, main, MNEMONIC, need, observe, program } from '../lib.mjs';

const { mnemonicToAccount } = need('viem/accounts');
const { toHex } = need('viem');
const url = endpoint();
const { Demo } = compileDemo();
const [owner, other] = [0, 1].map((addressIndex) => mnemonicToAccount(MNEMONIC, { addressIndex }));
const key = toHex(owner.getHdKey().privateKey);

async function cast(...args) {
  const { code, out, err } = await program('cast', [args[0], '--rpc-url', url, ...args.slice(1)], { env: { ...process.env, NO_COLOR: '1' } });
  check(code === 0, `cast ${args.join(' ').slice(0, 200)} exited with ${code}: ${err || out}`);
  return out;
}
const walletCast = async (...args) => (await program('cast', args)).out;
const send = async (...args) => JSON.parse(await cast('send', '--json', '--private-key', key, ...args));

main(async () => {
  observe('chain', [await cast('chain-id'), await cast('chain'), await cast('block-number')]);
  const deployed = await send('--create', Demo.bytecode, 'constructor(string)', 'cast');
  const demo = deployed.contractAddress;
  observe('deploy', [deployed.status, deployed.contractAddress, deployed.gasUsed]);
  observe('call', [await cast('call', demo, 'name()(string)'), await cast('call', demo, 'owner()(address)')]);
  const stored = await send(demo, 'store(uint256,uint256,string)', '1', '11', 'by cast', '--value', '5');
  observe('send', [stored.status, stored.type, stored.gasUsed, stored.logs.length]);
  const legacy = await send('--legacy', '--gas-price', '100gwei', demo, 'store(uint256,uint256,string)', '1', '12', 'legacy');
  observe('legacy', [legacy.status, legacy.type]);
  const async = await cast('send', '--async', '--private-key', key, other.address, '--value', '1');
  const receipt = JSON.parse(await cast('receipt', '--json', async));
  observe('receipt', Object.keys(receipt).sort());
  observe('tx', Object.keys(JSON.parse(await cast('tx', '--json', async))).sort());
  observe('raw tx', (await cast('tx', '--raw', async)).slice(0, 4));
  observe('reads', [
    await cast('nonce', owner.address), await cast('storage', demo, '2'), (await cast('code', demo)).length, await cast('codehash', demo),
    await cast('balance', demo), (await cast('gas-price')) !== '0', (await cast('base-fee')) !== '', await cast('estimate', demo, 'store(uint256,uint256,string)', '9', '9', 'x', '--from', owner.address),
  ]);
  observe('logs', JSON.parse(await cast('logs', '--json', '--from-block', '0', '--address', demo, 'Stored(address,uint256,uint256,string)')).length);
  observe('block', Object.keys(JSON.parse(await cast('block', '--json', 'latest'))).sort());
  observe('proof', Object.keys(JSON.parse(await cast('proof', demo, '2'))).sort());
  observe('access list', JSON.parse(await cast('access-list', '--json', demo, 'writes()', '--from', owner.address)).accessList);
  const failed = await program('cast', ['call', demo, 'failWithCustomError(uint256)', '5', '--rpc-url', url]);
  observe('revert', { code: failed.code, hasData: failed.err.includes('0xe94fe3af') });
  const required = await program('cast', ['call', demo, 'failWithString()', '--rpc-url', url]);
  observe('revert string', { code: required.code, reason: required.err.includes('the door is closed') });
  const auth = await walletCast('wallet', 'sign-auth', '--rpc-url', url, demo, '--private-key', toHex(mnemonicToAccount(MNEMONIC, { addressIndex: 4 }).getHdKey().privateKey));
  const delegated = await send(other.address, '--auth', auth);
  observe('7702', [delegated.status, delegated.type, await cast('code', mnemonicToAccount(MNEMONIC, { addressIndex: 4 }).address)]);
  const traced = await cast('rpc', 'debug_traceTransaction', stored.transactionHash, '{"tracer":"callTracer"}');
  observe('call tracer', Object.keys(JSON.parse(traced)).sort());
  const ran = await program('cast', ['run', stored.transactionHash, '--rpc-url', url], { env: { ...process.env, NO_COLOR: '1' } });
  observe('run', { code: ran.code, succeeded: ran.out.includes('successfully executed') });
});
