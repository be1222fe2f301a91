/** `loong logs`: what the daemon wrote, from its log file or from the journal of systemd. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readConfig } from '../config/read-config.js';
import { LoongError } from '../model/errors.js';
import { EXIT } from './exit.js';
import type { GlobalOptions } from './global-options.js';

export interface LogsOptions extends GlobalOptions {
  readonly follow?: true;
  readonly lines: number;
}

/** So much of the end of the file is looked at for its last lines. */
const TAIL_BYTES = 1_048_576;

export async function showLogs(options: LogsOptions): Promise<void> {
  const { log } = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  if (log.file === undefined) return showJournal(options);
  if (!existsSync(log.file)) {
    throw new LoongError('logs.none_yet', `the log file ${log.file} does not exist yet`, {
      remedy: 'start the daemon: it writes there',
    });
  }
  const end = printTail(log.file, options.lines);
  if (options.follow) await follow(log.file, end);
}

/** Prints the last lines; returns where the file ended. */
function printTail(path: string, lines: number): number {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - TAIL_BYTES);
    const text = readPart(fd, start, size);
    const all = text.split('\n').slice(start === 0 ? 0 : 1, -1);
    for (const line of all.slice(-lines)) console.log(line);
    return size;
  } finally {
    closeSync(fd);
  }
}

function readPart(fd: number, from: number, to: number): string {
  const buffer = Buffer.alloc(to - from);
  const read = readSync(fd, buffer, 0, buffer.length, from);
  return buffer.toString('utf8', 0, read);
}

/** Prints what is added until Ctrl-C; a file that was rotated away is read from its new beginning. */
async function follow(path: string, end: number): Promise<void> {
  let at = end;
  const printNew = () => {
    if (!existsSync(path)) return;
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      if (size < at) at = 0;
      process.stdout.write(readPart(fd, at, size));
      at = size;
    } finally {
      closeSync(fd);
    }
  };
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === null || name === basename(path)) printNew();
  });
  printNew();
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  watcher.close();
}

/** Without a file the log went to stderr, which systemd keeps. */
async function showJournal({ follow: following, lines }: LogsOptions): Promise<void> {
  const args = [
    '--unit',
    'loong',
    '--lines',
    String(lines),
    '--no-pager',
    '--output',
    'cat',
    ...(following ? ['--follow'] : []),
  ];
  const code = await new Promise<number | undefined>((resolve) => {
    const child = spawn('journalctl', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', () => resolve(undefined));
    child.once('close', (status) => resolve(status ?? EXIT.failed));
  });
  if (code === undefined) {
    throw new LoongError(
      'logs.nowhere',
      'the daemon writes its log to stderr only, and there is no systemd journal here',
      {
        remedy: 'set `file` under [log], e.g. file = "/var/log/loong.log", and restart the daemon',
      },
    );
  }
  process.exitCode = code;
}
