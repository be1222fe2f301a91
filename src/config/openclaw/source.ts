/** One account of an OpenClaw config while it is imported: what stands there, what it becomes, and what is told of it. */
import type { ChannelId } from '../../model/target.js';
import type { Shape } from './keys.js';
import type { ImportReport, KeyStatus } from './report.js';

export interface Table {
  readonly [key: string]: unknown;
}

/** What it becomes, in the words of our config. */
export interface OwnTable {
  [key: string]: unknown;
}

export interface AccountSource {
  readonly shape: Shape;
  readonly channel: ChannelId;
  /** Its own keys, and where they stand. */
  readonly own: Table;
  readonly path: readonly string[];
  /** Keys that hold where it has none of its own. */
  readonly inherited: { readonly table: Table; readonly path: readonly string[] } | undefined;
  readonly out: OwnTable;
  readonly outPath: readonly string[];
  readonly report: ImportReport;
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The keys that hold for it, each with the place where it stands. */
export function keysOf({ own, inherited }: AccountSource): readonly string[] {
  return [...new Set([...Object.keys(inherited?.table ?? {}), ...Object.keys(own)])];
}

export function valueAt({ own, inherited }: AccountSource, key: string): unknown {
  return Object.hasOwn(own, key) ? own[key] : inherited?.table[key];
}

function pathOf({ own, path, inherited }: AccountSource, key: string): readonly string[] {
  return Object.hasOwn(own, key) || inherited === undefined ? [...path, key] : [...inherited.path, key];
}

/** One key of it, or below it: what it became, and where. */
export function told(
  source: AccountSource,
  below: readonly [string, ...string[]],
  status: KeyStatus,
  to: readonly string[] | undefined,
  note?: string,
): void {
  const [key, ...more] = below;
  source.report.tell([...pathOf(source, key), ...more], status, {
    ...(to === undefined ? {} : { to: [...source.outPath, ...to] }),
    ...(note === undefined ? {} : { note }),
  });
}
