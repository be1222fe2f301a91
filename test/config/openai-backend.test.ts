/** [backends.x] with type "openai": what it needs, where its key may stand, and which URLs are taken. */
import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { effectiveConfig } from '../../src/config/effective-config.js';
import { readConfig } from '../../src/config/read-config.js';
import { complaints, fileWith, read } from './config-folder.js';

const MODEL = '[backends.llm]\ntype = "openai"\nmodel = "qwen3"\n';
const LOCAL = `${MODEL}base_url = "http://127.0.0.1:11434/v1/"\n`;

test('a server of one’s own needs no key', async () => {
  const config = await read(LOCAL, { OPENAI_API_KEY: 'sk-of-the-environment', OPENAI_BASE_URL: 'https://elsewhere' });
  expect(config.backends.get('llm')).toEqual({
    name: 'llm',
    type: 'openai',
    timeoutMs: 120_000,
    concurrency: 4,
    baseUrl: 'http://127.0.0.1:11434/v1',
    model: 'qwen3',
    apiKey: undefined,
  });
});

test('the key stands in the file, in a variable or in a file of its own, and is never shown', async () => {
  const file = fileWith('llm-key', ' sk-in-a-file\n');
  for (const [line, value] of [
    ['api_key = "sk-in-the-config"', 'sk-in-the-config'],
    ['api_key_env = "LLM_KEY"', 'sk-in-a-variable'],
    [`api_key_file = "${file}"`, 'sk-in-a-file'],
  ] as const) {
    const config = await read(`${LOCAL}${line}`, { LLM_KEY: 'sk-in-a-variable' });
    expect(config.backends.get('llm')).toMatchObject({ apiKey: { ok: true, value } });
    expect(effectiveConfig(config)).toMatchObject({ backends: { llm: { base_url: 'http://127.0.0.1:11434/v1' } } });
    expect(JSON.stringify(effectiveConfig(config))).toContain('"api_key":"***"');
    expect(JSON.stringify(effectiveConfig(config))).not.toContain('sk-in');
  }
});

test.each([
  ['[backends.llm]\ntype = "openai"', ['base_url: is missing', 'model: is missing']],
  [`${MODEL}base_url = "ftp://127.0.0.1"`, ['base_url: is neither an https nor an http URL']],
  [`${MODEL}base_url = "127.0.0.1:11434"`, ['base_url: is n']],
  [`${MODEL}base_url = "https://user:sk-pasted@llm.example.org"`, ['base_url: holds a user name or password']],
  [`${MODEL}base_url = "https://llm.example.org/v1?key=sk-pasted"`, ['base_url: holds a query or fragment']],
  [`${MODEL}base_url = "http://192.168.1.9:11434/v1"`, ['base_url: is plain http to another machine']],
  [`${LOCAL}api_key = "a"\napi_key_env = "B"`, ['api_key: `api_key` and `api_key_env` are set together']],
  [`${LOCAL}api_key_env = "UNSET"`, ['api_key: environment variable `UNSET` (`api_key_env`) is not set']],
  [`${LOCAL}api_key_env = "$LLM_KEY"`, ['api_key_env: has a `$` around the name']],
  [`${LOCAL}api_key_file = "/nowhere/llm"`, ['api_key: file `/nowhere/llm` (`api_key_file`) does not exist']],
  [`${LOCAL}command = ["cat"]`, ['command: means nothing for type "openai" (remove it, or set type = "exec")']],
  [
    '[backends.llm]\ntype = "echo"\nmodel = "m"',
    ['model: means nothing for type "echo" (remove it, or set type = "openai")'],
  ],
] as const)('%j is told', async (toml, expected) => {
  const told = await complaints(read(toml));
  expect(told.map((line, i) => line.slice(0, 13 + (expected[i] ?? '').length))).toEqual(
    expected.map((line) => `backends.llm.${line}`),
  );
  expect(told.join()).not.toContain('sk-pasted');
});

test('plain http to another machine is taken when that is said', async () => {
  const { backends } = await read(`${MODEL}base_url = "http://192.168.1.9:11434/v1"\nallow_http = true`);
  expect(backends.get('llm')).toMatchObject({ baseUrl: 'http://192.168.1.9:11434/v1' });
});

test('a missing key stops nothing that does not need it', async () => {
  const { backends } = await read(`${LOCAL}api_key_env = "UNSET"`, {}, 'optional');
  expect(backends.get('llm')).toMatchObject({ apiKey: { ok: false, why: expect.stringContaining('UNSET') } });
});

test('a file that holds a key and that others can read is warned of, and no message shows the line', async () => {
  const path = fileWith('open-key.toml', `${LOCAL}api_key = "sk-open"`);
  chmodSync(path, 0o644);
  const { warnings } = await readConfig({ path, env: {}, secrets: 'required' });
  expect(warnings).toEqual([expect.stringContaining('holds a secret and can be read by other users')]);
  expect(await complaints(read(`${LOCAL}api_key = "sk-broken`))).toEqual([
    expect.stringContaining('(line not shown: it may hold a secret)'),
  ]);
});
