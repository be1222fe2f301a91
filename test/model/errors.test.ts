import { expect, test } from 'vitest';
import {
  AccessDenied,
  BackendError,
  ConfigError,
  DeliveryError,
  describeError,
  LoongError,
  StoreError,
  UsageError,
} from '../../src/model/errors.js';

test('every error carries its code, its remedy, its cause and its own name', () => {
  const cause = new Error('below');
  const error = new LoongError('a.b', 'text', { remedy: 'do this', cause });
  expect(error).toMatchObject({
    name: 'LoongError',
    code: 'a.b',
    message: 'text',
    remedy: 'do this',
    retry: 'later',
    cause,
  });
  expect(new BackendError('b.c', 'x').name).toBe('BackendError');
  expect(new StoreError('s.t', 'x').name).toBe('StoreError');
});

test('what a person must mend is not tried again by itself', () => {
  expect(new UsageError('u', 'x').retry).toBe('never');
  expect(new AccessDenied('a', 'x', 'remedy')).toMatchObject({ retry: 'never', remedy: 'remedy' });
  expect(new ConfigError([]).retry).toBe('never');
  const facts = { certainty: 'not-delivered' } as const;
  expect(new DeliveryError('d', 'x', { ...facts, failure: 'auth' }).retry).toBe('never');
  expect(new DeliveryError('d', 'x', { ...facts, failure: 'rate' }).retry).toBe('later');
});

test('a config error names every problem with its path and remedy', () => {
  const problems = [
    { path: 'qqbot.app_id', message: 'is missing', remedy: 'set it' },
    { path: '', message: 'the file is empty' },
  ];
  const error = new ConfigError(problems);
  expect(error.problems).toEqual(problems);
  expect(error.message).toBe('qqbot.app_id: is missing (set it)\nthe file is empty');
});

test('a delivery error keeps what the platform said', () => {
  const error = new DeliveryError('platform.rate', 'slow down', {
    failure: 'rate',
    certainty: 'unknown',
    platformCode: 22009,
    traceId: 'trace',
    retryAfterMs: 5000,
  });
  expect(error).toMatchObject({
    failure: 'rate',
    certainty: 'unknown',
    platformCode: 22009,
    traceId: 'trace',
    retryAfterMs: 5000,
  });
});

test('anything thrown has a text, even the wordless errors of a host with several addresses', () => {
  expect(describeError(new Error('told'))).toBe('told');
  expect(describeError(new TypeError(''))).toBe('TypeError');
  expect(describeError('text')).toBe('text');
  const both = new AggregateError([
    new Error('connect ECONNREFUSED ::1:1'),
    new Error('connect ECONNREFUSED 127.0.0.1:1'),
  ]);
  expect(describeError(both)).toBe('connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1');
});
