/** Every code of the fact sheet's table of close codes, as the end of a session that was ready, of an identify and of a resume. */
import { describe, expect, test } from 'vitest';
import { LoongError } from '../../../src/model/errors.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, opening, openSandbox, stepsOf } from './support/lane-under-test.js';

interface Row {
  readonly code: number;
  readonly next: 'resume' | 'identify' | 'stop';
  /** Milliseconds that must pass at least. */
  readonly after?: number;
  readonly freshToken?: true;
}

const row = (code: number, next: Row['next'], more: Omit<Row, 'code' | 'next'> = {}): Row => ({ code, next, ...more });

const SHEET: readonly Row[] = [
  row(1000, 'resume'),
  row(4000, 'resume'),
  row(4001, 'stop'),
  row(4002, 'stop'),
  row(4003, 'identify'),
  row(4004, 'identify', { freshToken: true }),
  row(4005, 'identify'),
  row(4006, 'identify'),
  row(4007, 'identify'),
  row(4008, 'resume', { after: 60_000 }),
  row(4009, 'resume'),
  row(4010, 'stop'),
  row(4011, 'stop'),
  row(4012, 'stop'),
  row(4013, 'stop'),
  row(4014, 'stop'),
  row(4015, 'identify'),
  ...Array.from({ length: 14 }, (_, n) => row(4900 + n, 'identify', n === 3 ? { freshToken: true } : {})),
  row(4914, 'stop'),
  row(4915, 'stop'),
];

async function connected(sandbox: Sandbox) {
  const loong = new LaneUnderTest(sandbox);
  const end = loong.run();
  await loong.ready();
  await until('a stored session', () => loong.memory.point !== undefined);
  return { loong, end, after: sandbox.platform.transcript.last };
}

async function stopsWith(code: number, end: Promise<unknown>) {
  const error = await end;
  expect(error).toBeInstanceOf(LoongError);
  expect(error).toMatchObject({ code: `gateway.closed_${code}`, retry: 'never' });
  expect((error as LoongError).remedy).toBeTruthy();
}

describe('a session that was ready', () => {
  test.for(SHEET)('$code: $next', async ({ code, next, after = 0, freshToken }) => {
    hurry(next === 'stop' ? 1 : 30);
    const sandbox = await openSandbox();
    const { loong, end, after: since } = await connected(sandbox);
    const { tokens } = sandbox.platform.transcript.counters();
    const closedAt = Date.now();
    sandbox.platform.fault({ kind: 'gateway.close', code });
    if (next === 'stop') {
      await stopsWith(code, end);
      expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 0 });
      return;
    }
    expect((await opening(sandbox, since)).step).toBe(next);
    expect(Date.now() - closedAt).toBeGreaterThanOrEqual(after);
    await loong.ready(2);
    expect(sandbox.platform.transcript.counters().tokens - tokens).toBe(freshToken ? 1 : 0);
    const lost = loong.counters.snapshot()['gateway.sessions_lost'] ?? 0;
    expect(lost).toBe(next === 'identify' ? 1 : 0);
  });
});

describe('an identify', () => {
  test.for(SHEET)('$code: $next, and READY in the end', async ({ code, next }) => {
    hurry(next === 'stop' ? 1 : 60);
    const sandbox = await openSandbox();
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'identify', code, times: 1 });
    const loong = new LaneUnderTest(sandbox);
    const end = loong.run();
    if (next === 'stop') return stopsWith(code, end);
    await loong.ready();
    // There is nothing to resume yet.
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 2, resumes: 0 });
  });
});

describe('a resume', () => {
  test.for(SHEET)('$code: $next, and never in circles', async ({ code, next }) => {
    hurry(next === 'stop' ? 10 : 60);
    const sandbox = await openSandbox();
    const { loong, end } = await connected(sandbox);
    sandbox.platform.fault({ kind: 'gateway.refuse', on: 'resume', code, times: 'always' });
    sandbox.platform.fault({ kind: 'gateway.cut' });
    if (next === 'stop') return stopsWith(code, end);
    await loong.ready(2);
    const resumes = stepsOf(sandbox).filter(({ step }) => step === 'resume').length;
    expect(resumes).toBe(next === 'resume' ? 2 : 1);
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1, 'gateway.identifies': 2 });
  });
});
