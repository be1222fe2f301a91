/** Secrets are never written, wherever in a line they stand. */
import { describe, expect, test } from 'vitest';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ChildScript } from '../support/child-script.js';

describe('a log line', () => {
  const SCRIPT = `const { openLog, Secrets } = await import(DIST + 'telemetry/log.js');
    const secrets = new Secrets();
    for (const secret of ['s3cret-value', 'abc', 'with "quotes"\\\\', 'ümlaut & blank', 'old-token-1']) secrets.learn(secret);
    const log = await openLog({ level: 'debug', format: process.argv[2] }, secrets);
    log.info({ plain: 's3cret-value', nested: { deep: [{ er: 'x s3cret-value y' }] }, 's3cret-value': 1 }, 'message with s3cret-value');
    log.error({ err: new Error('thrown with s3cret-value', { cause: new Error('s3cret-value below') }) }, 'failed');
    log.warn({ quoted: 'with "quotes"\\\\', url: 'http://x/?q=' + encodeURIComponent('ümlaut & blank') }, 'other forms');
    log.child({ lane: 's3cret-value' }).debug('of a child');
    log.info('abc is too short to be a secret');
    secrets.learn('new-token-2'); secrets.forget('old-token-1');
    log.info('new-token-2 replaced old-token-1');`;

  async function written(format: 'json' | 'pretty'): Promise<string> {
    const child = new ChildScript(SCRIPT, [format]);
    await child.ended;
    expect(child.stdout).toBe('');
    return child.stderr;
  }

  test.each(['json', 'pretty'] as const)(
    'in %s format shows no secret in any field, nested, thrown or quoted',
    async (format) => {
      const text = await written(format);
      expect(text).not.toContain('s3cret-value');
      expect(text).not.toContain('quotes');
      expect(text).not.toContain('mlaut');
      expect(text).not.toContain('new-token-2');
      expect(text).toContain('message with ***');
      expect(text).toContain('thrown with ***');
      expect(text).toContain('x *** y');
      expect(text).toContain('abc is too short to be a secret');
      expect(text).toContain('*** replaced old-token-1'); // a token that is no longer held is no secret any more
    },
  );

  test('is JSON with its level as a word', async () => {
    const lines = (await written('json')).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual([
      'info',
      'error',
      'warn',
      'debug',
      'info',
      'info',
    ]);
  });
});

describe('secrets', () => {
  test('are struck out whole, even when one is a part of another', () => {
    const secrets = new Secrets();
    secrets.learn('abcd');
    secrets.learn('abcdefgh');
    expect(secrets.strikeOut('abcdefgh abcd')).toBe('*** ***');
  });

  test('of fewer than 4 characters are not learnt', () => {
    const secrets = new Secrets();
    for (const value of ['', 'a', 'abc']) secrets.learn(value);
    expect(secrets.strikeOut('a abc cba')).toBe('a abc cba');
  });

  test('do not pile up as tokens are replaced', () => {
    const secrets = new Secrets();
    for (let i = 0; i < 1000; i++) {
      secrets.learn(`token-${i}`);
      if (i > 0) secrets.forget(`token-${i - 1}`);
    }
    expect(secrets.strikeOut('token-998 token-999')).toBe('token-998 ***');
  });
});

test('counters only grow, and are listed by name', () => {
  const counters = new Counters();
  counters.count('b');
  counters.count('a', 2);
  counters.count('b');
  expect(Object.entries(counters.snapshot())).toEqual([
    ['a', 2],
    ['b', 2],
  ]);
});
