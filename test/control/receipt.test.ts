/** A message of several parts as the outside world sees it: one id, one status, one error. */
import { describe, expect, test } from 'vitest';
import { outboxIdOf, receiptOf } from '../../src/control/receipt.js';
import type { Outgoing, OutgoingStatus } from '../../src/store/store.js';
import { HOUR, target } from '../support/messages.js';

function part(nth: number, status: OutgoingStatus, more: Partial<Outgoing> = {}): Outgoing {
  return {
    id: 7 + nth,
    message: 7,
    target: target('alice'),
    segments: [],
    origin: 'api',
    expiresAt: Date.now() + HOUR,
    status,
    attempts: 1,
    ambiguous: false,
    ...more,
  };
}

const passive = { token: { kind: 'msg_id', value: 'm1' }, seq: 1, closesAt: 0 } as const;

test.each<[OutgoingStatus[], OutgoingStatus]>([
  [['delivered', 'delivered'], 'delivered'],
  [['delivered', 'parked', 'parked'], 'parked'],
  [['delivered', 'queued', 'parked'], 'queued'],
  [['delivered', 'sending', 'queued'], 'sending'],
  [['uncertain', 'sending'], 'uncertain'],
  [['uncertain', 'delivered'], 'uncertain'],
  [['uncertain', 'failed', 'failed'], 'failed'],
])('%j together are %s', (statuses, expected) => {
  expect(receiptOf(statuses.map((status, nth) => part(nth, status)))?.status).toBe(expected);
});

describe('the receipt', () => {
  test('has the first part’s id, all ids of the platform, and the sum of the attempts', () => {
    const parts = [
      part(0, 'delivered', { platformMessageId: 'P1', attempts: 3, passive }),
      part(1, 'delivered', { passive }),
      part(2, 'delivered', { platformMessageId: 'P3', passive }),
    ];
    expect(receiptOf(parts)).toEqual({
      id: 'out-7',
      target: 'qqbot:main:c2c:alice',
      status: 'delivered',
      mode: 'passive',
      message_ids: ['P1', 'P3'],
      parts: 3,
      attempts: 5,
    });
  });

  test('is active when any part went out so, and has no mode before the first attempt', () => {
    expect(receiptOf([part(0, 'delivered', { passive }), part(1, 'delivered')])?.mode).toBe('active');
    expect(receiptOf([part(0, 'delivered', { passive }), part(1, 'queued', { attempts: 0 })])?.mode).toBe('passive');
    expect(receiptOf([part(0, 'queued', { attempts: 0 })])).not.toHaveProperty('mode');
  });

  test('has the first error, and none of a part that was delivered in the end', () => {
    const error = (code: string) => ({ error: { code, message: code } });
    const parts = [part(0, 'delivered', error('a')), part(1, 'failed', error('b')), part(2, 'failed', error('c'))];
    expect(receiptOf(parts)?.error?.code).toBe('b');
    expect(receiptOf([part(0, 'delivered', error('a'))])).not.toHaveProperty('error');
  });

  test('of no parts is none', () => {
    expect(receiptOf([])).toBeUndefined();
  });
});

test.each(['7', 'out-', 'out-0', 'out-07', 'out--1', 'out-1e3', `out-${'9'.repeat(16)}`, ' out-1'])(
  '%j is no id of a message',
  (text) => {
    expect(outboxIdOf(text)).toBeUndefined();
    expect(outboxIdOf('out-7')).toBe(7);
  },
);
