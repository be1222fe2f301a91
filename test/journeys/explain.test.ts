/** `loong explain`: every number of the platform in words, also for scripts. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LoongHome } from '../support/loong-process.js';

let home: LoongHome;

beforeEach(() => {
  home = new LoongHome();
});

afterEach(() => home.remove());

test('a code says what it means, what loong does, whether a repeat can double, and what to do', async () => {
  const ended = await home.run(['explain', '40054010']);
  expect(ended.code).toBe(0);
  expect(ended.stdout).toBe(`40054010 (api, links): a link in the text is not allowed
  loong   sends it once more with its addresses broken up, so that they are no links
  repeat  cannot double: the platform did not take it
  → register its domain in the console, or leave it out
`);
});

test('close codes, token codes, reviews, HTTP statuses and families are known; a number may mean two things', async () => {
  const ended = await home.run([
    'explain',
    '4009',
    '4914',
    '100016',
    '10004',
    '304023',
    '429',
    '502017',
    '1006',
    '--json',
  ]);
  expect(ended.code).toBe(0);
  const { codes } = JSON.parse(ended.stdout) as { codes: { code: number; where: string; class: string }[] };
  expect(codes.map(({ code, where, class: kind }) => `${code} ${where} ${kind}`)).toEqual([
    '4009 gateway resume',
    '4914 gateway stop',
    '100016 api credentials',
    '10004 api refused',
    '10004 token endpoint credentials',
    '304023 api review',
    '429 http status rate',
    '502017 api refused',
    '1006 gateway resume',
  ]);
  for (const one of codes)
    expect(one).toMatchObject({ cause: expect.any(String), reaction: expect.any(String), remedy: expect.any(String) });
});

test('an unknown code is said to be unknown, and ends with 1; those that are known are explained', async () => {
  const one = await home.run(['explain', '987654']);
  expect([one.code, one.stdout]).toEqual([1, '']);
  expect(one.stderr).toMatch(/nothing is known of 987654\n {2}→ /);
  const mixed = await home.run(['explain', '11298', '987654']);
  expect(mixed.code).toBe(1);
  expect(mixed.stdout).toContain('IP白名单');
  expect(mixed.stderr).toContain('987654');
  const json = await home.run(['explain', '11298', '987654', '--json']);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ codes: [{ code: 11298 }], error: { code: 'explain.unknown' } });
  expect(JSON.parse((await home.run(['explain', '987654', '--json'])).stdout).error.code).toBe('explain.unknown');
});

test('codes of loong itself and of OneBot are explained; a typo is answered with what was meant', async () => {
  const own = await home.run(['explain', 'onebot.not_connected', 'onebot.retcode_1200', '1404']);
  expect(own.code).toBe(0);
  expect(own.stdout).toMatch(/^onebot\.not_connected \(loong, onebot\): no OneBot program .*\n {2}→ start it/);
  expect(own.stdout).toMatch(/\n1200 \(onebot, failed\): .*\n {2}loong {3}fails the message.*\n {2}→ its own log/);
  expect(own.stdout).toMatch(/\n1404 \(onebot, unknown-action\): /);
  const { codes } = JSON.parse((await home.run(['explain', 'access.revoked', 'internal', '--json'])).stdout);
  expect(codes).toMatchObject([
    { code: 'access.revoked', where: 'loong', remedy: expect.any(String) },
    { code: 'internal', where: 'loong' },
  ]);
  const typo = await home.run(['explain', 'onebot.not_conected']);
  expect([typo.code, typo.stderr]).toEqual([1, expect.stringContaining('did you mean `onebot.not_connected`?')]);
});

test.each([[['abc']], [['-5']], [['4009', '1e3']], [[]]])('%j is no code: 64', async (args) => {
  const ended = await home.run(['explain', ...args]);
  expect(ended.code).toBe(64);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).not.toBe('');
});

test('it loads neither the database nor a network client', async () => {
  const ended = await home.run(['explain', '11298'], { env: { NODE_OPTIONS: '', NODE_DEBUG: 'module,esm' } });
  expect(ended.code).toBe(0);
  expect(ended.stderr).not.toMatch(/node_modules\/(better-sqlite3|undici|hono|zod)\//);
});
