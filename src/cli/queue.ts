/** `loong queue`: what is not settled yet, and what was settled last. */
import { join } from 'node:path';
import { readConfig } from '../config/read-config.js';
import { type QueueRow, readQueue } from '../store/queue-reader.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';

export async function listQueue(options: GlobalOptions): Promise<void> {
  const { gateway } = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const rows = readQueue(join(gateway.stateDir, 'loong.db'), Date.now());
  if (options.json) return printJson({ rows });
  if (rows.length === 0) console.log('nothing came in or went out yet');
  for (const row of rows) print(row);
}

function print({ id, status, attempts, age_ms, conversation, error }: QueueRow): void {
  const tries = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  console.log(`${id.padEnd(9)} ${status.padEnd(9)} ${conversation}  ${tries}, ${Math.round(age_ms / 1000)} s old`);
  if (error === undefined) return;
  console.log(`          ${error.code}: ${error.message}`);
  if (error.remedy !== undefined) console.log(`          → ${error.remedy}`);
}
