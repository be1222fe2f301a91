/** The log: pino on stderr, and the one place where secrets are struck out. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { shortPeer } from '../model/target.js';

export type Log = Logger;

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: pretty on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'pretty' | 'json';
}

const STRUCK_OUT = '***';

/** Strings that must never be written anywhere: they are learnt as they become known (config, token answers). */
export class Secrets {
  readonly #values = new Set<string>();

  /** Too short a string would strike out half of every line, so fewer than 4 characters are not learnt. */
  learn(value: string): void {
    if (value.length >= 4) this.#values.add(value);
  }

  forget(value: string): void {
    this.#values.delete(value);
  }

  strikeOut(text: string): string {
    let clean = text;
    for (const value of this.#values) if (clean.includes(value)) clean = clean.replaceAll(value, STRUCK_OUT);
    return clean;
  }
}

/** A logger on stderr whose lines never hold one of `secrets`. */
export async function openLog(options: LogOptions, secrets: Secrets): Promise<Log> {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY === true);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => secrets.strikeOut(line) },
    },
    pretty ? await prettyStream() : destination({ fd: 2, sync: true }),
  );
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pinoPretty } = await import('pino-pretty');
  return pinoPretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
  });
}

/** A peer as the log may show it: whole when debugging, shortened otherwise. */
export function shownPeer(log: Log, peer: string): string {
  return log.isLevelEnabled('debug') ? peer : shortPeer(peer);
}
