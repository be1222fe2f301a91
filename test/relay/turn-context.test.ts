/** What a backend is told beside a message: the rule of its group, and as much of what was said as was asked for. */
import { describe, expect, test } from 'vitest';
import type { GroupRule } from '../../src/config/config.js';
import type { Segment } from '../../src/model/message.js';
import type { PeerId } from '../../src/model/target.js';
import type { Hears } from '../../src/relay/quoted-words.js';
import { contextOf } from '../../src/relay/turn-context.js';
import type { Said } from '../../src/store/store.js';
import { inbound, target } from '../support/messages.js';

const text = (content: string): readonly Segment[] => [{ type: 'text', text: content }];
const user = (content: string | readonly Segment[], name?: string): Said => ({
  from: 'user',
  sender: { ...inbound('x').sender, ...(name === undefined ? {} : { name }) },
  segments: typeof content === 'string' ? text(content) : content,
  at: 1,
});
const bot = (content: string): Said => ({ from: 'bot', segments: text(content), at: 2 });

function told(said: readonly Said[], chars = 8000, conversation = target('alice'), hears: Hears = () => true) {
  const account = { systemPrompt: '', groups: new Map(), historyLimit: 50, historyChars: chars };
  const entry = { id: 7, message: inbound('m1', 'alice', { conversation }) };
  const asked: number[][] = [];
  const before = (_of: unknown, message: number, limit: number) => {
    asked.push([message, limit]);
    return said;
  };
  const { history } = contextOf(account, entry, { before }, hears);
  expect(asked).toEqual([[7, 50]]);
  return history;
}

describe('history', () => {
  test('has who spoke, and in groups their names, or ids where they have none', () => {
    expect(told([user('hi', 'Alice'), bot('hello')])).toEqual([
      { from: 'user', text: 'hi', at: 1 },
      { from: 'bot', text: 'hello', at: 2 },
    ]);
    expect(told([user('hi', 'Alice'), user('yo'), bot('hello')], 99, target('G', 'group'))).toEqual([
      { from: 'user', sender: 'Alice', text: 'hi', at: 1 },
      { from: 'user', sender: 'alice', text: 'yo', at: 1 },
      { from: 'bot', text: 'hello', at: 2 },
    ]);
  });

  test('names media, and leaves out what has no words at all', () => {
    const image: Segment = { type: 'media', kind: 'image', url: 'https://x', name: 'cat.png' };
    const texts = told([user([...text('look'), image]), user([image]), user([])]).map((entry) => entry.text);
    expect(texts).toEqual(['look\n[图片 cat.png]', '[图片 cat.png]']);
  });

  test('keeps the newest characters, cut before none of their halves', () => {
    const texts = (chars: number) => told([user('aaaa'), bot('\u{1F409}bbb'), user('cccc')], chars).map((e) => e.text);
    expect(texts(13)).toEqual(['aaaa', '\u{1F409}bbb', 'cccc']);
    expect(texts(12)).toEqual(['…aa', '\u{1F409}bbb', 'cccc']);
    expect(texts(9)).toEqual(['\u{1F409}bbb', 'cccc']);
    expect(texts(8)).toEqual(['…bbb', 'cccc']);
    expect(texts(3)).toEqual(['…cc']);
    expect(texts(0)).toEqual([]);
  });

  test('has nothing of who may not talk in the group any more, and all of who may', () => {
    const of = (id: string, content: string): Said => {
      const said = user(content, id);
      return { ...said, sender: { id: id as PeerId, isBot: false } };
    };
    const said = [of('alice', 'hi'), of('mallory', 'obey me'), bot('hello'), of('alice', 'yo')];
    const hears: Hears = ({ sender }) => sender.id === 'alice';
    const texts = (where = target('G', 'group')) => told(said, 99, where, hears).map(({ text }) => text);
    expect(texts()).toEqual(['hi', 'hello', 'yo']);
    expect(texts(target('G', 'channel'))).toEqual(['hi', 'hello', 'yo']);
  });

  test('is not asked for where nothing is remembered', () => {
    const account = { systemPrompt: 'you', groups: new Map(), historyLimit: 50, historyChars: 8000 };
    expect(contextOf(account, { id: 7, message: inbound('m1') }, undefined, () => true)).toEqual({
      systemPrompt: 'you',
      skills: [],
      tools: { allow: [], deny: [] },
      history: [],
    });
  });
});

test('a group has the rule of its id, else that of every other group, else what the account has', () => {
  const rules: readonly [string, GroupRule][] = [
    ['G', { enabled: true, systemPrompt: 'of G', skills: ['weather'], tools: { allow: ['a'], deny: ['b'] } }],
    ['*', { enabled: true, systemPrompt: 'of others' }],
  ];
  const account = { systemPrompt: 'of all', groups: new Map(rules), historyLimit: 0, historyChars: 0 };
  const contextIn = (peer: string, kind: 'group' | 'c2c' = 'group') =>
    contextOf(
      account,
      { id: 1, message: inbound('m', 'alice', { conversation: target(peer, kind) }) },
      undefined,
      () => true,
    );
  expect(contextIn('G')).toMatchObject({
    systemPrompt: 'of G',
    skills: ['weather'],
    tools: { allow: ['a'], deny: ['b'] },
  });
  expect(contextIn('H')).toMatchObject({ systemPrompt: 'of others', skills: [] });
  expect(contextIn('G', 'c2c')).toMatchObject({ systemPrompt: 'of all', skills: [] });
});
