// Runs every client script against anvil and against qsdm and compares what the clients saw.
// usage: node compare.mjs [--reference anvil] [--subject qsdm] [SCRIPT…]
// A difference fails unless explained.json gives its reason; an explanation that nothing needs fails too.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileDemo, here, tools } from './lib.mjs';
import { differences, shapeOf } from './difference.mjs';
import { start } from './nodes.mjs';

const SCRIPTS = ['raw.mjs', 'viem.mjs', 'ethers.mjs', 'cast.mjs', 'forge.mjs', 'web3_client.py'];
const SCRIPT_LIMIT_MS = 180_000;

function parse(args) {
  const options = { reference: 'anvil', subject: 'qsdm', scripts: [] };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--reference') options.reference = args[++i];
    else if (args[i] === '--subject') options.subject = args[++i];
    else if (SCRIPTS.includes(args[i])) options.scripts.push(args[i]);
    else {
      console.error(`unknown argument ${args[i]}; scripts: ${SCRIPTS.join(' ')}`);
      process.exit(2);
    }
  }
  if (options.scripts.length === 0) options.scripts = SCRIPTS;
  return options;
}

/** Runs a script against a fresh node; resolves to { ok, steps: Map(step -> value), why }. */
async function run(script, kind, demo) {
  const node = await start(kind);
  try {
    const file = path.join(here, 'scripts', script);
    const command = script.endsWith('.py') ? [path.join(tools, 'python/bin/python'), file] : [process.execPath, file];
    const child = spawn(command[0], [...command.slice(1), node.url], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {});
    child.stdin.end(script.endsWith('.py') ? demo : '');
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    const timer = setTimeout(() => child.kill('SIGKILL'), SCRIPT_LIMIT_MS);
    const code = await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(timer);
    const lines = out.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
    return { ok: code === 0, steps: new Map(lines.map(({ step, value }) => [step, shapeOf(value)])), why: err.trim().slice(0, 1500) };
  } finally {
    await node.stop();
  }
}

function compare(script, reference, subject, explained) {
  const found = [];
  for (const step of new Set([...reference.steps.keys(), ...subject.steps.keys()])) {
    for (const difference of differences(reference.steps.get(step), subject.steps.get(step))) found.push({ step, ...difference });
  }
  const reasonFor = (d) => explained.find((e) => e.script === script && e.step === d.step && (d.path === e.path || d.path.startsWith(e.path + '/')));
  for (const difference of found) {
    const explanation = reasonFor(difference);
    if (explanation) explanation.used = true;
    else difference.unexplained = true;
  }
  return found;
}

const options = parse(process.argv.slice(2));
const explained = JSON.parse(readFileSync(path.join(here, 'explained.json'), 'utf8'));
const demo = JSON.stringify(compileDemo());
let passed = 0;
let failed = 0;
const verdict = (ok, line) => {
  ok ? passed++ : failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${line}`);
};

for (const script of options.scripts) {
  const [reference, subject] = [await run(script, options.reference, demo), await run(script, options.subject, demo)];
  if (!reference.ok) console.log(`${script} failed against ${options.reference} itself:\n${reference.why}`);
  if (!subject.ok) console.log(`${script} against ${options.subject}:\n${subject.why}`);
  verdict(subject.ok && reference.ok, `${script}: ${subject.steps.size} steps with ${options.subject}, ${reference.steps.size} with ${options.reference}`);
  const found = compare(script, reference, subject, explained);
  const open = found.filter((d) => d.unexplained);
  for (const d of open) console.log(`     ${script} · ${d.step} ${d.path}: ${options.reference} ${JSON.stringify(d.left)}, ${options.subject} ${JSON.stringify(d.right)}`);
  verdict(open.length === 0, `${script}: ${found.length} differences, ${found.length - open.length} explained`);
}
if (options.subject !== options.reference) {
  const idle = explained.filter((e) => !e.used && options.scripts.includes(e.script));
  for (const e of idle) console.log(`     nothing needs the explanation of ${e.script} · ${e.step} ${e.path}`);
  verdict(idle.length === 0, 'every explanation is needed');
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
