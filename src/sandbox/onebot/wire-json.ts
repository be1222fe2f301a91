/** JSON whose ids are whole numbers of any length: a bigint is written as the digits it has. */
import { randomBytes } from 'node:crypto';

const MARK = `int-${randomBytes(12).toString('hex')}-`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** A decimal id as the wire has it. One that is no number stays a string, as some bridges send it. */
export function wireId(id: string): number | bigint | string {
  if (!/^\d{1,30}$/.test(id)) return id;
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : BigInt(id);
}

export function writeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    const marked = JSON.stringify(value, (_key, held) => (typeof held === 'bigint' ? `${MARK}${held}` : held));
    return marked.replace(MARKED, '$1');
  }
}
