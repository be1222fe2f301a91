/** Which replies carry a number of their own. Source: Bot API v2 "发送消息": guild bodies have no `msg_seq`. */

/** The platform takes each (msg_id, msg_seq) to this kind of target once, so that a reply whose end is unknown may be repeated. */
export function hasSequence(kind: string): boolean {
  return kind === 'c2c' || kind === 'group';
}
