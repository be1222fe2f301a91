/** An OpenClaw config from its file. What it holds is anybody's, so nothing of it is shown but the names of its keys. */

import { LoongError } from '../../model/errors.js';
import { readUpTo, whyUnreadable } from '../bounded-file.js';
import { Json5Error, parseJson5 } from '../json5.js';
import { isTable, type Table } from './source.js';

const MAX_BYTES = 1_048_576;

/** @throws LoongError `import.unreadable` */
export async function readOpenclaw(path: string): Promise<Table> {
  const remedy = 'name the openclaw.json (JSON or JSON5) of an OpenClaw, mostly ~/.openclaw/openclaw.json';
  const unreadable = (why: string, cause?: unknown) =>
    new LoongError('import.unreadable', `${path} ${why}`, { remedy, cause });
  let bytes: Buffer | undefined;
  try {
    bytes = await readUpTo(path, MAX_BYTES);
  } catch (error) {
    throw unreadable(whyUnreadable(error), error);
  }
  if (bytes === undefined) throw unreadable('is larger than 1 MiB');
  let file: unknown;
  try {
    file = parseJson5(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (!(error instanceof Json5Error)) throw unreadable('is not UTF-8 text', error);
    throw unreadable(`is no JSON5: line ${error.line}, column ${error.column}: ${error.message}`, error);
  }
  if (!isTable(file)) throw unreadable('holds no table');
  return file;
}
