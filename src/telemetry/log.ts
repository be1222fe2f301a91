/** The log: pino on stderr, and the one place where secrets are struck out. */
import { type DestinationStream, destination, type Logger, multistream, pino } from 'pino';
import { shortPeer } from '../model/target.js';
import { boundedLine } from './bounded-line.js';
import { RotatingFile } from './rotating-file.js';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: pretty on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'pretty' | 'json';
  /** Written to as well, as JSON lines, rotated by size. */
  readonly file?: string | undefined;
}

const STRUCK_OUT = '***';

/** Strings that must never be written anywhere: they are learnt as they become known (config, token answers). */
export class Secrets {
  readonly #values = new Set<string>();
  /** As they may stand in a text, the longest first: one secret may be a part of another. */
  #forms: readonly string[] = [];

  /** Too short a string would strike out half of every line, so fewer than 4 characters are not learnt. */
  learn(value: string): void {
    if (value.length < 4) return;
    this.#values.add(value);
    this.#writeForms();
  }

  forget(value: string): void {
    this.#values.delete(value);
    this.#writeForms();
  }

  /** Plain, and as JSON and URLs write it. */
  #writeForms(): void {
    const forms = [...this.#values].flatMap((value) => [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(Buffer.from(value).toString()),
    ]);
    this.#forms = [...new Set(forms)].sort((a, b) => b.length - a.length);
  }

  strikeOut(text: string): string {
    let clean = text;
    for (const form of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, STRUCK_OUT);
    return clean;
  }
}

/** A logger on stderr, and into a file if one is named, whose lines are bounded and never hold one of `secrets`. @throws the error of Node when the file cannot be opened */
export async function openLog(options: LogOptions, secrets: Secrets): Promise<Log> {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY === true);
  const terminal = pretty ? await prettyStream() : destination({ fd: 2, sync: true });
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => boundedLine(secrets.strikeOut(line)) },
    },
    options.file === undefined
      ? terminal
      : multistream([
          { stream: terminal, level: 'trace' },
          { stream: new RotatingFile(options.file), level: 'trace' },
        ]),
  );
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pinoPretty } = await import('pino-pretty');
  return pinoPretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    ignore: 'pid',
  });
}

/** A peer as the log may show it: whole when debugging, shortened otherwise. */
export function shownPeer(log: Log, peer: string): string {
  return log.isLevelEnabled('debug') ? peer : shortPeer(peer);
}
