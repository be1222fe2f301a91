/** What one failed attempt means for its message: every failure × certainty × passive or active × an earlier attempt that may have arrived. */
import { describe, expect, test } from 'vitest';
import { AccessDenied, DeliveryError, type DeliveryFailure, LoongError } from '../../src/model/errors.js';
import type { MessageOrigin, Plainer } from '../../src/model/message.js';
import type { Target } from '../../src/model/target.js';
import { outcomeOf } from '../../src/relay/outcome.js';
import type { AttemptOutcome, Outgoing } from '../../src/store/store.js';
import { outgoing, target } from '../support/messages.js';

const NOW = 1_800_000_000_000;
/** As of QQ: guilds have no number that makes a repeat known; markdown can be said as text. */
const LANE = {
  knowsRepeats: ({ kind }: Target) => kind === 'c2c' || kind === 'group',
  plainerForm: (_: unknown, refusedFor: keyof Plainer, already: Plainer) =>
    already[refusedFor] === true ? undefined : { ...already, [refusedFor]: true },
};

type Mode = 'active' | 'passive' | 'ambiguous';

function row(mode: Mode, more: Partial<Outgoing> = {}): Outgoing {
  const passive = { token: { kind: 'msg_id', value: 'm1' } as const, seq: 1, closesAt: NOW + 60_000 };
  const { target, segments, origin, expiresAt } = outgoing('alice');
  return {
    ...{ target, segments, origin, expiresAt },
    id: 1,
    message: 1,
    status: 'sending',
    attempts: 1,
    ambiguous: mode === 'ambiguous',
    ...(mode === 'active' ? {} : { passive }),
    ...more,
  };
}

function failure(kind: DeliveryFailure, certainty: 'not-delivered' | 'unknown', more: object = {}): DeliveryError {
  return new DeliveryError(`platform.${kind}`, 'told', { failure: kind, certainty, remedy: 'do this', ...more });
}

/** `queued/keep`, `failed` … */
function short(outcome: AttemptOutcome): string {
  return outcome.status === 'queued' ? `queued/${outcome.pair}` : outcome.status;
}

/** Failure, certainty → for an active message, a passive one, and a passive one that may have arrived before. */
const TABLE: readonly (readonly [
  DeliveryFailure,
  'not-delivered' | 'unknown',
  MessageOrigin,
  string,
  string,
  string,
])[] = [
  ['unavailable', 'not-delivered', 'api', 'queued/release', 'queued/release', 'queued/keep'],
  ['unavailable', 'unknown', 'api', 'uncertain', 'queued/keep', 'queued/keep'],
  ['rate', 'not-delivered', 'api', 'queued/release', 'queued/release', 'queued/keep'],
  ['rate', 'unknown', 'api', 'uncertain', 'queued/keep', 'queued/keep'],
  ['auth', 'not-delivered', 'api', 'failed', 'failed', 'uncertain'],
  ['auth', 'not-delivered', 'cli', 'failed', 'failed', 'uncertain'],
  ['auth', 'not-delivered', 'backend', 'queued/release', 'queued/release', 'queued/keep'],
  ['auth', 'not-delivered', 'pairing', 'queued/release', 'queued/release', 'queued/keep'],
  ['auth', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
  ['auth', 'unknown', 'backend', 'uncertain', 'queued/keep', 'queued/keep'],
  ['duplicate', 'not-delivered', 'api', 'failed', 'queued/spend', 'delivered'],
  ['duplicate', 'unknown', 'api', 'failed', 'queued/spend', 'delivered'],
  ['window', 'not-delivered', 'api', 'failed', 'queued/close', 'uncertain'],
  ['window', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
  ['away', 'not-delivered', 'api', 'parked', 'parked', 'uncertain'],
  ['away', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
  ['active', 'not-delivered', 'api', 'parked', 'parked', 'uncertain'],
  ['active', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
  ['crowd', 'not-delivered', 'api', 'queued/release', 'queued/release', 'queued/keep'],
  ['markdown', 'not-delivered', 'api', 'queued/release', 'queued/release', 'uncertain'],
  ['markdown', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
  ['links', 'not-delivered', 'backend', 'queued/release', 'queued/release', 'uncertain'],
  ['refused', 'not-delivered', 'api', 'failed', 'failed', 'uncertain'],
  ['refused', 'unknown', 'api', 'uncertain', 'uncertain', 'uncertain'],
];

test.each(TABLE)('%s, %s, from %s: active %s · passive %s · ambiguous %s', (kind, certainty, origin, ...expected) => {
  const modes: readonly Mode[] = ['active', 'passive', 'ambiguous'];
  expect(modes.map((mode) => short(outcomeOf(row(mode, { origin }), failure(kind, certainty), NOW, LANE)))).toEqual(
    expected,
  );
});

test.each(['unavailable', 'rate', 'auth'] as const)(
  '%s: once the window is over a reply that may have arrived is uncertain, not repeated',
  (kind) => {
    const over = {
      origin: 'backend',
      passive: { token: { kind: 'msg_id', value: 'm1' }, seq: 1, closesAt: NOW },
    } as const;
    expect(short(outcomeOf(row('ambiguous', over), failure(kind, 'not-delivered'), NOW, LANE))).toBe('uncertain');
    expect(short(outcomeOf(row('passive', over), failure(kind, 'unknown'), NOW, LANE))).toBe('uncertain');
    expect(short(outcomeOf(row('passive', over), failure(kind, 'not-delivered'), NOW, LANE))).toBe('queued/release');
  },
);

test('a second refusal as duplicate is final', () => {
  const told = { code: '40054005', message: 'told' };
  const error = failure('duplicate', 'not-delivered', { platformCode: 40054005 });
  expect(short(outcomeOf(row('passive', { error: told }), error, NOW, LANE))).toBe('failed');
});

describe('the next try', () => {
  const dueIn = (error: DeliveryError, attempts: number) => {
    const outcome = outcomeOf(row('passive', { attempts }), error, NOW, LANE);
    return outcome.status === 'queued' ? outcome.dueAt - NOW : Number.NaN;
  };

  test('comes later after each failure, but within 30 s where only the connection failed', () => {
    for (let attempts = 1; attempts < 40; attempts++) {
      const ms = dueIn(failure('unavailable', 'not-delivered'), attempts);
      expect(ms).toBeGreaterThanOrEqual(Math.min(15_000, 500 * 2 ** (attempts - 1)));
      expect(ms).toBeLessThanOrEqual(30_000);
    }
  });

  test('waits as long as the platform asked for', () => {
    expect(dueIn(failure('rate', 'not-delivered', { retryAfterMs: 90_000 }), 1)).toBe(90_000);
    expect(dueIn(failure('unavailable', 'not-delivered', { retryAfterMs: 90_000 }), 1)).toBe(90_000);
  });

  test('is at once where a new pair is all that it takes', () => {
    expect(dueIn(failure('window', 'not-delivered'), 1)).toBe(0);
    expect(dueIn(failure('duplicate', 'not-delivered'), 1)).toBe(0);
  });
});

describe('what is told', () => {
  test('is the platform’s own number, else our code, with the remedy', () => {
    const outcome = outcomeOf(row('active'), failure('refused', 'not-delivered', { platformCode: 304003 }), NOW, LANE);
    expect(outcome).toEqual({ status: 'failed', error: { code: '304003', message: 'told', remedy: 'do this' } });
    expect(outcomeOf(row('active'), failure('refused', 'not-delivered'), NOW, LANE)).toMatchObject({
      error: { code: 'platform.refused' },
    });
  });

  test('of a message that may have arrived is never "send it again"', () => {
    expect(outcomeOf(row('active'), failure('unavailable', 'unknown'), NOW, LANE)).toMatchObject({
      status: 'uncertain',
      error: { remedy: 'it may have arrived: ask the peer before you send it again' },
    });
  });

  test('a peer that is no longer allowed: access.revoked, and uncertain only when an attempt may have arrived', () => {
    const denied = new AccessDenied('access.peer_not_allowed', 'not allowed');
    expect(outcomeOf(row('passive'), denied, NOW, LANE)).toMatchObject({
      status: 'failed',
      error: { code: 'access.revoked' },
    });
    expect(outcomeOf(row('ambiguous'), denied, NOW, LANE)).toMatchObject({ status: 'uncertain' });
  });

  test.each([new Error('a bug'), new TypeError('x is undefined'), new LoongError('a.b', 'odd'), 'text', undefined])(
    'a fault of our own (%s): nobody knows how far the attempt had come',
    (thrown) => {
      for (const mode of ['active', 'passive', 'ambiguous'] as const) {
        expect(outcomeOf(row(mode), thrown, NOW, LANE)).toMatchObject({ status: 'uncertain' });
      }
    },
  );
});

test.each(['channel', 'dm'] as const)(
  'in a %s nobody knows a repeat, so what may have arrived is never repeated',
  (kind) => {
    const there = { target: target('18700', kind) };
    for (const [mode, certainty] of [
      ['passive', 'unknown'],
      ['ambiguous', 'not-delivered'],
    ] as const) {
      expect(short(outcomeOf(row(mode, there), failure('unavailable', certainty), NOW, LANE))).toBe('uncertain');
    }
    const sure = failure('unavailable', 'not-delivered');
    expect(short(outcomeOf(row('passive', there), sure, NOW, LANE))).toBe('queued/release');
  },
);

test('each plainer form is tried once, and both where both are refused', () => {
  const first = outcomeOf(row('passive'), failure('markdown', 'not-delivered'), NOW, LANE);
  expect(first).toMatchObject({ status: 'queued', plainer: { markdown: true } });
  const asText = row('passive', { plainer: { markdown: true } });
  const second = outcomeOf(asText, failure('links', 'not-delivered'), NOW, LANE);
  expect(second).toMatchObject({ status: 'queued', plainer: { markdown: true, links: true } });
  expect(short(outcomeOf(asText, failure('markdown', 'not-delivered'), NOW, LANE))).toBe('failed');
});

test('who is away is waited for as long as the lane says, and then until somebody is connected', () => {
  const wait = outcomeOf(row('active'), failure('away', 'not-delivered', { retryAfterMs: 5000 }), NOW, LANE);
  expect(wait).toMatchObject({ status: 'queued', dueAt: NOW + 5000, pair: 'release' });
  const park = outcomeOf(row('active'), failure('away', 'not-delivered'), NOW, LANE);
  expect(park).toMatchObject({ status: 'parked', until: 'connected' });
});
