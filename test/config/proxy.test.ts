/** `gateway.proxy` and the variables that stand in for it. */
import { expect, test } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.js';
import { readConfig } from '../../src/config/read-config.js';
import { ConfigError } from '../../src/model/errors.js';
import { fileWith } from './config-folder.js';

async function proxyOf(value: string | undefined, env: NodeJS.ProcessEnv = {}) {
  const toml = value === undefined ? '' : `[gateway]\nproxy = ${JSON.stringify(value)}\n`;
  const config = await readConfig({ path: fileWith('config.toml', toml), env, secrets: 'optional' });
  return { ...config.gateway.proxy, shown: (effectiveConfig(config).gateway as { proxy: string }).proxy };
}

test('none, unless one is named', async () => {
  for (const env of [{}, { HTTPS_PROXY: '', all_proxy: '  ' }])
    for (const value of [undefined, '', ' '])
      expect(await proxyOf(value, env)).toEqual({
        secure: undefined,
        plain: undefined,
        exceptions: [],
        takesLoopback: false,
        shown: '',
      });
});

test('the file counts before the variables, and means every host but those of NO_PROXY', async () => {
  const env = { HTTPS_PROXY: 'http://other:1', NO_PROXY: 'a.example, .b.example\tc:80' };
  const proxy = { url: 'http://127.0.0.1:7890', from: 'gateway.proxy' };
  expect(await proxyOf('http://127.0.0.1:7890', env)).toEqual({
    secure: proxy,
    plain: proxy,
    exceptions: ['a.example', '.b.example', 'c:80'],
    takesLoopback: true,
    shown: 'http://127.0.0.1:7890',
  });
});

test.each([
  [{ HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:2', ALL_PROXY: 'http://a:3' }, '$HTTPS_PROXY', '$HTTP_PROXY'],
  [{ https_proxy: 'http://s:1', HTTPS_PROXY: 'http://S:1' }, '$https_proxy', undefined],
  [{ HTTP_PROXY: 'http://p:2' }, undefined, '$HTTP_PROXY'],
  [{ ALL_PROXY: 'http://a:3' }, '$ALL_PROXY', '$ALL_PROXY'],
  [{ all_proxy: 'http://a:3', HTTPS_PROXY: 'http://s:1' }, '$HTTPS_PROXY', '$all_proxy'],
])('of %o: %s for https, %s for http', async (env, secure, plain) => {
  const found = await proxyOf(undefined, env);
  expect([found.secure?.from, found.plain?.from]).toEqual([secure, plain]);
});

test.each([
  ['127.0.0.1:7890', 'http://127.0.0.1:7890', undefined],
  ['proxy.example', 'http://proxy.example', undefined],
  ['https://proxy.example:443/', 'https://proxy.example', undefined],
  ['http://op:pass%40Word@[::1]:3128', 'http://[::1]:3128', 'op:pass@Word'],
  ['http://op:100%@proxy.example', 'http://proxy.example', 'op:100%'],
  ['http://op@proxy.example', 'http://proxy.example', 'op:'],
])('%s is read as %s, and its credentials apart', async (value, url, credentials) => {
  const { secure, shown } = await proxyOf(value);
  expect(secure).toEqual({ url, from: 'gateway.proxy', ...(credentials === undefined ? {} : { credentials }) });
  expect(shown).toBe(credentials === undefined ? url : url.replace('://', '://***@'));
});

test.each([
  'socks5://op:pass-Word@127.0.0.1:7891',
  'http://',
  'http://h:99999',
  'http://h/path',
  'http://h?pass-Word',
  'ftp://h',
  ' : ',
])('%s is a problem in the file, and in a variable a proxy that nothing goes past', async (value) => {
  const refused = await proxyOf(value).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigError);
  expect((refused as ConfigError).problems).toMatchObject([{ path: 'gateway.proxy', remedy: expect.any(String) }]);
  expect(`${refused}`).not.toContain('pass-Word');
  const { secure, shown } = await proxyOf(undefined, { HTTPS_PROXY: value });
  expect(secure).toMatchObject({ from: '$HTTPS_PROXY', fault: expect.any(String) });
  expect(secure?.credentials).toBeUndefined();
  expect(shown).toMatch(/^\(unusable: \$HTTPS_PROXY /);
  expect(shown).not.toContain('pass-Word');
});
