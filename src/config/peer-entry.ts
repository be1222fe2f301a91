/** Entries of `allowed_peer_ids`: an exact id, `kind:id`, `kind:*`, or `*`. */
import { CHANNELS, isPeerId, type TargetKind } from '../model/target.js';
import type { Fault } from './findings.js';

const KINDS = CHANNELS.qqbot.kinds;
const FORMS = 'write an id, `<kind>:<id>`, `<kind>:*` or `*`';

/** The entry without blanks and with its kind in lower case, or what is wrong with it. */
export function readPeerEntry(text: string): string | Fault {
  const parts = text.split(':').map((part) => part.trim());
  const peer = parts.pop() ?? '';
  const [kindText, ...more] = parts;
  if (more.length > 0) {
    return {
      message: `entry ${quoted(text)} has too many parts`,
      remedy: 'leave out channel and account: openids always belong to this account',
    };
  }
  if (peer === '')
    return { message: parts.length === 0 ? 'entry is blank' : `entry ${quoted(text)} has no id`, remedy: FORMS };
  const kind = kindText?.toLowerCase();
  if (kind !== undefined && !KINDS.includes(kind as TargetKind)) {
    return {
      message: `entry ${quoted(text)} has an unknown kind`,
      remedy: `use ${KINDS.map((k) => `\`${k}\``).join(', ')}`,
    };
  }
  if (!isPeerId(peer)) {
    return {
      message: `entry ${quoted(text)} has characters that no id has`,
      remedy: 'an id is 1 to 128 characters of A-Z a-z 0-9 . _ ! = + * ~ -',
    };
  }
  return kind === undefined ? peer : `${kind}:${peer}`;
}

/** For messages: in quotes, on one line, and not longer than a line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 59)}…`);
}
