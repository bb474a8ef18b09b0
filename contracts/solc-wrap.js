#!/usr/bin/env node
// What forge needs of the `solc` command line, over the npm build of the compiler: `--version` and `--standard-json`.
'use strict';
const fs = require('fs');
const path = require('path');
const solc = require(path.join(__dirname, 'node_modules', 'solc'));

const args = process.argv.slice(2);

/** Values that follow each occurrence of `flag`. */
function valuesOf(flag) {
  return args.flatMap((arg, i) => (arg === flag ? [args[i + 1]] : []));
}

/** Reads an import from the base path, then from each include path. */
function findImport(name) {
  for (const folder of [...valuesOf('--base-path'), ...valuesOf('--include-path'), '']) {
    const file = folder ? path.join(folder, name) : name;
    if (fs.existsSync(file)) return { contents: fs.readFileSync(file, 'utf8') };
  }
  return { error: `file not found: ${name}` };
}

if (args.includes('--version')) {
  // forge parses the platform suffix and knows only native ones
  console.log('solc, the solidity compiler commandline interface');
  console.log(`Version: ${solc.version().replace('.Emscripten.clang', '.Linux.g++')}`);
} else if (args.includes('--standard-json')) {
  process.stdout.write(solc.compile(fs.readFileSync(0, 'utf8'), { import: findImport }));
} else {
  console.error(`solc-wrap: only --version and --standard-json are supported, got: ${args.join(' ')}`);
  process.exitCode = 1;
}
