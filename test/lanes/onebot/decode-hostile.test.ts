import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../src/lanes/onebot/decode-event.js';
import { filesInMessage } from '../../../src/lanes/onebot/group-files.js';
import { fields } from '../../../src/lanes/onebot/wire-fields.js';
import type { AccountId } from '../../../src/model/target.js';

const HOME = 'home' as AccountId;
const NOW = Date.parse('2026-10-02T12:20:00Z');
const FRAME = {
  self_id: 10001,
  user_id: 20002,
  time: NOW / 1000,
  message_id: 1,
  message_type: 'group',
  group_id: 30003,
  post_type: 'message',
  message: 'hi',
};

const decode = (change: object) => decodeEvent({ ...FRAME, ...change }, HOME, NOW);

test.for([null, 5, 'x', true, [], undefined])('%j is no frame', (frame) => {
  expect(fields(frame)).toBeUndefined();
});

describe('what cannot be read is told, with the reason', () => {
  test.for([
    [{ post_type: 'weather' }, 'a known post_type, got weather'],
    [{ post_type: { a: 1 } }, 'a known post_type, got none'],
    [{ post_type: 'notice' }, 'notice_type'],
    [{ post_type: 'notice', notice_type: 'a b\n' }, 'notice_type'],
    [{ post_type: 'request', request_type: 7 }, 'request_type'],
    [{ self_id: undefined }, 'self_id'],
    [{ user_id: undefined }, 'user_id'],
    [{ user_id: 0 }, 'user_id'],
    [{ user_id: 1.5 }, 'user_id'],
    [{ user_id: 1e300 }, 'user_id'],
    [{ user_id: 'a/../b' }, 'user_id'],
    [{ user_id: 'x'.repeat(129) }, 'user_id'],
    [{ message_id: undefined }, 'message_id'],
    [{ message_id: { a: 1 } }, 'message_id'],
    [{ message_id: 'a b' }, 'message_id'],
    [{ message_type: 'guild' }, 'message_type private, or group with a group_id'],
    [{ group_id: undefined }, 'message_type private, or group with a group_id'],
    [{ group_id: null }, 'message_type private, or group with a group_id'],
    [{ message: undefined }, 'message as a list or text'],
    [{ message: null }, 'message as a list or text'],
    [{ message: 5 }, 'message as a list or text'],
  ] as const)('%j', ([change, expected]) => {
    expect(decode(change)).toEqual({ kind: 'undecodable', reason: `expected ${expected}` });
  });
});

test('segments of no shape leave a trace', () => {
  const message = [
    null,
    5,
    'x',
    [],
    {},
    { type: 7 },
    { type: 'a b', data: 1 },
    { type: 'image' },
    { type: 'at', data: null },
  ];
  const decoded = decode({ message });
  if (decoded.kind !== 'message') throw new Error(decoded.kind);
  expect(decoded.message.segments.map((part) => (part.type === 'native' ? part.text : part))).toEqual([
    '[不支持的内容]',
    '[不支持的内容]',
    '[不支持的内容]',
    '[不支持的内容]',
    '[不支持的内容]',
    '[不支持的内容: 7]',
    '[不支持的内容: a b]',
    '[图片]',
    '@?',
  ]);
});

test('a hundred thousand segments are cut, and that is told', () => {
  const message = Array.from({ length: 100_000 }, (_, n) => ({ type: 'face', data: { id: n } }));
  const decoded = decode({ message });
  if (decoded.kind !== 'message') throw new Error(decoded.kind);
  expect(decoded.message.segments).toHaveLength(1001);
  expect(decoded.message.segments.at(-1)).toEqual({ type: 'text', text: '[不支持的内容: 另有 99000 段]' });
});

test('what is endlessly deep or long is kept only as far as it can be stored', () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]));
  const long = 'x'.repeat(1_000_000);
  const decoded = [
    decode({ message: [{ type: 'odd', data: { deep, wide, long } }] }),
    decode({ post_type: 'notice', notice_type: 'odd', deep, wide, long }),
    decode({
      message: [{ type: 'forward', data: { content: [{ message: [{ type: 'node', data: { content: deep } }] }] } }],
    }),
    decode({ message: [{ type: 'json', data: { data: '['.repeat(100_000) } }], sender: deep, anonymous: deep }),
  ];
  for (const { kind } of decoded) expect(['message', 'notice']).toContain(kind);
  for (const one of decoded) expect(JSON.stringify(one).length).toBeLessThan(250_000);
});

test('nothing that JSON can hold makes it throw, and what comes out can be stored', () => {
  const key = fc.constantFrom(
    ...['post_type', 'message_type', 'sub_type', 'message', 'sender', 'self_id', 'user_id', 'group_id', 'file'],
    ...['notice_type', 'request_type', 'flag', 'time', 'real_seq', 'message_id', 'status', 'raw', '__proto__'],
  );
  const word = fc.constantFrom('message', 'notice', 'request', 'meta_event', 'private', 'group', 'notify', 'heartbeat');
  const type = fc.constantFrom(
    ...['text', 'at', 'reply', 'image', 'file', 'json', 'xml', 'forward', 'node', 'location', 'face', 'mface'],
    ...['dice', 'rps', 'contact', 'music', 'markdown', 'miniapp', 'lightapp', 'toString'],
  );
  const part = fc.record({
    type,
    data: fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('id', 'qq', 'data', 'content', 'url', 'file', 'name'), fc.jsonValue()),
    ),
  });
  const value = fc.oneof(word, fc.jsonValue(), fc.array(part), fc.webUrl());
  fc.assert(
    fc.property(fc.dictionary(key, value), fc.boolean(), (change, whole) => {
      const decoded = decodeEvent(whole ? change : { ...FRAME, ...change }, HOME, NOW);
      expect(JSON.stringify(decoded)).toBeTypeOf('string');
      if (decoded.kind === 'message') filesInMessage(decoded.message);
    }),
    { numRuns: 2000 },
  );
});
