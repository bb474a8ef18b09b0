// Starts the two nodes that are compared, each on a free loopback port, and stops exactly what it started.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { here, tools } from './lib.mjs';

const qsdm = path.resolve(process.env.QSDM_BIN ?? path.join(here, '../../target/debug/qsdm'));

// Each kind: the program, its arguments, and how the address is read from what it prints.
const KINDS = {
  anvil: { file: path.join(tools, 'bin/anvil'), args: ['--port', '0'], address: (line) => /^Listening on (\S+)/.exec(line)?.[1] },
  qsdm: {
    file: qsdm,
    args: ['dev', '--port', '0', '--json'],
    address: (line) => (line.startsWith('{') ? new URL(JSON.parse(line).rpc).host : undefined),
  },
};

/** Starts a node of a kind; resolves to { url, ready (the line that told), stop }. */
export async function start(kind, extra = []) {
  const { file, args, address } = KINDS[kind];
  if (!existsSync(file)) throw new Error(`${file} is not there: run tests/run, or build it and install the tools (tests/README.md)`);
  const child = spawn(file, [...args, ...extra], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => (errors = (errors + data).slice(-4000)));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const host = address(line);
      if (host) resolve({ host, line });
    });
    gone.then((code) => reject(new Error(`${kind} ended with ${code} before it listened: ${errors}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  };
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${kind} did not listen within 60 s: ${errors}`)), 60_000);
  });
  try {
    const { host, line } = await Promise.race([ready, late]);
    return { url: `http://${host}`, ready: line, pid: child.pid, stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
