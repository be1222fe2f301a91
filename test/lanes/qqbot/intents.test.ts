import { describe, expect, test } from 'vitest';
import { INTENT_NAMES, type IntentName, intentMask } from '../../../src/protocol/qqbot/gateway-codes.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox, SessionMemory, stepsOf } from './support/lane-under-test.js';

const asked = (sandbox: Sandbox) =>
  stepsOf(sandbox).flatMap(({ step, intents }) => (step === 'identify' && intents !== undefined ? [intents] : []));

/** A lane that asks for these, on a platform that grants those. */
async function open(intents: readonly IntentName[], granted: readonly IntentName[], refusal: 4014 | 4903 = 4014) {
  const sandbox = await openSandbox();
  sandbox.platform.set({ granted_intents: intentMask(granted), intent_refusal: refusal });
  const loong = new LaneUnderTest(sandbox, undefined, { intents });
  return { sandbox, loong, end: loong.run() };
}

const readyDetail = (loong: LaneUnderTest) => loong.sink.states.findLast(({ state }) => state === 'ready')?.detail;

describe('intents that were not granted', () => {
  test('are given up one by one, named, and the rest is heard', async () => {
    hurry(30);
    const granted = ['group_and_c2c', 'public_guild_messages'] as const;
    const { sandbox, loong } = await open(['guild_messages', 'direct_message', ...granted], granted);
    await loong.ready();
    expect(asked(sandbox)).toEqual([
      intentMask(['guild_messages', 'direct_message', ...granted]),
      intentMask(['direct_message', ...granted]),
      intentMask(granted),
    ]);
    await until('both names', () => readyDetail(loong)?.includes('did not grant: guild_messages, direct_message'));
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.intents_dropped': 2 });
    sandbox.platform.say({ from: 'openid_alice', text: 'hi' });
    await until('the message', () => loong.sink.texts.length === 1);
  });

  test('that were refused by name stay given up for as long as the process lives', async () => {
    hurry(30);
    const { sandbox, loong } = await open(['guild_messages', 'group_and_c2c'], ['group_and_c2c']);
    await loong.ready();
    sandbox.platform.set({ granted_intents: intentMask(INTENT_NAMES) });
    sandbox.platform.fault({ kind: 'gateway.close', code: 4900 });
    await loong.ready(2);
    expect(asked(sandbox).at(-1)).toBe(intentMask(['group_and_c2c']));
    expect(readyDetail(loong)).toContain('guild_messages');
  });

  test('are asked for again after a restart, and the smaller session is then resumed', async () => {
    hurry(30);
    const memory = new SessionMemory();
    const sandbox = await openSandbox();
    sandbox.platform.set({ granted_intents: intentMask(['group_and_c2c']) });
    const options = { intents: ['guild_messages', 'group_and_c2c'] } as const;
    const loong = await new LaneUnderTest(sandbox, memory, options).connect();
    const sessionId = memory.point?.sessionId;
    await loong.stop();
    sandbox.platform.say({ from: 'openid_alice', text: 'meanwhile' });
    const again = new LaneUnderTest(sandbox, memory, options);
    void again.run();
    await again.ready();
    expect(asked(sandbox)).toEqual([
      intentMask(options.intents),
      intentMask(['group_and_c2c']),
      intentMask(options.intents),
    ]);
    expect(stepsOf(sandbox).at(-1)).toMatchObject({ step: 'resumed', session_id: sessionId });
    expect(again.sink.texts).toEqual(['meanwhile']);
  });

  test('that were taken away while connected are given up, and the loss is counted', async () => {
    hurry(30);
    const intents = ['direct_message', 'group_and_c2c'] as const;
    const { sandbox, loong } = await open(intents, intents);
    await loong.ready();
    sandbox.platform.set({ granted_intents: intentMask(['group_and_c2c']) });
    sandbox.platform.fault({ kind: 'gateway.close', code: 4014 });
    await loong.ready(2);
    expect(asked(sandbox)).toEqual([intentMask(intents), intentMask(['group_and_c2c'])]);
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1 });
  });

  test.for([4013, 4014])('%d with nothing left to give up stops the account', async (code) => {
    hurry(30);
    const { sandbox, end } = await open(['guild_messages', 'group_and_c2c'], []);
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code, times: 'always' });
    expect(await end).toMatchObject({
      code: `gateway.closed_${code}`,
      retry: 'never',
      remedy: expect.stringContaining('intents'),
    });
    expect(asked(sandbox)).toEqual([intentMask(['guild_messages', 'group_and_c2c']), intentMask(['group_and_c2c'])]);
  });

  test('all of them are given up in the order of the ladder, public_guild_messages never', async () => {
    hurry(200);
    const { sandbox, loong } = await open(INTENT_NAMES, ['public_guild_messages']);
    await loong.ready();
    const masks = asked(sandbox);
    expect(masks[0]).toBe(intentMask(INTENT_NAMES));
    expect(masks.length).toBe(INTENT_NAMES.length);
    expect(masks).toContain(intentMask(['group_and_c2c', 'public_guild_messages']));
    expect(masks.at(-1)).toBe(intentMask(['public_guild_messages']));
  });
});

describe('intents that were given up for the sake of another', () => {
  const granted = ['guilds', 'guild_members', 'direct_message', 'public_guild_messages'] as const;
  const configured: readonly IntentName[] = [...granted, 'interaction', 'group_and_c2c'];
  const refusedAfter = (n: number, sandbox: Sandbox) => stepsOf(sandbox).filter(({ step }) => step === 'refused')[n];

  test.for([4014, 4903] as const)(
    'are taken back (refused with %d), and status names only what was refused',
    async (code) => {
      hurry(60);
      const { sandbox, loong } = await open(configured, granted, code);
      await until(
        'all that is granted',
        () => stepsOf(sandbox).findLast(({ step }) => step === 'ready')?.intents === intentMask(granted),
      );
      await until('the names', () => readyDetail(loong)?.endsWith('did not grant: interaction, group_and_c2c'));
      expect(sandbox.platform.transcript.counters().identifies).toBeLessThan(code === 4014 ? 15 : 20);
      expect(loong.log).toContain('the platform grants these intents after all');
    },
  );

  test('are taken back in one trial when only one was to blame', async () => {
    hurry(60);
    const granted = ['guilds', 'guild_members', 'direct_message', 'interaction', 'public_guild_messages'] as const;
    const { sandbox, loong } = await open(configured, granted);
    await until('all that is granted', () => readyDetail(loong)?.endsWith('did not grant: group_and_c2c'));
    expect(asked(sandbox).at(-1)).toBe(intentMask(granted));
    expect(asked(sandbox)).toHaveLength(7); // all, five less in turn, and the trial
  });

  test('cost no message: what is said while a trial is refused is replayed', async () => {
    hurry(60);
    const { sandbox, loong } = await open(['guild_messages', 'direct_message', 'group_and_c2c'], ['group_and_c2c']);
    await loong.ready();
    await until('the refused trial', () => refusedAfter(2, sandbox));
    sandbox.platform.say({ from: 'openid_alice', text: 'meanwhile' });
    await until('the message', () => loong.sink.texts.includes('meanwhile'));
    await until('the session before', () => stepsOf(sandbox).some(({ step }) => step === 'resumed'));
    expect(stepsOf(sandbox).filter(({ step }) => step === 'ready')).toHaveLength(1);
    expect(loong.counters.snapshot()).not.toHaveProperty('gateway.sessions_lost');
  });

  test('are left alone while half of the session starts are used up', async () => {
    hurry(60);
    const sandbox = await openSandbox({ now: Date.now });
    sandbox.platform.set({
      granted_intents: intentMask(['group_and_c2c']),
      session_limit: { total: 1000, remaining: 400, resetAfterMs: 60_000, maxConcurrency: 100 },
    });
    const options = { intents: ['guild_messages', 'direct_message', 'group_and_c2c'] } as const;
    const loong = await new LaneUnderTest(sandbox, undefined, options).connect();
    const { identifies } = sandbox.platform.transcript.counters();
    const readyAt = Date.now();
    await until('a minute', () => Date.now() - readyAt > 60_000);
    expect(sandbox.platform.transcript.counters().identifies).toBe(identifies);
    expect(readyDetail(loong)).toContain(
      'did not grant: direct_message · about to ask again for the intents guild_messages',
    );
  });
});

describe('a refusal that does not say why (op 9 and 4903)', () => {
  test('twice in a row means the intents', async () => {
    hurry(60);
    const { sandbox, loong } = await open(['direct_message', 'group_and_c2c'], ['group_and_c2c'], 4903);
    await loong.ready();
    const both = intentMask(['direct_message', 'group_and_c2c']);
    expect(asked(sandbox)).toEqual([both, both, intentMask(['group_and_c2c'])]);
    expect(readyDetail(loong)).toContain('direct_message');
  });

  test.for([{ invalid_session: false }, { code: 4903 }, { invalid_session: false, code: 4903 }] as const)(
    'once, as %j, means nothing',
    async (how) => {
      hurry(60);
      const intents = ['direct_message', 'group_and_c2c'] as const;
      const { sandbox, loong } = await open(intents, intents);
      await loong.stop();
      sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', times: 1, ...how });
      const again = new LaneUnderTest(sandbox, undefined, { intents });
      void again.run();
      await again.ready();
      expect(asked(sandbox).at(-1)).toBe(intentMask(intents));
      expect(readyDetail(again)).toBeUndefined();
    },
  );

  test('once, and once more after a session that was granted, means nothing', async () => {
    hurry(60);
    const intents = ['direct_message', 'group_and_c2c'] as const;
    const sandbox = await openSandbox();
    const loong = new LaneUnderTest(sandbox, undefined, { intents });
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4903, times: 1 });
    void loong.run();
    await loong.ready();
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4903, times: 1 });
    sandbox.platform.fault({ kind: 'gateway.close', code: 4900 });
    await loong.ready(2);
    expect(new Set(asked(sandbox))).toEqual(new Set([intentMask(intents)]));
  });

  test('down to the last intent means something else: all are asked for again, for ever', async () => {
    hurry(200);
    const intents = ['direct_message', 'group_and_c2c'] as const;
    const sandbox = await openSandbox();
    const fault = sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4903, times: 'always' });
    const loong = new LaneUnderTest(sandbox, undefined, { intents });
    void loong.run();
    await until('the way down and up again', () => {
      const masks = asked(sandbox);
      const down = masks.indexOf(intentMask(['group_and_c2c']));
      return down > 0 && masks.indexOf(intentMask(intents), down) > 0;
    });
    sandbox.platform.faults.remove(fault?.id);
    await loong.ready();
  });

  test('of an outage costs no intent for longer than the outage', async () => {
    hurry(60);
    const intents = ['guild_members', 'direct_message', 'interaction', 'group_and_c2c'] as const;
    const { sandbox, loong } = await open(intents, intents);
    await loong.stop();
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code: 4903, times: 5 });
    const again = new LaneUnderTest(sandbox, undefined, { intents });
    void again.run();
    await again.ready();
    expect(readyDetail(again)).toContain('interaction');
    await until('all of them', () => again.sink.states.at(-1)?.state === 'ready' && readyDetail(again) === undefined);
    expect(asked(sandbox).at(-1)).toBe(intentMask(intents));
  });

  test('is tried again for ever, but seldom', async () => {
    hurry(400);
    const { sandbox, loong } = await open(['direct_message', 'group_and_c2c'], ['group_and_c2c'], 4903);
    await loong.ready();
    const { identifies } = sandbox.platform.transcript.counters();
    const readyAt = Date.now();
    await until('half an hour', () => Date.now() - readyAt > 1_800_000);
    const trials = sandbox.platform.transcript.counters().identifies - identifies;
    expect(trials).toBeGreaterThan(2);
    expect(trials).toBeLessThan(8);
    sandbox.platform.set({ granted_intents: intentMask(INTENT_NAMES) });
    await until('the intent', () => readyDetail(loong) === undefined);
  });
});
