/** What status shows of an account: how it is, what happened last, and what went wrong even after it is over. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { StatusBoard } from '../../src/control/status-board.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ACCOUNT, target } from '../support/messages.js';

function board() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
  const secrets = new Secrets();
  const own = new StatusBoard([target('x'), target('x', 'c2c', 'ops')], log, secrets);
  return { own, secrets, lines, main: () => own.list()[0], ops: () => own.list()[1] };
}

test('an account that never had trouble shows none', () => {
  const { own, main } = board();
  own.set(ACCOUNT, { state: 'connecting' });
  own.set(ACCOUNT, { state: 'ready' });
  expect(main()).toEqual({ channel: 'qqbot', account: 'main', state: 'ready', since: expect.any(Number) });
});

test('a failure shows why, the remedy and the next try, and tells the operator in the log', () => {
  const { own, main, ops, lines } = board();
  own.set(ACCOUNT, { state: 'failed', detail: 'bad secret', remedy: 'mend it', nextTryAt: 4711 });
  expect(main()).toMatchObject({
    state: 'failed',
    detail: 'bad secret',
    remedy: 'mend it',
    next_try_at: 4711,
    last_error: { message: 'bad secret', remedy: 'mend it', at: expect.any(Number) },
  });
  expect(lines).toMatchObject([{ lane: ACCOUNT, why: 'bad secret', remedy: 'mend it' }]);
  expect(ops()).toMatchObject({ state: 'starting' });
  expect(ops()).not.toHaveProperty('last_error');
});

test('a wait in which nothing went wrong is no error, and what went wrong in one may be a part of what is told', () => {
  const { own, main } = board();
  own.set(ACCOUNT, { state: 'waiting', detail: 'waiting for NapCat', trouble: false });
  own.set(ACCOUNT, { state: 'ready' });
  expect(main()).not.toHaveProperty('last_error');
  own.set(ACCOUNT, {
    state: 'waiting',
    detail: 'waiting for NapCat; wrong token',
    trouble: 'wrong token',
    remedy: 'r',
  });
  own.set(ACCOUNT, { state: 'waiting', detail: 'waiting for NapCat', trouble: false });
  expect(main()?.last_error).toMatchObject({ message: 'wrong token', remedy: 'r' });
});

test('a secret that the platform repeats is shown nowhere', () => {
  const { own, secrets, lines } = board();
  secrets.learn('emulator-Secret_01');
  const told = 'the secret emulator-Secret_01 is unknown';
  for (const state of ['waiting', 'ready', 'failed'] as const) own.set(ACCOUNT, { state, detail: told, remedy: told });
  const shown = 'the secret *** is unknown';
  expect(own.list()[0]).toMatchObject({ detail: shown, remedy: shown, last_error: { message: shown, remedy: shown } });
  expect(JSON.stringify([own.list(), lines])).not.toContain('emulator');
});

test('the last error outlives the recovery, the next try does not', () => {
  const { own, main } = board();
  own.set(ACCOUNT, { state: 'waiting', detail: 'no network', nextTryAt: 4711 });
  own.set(ACCOUNT, { state: 'starting' });
  own.set(ACCOUNT, { state: 'ready', detail: 'one intent is not granted' });
  const status = main();
  expect(status).toMatchObject({ state: 'ready', last_error: { message: 'no network' } });
  expect(status).not.toHaveProperty('next_try_at');
  expect(status).not.toHaveProperty('remedy');
  own.set(ACCOUNT, { state: 'waiting', detail: 'another one' });
  expect(main()?.last_error?.message).toBe('another one');
});

test('the times of the last event and acknowledgement stay through every change of state', () => {
  const { own, main, ops } = board();
  own.note(ACCOUNT, 'last_inbound_at', 1);
  own.note(ACCOUNT, 'last_ack_at', 2);
  own.set(ACCOUNT, { state: 'resuming' });
  own.note(ACCOUNT, 'last_inbound_at', 3);
  expect(main()).toMatchObject({ state: 'resuming', last_inbound_at: 3, last_ack_at: 2 });
  expect(ops()).not.toHaveProperty('last_inbound_at');
  own.note('qqbot:nobody', 'last_ack_at', 9); // not an account of ours: nothing happens
  expect(own.list()).toHaveLength(2);
});

test('a state lasts since it began, whatever is told again', async () => {
  const { own, main } = board();
  own.set(ACCOUNT, { state: 'waiting', detail: 'one' });
  const since = main()?.since;
  await new Promise((resolve) => setTimeout(resolve, 5));
  own.set(ACCOUNT, { state: 'waiting', detail: 'two' });
  expect(main()).toMatchObject({ since, detail: 'two' });
});
