/** The turn as other programs get it, held against the JSON Schema that is published with it. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import type { Turn } from '../../src/backends/backend.js';
import { turnDocument } from '../../src/backends/turn-document.js';
import type { AccountId, MessageId, PeerId } from '../../src/model/target.js';
import { turnOf } from '../support/answers.js';
import { target } from '../support/messages.js';

type Schema = { readonly [key: string]: unknown };

const schema: Schema = JSON.parse(readFileSync(new URL('../../schema/turn.v1.json', import.meta.url), 'utf8'));
const isTurn = new Ajv2020().compile(schema);
/** The same, and it knows every key. */
const hasKnownKeys = new Ajv2020().compile(closed(schema) as Schema);

function closed(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map(closed);
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  return 'properties' in copy && copy.type === 'object' ? { ...copy, additionalProperties: false } : copy;
}

const FULL: Turn = {
  message: turnOf({
    id: 'ROBOT1.0_abc' as MessageId,
    conversation: target('group_demo', 'group'),
    sender: { id: 'openid_alice' as PeerId, name: 'Alice\u202e', role: 'admin', isBot: false },
    mentionsBot: false,
    segments: [
      { type: 'quote', message: 'REFIDX_1', text: 'what I said' },
      { type: 'mention', peer: 'all' },
      { type: 'text', text: ' look [CQ:at,qq=all]' },
      { type: 'native', channel: 'onebot', kind: 'dice', data: { result: 3 }, text: '[dice]' },
      { type: 'media', kind: 'image', url: 'https://example.com/a.png', name: 'a.png', size: 12 },
      { type: 'media', kind: 'voice', url: 'https://example.com/v.silk', transcript: 'hello' },
    ],
  }).message,
  context: {
    systemPrompt: 'Be brief.',
    skills: ['weather'],
    tools: { allow: ['search'], deny: ['shell'] },
    history: [
      { from: 'user', sender: 'Bob', text: 'hi', at: 1_763_700_000_000 },
      { from: 'bot', text: 'hello', at: 1_763_700_001_000 },
    ],
  },
  attempt: 2,
};
const OF_ONEBOT = turnOf({
  conversation: { channel: 'onebot', account: 'home' as AccountId, kind: 'c2c', peer: '20002' as PeerId },
});

test('every key of a turn is there, as the contract has it', () => {
  expect(turnDocument(FULL)).toEqual({
    version: 1,
    id: 'ROBOT1.0_abc',
    channel: 'qqbot',
    account: 'main',
    target: 'qqbot:main:group:group_demo',
    kind: 'group',
    sender: { id: 'openid_alice', name: 'Alice\u202e', role: 'admin' },
    text: '@全体成员 look [CQ:at,qq=all][dice]',
    mentioned: false,
    quote: { id: 'REFIDX_1', text: 'what I said' },
    attachments: [
      { kind: 'image', url: 'https://example.com/a.png', name: 'a.png', size: 12 },
      { kind: 'voice', url: 'https://example.com/v.silk', transcript: 'hello' },
    ],
    history: [
      { from: 'user', sender: 'Bob', text: 'hi', at: 1_763_700_000_000 },
      { from: 'bot', text: 'hello', at: 1_763_700_001_000 },
    ],
    system_prompt: 'Be brief.',
    skills: ['weather'],
    tools: { allow: ['search'], deny: ['shell'] },
    attempt: 2,
  });
});

test('on OneBot the kind is the word that targets have', () => {
  expect(turnDocument(OF_ONEBOT)).toMatchObject({ kind: 'private', target: 'onebot:home:private:20002' });
});

test.each([
  ['with everything', FULL],
  ['with nothing but text', turnOf()],
  ['of a picture alone', turnOf({ segments: [{ type: 'media', kind: 'file', url: 'https://example.com/f' }] })],
  ['over OneBot', OF_ONEBOT],
  ['of a guild', turnOf({ conversation: target('77', 'dm') })],
])('a turn %s is what the published schema says, and has no key that it does not tell of', (_, turn) => {
  const document: unknown = JSON.parse(JSON.stringify(turnDocument(turn)));
  expect(isTurn(document), JSON.stringify(isTurn.errors)).toBe(true);
  expect(hasKnownKeys(document), JSON.stringify(hasKnownKeys.errors)).toBe(true);
});

test('the schema asks for every key that is always there, and has a line about each', () => {
  const document = turnDocument(turnOf());
  expect([...(schema.required as string[])].sort()).toEqual(Object.keys(document).sort());
  for (const key of Object.keys(document)) {
    const { [key]: _, ...rest } = document as unknown as Schema;
    expect(isTurn(rest), key).toBe(false);
  }
  const undescribed = (part: object): readonly string[] =>
    Object.entries((part as { properties?: Record<string, Schema> }).properties ?? {}).flatMap(([key, value]) => [
      ...('description' in value ? [] : [key]),
      ...undescribed(value),
      ...undescribed((value.items as object | undefined) ?? {}),
    ]);
  expect(undescribed(schema)).toEqual([]);
});
