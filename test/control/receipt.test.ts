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
      parts_delivered: 3,
      attempts: 5,
    });
  });

  test('is active when any part went out so, and has no mode before the first attempt', () => {
    expect(receiptOf([part(0, 'delivered', { passive }), part(1, 'delivered')])?.mode).toBe('active');
    expect(receiptOf([part(0, 'delivered', { passive }), part(1, 'queued', { attempts: 0 })])?.mode).toBe('passive');
    expect(receiptOf([part(0, 'queued', { attempts: 0 })])).not.toHaveProperty('mode');
    const onebot = { ...target('20002'), channel: 'onebot' } as const;
    expect(receiptOf([part(0, 'delivered', { target: onebot })])).not.toHaveProperty('mode');
  });

  test('has the first error, and none of a part that was delivered in the end', () => {
    const error = (code: string) => ({ error: { code, message: code } });
    const parts = [part(0, 'delivered', error('a')), part(1, 'failed', error('b')), part(2, 'failed', error('c'))];
    expect(receiptOf(parts)?.error?.code).toBe('b');
    expect(receiptOf([part(0, 'delivered', error('a'))])).not.toHaveProperty('error');
  });

  test('of a message that failed half-way says how far it came, and how only the rest is sent', () => {
    const error = { code: 'b', message: 'muted', remedy: 'lift the mute' };
    const parts = [part(0, 'delivered'), part(1, 'delivered'), part(2, 'failed', { error }), part(3, 'failed')];
    expect(receiptOf(parts)).toMatchObject({
      status: 'failed',
      parts: 4,
      parts_delivered: 2,
      error: {
        code: 'b',
        message: '2 of 4 parts arrived: muted',
        remedy: 'lift the mute; then send only the rest: `loong queue retry out-7` does',
      },
    });
    const perhaps = receiptOf([part(0, 'delivered'), part(1, 'uncertain', { error: { code: 'b', message: 'cut' } })]);
    expect(perhaps?.error).toEqual({
      code: 'b',
      message: '1 of 2 parts arrived, 1 may have: cut',
      remedy: 'send only the rest: `loong queue retry out-7 --yes` does',
    });
  });

  test('of a message that still waits, or of which nothing arrived, has the error as it is', () => {
    const error = { code: 'b', message: 'muted' };
    expect(receiptOf([part(0, 'delivered'), part(1, 'parked', { error })])).toMatchObject({
      parts_delivered: 1,
      error,
    });
    expect(receiptOf([part(0, 'failed', { error }), part(1, 'failed')])).toMatchObject({ parts_delivered: 0, error });
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

test('what is seen otherwise than it was meant is a warning, and no error', () => {
  const told = { code: 'delivery.altered', message: 'the die fell as it liked' };
  const receipt = receiptOf([part(0, 'delivered', { error: told })]);
  expect(receipt).toMatchObject({ status: 'delivered', warnings: ['the die fell as it liked'] });
  expect(receipt).not.toHaveProperty('error');
});
