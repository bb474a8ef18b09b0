// forge script --broadcast deploys with two senders and CREATE2; cast then reads the state that the script left.
import { mkdtempSync, readFileSync, rmSync, cpSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check, endpoint, here, main, MNEMONIC, need, observe, program, tools } from '../lib.mjs';

const { mnemonicToAccount } = need('viem/accounts');
const { toHex } = need('viem');
const url = endpoint();
const keyOf = (addressIndex) => toHex(mnemonicToAccount(MNEMONIC, { addressIndex }).getHdKey().privateKey);
const project = mkdtempSync(path.join(os.tmpdir(), 'qsdm-forge-'));

async function run(name, args, env = {}) {
  const { code, out, err } = await program(name, args, { cwd: project, env: { ...process.env, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1', NO_COLOR: '1', ...env } });
  check(code === 0, `${name} ${args[0]} exited with ${code}: ${err || out}`);
  return out;
}

const cast = (...args) => run('cast', [...args, '--rpc-url', url]);

main(async () => {
  try {
    cpSync(path.join(here, 'forge-demo'), project, { recursive: true });
    await deploy();
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});

async function deploy() {
  const script = ['script', 'script/Deploy.s.sol', '--use', path.join(tools, 'solc-wrap.js'), '--rpc-url', url, '--broadcast', '--slow'];
  await run('forge', script, { OWNER_KEY: keyOf(0), OTHER_KEY: keyOf(1) });
  const log = JSON.parse(readFileSync(path.join(project, 'broadcast/Deploy.s.sol/31337/run-latest.json'), 'utf8'));
  observe('transactions', log.transactions.map((t) => [t.transactionType, t.contractName]));
  observe('receipts', log.receipts.map((r) => [r.status, r.type, r.gasUsed]));
  check(log.receipts.every((r) => r.status === '0x1'), 'every transaction succeeded');
  const [factory, piggy, salted] = ['factory', 'piggy', 'salted'].map((name) => log.returns[name].value);
  observe('addresses', [factory, piggy, salted]);
  observe('state', [
    await cast('call', piggy, 'total()(uint256)'),
    await cast('call', piggy, 'given(address)(uint256)', mnemonicToAccount(MNEMONIC, { addressIndex: 1 }).address),
    await cast('balance', piggy),
    await cast('call', piggy, 'owner()(address)'),
    await cast('call', factory, 'piggies(uint256)(address)', '0'),
    await cast('call', salted, 'owner()(address)'),
    await cast('storage', piggy, '1'),
  ]);
}
