/** Who may talk: contract §6, both directions. What is not listed is not allowed. */
import { describe, expect, test } from 'vitest';
import { admit, admitsAnything, policyOf, readingOf } from '../../src/access/admission.js';
import { type AllowedPeers, allowedPeers, assertPeerAllowed } from '../../src/access/allowed-peers.js';
import type { AccountBasics, GroupRule } from '../../src/config/config.js';
import { AccessDenied } from '../../src/model/errors.js';
import type { InboundMessage } from '../../src/model/message.js';
import type { PeerId, TargetKind } from '../../src/model/target.js';
import { inbound, target } from '../support/messages.js';

/** The set of an account that has nothing but `allowed_peer_ids`. */
function listed(entries: readonly string[]): AllowedPeers {
  return allowedPeers({ allowedPeerIds: entries, groups: new Map() });
}

type PolicyKeys = Pick<
  AccountBasics,
  'allowedPeerIds' | 'dmPolicy' | 'groupPolicy' | 'groupAllowFrom' | 'groups' | 'requireMention'
>;

/** Silent to unknown people, and everything else at its default but what is said. */
function account({ groups = {}, ...keys }: Partial<Omit<PolicyKeys, 'groups'>> & { groups?: Rules } = {}): PolicyKeys {
  const { allowedPeerIds = [], groupPolicy = 'allowlist', groupAllowFrom = [], requireMention = true } = keys;
  const { dmPolicy = 'allowlist' } = keys;
  const rules = Object.entries(groups).map(([id, rule]) => [id, { enabled: true, ...rule }] as const);
  return { allowedPeerIds, dmPolicy, groupPolicy, groupAllowFrom, requireMention, groups: new Map(rules) };
}

type Rules = { readonly [id: string]: Partial<GroupRule> };

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
  test.each(OUTBOUND)('%j lets ID be written to as %j, and a stranger as %j', (entries, named, strangers) => {
    const allowed = listed(entries);
    expect(KINDS.filter((kind) => allowed.has(kind, 'ID'))).toEqual(named);
    expect(KINDS.filter((kind) => allowed.has(kind, 'STRANGER'))).toEqual(strangers);
    for (const kind of KINDS) {
      const check = () => assertPeerAllowed(target('STRANGER', kind), allowed);
      if (strangers.includes(kind)) check();
      else expect(check).toThrow(AccessDenied);
    }
  });

  test('a refusal has the words of the contract and says what to do', () => {
    expect(() => assertPeerAllowed(target('openid_alcie'), listed(['openid_alice']))).toThrow(
      expect.objectContaining({
        code: 'access.peer_not_allowed',
        message: 'qqbot target `openid_alcie` is not allowed by configured allowed_peer_ids',
        remedy: expect.stringContaining('typo'),
      }),
    );
  });

  test('an id that looks like a wildcard opens nothing', () => {
    const allowed = listed(['*']);
    expect(KINDS.filter((kind) => allowed.has(kind, '*'))).toEqual(['c2c']);
    expect(listed(['ID']).has('c2c', '*')).toBe(false);
  });
});

function said(kind: TargetKind, more: Partial<InboundMessage> = {}): InboundMessage {
  return inbound('m1', 'PLACE', {
    conversation: target(kind === 'c2c' ? 'AUTHOR' : 'PLACE', kind),
    sender: { id: 'AUTHOR' as PeerId, isBot: false },
    ...more,
  });
}

/** What becomes of a message, by the account's keys. */
function judged(message: InboundMessage, keys: Parameters<typeof account>[0]): string {
  const found = admit(message, policyOf(account(keys)));
  return found.do === 'ignore' ? found.because : found.do;
}

describe('inbound', () => {
  const verdict = (message: InboundMessage, allowedPeerIds: readonly string[], requireMention = true) =>
    judged(message, { allowedPeerIds, requireMention });

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

describe('private chats', () => {
  const PRIVATE = ['c2c', 'dm'] as const;
  const paired = new Set(['AUTHOR']);
  const verdicts = (keys: Parameters<typeof account>[0], more: Partial<InboundMessage> = {}) =>
    PRIVATE.map((kind) => judged(said(kind, more), keys));

  test('an unknown sender is asked to pair, met with silence, or answered, as dm_policy says', () => {
    expect(verdicts({ dmPolicy: 'pairing' })).toEqual(['offer-pairing', 'offer-pairing']);
    expect(verdicts({ dmPolicy: 'allowlist' })).toEqual(['sender_not_allowed', 'sender_not_allowed']);
    expect(verdicts({ dmPolicy: 'open', allowedPeerIds: ['*'] })).toEqual(['answer', 'answer']);
    expect(verdicts({ dmPolicy: 'disabled', allowedPeerIds: ['*', 'AUTHOR'] })).toEqual(['dm_disabled', 'dm_disabled']);
  });

  test('"*" beside pairing lets everybody into private chats, and asks nobody to pair', () => {
    expect(verdicts({ dmPolicy: 'pairing', allowedPeerIds: ['*'] })).toEqual(['answer', 'sender_not_allowed']);
  });

  test('who was approved is answered, may be written to, and is nobody in groups', () => {
    for (const dmPolicy of ['pairing', 'allowlist'] as const) {
      const policy = policyOf(account({ dmPolicy }), paired);
      expect(PRIVATE.map((kind) => admit(said(kind), policy).do)).toEqual(['answer', 'answer']);
      expect(KINDS.filter((kind) => policy.allowed.has(kind, 'AUTHOR'))).toEqual(['c2c']);
      for (const kind of ['group', 'channel'] as const) {
        expect(admit(said(kind, { conversation: target('AUTHOR', kind) }), policy)).toMatchObject({ do: 'ignore' });
      }
    }
    const off = policyOf(account({ dmPolicy: 'disabled' }), paired);
    expect(PRIVATE.map((kind) => admit(said(kind), off).do)).toEqual(['ignore', 'ignore']);
  });

  test('approval and its end hold at once, for the set is looked at anew', () => {
    const people = new Set<string>();
    const policy = policyOf(account({ dmPolicy: 'pairing' }), people);
    const verdict = () => admit(said('c2c'), policy).do;
    expect([verdict(), people.add('AUTHOR') && verdict(), people.delete('AUTHOR') && verdict()]).toEqual([
      'offer-pairing',
      'answer',
      'offer-pairing',
    ]);
  });

  test.each(['*', '', 'a/b', 'a:b', '..', 'x'.repeat(129)])('nobody who is called %j is asked to pair', (id) => {
    expect(verdicts({ dmPolicy: 'pairing' }, { sender: { id: id as PeerId, isBot: false } })).toEqual([
      'sender_not_allowed',
      'sender_not_allowed',
    ]);
  });

  test('a bot is not asked to pair', () => {
    expect(verdicts({ dmPolicy: 'pairing' }, { sender: { id: 'AUTHOR' as PeerId, isBot: true } })).toEqual([
      'from_bot',
      'from_bot',
    ]);
  });
});

describe('groups', () => {
  const aside = (kind: TargetKind) => said(kind, { mentionsBot: false });
  const from = (sender: string, group = 'PLACE', more: Partial<InboundMessage> = {}) =>
    said('group', { conversation: target(group, 'group'), sender: { id: sender as PeerId, isBot: false }, ...more });

  test.each(['group', 'channel'] as const)('a key of `groups` admits that %s, in both directions', (kind) => {
    const keys = { groups: { PLACE: {} } };
    expect(judged(said(kind), keys)).toBe('answer');
    expect(judged(said(kind, { conversation: target('OTHER', kind) }), keys)).toBe('group_not_allowed');
    const allowed = allowedPeers(account(keys));
    expect(KINDS.filter((any) => allowed.has(any, 'PLACE'))).toEqual(['group', 'channel']);
    expect(KINDS.filter((any) => allowed.has(any, 'OTHER'))).toEqual([]);
  });

  test.each(['group', 'channel'] as const)('`groups."*"` admits every %s, and nobody in private', (kind) => {
    const keys = { groups: { '*': {} } };
    expect(judged(said(kind), keys)).toBe('answer');
    expect(judged(said('c2c'), keys)).toBe('sender_not_allowed');
    const allowed = allowedPeers(account(keys));
    expect(KINDS.filter((any) => allowed.has(any, 'ID'))).toEqual(['group', 'channel']);
  });

  test('`enabled = false` removes the group even when it is listed elsewhere', () => {
    const groups = { PLACE: { enabled: false } };
    for (const elsewhere of [
      { allowedPeerIds: ['PLACE'] },
      { allowedPeerIds: ['group:PLACE'] },
      { allowedPeerIds: ['group:*'] },
      { groupAllowFrom: ['PLACE'] },
      { groupPolicy: 'open' as const },
      { groups: { '*': {}, ...groups } },
    ]) {
      const keys = { groups, ...elsewhere };
      expect(judged(said('group'), keys)).toBe('group_disabled');
      expect(allowedPeers(account(keys)).has('group', 'PLACE')).toBe(false);
    }
    // Of a person who happens to be called so nothing was said.
    expect(allowedPeers(account({ groups, allowedPeerIds: ['PLACE'] })).has('c2c', 'PLACE')).toBe(true);
  });

  test('`groups."*"` switched off takes back what admits every group, not what is listed by its id', () => {
    const groups = { '*': { enabled: false } };
    expect(judged(said('group'), { groups, allowedPeerIds: ['group:*'] })).toBe('group_not_allowed');
    expect(judged(said('group'), { groups, groupPolicy: 'open' })).toBe('group_not_allowed');
    expect(judged(said('group'), { groups, allowedPeerIds: ['PLACE'] })).toBe('answer');
    expect(judged(said('group'), { groups: { ...groups, PLACE: {} }, groupPolicy: 'open' })).toBe('answer');
  });

  test('`group_policy`: open admits all, disabled none, allowlist those in the set', () => {
    expect(judged(said('group'), { groupPolicy: 'open' })).toBe('answer');
    expect(judged(said('group'), { groupPolicy: 'allowlist' })).toBe('group_not_allowed');
    for (const more of [{ allowedPeerIds: ['PLACE'] }, { groups: { PLACE: {} } }, { groupAllowFrom: ['PLACE'] }])
      expect(judged(said('group'), { groupPolicy: 'disabled', ...more })).toBe('group_disabled');
    expect(judged(said('c2c'), { groupPolicy: 'disabled', allowedPeerIds: ['AUTHOR'] })).toBe('answer');
  });

  test('`group_policy = "open"` opens no group to be written to', () => {
    expect(allowedPeers(account({ groupPolicy: 'open' } as object)).has('group', 'PLACE')).toBe(false);
  });

  test('`group_allow_from` as senders: in an admitted group only they may speak', () => {
    const keys = { groups: { PLACE: {} }, groupAllowFrom: ['ALICE', 'c2c:BOB'] };
    expect(['ALICE', 'BOB', 'MALLORY', 'alice'].map((sender) => judged(from(sender), keys))).toEqual([
      'answer',
      'answer',
      'group_sender_not_allowed',
      'group_sender_not_allowed',
    ]);
    expect(judged(from('ALICE', 'OTHER'), keys)).toBe('group_not_allowed');
  });

  test('`group_allow_from` as groups: an entry that is the group’s own id admits it and is no sender', () => {
    for (const entry of ['PLACE', 'group:PLACE']) {
      expect(judged(from('ANYBODY'), { groupAllowFrom: [entry] })).toBe('answer');
      const mixed = { groupAllowFrom: [entry, 'ALICE'] };
      expect(judged(from('ALICE'), mixed)).toBe('answer');
      expect(judged(from('MALLORY'), mixed)).toBe('group_sender_not_allowed');
      expect(judged(from('ALICE', 'OTHER'), mixed)).toBe('group_not_allowed');
    }
    expect(judged(from('ANYBODY'), { groupAllowFrom: ['group:PLACE', 'group:OTHER'] })).toBe('answer');
  });

  test('`group_allow_from` is read as groups where it says so or they have a table, as senders otherwise', () => {
    const keys = account({ groupAllowFrom: ['group:1', '2', '3', 'c2c:4'], groups: { '2': {} } });
    expect(readingOf(keys)).toEqual({ groups: ['group:1', '2'], senders: ['3', 'c2c:4'] });
  });

  test('`"*"` and `private:*` among the senders mean everybody', () => {
    for (const entry of ['*', 'c2c:*']) {
      expect(judged(from('ANYBODY'), { groups: { PLACE: {} }, groupAllowFrom: [entry] })).toBe('answer');
      expect(judged(from('ANYBODY'), { groupAllowFrom: [entry] })).toBe('group_not_allowed');
    }
  });

  test('`allow_from` of a group replaces `group_allow_from` there; an empty one means everybody', () => {
    const keys = { groups: { PLACE: { allowFrom: ['ALICE'] }, OPEN: { allowFrom: [] } }, groupAllowFrom: ['BOB'] };
    expect(judged(from('ALICE'), keys)).toBe('answer');
    expect(judged(from('BOB'), keys)).toBe('group_sender_not_allowed');
    expect(judged(from('ANYBODY', 'OPEN'), keys)).toBe('answer');
  });

  test('`allow_from` of `"*"` holds for groups without a table of their own', () => {
    const keys = { groups: { '*': { allowFrom: ['ALICE'] }, PLACE: {} } };
    expect(judged(from('BOB', 'OTHER'), keys)).toBe('group_sender_not_allowed');
    expect(judged(from('ALICE', 'OTHER'), keys)).toBe('answer');
    expect(judged(from('BOB'), keys)).toBe('answer');
  });

  test('`require_mention`: that of the group, else that of `"*"`, else the default', () => {
    for (const kind of ['group', 'channel'] as const) {
      const verdicts = (keys: Parameters<typeof account>[0]) => judged(aside(kind), keys);
      expect(verdicts({ groups: { PLACE: {} } })).toBe('not_mentioned');
      expect(verdicts({ groups: { PLACE: {} }, requireMention: false })).toBe('answer');
      expect(verdicts({ groups: { PLACE: { requireMention: false } } })).toBe('answer');
      expect(verdicts({ groups: { PLACE: { requireMention: true } }, requireMention: false })).toBe('not_mentioned');
      expect(verdicts({ groups: { '*': { requireMention: false } } })).toBe('answer');
      expect(verdicts({ groups: { PLACE: {}, '*': { requireMention: false } } })).toBe('answer');
      expect(verdicts({ groups: { PLACE: { requireMention: true }, '*': { requireMention: false } } })).toBe(
        'not_mentioned',
      );
    }
  });

  test('bots are not answered even where everything is open', () => {
    const bot = said('group', { sender: { id: 'AUTHOR' as PeerId, isBot: true } });
    expect(judged(bot, { groupPolicy: 'open', requireMention: false, groups: { '*': {} } })).toBe('from_bot');
  });

  test('the first example of the NapCat page answers a member who means the bot', () => {
    const keys = { groupAllowFrom: ['123456789'], groups: { '123456789': { requireMention: true } } };
    expect(judged(from('20002', '123456789'), keys)).toBe('answer');
    expect(judged(from('20002', '123456789', { mentionsBot: false }), keys)).toBe('not_mentioned');
    expect(judged(from('20002', '999'), keys)).toBe('group_not_allowed');
  });

  test('the second one answers the member it lists, mentioned or not, and no other', () => {
    const keys = {
      allowedPeerIds: ['123456789'],
      groupAllowFrom: ['987654321'],
      groups: { '987654321': { requireMention: false, allowFrom: ['111111111'] } },
    };
    expect(judged(from('111111111', '987654321', { mentionsBot: false }), keys)).toBe('answer');
    expect(judged(from('222222222', '987654321'), keys)).toBe('group_sender_not_allowed');
    expect(judged(said('c2c', { sender: { id: '123456789' as PeerId, isBot: false } }), keys)).toBe('answer');
  });
});

test.each([
  [{}, false],
  [{ allowedPeerIds: ['alice'] }, true],
  [{ allowedPeerIds: ['*'], groupPolicy: 'disabled' }, true],
  [{ allowedPeerIds: ['dm:*'], groupPolicy: 'disabled' }, true],
  [{ dmPolicy: 'pairing' }, true],
  [{ dmPolicy: 'pairing', groupPolicy: 'disabled' }, true],
  [{ dmPolicy: 'open', allowedPeerIds: ['*'] }, true],
  [{ dmPolicy: 'disabled', allowedPeerIds: ['c2c:alice', '*', 'dm:*'] }, false],
  [{ dmPolicy: 'disabled', allowedPeerIds: ['group:G'] }, true],
  [{ dmPolicy: 'disabled', allowedPeerIds: ['alice'] }, true], // a group may have this id
  [{ dmPolicy: 'disabled', allowedPeerIds: ['alice'], groupPolicy: 'disabled' }, false],
  [{ dmPolicy: 'disabled', groups: { G: {} } }, true],
  [{ allowedPeerIds: ['group:*'] }, true],
  [{ allowedPeerIds: ['group:*'], groupPolicy: 'disabled' }, false],
  [{ groups: { G: {} } }, true],
  [{ groups: { G: {} }, groupPolicy: 'disabled' }, false],
  [{ groups: { G: { enabled: false } } }, false],
  [{ groupPolicy: 'open' }, true],
  [{ groupPolicy: 'disabled' }, false],
  [{ groupAllowFrom: ['30003'] }, true],
  [{ groupAllowFrom: ['30003'], groupPolicy: 'disabled' }, false],
] as const)('an account with %j can admit something: %s', (keys, expected) => {
  expect(admitsAnything(policyOf(account(keys)))).toBe(expected);
});
