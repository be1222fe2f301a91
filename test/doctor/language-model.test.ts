/** The doctor asks the server of a language model what it has, without letting it say anything. */
import { expect, onTestFinished, test } from 'vitest';
import type { BackendConfig } from '../../src/config/config.js';
import { checkBackend } from '../../src/doctor/backends.js';
import type { Finding } from '../../src/doctor/finding.js';
import { openModelServer, refuses } from '../support/model-server.js';

const KEY = 'sk-secret-of-the-model';
type Reply = Parameters<typeof openModelServer>[0];

async function check(
  reply: Reply,
  more: { key?: string; isOffline?: boolean; isGone?: boolean } = {},
): Promise<Finding> {
  const server = await openModelServer(reply);
  onTestFinished(() => server.close());
  if (more.isGone === true) await server.close();
  const backend: BackendConfig = {
    name: 'llm',
    type: 'openai',
    timeoutMs: 1000,
    concurrency: 1,
    baseUrl: server.baseUrl,
    model: 'qwen3',
    apiKey: more.key === undefined ? undefined : { ok: true, value: more.key },
  };
  const [found, ...others] = await checkBackend(backend, more.isOffline ?? false);
  if (found === undefined || others.length > 0) throw new Error('a language model has one finding');
  expect(JSON.stringify(found)).not.toContain(KEY);
  if (more.isOffline === true) expect(server.requests).toEqual([]);
  else if (more.isGone !== true) {
    expect(server.requests).toMatchObject([{ method: 'GET', path: '/v1/models' }]);
    expect(server.requests[0]?.headers.authorization).toBe(more.key === undefined ? undefined : `Bearer ${more.key}`);
  }
  return found;
}

function lists(...ids: readonly string[]): Reply {
  return (to) => void to.end(JSON.stringify({ object: 'list', data: ids.map((id) => ({ id, object: 'model' })) }));
}

test('a server that has the model is well', async () => {
  expect(await check(lists('llama3', 'qwen3'), { key: KEY })).toMatchObject({ name: 'backend llm', level: 'ok' });
  expect(await check(lists('qwen3:latest'))).toMatchObject({ level: 'ok' });
});

test.each([
  ['a key that is refused', refuses(401, { message: KEY }), { key: KEY }, 'fail', /refused the API key/, /api_key/],
  ['a key that is missing', refuses(401, {}), {}, 'fail', /wants an API key/, /^set .*api_key/],
  ['nobody there', lists(), { isGone: true }, 'fail', /does not answer.*ECONNREFUSED/, /base_url/],
  ['no list', refuses(404, {}), {}, 'warn', /HTTP 404/, /\/v1/],
  ['a page', (to) => void to.end('<html>'), {}, 'warn', /HTTP 200/, /\/v1/],
  ['a list without the model', lists('a', 'b'), {}, 'warn', /`qwen3`: it lists `a`, `b`/, /model/],
  ['an endless list', (to) => void to.end('x'.repeat(5_000_000)), {}, 'warn', /no list/, /\/v1/],
] satisfies [string, Reply, object, Finding['level'], RegExp, RegExp][])(
  '%s',
  async (_, reply, more, level, detail, remedy) => {
    const found = await check(reply, more);
    expect(found.level).toBe(level);
    expect(found.detail).toMatch(detail);
    expect(found.remedy).toMatch(remedy);
  },
);

test('offline it is not asked', async () => {
  expect(await check(lists(), { isOffline: true })).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining('not tried'),
  });
});
