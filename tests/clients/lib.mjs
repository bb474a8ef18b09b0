// What every client script shares: where the tools are, how an observation is printed, the demo contracts compiled.
import { createRequire } from 'node:module';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = path.dirname(fileURLToPath(import.meta.url));
export const tools = path.resolve(process.env.QSDM_TOOLS ?? path.join(here, '../../target/tools'));

// The packages are installed under target/, away from the sources, so they are looked up from there.
export const need = createRequire(path.join(tools, 'package.json'));

export const MNEMONIC = process.env.QSDM_MNEMONIC ?? 'test test test test test test test test test test test junk';

/** The endpoint a script was started with. */
export function endpoint() {
  const url = process.argv[2];
  if (!url) {
    console.error(`usage: node ${path.basename(process.argv[1])} RPC_URL`);
    process.exit(2);
  }
  return url;
}

const printable = (_, value) => (typeof value === 'bigint' ? value.toString() : value instanceof Uint8Array ? '0x' + Buffer.from(value).toString('hex') : value);

/** Prints one JSON line: what the client saw at this step. The comparator lines them up by name. */
export function observe(step, value) {
  console.log(JSON.stringify({ step, value: value === undefined ? null : value }, printable));
}

/** Ends the script with a message when the thing it relies on does not hold. */
export function check(holds, message) {
  if (!holds) throw new Error('check failed: ' + message);
}

/** Runs `action`, which must fail, and returns its error. */
export async function failure(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('check failed: the call was expected to fail and did not');
}

let id = 0;

/** One JSON-RPC request as a client without a library sends it; resolves to the whole response object. */
export async function rawRequest(url, method, params = []) {
  return (await post(url, { jsonrpc: '2.0', id: ++id, method, params })).body;
}

/** Posts any body; strings go as they are, anything else as JSON. */
export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** The result of a request that must succeed. */
export async function rpc(url, method, params = []) {
  const answer = await rawRequest(url, method, params);
  if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

/** Compiles contracts/Demo.sol with the pinned compiler: name -> { abi, bytecode }. */
export function compileDemo() {
  const solc = need('solc');
  const input = {
    language: 'Solidity',
    sources: { 'Demo.sol': { content: readFileSync(path.join(here, 'contracts/Demo.sol'), 'utf8') } },
    settings: {
      evmVersion: 'osaka',
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error');
  check(errors.length === 0, errors.map((e) => e.formattedMessage).join('\n'));
  return Object.fromEntries(
    Object.entries(output.contracts['Demo.sol']).map(([name, c]) => [name, { abi: c.abi, bytecode: '0x' + c.evm.bytecode.object }]),
  );
}

/** Runs a program from the tools folder (cast, forge) and resolves to { code, out, err }. */
export function program(name, args, options = {}) {
  return new Promise((resolve) => {
    execFile(path.join(tools, 'bin', name), args, { maxBuffer: 1 << 26, ...options }, (error, out, err) => {
      resolve({ code: error ? (error.code ?? 1) : 0, out: out.trim(), err: err.trim() });
    });
  });
}

/** Runs a script's main function and turns a failure into exit code 1 with the reason on stderr. */
export function main(body) {
  body().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}

/** The receipt of a transaction, waiting until it is in a block. */
export async function receiptOf(url, hash) {
  for (let tries = 0; tries < 600; tries++) {
    const receipt = await rpc(url, 'eth_getTransactionReceipt', [hash]);
    if (receipt !== null) return receipt;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no receipt of ${hash} within 30 s`);
}
