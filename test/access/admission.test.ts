/** Who may talk: contract §6, both directions. What is not listed is not allowed. */
import { describe, expect, test } from 'vitest';
import { admit } from '../../src/access/admission.js';
import { allowedPeers, assertPeerAllowed } from '../../src/access/allowed-peers.js';
import { AccessDenied } from '../../src/model/errors.js';
import type { InboundMessage } from '../../src/model/message.js';
import type { PeerId, TargetKind } from '../../src/model/target.js';
import { inbound, target } from '../support/messages.js';

const KINDS: readonly TargetKind[] = ['c2c', 'group', 'channel', 'dm'];

/** Entries → the kinds in which peer ID may be written to, and whether an unlisted peer may. */
const OUTBOUND: readonly (readonly [readonly string[], readonly TargetKind[], readonly TargetKind[]])[] = [
  [[], [], []],
  [['ID'], KINDS, []],
  [['id'], [], []],
  [['c2c:ID'], ['c2c'], []],
  [['group:ID'], ['group'], []],
  [['channel:ID'], ['channel'], []],
  [['dm:ID'], ['dm'], []],
  [['c2c:*'], ['c2c'], ['c2c']],
  [['group:*'], ['group'], ['group']],
  [['channel:*'], ['channel'], ['channel']],
  [['dm:*'], ['dm'], ['dm']],
  [['*'], ['c2c'], ['c2c']],
  [['*', 'group:ID'], ['c2c', 'group'], ['c2c']],
];

describe('outbound', () => {
  test.each(OUTBOUND)('%j lets ID be written to as %j, and a stranger as %j', (entries, listed, strangers) => {
    const allowed = allowedPeers(entries);
    expect(KINDS.filter((kind) => allowed.has(kind, 'ID'))).toEqual(listed);
    expect(KINDS.filter((kind) => allowed.has(kind, 'STRANGER'))).toEqual(strangers);
    expect(allowed.isEmpty).toBe(entries.length === 0);
    for (const kind of KINDS) {
      const check = () => assertPeerAllowed(target('STRANGER', kind), allowed);
      if (strangers.includes(kind)) check();
      else expect(check).toThrow(AccessDenied);
    }
  });

  test('a refusal has the words of the contract and says what to do', () => {
    expect(() => assertPeerAllowed(target('openid_alcie'), allowedPeers(['openid_alice']))).toThrow(
      expect.objectContaining({
        code: 'access.peer_not_allowed',
        message: 'qqbot target `openid_alcie` is not allowed by configured allowed_peer_ids',
        remedy: expect.stringContaining('typo'),
      }),
    );
  });

  test('an id that looks like a wildcard opens nothing', () => {
    const allowed = allowedPeers(['*']);
    expect(KINDS.filter((kind) => allowed.has(kind, '*'))).toEqual(['c2c']);
    expect(allowedPeers(['ID']).has('c2c', '*')).toBe(false);
  });
});

describe('inbound', () => {
  const said = (kind: TargetKind, more: Partial<InboundMessage> = {}) =>
    inbound('m1', 'PLACE', {
      conversation: target(kind === 'c2c' ? 'AUTHOR' : 'PLACE', kind),
      sender: { id: 'AUTHOR' as PeerId, isBot: false },
      ...more,
    });
  const verdict = (message: InboundMessage, entries: readonly string[], requireMention = true) => {
    const found = admit(message, { allowed: allowedPeers(entries), requireMention });
    return found.do === 'answer' ? 'answer' : found.because;
  };

  test.each(KINDS)('with an empty list nobody is answered in %s', (kind) => {
    expect(verdict(said(kind), [])).toMatch(/_not_allowed$/);
  });

  test('"*" admits every c2c sender and never a group, a channel or a guild’s direct message', () => {
    expect(KINDS.map((kind) => verdict(said(kind), ['*']))).toEqual([
      'answer',
      'group_not_allowed',
      'group_not_allowed',
      'sender_not_allowed',
    ]);
  });

  test('c2c is judged by its sender', () => {
    expect(verdict(said('c2c'), ['AUTHOR'])).toBe('answer');
    expect(verdict(said('c2c'), ['c2c:AUTHOR'])).toBe('answer');
    expect(verdict(said('c2c'), ['group:AUTHOR', 'OTHER', 'author'])).toBe('sender_not_allowed');
  });

  test('a guild’s direct message is judged by its author, not by its session', () => {
    for (const entries of [['AUTHOR'], ['c2c:AUTHOR'], ['dm:*']]) expect(verdict(said('dm'), entries)).toBe('answer');
    for (const entries of [['PLACE'], ['dm:PLACE'], ['c2c:*']]) {
      expect(verdict(said('dm'), entries)).toBe('sender_not_allowed');
    }
  });

  test.each(['group', 'channel'] as const)('a %s needs its own id, whoever speaks', (kind) => {
    for (const entries of [['PLACE'], [`${kind}:PLACE`], [`${kind}:*`]])
      expect(verdict(said(kind), entries)).toBe('answer');
    for (const entries of [['AUTHOR'], ['c2c:PLACE'], ['*'], ['c2c:*']]) {
      expect(verdict(said(kind), entries)).toBe('group_not_allowed');
    }
  });

  test.each(['group', 'channel'] as const)(
    'in a %s the bot must be meant, unless the config says otherwise',
    (kind) => {
      const aside = said(kind, { mentionsBot: false });
      expect(verdict(aside, ['PLACE'])).toBe('not_mentioned');
      expect(verdict(aside, ['PLACE'], false)).toBe('answer');
      expect(verdict(aside, [])).toBe('group_not_allowed');
    },
  );

  test.each(KINDS)('bots are never answered in %s', (kind) => {
    const bot = said(kind, { sender: { id: 'AUTHOR' as PeerId, isBot: true } });
    expect(verdict(bot, ['*', 'AUTHOR', 'PLACE', 'dm:*'])).toBe('from_bot');
  });
});
