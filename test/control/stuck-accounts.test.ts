/** Accounts in which nothing moves any more: told by the time that the asker says has passed, not by a clock. */
import { expect, test } from 'vitest';
import type { AccountState, AccountStatus } from '../../src/control/api.js';
import { StuckAccounts } from '../../src/control/stuck-accounts.js';

const MINUTE = 60_000;

function account(state: AccountState, more: Partial<AccountStatus> = {}): AccountStatus {
  return { channel: 'qqbot', account: 'main', state, since: 1000, ...more };
}

/** Asks every minute, for so many; `at` tells what the account is like then. */
function watched(minutes: number, at: (minute: number) => readonly AccountStatus[]): string | undefined {
  const stuck = new StuckAccounts();
  let told: string | undefined;
  for (let minute = 0; minute <= minutes; minute++) told = stuck.look(at(minute), MINUTE);
  return told;
}

test.each(['starting', 'connecting', 'resuming'] as const)('half an hour of %s is too long', (state) => {
  expect(watched(29, () => [account(state)])).toBeUndefined();
  expect(watched(30, () => [account(state)])).toBe(`qqbot:main: it was ${state} for 30 minutes`);
  expect(watched(100, (minute) => [account(state, { since: Math.floor(minute / 20) })])).toBeUndefined();
});

test.each(['waiting', 'failed', 'stopped'] as const)('%s may last for ever', (state) => {
  expect(watched(1000, () => [account(state, { last_ack_at: 1 })])).toBeUndefined();
});

test('who is ready and had heartbeats must go on having them; who never had any need not', () => {
  expect(watched(1000, () => [account('ready')])).toBeUndefined();
  expect(watched(1000, (minute) => [account('ready', { last_ack_at: minute })])).toBeUndefined();
  const silent = (minute: number) => [account('ready', { last_ack_at: Math.min(minute, 10) })];
  expect(watched(39, silent)).toBeUndefined();
  expect(watched(40, silent)).toBe('qqbot:main: no heartbeat was acknowledged for 30 minutes');
});

test('one that moves again is well again, and one stuck among others is named', () => {
  const healed = (minute: number) => [account('connecting', { since: minute > 35 ? 2 : 1 })];
  expect(watched(35, healed)).toBeDefined();
  expect(watched(36, healed)).toBeUndefined();
  const two = (minute: number) => [account('ready', { last_ack_at: minute }), account('resuming', { account: 'ops' })];
  expect(watched(30, two)).toContain('qqbot:ops');
});
