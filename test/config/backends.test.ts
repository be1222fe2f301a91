/** [backends]: what each type needs, what it may not have, and where its secret comes from. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.js';
import { complaints, fileWith, folder, readWith } from './config-folder.js';

const URL_LINE = 'url = "http://127.0.0.1:9000/turn"';
const http = (keys: string) => `[backends.hook]\ntype = "http"\n${keys}\n`;
const exec = (keys: string) => `[backends.x]\ntype = "exec"\ncommand = ["cat"]\n${keys}\n`;

async function hookOf(keys: string, env: Record<string, string> = {}, secrets: 'required' | 'optional' = 'required') {
  return (await readWith(http(keys), env, secrets)).backends.get('hook');
}

test('http needs a url and nothing else', async () => {
  expect(await hookOf(URL_LINE)).toEqual({
    name: 'hook',
    type: 'http',
    timeoutMs: 120_000,
    concurrency: 4,
    url: 'http://127.0.0.1:9000/turn',
    secret: undefined,
    maxOutputBytes: 1_048_576,
    mediaDir: undefined,
  });
  expect(await complaints(readWith(http(''), {}))).toEqual([
    'backends.hook.url: is missing (name the server that answers, e.g. url = "http://127.0.0.1:9000/turn")',
  ]);
});

describe('the url', () => {
  test.each(['https://bot.example.com/turn', 'http://localhost:1/', 'http://[::1]:9000/turn', 'http://127.8.8.8/'])(
    '%s is taken',
    async (url) => {
      expect(await hookOf(`url = "${url}"`)).toMatchObject({ url });
    },
  );

  test.each([
    ['http://bot.example.com/turn', /plain http to another machine.*allow_http/],
    ['http://127.0.0.1.example.com/turn', /plain http to another machine/],
    ['https://user:hunter2@bot.example.com/', /holds a user name or password/],
    ['https://bot.example.com/turn?key=hunter2', /holds a query/],
    ['ftp://bot.example.com/', /neither an https nor an http URL.*127\.0\.0\.1:9000/],
    ['bot.example.com/turn', /is not a URL/],
  ])('%s is refused', async (url, complaint) => {
    const lines = await complaints(readWith(http(`url = "${url}"`), {}));
    expect(lines).toEqual([expect.stringMatching(/^backends\.hook\.url: /)]);
    expect(lines[0]).toMatch(complaint);
    expect(lines[0]).not.toContain('hunter2');
  });

  test('of another machine is taken over plain http where that is permitted', async () => {
    expect(await hookOf('url = "http://bot.example.com/turn"\nallow_http = true')).toMatchObject({ type: 'http' });
  });
});

describe('the secret of http', () => {
  test('stands in the file, in a variable or in a file of its own, and is never shown', async () => {
    const file = fileWith('hook-key', ' key-of-the-hook\n');
    for (const line of ['secret = "key-of-the-hook"', 'secret_env = "HOOK_SECRET"', `secret_file = "${file}"`]) {
      const config = await readWith(http(`${URL_LINE}\n${line}`), { HOOK_SECRET: 'key-of-the-hook' });
      expect(config.backends.get('hook')).toMatchObject({ secret: { ok: true, value: 'key-of-the-hook' } });
      const shown = effectiveConfig(config);
      expect(shown).toMatchObject({ backends: { hook: { url: 'http://127.0.0.1:9000/turn', secret: '***' } } });
      expect(JSON.stringify(shown)).not.toContain('key-of-the-hook');
    }
  });

  test('that cannot be found is a problem where it is needed, and says why where it is not', async () => {
    const toml = http(`${URL_LINE}\nsecret_env = "HOOK_SECRET"`);
    expect(await complaints(readWith(toml, {}))).toEqual([
      'backends.hook.secret: environment variable `HOOK_SECRET` (`secret_env`) is not set (set it, or correct `secret_env`)',
    ]);
    expect((await readWith(toml, {}, 'optional')).backends.get('hook')).toMatchObject({ secret: { ok: false } });
  });

  test.each([
    ['secret = "hunter2-hunter2"\nsecret_env = "HOOK_SECRET"', 'set together'],
    ['secret_env = "$HOOK_SECRET"', 'write the bare name'],
    ['secret = ""', 'is blank'],
    ['secret_env = "HOOK_SECRET=hunter2-hunter2"', 'holds an assignment'],
  ])('%s is refused once, and not shown', async (lines, complaint) => {
    const found = await complaints(readWith(http(`${URL_LINE}\n${lines}`), { HOOK_SECRET: 'key' }));
    expect(found).toEqual([expect.stringContaining(complaint)]);
    expect(found[0]).not.toContain('hunter2');
  });

  test('makes a file that others can read a warning', async () => {
    const config = await readWith(http(`${URL_LINE}\nsecret = "key-of-the-hook"`), {});
    expect(config.warnings).toEqual([]);
    chmodSync(config.path, 0o644);
    const again = await readWith(http(`${URL_LINE}\nsecret = "key-of-the-hook"`), {});
    chmodSync(config.path, 0o600);
    expect(again.warnings).toEqual([expect.stringContaining('holds a secret')]);
  });
});

test.each([
  [
    '[backends.x]\ntype = "echo"\nurl = "http://127.0.0.1/"',
    'backends.x.url: means nothing for type "echo" (remove it, or set type = "http")',
  ],
  [
    '[backends.x]\ntype = "echo"\nmedia_dir = "m"',
    'backends.x.media_dir: means nothing for type "echo" (remove it, or set type = "exec" or "http")',
  ],
  [exec('secret_env = "X"'), 'backends.x.secret_env: means nothing for type "exec" (remove it, or set type = "http")'],
  [
    exec('allow_http = true'),
    'backends.x.allow_http: means nothing for type "exec" (remove it, or set type = "http" or "openai")',
  ],
  [
    exec('media_dir = "m"'),
    'backends.x.media_dir: means nothing for output = "text", which names no files (remove it, or set output = "json")',
  ],
  [exec('output = "yaml"'), 'backends.x.output: expected one of "text", "json", got "yaml"'],
  [
    http(`${URL_LINE}\ncommand = ["cat"]`),
    'backends.hook.command: means nothing for type "http" (remove it, or set type = "exec")',
  ],
  [
    http(`${URL_LINE}\nmax_output = "1GiB"`),
    'backends.hook.max_output: expected a size from "1KiB" to "64MiB" in quotes and with its unit (B, KiB, MiB), got "1GiB"',
  ],
])('%s is refused', async (toml, complaint) => {
  expect(await complaints(readWith(toml, {}))).toEqual([complaint]);
});

test('media_dir is relative to the config file, and absolute in the end', async () => {
  expect(await hookOf(`${URL_LINE}\nmedia_dir = "media"`)).toMatchObject({ mediaDir: join(folder, 'media') });
  const { backends } = await readWith(exec('output = "json"\nmedia_dir = "~/media"'), {});
  expect(backends.get('x')).toMatchObject({ output: 'json', mediaDir: join(folder, 'media') });
});
