/** The grammar of targets, in the exact words of the public contract (§4, §5). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/model/errors.js';
import {
  type AccountId,
  CHANNELS,
  type ChannelId,
  channelIn,
  channelNamed,
  formatTarget,
  isPeerId,
  isReservedAccountName,
  kindName,
  kindNamed,
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

  test.each([
    ['onebot:home:private:20002', 'onebot:home:private:20002'],
    ['onebot:home:c2c:20002', 'onebot:home:private:20002'],
    ['home:PRIVATE:20002', 'onebot:home:private:20002'],
    ['private:20002', 'onebot:main:private:20002'],
    ['c2c:20002', 'onebot:main:private:20002'],
    ['napcat:group:30003', 'onebot:main:group:30003'],
    ['LLOneBot:Home Bot: Group : -30003 ', 'onebot:home-bot:group:-30003'],
    ['onebot:group:9007199254740993', 'onebot:main:group:9007199254740993'],
  ])('of OneBot, where a person is `private`: %s', (text, canonical) => {
    expect(read(text, 'onebot')).toBe(canonical);
    expect(parseTarget(text, { channel: 'onebot', account: 'main' as AccountId }).kind).toMatch(/^(c2c|group)$/);
  });

  test('names its channel in the long form, and before a kind', () => {
    expect(channelIn('onebot:home:group:1')).toBe('onebot');
    expect(channelIn('NapCat:private:1')).toBe('onebot');
    expect(channelIn('qq:c2c:1')).toBe('qqbot');
    for (const text of ['home:group:1', 'group:1', 'onebot:1', 'onebot', '']) expect(channelIn(text)).toBeUndefined();
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
    const peers = {
      qqbot: fc.stringMatching(/^[A-Za-z0-9._!=+*~-]{1,128}$/).filter(isPeerId),
      onebot: fc.stringMatching(/^-?[1-9][0-9]{0,19}$/).filter(isPeerId),
    };
    const channel = fc.constantFrom<ChannelId>('qqbot', 'onebot');
    const any = channel.chain((name) =>
      fc.record({
        channel: fc.constant(name),
        account,
        kind: fc.constantFrom(...CHANNELS[name].kinds),
        peer: peers[name],
      }),
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

  test.each(['abc', '1a', '012', '1.5', '+1', '--1', '123456789012345678901', '*'])('no number on OneBot: %s', (id) => {
    for (const kind of ['private', 'group']) {
      const refused = refusal(`onebot:main:${kind}:${id}`, 'onebot');
      expect(refused).toMatchObject({ code: 'target.peer_malformed', remedy: expect.stringContaining('digits') });
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

  test('of OneBot, in its own words', () => {
    expect(refusal('alice', 'onebot').message).toBe(
      'onebot target must use `onebot:<account>:<kind>:<id>`, `<account>:<kind>:<id>`, or `<kind>:<id>`',
    );
    for (const kind of ['channel', 'dm', 'user'])
      expect(refusal(`${kind}:1`, 'onebot').message).toBe(
        `onebot target kind \`${kind}\` is unsupported; use \`private\`, \`group\``,
      );
    expect(refusal('qq:main:c2c:1', 'onebot').message).toBe(
      'onebot target uses channel prefix `qqbot`, expected `onebot`',
    );
    expect(refusal('telegram:main:private:1', 'onebot').message).toBe(
      'onebot target prefix `telegram` is not a recognized channel id',
    );
    expect(refusal('private: ', 'onebot').message).toBe('onebot target conversation id is empty');
    expect(refusal('group:a/b', 'onebot').code).toBe('target.peer_malformed');
  });

  test('whatever is written, the answer is a target of this channel or a UsageError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ChannelId>('qqbot', 'onebot'),
        fc.oneof(
          fc.string(),
          fc.array(fc.string()).map((parts) => parts.join(':')),
          fc
            .tuple(
              fc.constantFrom('qq', 'napcat', 'home'),
              fc.constantFrom('c2c', 'private', 'group', 'dm'),
              fc.string(),
            )
            .map((parts) => parts.join(':')),
        ),
        (channel, text) => {
          try {
            const target = parseTarget(text, { ...DEFAULTS, channel });
            expect(isPeerId(target.peer)).toBe(true);
            expect(CHANNELS[channel].kinds).toContain(target.kind);
            expect(target.channel).toBe(channel);
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
    for (const name of ['qqbot', 'qq', 'napcat', 'c2c', 'private', 'group', 'channel', 'dm']) {
      expect(isReservedAccountName(name)).toBe(true);
    }
    expect(isReservedAccountName('ops')).toBe(false);
  });

  test('name the lane together with their channel', () => {
    expect(laneId({ channel: 'qqbot', account: 'ops' as AccountId })).toBe('qqbot:ops');
  });
});

test('a kind is written as its channel calls it, and read in any case', () => {
  expect([kindName('qqbot', 'c2c'), kindName('onebot', 'c2c'), kindName('onebot', 'group')]).toEqual([
    'c2c',
    'private',
    'group',
  ]);
  expect([kindNamed('onebot', ' Private '), kindNamed('onebot', 'C2C')]).toEqual(['c2c', 'c2c']);
  expect([kindNamed('qqbot', 'private'), kindNamed('onebot', 'dm')]).toEqual([undefined, undefined]);
});

test('a long openid is shortened so that it still tells two peers apart', () => {
  expect(shortPeer('0123456789ABCDEF0123456789ABCDEF')).toBe('0123…CDEF');
  expect(shortPeer('openid_alice')).toBe('openid_alice');
});
