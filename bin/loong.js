#!/usr/bin/env node
// The version is asked for by scripts, often: it is told without loading the product.
import { readFileSync } from 'node:fs';

const [, , first, ...rest] = process.argv;
if (rest.length === 0 && (first === '--version' || first === '-V')) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${version}\n`);
} else {
  await import('../dist/cli/main.js');
}
