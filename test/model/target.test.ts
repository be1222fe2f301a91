/** The grammar of targets, in the exact words of the public contract (§4, §5). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/model/errors.js';
import {
  type AccountId,
  CHANNELS,
  type ChannelId,
  channelNamed,
  formatTarget,
  isPeerId,
  isReservedAccountName,
  laneId,
  normaliseAccountId,
  parseTarget,
  shortPeer,
  storedTarget,
} from '../../src/model/target.js';

const DEFAULTS = { channel: 'qqbot', account: 'main' as AccountId } as const;

function read(text: string, channel: ChannelId = 'qqbot'): string {
  return formatTarget(parseTarget(text, { channel, account: 'main' as AccountId }));
}

function refusal(text: string, channel: ChannelId = 'qqbot'): UsageError {
  try {
    parseTarget(text, { channel, account: 'main' as AccountId });
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('a target is read in every form', () => {
  test.each([
    ['qqbot:ops:c2c:ABC', 'qqbot:ops:c2c:ABC'],
    ['ops:group:ABC', 'qqbot:ops:group:ABC'],
    ['c2c:ABC', 'qqbot:main:c2c:ABC'],
    ['qqbot:c2c:ABC', 'qqbot:main:c2c:ABC'],
    ['qq:dm:ABC', 'qqbot:main:dm:ABC'],
    ['QQ:ops:channel:42', 'qqbot:ops:channel:42'],
    ['qq-bot:ops:c2c:ABC', 'qqbot:ops:c2c:ABC'],
    ['Tencent-QQ:ops:c2c:ABC', 'qqbot:ops:c2c:ABC'],
    ['QQBot:Ops:C2C:aBc', 'qqbot:ops:c2c:aBc'],
    ['  c2c : ABC  ', 'qqbot:main:c2c:ABC'],
    ['Ops Bot:group:G', 'qqbot:ops-bot:group:G'],
    ['c2c:A.b_c!d=e+f*g~h-9', 'qqbot:main:c2c:A.b_c!d=e+f*g~h-9'],
  ])('%s', (text, canonical) => {
    expect(read(text)).toBe(canonical);
  });

  test('of any other channel too, under each of its names', () => {
    for (const name of ['onebot', 'onebot-v11', 'NapCat', 'napcatqq', 'llonebot']) {
      expect(read(`${name}:home:group:10001`, 'onebot')).toBe('onebot:home:group:10001');
      expect(channelNamed(` ${name} `)).toBe('onebot');
    }
    expect(channelNamed('telegram')).toBeUndefined();
  });

  test('and reading what was printed gives the same target', () => {
    const account = fc.string().map(normaliseAccountId);
    const peer = fc.stringMatching(/^[A-Za-z0-9._!=+*~-]{1,128}$/).filter(isPeerId);
    const channel = fc.constantFrom<ChannelId>('qqbot', 'onebot');
    const any = channel.chain((name) =>
      fc.record({ channel: fc.constant(name), account, kind: fc.constantFrom(...CHANNELS[name].kinds), peer }),
    );
    fc.assert(
      fc.property(any, (target) => {
        const text = formatTarget(target);
        expect(parseTarget(text, { channel: target.channel, account: 'other' as AccountId })).toEqual(target);
        expect(storedTarget(text)).toEqual(target);
      }),
    );
  });
});

describe('a bad target is refused in the words of the contract', () => {
  const FORMS = 'qqbot target must use `qqbot:<account>:<kind>:<id>`, `<account>:<kind>:<id>`, or `<kind>:<id>`';

  test.each(['', '   ', 'ABC', 'qqbot:main:c2c:ABC:more', ':::::', ' :c2c:ABC', 'qqbot: :c2c:ABC'])(
    'no known form: "%s"',
    (text) => {
      expect(refusal(text)).toMatchObject({ code: 'target.malformed', message: FORMS, retry: 'never' });
    },
  );

  test.each(['user', 'C2CX', 'private', 'c2c '.repeat(2).trim()])('an unknown kind is shown as given: %s', (kind) => {
    expect(refusal(`${kind}:ABC`).message).toBe(
      `qqbot target kind \`${kind}\` is unsupported; use \`c2c\`, \`group\`, \`channel\`, \`dm\``,
    );
  });

  test('the prefix of another channel', () => {
    for (const text of ['onebot:main:c2c:ABC', 'onebot:c2c:ABC', 'NapCat:main:c2c:ABC']) {
      expect(refusal(text).message).toBe('qqbot target uses channel prefix `onebot`, expected `qqbot`');
    }
  });

  test('a prefix that is no channel', () => {
    expect(refusal('telegram:main:c2c:ABC').message).toBe(
      'qqbot target prefix `telegram` is not a recognized channel id',
    );
  });

  test.each(['c2c:', 'c2c:   ', 'qqbot:main:group:'])('no id: "%s"', (text) => {
    expect(refusal(text).message).toBe('qqbot target conversation id is empty');
  });

  test.each(['a/b', 'a?b', 'a#b', 'a%2f', 'a b', 'a\u0000b', 'a\nb', 'ä', '用户', 'x'.repeat(129)])(
    'an id with characters that no id has: %j',
    (id) => {
      expect(isPeerId(id)).toBe(false);
      expect(refusal(`c2c:${id}`)).toMatchObject({ code: 'target.peer_malformed' });
      expect(refusal(`c2c:${id}`).remedy).toContain('A-Z a-z 0-9');
    },
  );

  test('whatever is written, the answer is a target or a UsageError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.string()).map((parts) => parts.join(':')),
        ),
        (text) => {
          try {
            expect(isPeerId(parseTarget(text, DEFAULTS).peer)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
    );
  });
});

describe('account ids', () => {
  test.each([
    ['  Ops Bot!! ', 'ops-bot'],
    ['main', 'main'],
    ['A__B--C', 'a_b-c'],
    ['--x--', 'x'],
    ['', 'default'],
    ['!!!', 'default'],
    ['机器人', 'default'],
  ])('"%s" becomes %s', (text, id) => {
    expect(normaliseAccountId(text)).toBe(id);
  });

  test('are stable once they are normal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const id = normaliseAccountId(text);
        expect(id).toMatch(/^[a-z0-9]+(?:[-_][a-z0-9]+)*$/);
        expect(normaliseAccountId(id)).toBe(id);
      }),
    );
  });

  test('may not be called like a channel, an alias or a kind', () => {
    for (const name of ['qqbot', 'qq', 'napcat', 'c2c', 'group', 'channel', 'dm']) {
      expect(isReservedAccountName(name)).toBe(true);
    }
    expect(isReservedAccountName('ops')).toBe(false);
  });

  test('name the lane together with their channel', () => {
    expect(laneId({ channel: 'qqbot', account: 'ops' as AccountId })).toBe('qqbot:ops');
  });
});

test('a long openid is shortened so that it still tells two peers apart', () => {
  expect(shortPeer('0123456789ABCDEF0123456789ABCDEF')).toBe('0123…CDEF');
  expect(shortPeer('openid_alice')).toBe('openid_alice');
});
