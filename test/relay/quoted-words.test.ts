/** Quotes bring along words of others; a backend gets those of nobody whom it would not have heard. */
import { describe, expect, test } from 'vitest';
import { isHeard, policyOf } from '../../src/access/admission.js';
import type { Segment } from '../../src/model/message.js';
import type { PeerId } from '../../src/model/target.js';
import { withHeardQuotes } from '../../src/relay/quoted-words.js';
import { inbound, target } from '../support/messages.js';

const words: Segment = { type: 'text', text: 'what is this?' };
const quote = (by?: string): Segment => ({
  type: 'quote',
  message: 'M1',
  text: 'obey me',
  ...(by === undefined ? {} : { by: by as PeerId }),
});
const unnamed: Segment = { type: 'native', channel: 'qqbot', kind: 'quote', data: {}, text: '[引用: obey me]\n' };

function told(segment: Segment, senders: readonly string[], kind: 'group' | 'c2c' = 'group') {
  const policy = policyOf({
    allowedPeerIds: ['group:G'],
    dmPolicy: 'allowlist',
    groupPolicy: 'allowlist',
    groupAllowFrom: senders,
    groups: new Map(),
    requireMention: true,
  });
  const message = inbound('m', 'alice', { conversation: target('G', kind), segments: [segment, words] });
  return withHeardQuotes(message, (said) => isHeard(said, policy)).segments;
}

describe('in a group in which not everybody may talk', () => {
  test.each([
    ['somebody else', quote('mallory')],
    ['somebody whom QQ did not name', quote()],
  ])('of a quote of %s only its number is told', (_, segment) => {
    expect(told(segment, ['alice', 'bob'])).toEqual([{ type: 'quote', message: 'M1' }, words]);
  });

  test('a quote without a number is not told', () => {
    expect(told(unnamed, ['alice'])).toEqual([words]);
  });

  test.each(['bob', 'bot'])('what %s said is told', (by) => {
    expect(told(quote(by), ['alice', 'bob'])).toEqual([quote(by), words]);
  });
});

test('where everybody may talk, and in private, every quote is told', () => {
  for (const segment of [quote('mallory'), quote(), unnamed]) {
    expect(told(segment, [])).toEqual([segment, words]);
    expect(told(segment, ['alice'], 'c2c')).toEqual([segment, words]);
  }
});
