/** What events that are no messages mean for what may be sent. */
import { describe, expect, test } from 'vitest';
import { decodeNotice } from '../../../src/lanes/qqbot/decode-notice.js';
import type { AccountId } from '../../../src/model/target.js';
import { target } from '../../support/messages.js';

const ID = 'EVENT:1';
const OPENID = 'E4F4AEA33253A2797FB897C50B81D7ED';
const decode = (event: string, data: unknown, id: unknown = ID) =>
  decodeNotice({ event, id, data } as never, 'main' as AccountId);

describe.each([
  ['FRIEND_ADD', 'c2c', true, true],
  ['FRIEND_DEL', 'c2c', false, false],
  ['C2C_MSG_REJECT', 'c2c', false, false],
  ['C2C_MSG_RECEIVE', 'c2c', true, true],
  ['GROUP_ADD_ROBOT', 'group', true, true],
  ['GROUP_DEL_ROBOT', 'group', false, false],
  ['GROUP_MSG_REJECT', 'group', false, false],
  ['GROUP_MSG_RECEIVE', 'group', true, true],
] as const)('%s', (event, kind, takesActive, isAnswerable) => {
  const data = kind === 'group' ? { group_openid: OPENID, op_member_openid: 'OPERATOR' } : { openid: OPENID };

  test(`is about a ${kind}, takes active messages: ${takesActive}, may be answered: ${isAnswerable}`, () => {
    expect(decode(event, data)).toEqual({
      name: event,
      data,
      eventId: ID,
      about: target(OPENID, kind),
      takesActive,
      ...(isAnswerable ? { replyToken: { kind: 'event_id', value: ID } } : {}),
    });
  });

  test('without its number is no right to answer, and without its peer it means nothing', () => {
    expect(decode(event, data, null)).toEqual({ name: event, data, about: target(OPENID, kind), takesActive });
    for (const odd of [{}, { openid: '', group_openid: 7 }, { openid: 'a/b', group_openid: 'a b' }, [], 'text', null]) {
      expect(decode(event, odd)).toEqual({ name: event, data: odd, eventId: ID });
    }
  });
});

describe('a pressed button', () => {
  test.each([
    [{ user_openid: OPENID }, 'c2c'],
    [{ group_openid: OPENID, group_member_openid: 'MEMBER' }, 'group'],
  ] as const)('%j may be answered there', (data, kind) => {
    expect(decode('INTERACTION_CREATE', data)).toEqual({
      name: 'INTERACTION_CREATE',
      data,
      eventId: ID,
      about: target(OPENID, kind),
      replyToken: { kind: 'event_id', value: ID },
    });
  });

  test('in a guild is written down, and opens nothing', () => {
    const data = { guild_id: '1', channel_id: '2' };
    expect(decode('INTERACTION_CREATE', data)).toEqual({ name: 'INTERACTION_CREATE', data, eventId: ID });
  });
});

describe('the end of a review', () => {
  test('tells which, and the number of the message that passed', () => {
    const data = { audit_id: 'A1', message_id: 'M1', channel_id: '2' };
    expect(decode('MESSAGE_AUDIT_PASS', data).review).toEqual({ auditId: 'A1', passed: true, messageId: 'M1' });
    expect(decode('MESSAGE_AUDIT_PASS', { audit_id: 'A1' }).review).toEqual({ auditId: 'A1', passed: true });
    expect(decode('MESSAGE_AUDIT_REJECT', data).review).toEqual({ auditId: 'A1', passed: false });
  });

  test.each([{}, { audit_id: '' }, { audit_id: 7 }, { audit_id: 'x'.repeat(513) }, null])('is none in %j', (data) => {
    expect(decode('MESSAGE_AUDIT_PASS', data)).not.toHaveProperty('review');
  });

  test('is in no other event', () => {
    expect(decode('MESSAGE_DELETE', { audit_id: 'A1' })).not.toHaveProperty('review');
  });
});

describe('a recall', () => {
  const message = { id: 'M1', channel_id: '22', guild_id: '11' };

  test.each([
    ['MESSAGE_DELETE', 'channel', '22'],
    ['PUBLIC_MESSAGE_DELETE', 'channel', '22'],
    ['DIRECT_MESSAGE_DELETE', 'dm', '11'],
  ])('%s names the message and its conversation', (event, kind, peer) => {
    const { recalls } = decode(event, { message, op_user: { id: '1' } });
    expect(recalls).toMatchObject({ conversation: { kind, peer }, messageId: 'M1' });
  });

  test.each([{}, { message: 5 }, { message: { ...message, id: 'a b' } }, { message: { id: 'M1' } }])(
    'is none in %j',
    (data) => expect(decode('MESSAGE_DELETE', data)).not.toHaveProperty('recalls'),
  );
});

test.each(['GUILD_CREATE', 'MESSAGE_DELETE', ''])('any other event (%s) is written down and means nothing', (event) => {
  const data = { openid: OPENID, group_openid: OPENID, user_openid: OPENID };
  expect(decode(event, data)).toEqual({ name: event, data, eventId: ID });
});

test.each(['', 7, 'x'.repeat(513), null])('a number that is none (%j) is left out', (id) => {
  expect(decode('GUILD_CREATE', {}, id)).toEqual({ name: 'GUILD_CREATE', data: {} });
});
