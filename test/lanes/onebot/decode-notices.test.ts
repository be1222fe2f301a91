import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../src/lanes/onebot/decode-event.js';
import { fileInNotice, filesInMessage } from '../../../src/lanes/onebot/group-files.js';
import type { AccountId } from '../../../src/model/target.js';

const HOME = 'home' as AccountId;
const NOW = Date.parse('2026-10-02T12:20:00Z');
const COMMON = { time: NOW / 1000, self_id: 10001 };

const decode = (event: object) => decodeEvent({ ...COMMON, ...event }, HOME, NOW);
const notice = (event: object) => {
  const decoded = decode({ post_type: 'notice', ...event });
  if (decoded.kind !== 'notice') throw new Error(`expected a notice, got ${JSON.stringify(decoded)}`);
  return decoded.notice;
};
const shown = (event: object) => {
  const { name, about } = notice(event);
  return about === undefined ? name : `${name} ${about.kind}:${about.peer}`;
};

const GROUP = { group_id: 30003, user_id: 20002 };

describe('each notice event of the seed', () => {
  test.for([
    ['group_increase', 'approve', {}],
    ['group_increase', 'invite', { user_id: 10001, operator_id: 0 }],
    ['group_decrease', 'leave', {}],
    ['group_decrease', 'kick', { operator_id: 5 }],
    ['group_decrease', 'kick_me', { user_id: 10001 }],
    ['group_admin', 'set', {}],
    ['group_admin', 'unset', {}],
    ['group_ban', 'ban', { duration: 600 }],
    ['group_ban', 'lift_ban', { user_id: 0, duration: 0 }],
  ] as const)('%s (%s)', ([type, sub, more]) => {
    const event = { notice_type: type, sub_type: sub, ...GROUP, ...more };
    expect(notice(event)).toEqual({
      name: type,
      data: { ...COMMON, post_type: 'notice', ...event },
      about: { channel: 'onebot', account: 'home', kind: 'group', peer: '30003' },
    });
  });

  test('group_recall', () => {
    expect(shown({ notice_type: 'group_recall', ...GROUP, operator_id: 5, message_id: -7 })).toBe(
      'group_recall group:30003',
    );
  });

  test('friend_recall', () => {
    expect(shown({ notice_type: 'friend_recall', user_id: 20002, message_id: 7 })).toBe('friend_recall c2c:20002');
  });

  test('a recall names the message that is taken back, and no other notice does', () => {
    const conversation = { channel: 'onebot', account: 'home', kind: 'group', peer: '30003' };
    const recalled = (event: object) => notice({ ...GROUP, message_id: -7, ...event }).recalls;
    expect(recalled({ notice_type: 'group_recall' })).toEqual({ conversation, messageId: '-7' });
    expect(notice({ notice_type: 'friend_recall', user_id: 20002, message_id: '8' }).recalls).toEqual({
      conversation: { ...conversation, kind: 'c2c', peer: '20002' },
      messageId: '8',
    });
    for (const id of [null, {}, 1.5, 'a b']) {
      expect(recalled({ notice_type: 'group_recall', message_id: id })).toBeUndefined();
    }
    expect(recalled({ notice_type: 'essence' })).toBeUndefined();
  });

  test('friend_add', () => {
    expect(shown({ notice_type: 'friend_add', user_id: 20002 })).toBe('friend_add c2c:20002');
  });

  test.for([
    ['poke', { ...GROUP, target_id: 10001 }, 'poke group:30003'],
    ['poke', { user_id: 20002, sender_id: 20002, target_id: 10001 }, 'poke c2c:20002'],
    ['poke', { user_id: 10001, sender_id: 10001, target_id: 20002 }, 'poke c2c:20002'],
    ['lucky_king', { ...GROUP, target_id: 5 }, 'lucky_king group:30003'],
    ['honor', { ...GROUP, honor_type: 'talkative' }, 'honor group:30003'],
  ] as const)('notify (%s) %j', ([sub, more, expected]) => {
    expect(shown({ notice_type: 'notify', sub_type: sub, ...more })).toBe(expected);
  });
});

describe('notices that the seed does not name', () => {
  test.for([
    ['notify', 'title', GROUP, 'title group:30003'],
    ['notify', 'group_name', { ...GROUP, name_new: 'x' }, 'group_name group:30003'],
    ['notify', 'input_status', { user_id: 20002, group_id: 0 }, 'input_status c2c:20002'],
    ['notify', 'profile_like', { operator_id: 20002, times: 3 }, 'profile_like c2c:20002'],
    ['notify', 'gray_tip', { ...GROUP, content: '{}' }, 'gray_tip group:30003'],
    ['notify', undefined, GROUP, 'notify group:30003'],
    ['group_card', undefined, { ...GROUP, card_new: 'x' }, 'group_card group:30003'],
    ['essence', 'add', { group_id: 30003 }, 'essence group:30003'],
    ['group_msg_emoji_like', undefined, GROUP, 'group_msg_emoji_like group:30003'],
    ['reaction', 'add', { group_id: 30003 }, 'reaction group:30003'],
    ['offline_file', undefined, { user_id: 20002, file: {} }, 'offline_file c2c:20002'],
    ['client_status', undefined, { online: true }, 'client_status'],
    ['bot_offline', undefined, { user_id: 10001, tag: 'kicked' }, 'bot_offline'],
    ['online_file_send', 'receive', { peer_id: 20002 }, 'online_file_send c2c:20002'],
    ['online_file_receive', 'cancel', { peer_id: 20002 }, 'online_file_receive c2c:20002'],
    ['never_heard_of', 'x', {}, 'never_heard_of'],
  ] as const)('%s %s %j', ([type, sub, more, expected]) => {
    expect(shown({ notice_type: type, ...(sub === undefined ? {} : { sub_type: sub }), ...more })).toBe(expected);
  });

  test('NapCat’s own objects are left out', () => {
    expect(notice({ notice_type: 'friend_add', user_id: 1, raw: { huge: 1 } }).data).not.toHaveProperty('raw');
  });
});

describe('a file put into a group', () => {
  const file = { id: '/f1', name: 'a/b\n.pdf', size: 5, busid: 102 };
  const event = { notice_type: 'group_upload', ...GROUP, file };
  const message = (data: object, more: object = {}) => {
    const decoded = decode({
      post_type: 'message',
      message_type: 'group',
      message_id: 1,
      ...GROUP,
      message: [{ type: 'file', data }],
      ...more,
    });
    return decoded.kind === 'message' ? filesInMessage(decoded.message) : undefined;
  };

  test('group_upload is known again by the id of the file', () => {
    expect(notice(event)).toMatchObject({
      about: { kind: 'group', peer: '30003' },
      eventId: 'group_upload:30003:20002:/f1',
    });
    expect(notice({ ...event, file: undefined }).eventId).toBeUndefined();
  });

  test('the notice and the message of one file have the same key, with an address and without', () => {
    const key = fileInNotice({ ...COMMON, ...event });
    expect(message({ file: 'a/b\n.pdf', file_id: 'other', url: 'https://x.example/f' })).toEqual([key]);
    expect(message({ file: 'a/b\n.pdf', file_id: 'other' })).toEqual([key]);
    expect(message({ file: 'uuid', name: 'a/b\n.pdf' })).toEqual([key]);
    expect(message({ file: 'c.pdf' })).not.toEqual([key]);
    expect(message({ file: 'a/b\n.pdf' }, { user_id: 20003 })).not.toEqual([key]);
    expect(message({ file: 'a/b\n.pdf' }, { message_type: 'private' })).toEqual([]);
  });
});

describe('each request event of the seed', () => {
  const request = (event: object) => notice({ post_type: 'request', flag: '17612345678901234567', ...event });

  test('friend', () => {
    expect(request({ request_type: 'friend', user_id: 20002, comment: 'hi' })).toMatchObject({
      name: 'request.friend',
      about: { kind: 'c2c', peer: '20002' },
      data: { flag: '17612345678901234567', comment: 'hi' },
      eventId: 'request.friend::20002:17612345678901234567',
    });
  });

  test.for(['add', 'invite'])('group (%s)', (sub) => {
    expect(request({ request_type: 'group', sub_type: sub, ...GROUP })).toMatchObject({
      name: `request.group.${sub}`,
      about: { kind: 'group', peer: '30003' },
      eventId: `request.group.${sub}:30003:20002:17612345678901234567`,
    });
  });

  test('a flag of absurd length identifies nothing', () => {
    expect(request({ request_type: 'friend', flag: 'x'.repeat(1000) }).eventId).toBeUndefined();
    expect(request({ request_type: 'friend', flag: undefined }).eventId).toBeUndefined();
  });
});

describe('each meta event of the seed', () => {
  const meta = (event: object) => decode({ post_type: 'meta_event', ...event });

  test.for(['connect', 'enable', 'disable'])('lifecycle (%s)', (subType) => {
    expect(meta({ meta_event_type: 'lifecycle', sub_type: subType })).toEqual({
      kind: 'meta',
      meta: 'lifecycle',
      subType,
    });
  });

  test.for([
    [{ online: true, good: true }, 30_000, true, true],
    [{ online: false, good: true }, '5000', false, true],
    [{ online: null }, undefined, undefined, undefined],
    [undefined, 'soon', undefined, undefined],
  ] as const)('heartbeat %j', ([status, interval, online, good]) => {
    const intervalMs = interval === undefined || interval === 'soon' ? undefined : Number(interval);
    expect(meta({ meta_event_type: 'heartbeat', interval, status })).toEqual({
      kind: 'meta',
      meta: 'heartbeat',
      intervalMs,
      online,
      good,
    });
  });

  test('others are told as what cannot be read', () => {
    expect(meta({ meta_event_type: 'moon' })).toEqual({
      kind: 'undecodable',
      reason: 'expected a known meta_event_type',
    });
  });
});
