import { describe, expect, test } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const NAMED = 'another program uses this AppID';

/** The other program comes `times` times, each time right after the lane was ready. */
async function takeOver(sandbox: Sandbox, loong: LaneUnderTest, times: number) {
  const readies = () => loong.sink.states.filter(({ state }) => state === 'ready').length;
  for (let n = 0; n < times; n++) {
    const before = readies();
    sandbox.platform.fault({ kind: 'gateway.take_over' });
    if (n < times - 1) await until(`READY after takeover ${n + 1}`, () => readies() > before);
  }
}

describe('another program with the same AppID', () => {
  test('is named after the third takeover within 5 min, with what to do, and given the way', async () => {
    hurry(60);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    await takeOver(sandbox, loong, 3);
    const tookOverAt = Date.now();
    const waiting = await until('the name', () =>
      loong.sink.states.find(({ state, detail }) => state === 'waiting' && detail?.includes(NAMED)),
    );
    expect(waiting.detail).toContain('stop the other program');
    expect(loong.log).toContain(NAMED);
    await loong.ready(4);
    expect(Date.now() - tookOverAt).toBeGreaterThanOrEqual(30_000);
    expect(loong.sink.states.at(-1)).toMatchObject({ state: 'ready', detail: expect.stringContaining(NAMED) });
  });

  test('makes no unclear refusal one of intents', async () => {
    hurry(60);
    const sandbox = await openSandbox();
    const intents = ['direct_message', 'group_and_c2c'] as const;
    const loong = await new LaneUnderTest(sandbox, undefined, { intents }).connect();
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', invalid_session: false, times: 3 });
    sandbox.platform.fault({ kind: 'gateway.take_over' });
    await loong.ready(2);
    expect(sandbox.platform.transcript.counters().identifies).toBe(5);
    expect(loong.counters.snapshot()).not.toHaveProperty('gateway.intents_dropped');
  });

  test('that comes twice is no other program', async () => {
    hurry(60);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    await takeOver(sandbox, loong, 2);
    await loong.ready(3);
    expect(loong.sink.states.filter(({ detail }) => detail?.includes(NAMED))).toEqual([]);
  });

  test('is forgotten once a session has held for 5 min', async () => {
    hurry(400);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    await takeOver(sandbox, loong, 3);
    await loong.ready(4);
    const readyAt = Date.now();
    await until('5 min', () => Date.now() - readyAt > 301_000);
    sandbox.platform.fault({ kind: 'gateway.reconnect' });
    await loong.ready(5);
    expect(loong.sink.states.at(-1)).toEqual({ state: 'ready', detail: undefined });
  });

  test('two of ours do not fight at full speed, and both say what is wrong', async () => {
    hurry(100);
    const sandbox = await openSandbox();
    const [one, other] = [new LaneUnderTest(sandbox), new LaneUnderTest(sandbox)];
    void one.run();
    void other.run();
    const knows = (loong: LaneUnderTest) => loong.sink.states.some(({ detail }) => detail?.includes(NAMED));
    await until('both to know', () => knows(one) && knows(other));
    const before = sandbox.platform.transcript.counters().identifies;
    const since = Date.now();
    await until('10 min', () => Date.now() - since > 600_000);
    expect(sandbox.platform.transcript.counters().identifies - before).toBeLessThan(30);
  });

  test.for([
    [4902, 'reset by resume'],
    [4800, 'session replaced by another client'],
  ] as const)('is recognised by %d "%s" too', async ([code, reason]) => {
    hurry(60);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    for (let n = 1; n <= 3; n++) {
      await loong.ready(n);
      sandbox.platform.fault({ kind: 'gateway.close', code, reason });
    }
    await until('the name', () => loong.sink.states.some(({ detail }) => detail?.includes(NAMED)));
  });

  test.for([4009, 4900, 4007])('is not suspected behind %d', async (code) => {
    hurry(100);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    for (let n = 1; n <= 4; n++) {
      await loong.ready(n);
      sandbox.platform.fault({ kind: 'gateway.close', code });
    }
    await loong.ready(5);
    expect(loong.sink.states.filter(({ detail }) => detail?.includes(NAMED))).toEqual([]);
  });
});
