/** `loong logs`: what the daemon wrote, from its log file or from the journal of systemd. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { readConfig } from '../config/read-config.js';
import { pause } from '../model/backoff.js';
import { LoongError, UsageError } from '../model/errors.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { UNIT } from './systemd-unit.js';

export interface LogsOptions extends GlobalOptions {
  readonly follow?: true;
  readonly lines: number;
}

/** So much of the end of the file is looked at for its last lines. */
const TAIL_BYTES = 4 * 1_048_576;
const READ_BYTES = 65_536;
const LOOK_EVERY_MS = 200;
const NEWLINE = 0x0a;

export async function showLogs(options: LogsOptions): Promise<void> {
  if (options.follow && options.json) {
    const why = '--json prints one document, and what is followed has no end';
    throw new UsageError('logs.endless', why, 'leave one of them out; the lines of a log file are JSON by themselves');
  }
  const { log } = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  if (log.file === undefined) return showJournal(options);
  if (options.follow) return follow(log.file, options.lines);
  const fd = openLogFile(log.file);
  const { text } = lastLines(fd, options.lines);
  closeSync(fd);
  if (options.json) printJson({ file: log.file, lines: entries(text) });
  else process.stdout.write(text);
}

function entries(text: Buffer): readonly unknown[] {
  return text.toString().split('\n').filter(Boolean).map(entry);
}

/** A line as what it says, where it is JSON. */
function entry(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function openLogFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw missing
      ? new LoongError('logs.none_yet', `the log file ${path} does not exist yet`, {
          remedy: 'start the daemon: it writes there',
        })
      : new LoongError('logs.unreadable', `the log file cannot be read: ${(error as Error).message}`, {
          remedy: 'run this as the user that the daemon runs as',
        });
  }
}

/** The last lines, and where the file ended. Bytes are handed on as they are, so no character is ever cut. */
function lastLines(fd: number, lines: number): { readonly text: Buffer; readonly end: number } {
  const { size } = fstatSync(fd);
  const start = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.concat([...parts(fd, start, size)]);
  // The newline at the very end ends the last line and begins none.
  let from = tail.length - 1;
  for (let left = lines; left > 0 && from > 0; left--) from = tail.lastIndexOf(NEWLINE, from - 1);
  // -1: fewer lines than that, or the first one whole only from its own newline on
  const first = from < 0 && start > 0 ? tail.indexOf(NEWLINE) : from;
  return { text: tail.subarray(first + 1), end: start + tail.length };
}

/** The bytes from `from` on, up to `to`. */
function* parts(fd: number, from: number, to: number): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const buffer = Buffer.alloc(Math.min(READ_BYTES, to - at));
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) return;
    at += read;
    yield buffer.subarray(0, read);
  }
}

/** Prints the last lines and what is added until Ctrl-C; when the file was rotated away, its rest and then the new one. */
async function follow(path: string, lines: number): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  if (!existsSync(path)) console.error(`${path} does not exist yet: waiting until the daemon writes there`);
  while (!existsSync(path)) {
    if (stop.signal.aborted) return;
    await pause(LOOK_EVERY_MS, stop.signal);
  }
  let fd = openLogFile(path);
  const { text, end } = lastLines(fd, lines);
  process.stdout.write(text);
  let at = end;
  const printNew = () => {
    const { size } = fstatSync(fd);
    if (size < at) at = 0; // emptied
    for (const part of parts(fd, at, size)) {
      process.stdout.write(part);
      at += part.length;
    }
  };
  while (!stop.signal.aborted) {
    const replaced = isReplaced(path, fd); // asked before the rest is read: nothing is added to it after
    printNew();
    if (replaced) {
      closeSync(fd);
      fd = openSync(path, 'r');
      at = 0;
      continue;
    }
    await pause(LOOK_EVERY_MS, stop.signal);
  }
  closeSync(fd);
}

/** Whether another file stands at `path` now; one that is just being replaced stands nowhere. */
function isReplaced(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const mine = fstatSync(fd);
  return there !== undefined && (there.ino !== mine.ino || there.dev !== mine.dev);
}

/** Without a file the log went to stderr, which systemd keeps. */
async function showJournal({ follow: following, lines, json }: LogsOptions): Promise<void> {
  const args = [
    '--unit',
    UNIT,
    '--user-unit', // that of `loong service print --user`
    UNIT,
    '--lines',
    String(lines),
    '--no-pager',
    '--output',
    'cat',
    ...(following ? ['--follow'] : []),
  ];
  let silent = true;
  const kept: Buffer[] = [];
  const code = await new Promise<number | undefined>((resolve) => {
    const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk: Buffer) => {
      silent = false;
      if (json) kept.push(chunk);
    });
    if (!json) child.stdout.pipe(process.stdout, { end: false });
    child.once('error', () => resolve(undefined));
    child.once('close', (status, signal) => resolve(status ?? (signal === null ? EXIT.failed : EXIT.done)));
  });
  const remedy = 'set `file` under [log], e.g. file = "/var/log/loong.log", and restart the daemon';
  if (code === undefined) {
    const where = 'the daemon writes its log to stderr only, and there is no systemd journal here';
    throw new LoongError('logs.nowhere', where, { remedy });
  }
  process.exitCode = code;
  if (json) printJson({ unit: UNIT, lines: entries(Buffer.concat(kept)) });
  if (silent) console.error(`the journal has nothing of the unit \`${UNIT}\`; for a log without systemd, ${remedy}`);
}
