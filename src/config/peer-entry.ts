/** Entries of `allowed_peer_ids`: an exact id, `kind:id`, `kind:*`, or `*`. */
import { CHANNELS, type ChannelId, isPeerIdOf, kindName, kindNamed } from '../model/target.js';
import type { Fault } from './findings.js';

const FORMS = 'write an id, `<kind>:<id>`, `<kind>:*` or `*`';

/** The entry without blanks and with its kind as loong calls it, or what is wrong with it. */
export function readPeerEntry(text: string, channel: ChannelId): string | Fault {
  const parts = text.split(':').map((part) => part.trim());
  const peer = parts.pop() ?? '';
  const [kindText, ...more] = parts;
  if (more.length > 0) {
    return {
      message: `entry ${quoted(text)} has too many parts`,
      remedy: 'leave out channel and account: ids always belong to this account',
    };
  }
  if (peer === '')
    return { message: parts.length === 0 ? 'entry is blank' : `entry ${quoted(text)} has no id`, remedy: FORMS };
  const kind = kindText === undefined ? undefined : kindNamed(channel, kindText);
  if (kindText !== undefined && kind === undefined) {
    return {
      message: `entry ${quoted(text)} has an unknown kind`,
      remedy: `use ${CHANNELS[channel].kinds.map((k) => `\`${kindName(channel, k)}\``).join(', ')}`,
    };
  }
  if (peer !== '*' && !isPeerIdOf(channel, peer)) {
    if (channel === 'onebot') return { message: `entry ${quoted(text)} is no number`, remedy: 'write its digits' };
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
