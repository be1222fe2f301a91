/** How long the answer to a call may take. */
import type { Fields } from './wire-fields.js';

/** A message without media. */
const SEND_MS = 30_000;
/** What the implementation fetches or puts away: this, and the time that its bytes need. */
const TRANSFER_MS = 20_000;
const BYTES_PER_MS = 200;
/** A file behind an address is as large as this until it is known better. */
const UNKNOWN_BYTES = 10 * 1_048_576;
/** Actions for which the implementation fetches or recognises something. */
const SLOW = /^(download_|get_(file|image|record)$|fetch_ptt_text|ocr_|\.ocr_)/;
const SLOW_MS = 60_000;
const SENDS = /^(send_|upload_|forward_|_send_|set_group_portrait|set_qq_avatar)/;

export interface CallTimes {
  /** For any call, unless it needs more. */
  readonly callMs: number;
  /** For a message without media; half a minute unless it is said. */
  readonly sendMs?: number | undefined;
}

/** Of a message that carries no file (ms). */
export function plainAnswerTime({ callMs, sendMs = SEND_MS }: CallTimes): number {
  return Math.max(callMs, sendMs);
}

/** Milliseconds. */
export function answerTime(action: string, params: object, times: CallTimes): number {
  const { callMs } = times;
  if (SLOW.test(action)) return Math.max(callMs, SLOW_MS);
  if (!SENDS.test(action)) return callMs;
  const bytes = bytesIn(params);
  if (bytes === 0) return plainAnswerTime(times);
  return Math.max(callMs, TRANSFER_MS + Math.ceil(bytes / BYTES_PER_MS));
}

/** What has to be carried for everything in it: files written out, and files behind addresses. */
function bytesIn(value: unknown, key = ''): number {
  if (typeof value === 'string') {
    if (value.startsWith('base64://')) return Math.floor(value.length * 0.75);
    const isPlace = key === 'file' || key === 'image';
    return isPlace && /^(https?|file):\/\/|^\//i.test(value) ? UNKNOWN_BYTES : 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  let sum = 0;
  for (const name in value) sum += bytesIn((value as Fields)[name], name);
  return sum;
}
