// Compiles the contracts and writes what the rest of the project is built from: artifacts/*.json and BYTECODE.lock.
// `--check` compiles into a temporary folder instead and fails when a committed file differs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { keccak256 } = createRequire(import.meta.url)('js-sha3');

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

// Everything with an address at genesis, and the limit of its runtime code in bytes.
const CONTRACTS = {
  AccessManager: 24_576,
  MeshGovernor: 22_000,
  MeshTimelock: 24_576,
  PQKeyRegistry: 24_576,
  Reputation: 24_576,
  SubmeshRegistry: 24_576,
  SystemHooks: 24_576,
  ValidatorSet: 24_576,
};

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}

/** Runs forge and returns the folder of its output. */
function compile(folder) {
  const forge = join(ROOT, 'node_modules', '.bin', 'forge');
  if (!existsSync(forge)) fail(`no forge for ${process.platform}-${process.arch}: run \`npm ci\`, or put forge 1.7.1 at ${forge}`);
  const args = ['build', '--force', '--skip', 'test', '--out', join(folder, 'out'), '--cache-path', join(folder, 'cache')];
  const run = spawnSync(forge, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  if (run.status !== 0) fail(`forge build ended with ${run.status ?? run.signal ?? run.error}`);
  return join(folder, 'out');
}

/** Layout without the compiler's running numbers, which change with unrelated edits. */
function normalLayout({ storage, types }) {
  const label = (id) => types[id].label;
  const slots = (list) => list.map((v) => ({ label: v.label, slot: v.slot, offset: v.offset, type: label(v.type) }));
  const named = {};
  for (const type of Object.values(types ?? {})) {
    const entry = { encoding: type.encoding, bytes: type.numberOfBytes };
    if (type.key) entry.key = label(type.key);
    if (type.value) entry.value = label(type.value);
    if (type.base) entry.base = label(type.base);
    if (type.members) entry.members = slots(type.members);
    named[type.label] = entry;
  }
  return { storage: slots(storage), types: named };
}

const list = (items) => (items.length ? `[\n${items.map((i) => `    ${JSON.stringify(i)}`).join(',\n')}\n  ]` : '[]');
const table = (entries) =>
  `{\n${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `    ${JSON.stringify(k)}: ${JSON.stringify(v)}`)
    .join(',\n')}\n  }`;

/** One artefact as text: an entry a line, so that differences can be read. */
function render(name, raw) {
  const layout = normalLayout(raw.storageLayout);
  return `{
  "contractName": ${JSON.stringify(name)},
  "abi": ${list(raw.abi)},
  "methodIdentifiers": ${table(Object.entries(raw.methodIdentifiers))},
  "storage": ${list(layout.storage)},
  "storageTypes": ${table(Object.entries(layout.types))},
  "bytecode": "${raw.bytecode.object}"
}
`;
}

/** All generated files: path relative to the project, and text. */
function generate(out) {
  const files = new Map();
  const lock = ['# contract, keccak-256 of its creation bytecode, bytes of its runtime bytecode'];
  for (const [name, limit] of Object.entries(CONTRACTS)) {
    const raw = JSON.parse(readFileSync(join(out, `${name}.sol`, `${name}.json`), 'utf8'));
    const creation = raw.bytecode.object.slice(2);
    const size = (raw.deployedBytecode.object.length - 2) / 2;
    if (!/^[0-9a-f]+$/.test(creation)) fail(`${name} is not linked`);
    if (size > limit) fail(`${name} has ${size} bytes of runtime code, the limit is ${limit}`);
    files.set(join('artifacts', `${name}.json`), render(name, raw));
    lock.push(`${name} 0x${keccak256(Buffer.from(creation, 'hex'))} ${size}`);
  }
  files.set('BYTECODE.lock', `${lock.join('\n')}\n`);
  return files;
}

function check(files) {
  const differing = [...files].filter(
    ([path, text]) => !existsSync(join(ROOT, path)) || readFileSync(join(ROOT, path), 'utf8') !== text,
  );
  const known = new Set([...files.keys()]);
  const extra = readdirSync(join(ROOT, 'artifacts')).filter((file) => !known.has(join('artifacts', file)));
  if (differing.length || extra.length) {
    const names = [...differing.map(([path]) => path), ...extra.map((file) => `artifacts/${file} (unknown)`)];
    fail(`committed files differ from a fresh build: ${names.join(', ')}; run \`npm run build\` and commit the result`);
  }
  console.log(`${files.size} committed files equal a fresh build`);
}

const temporary = mkdtempSync(join(tmpdir(), 'qsdm-contracts-'));
try {
  const files = generate(compile(temporary));
  if (process.argv.includes('--check')) {
    check(files);
  } else {
    mkdirSync(join(ROOT, 'artifacts'), { recursive: true });
    for (const [path, text] of files) writeFileSync(join(ROOT, path), text);
    console.log(`${files.size} files written`);
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
