/** `loong queue`: what is not settled yet and what was settled last; trying a message again, giving one up. */
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { ControlClient } from '../control/control-client.js';
import type { InboundMessage } from '../model/message.js';
import { findItem, listRows, readQueue, unknownRow } from '../store/queue-reader.js';
import type { Queue, QueueItem, QueueRow, RowError } from '../store/store.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { findDaemon } from './running-daemon.js';
import { visible } from './visible-text.js';

export interface RetryOptions extends GlobalOptions {
  readonly yes?: true;
}

export async function listQueue(options: GlobalOptions): Promise<void> {
  const rows = readQueue(await databaseOf(options), [], (read) => listRows(read, Date.now()));
  if (options.json) return printJson({ rows });
  if (rows.length === 0) console.log('nothing came in or went out yet');
  for (const row of rows) printRow(row);
}

export async function showQueueItem(id: string, options: GlobalOptions): Promise<void> {
  const item = readQueue(await databaseOf(options), undefined, (read) => findItem(read, id, Date.now()));
  if (item === undefined) throw unknownRow(id);
  if (options.json) return printJson(item);
  printRow(item);
  const { parts = [], text } = item;
  if (parts.length < 2) return printText(text);
  for (const part of parts) {
    const tries = part.attempts === 1 ? '1 attempt' : `${part.attempts} attempts`;
    console.log(
      `  ${part.id.padEnd(9)} ${part.status.padEnd(9)} ${tries}${part.message_id ? ` ${part.message_id}` : ''}`,
    );
    if (part.error !== undefined && part.id !== id) printError(part.error);
    printText(part.text);
  }
}

export async function retryQueueItem(id: string, options: RetryOptions): Promise<void> {
  const mayDouble = options.yes === true;
  const { item, isRunning } = await change(id, options, {
    beside: (daemon) => daemon.retry(id, mayDouble),
    alone: (queue, isHeard) => queue.retry(id, mayDouble, isHeard),
  });
  if (options.json) return printJson(item);
  printRow(item);
  console.log(
    isRunning ? '  → it is tried again now' : '  → it is tried again when the daemon runs: `loong gateway run`',
  );
}

export async function dropQueueItem(id: string, options: GlobalOptions): Promise<void> {
  const { item } = await change(id, options, {
    beside: (daemon) => daemon.drop(id),
    alone: (queue) => queue.drop(id),
  });
  if (options.json) return printJson(item);
  printRow(item);
}

/** Through the daemon where one runs, else in the database itself. */
async function change(
  id: string,
  options: GlobalOptions,
  how: {
    readonly beside: (daemon: ControlClient) => Promise<QueueItem>;
    readonly alone: (queue: Queue, isHeard: (message: InboundMessage) => boolean) => Promise<unknown>;
  },
): Promise<{ readonly item: QueueItem; readonly isRunning: boolean }> {
  const config = await configOf(options);
  const daemon = await findDaemon(config.gateway.stateDir);
  if (daemon === undefined) {
    const { changeQueue } = await import('../daemon/queue-once.js');
    const item = await changeQueue(config, id, how.alone);
    if (item === undefined) throw unknownRow(id);
    return { item, isRunning: false };
  }
  try {
    return { item: await how.beside(daemon), isRunning: true };
  } finally {
    await daemon.close();
  }
}

function configOf(options: GlobalOptions): Promise<Config> {
  return readConfig({ env: process.env, secrets: 'optional', path: options.config });
}

async function databaseOf(options: GlobalOptions): Promise<string> {
  return join((await configOf(options)).gateway.stateDir, 'loong.db');
}

function printRow({ id, status, attempts, age_ms, conversation, error }: QueueRow): void {
  const tries = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  console.log(`${id.padEnd(9)} ${status.padEnd(9)} ${conversation}  ${tries}, ${Math.round(age_ms / 1000)} s old`);
  if (error !== undefined) printError(error);
}

function printError({ code, message, remedy }: RowError): void {
  console.log(`          ${code}: ${visible(message)}`);
  if (remedy !== undefined) console.log(`          → ${visible(remedy)}`);
}

function printText(text: string): void {
  for (const line of visible(text).split('\n')) console.log(`          | ${line}`);
}
