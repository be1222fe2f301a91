/** Who answers: the examples of the README as they stand there, and answers of several messages, through the whole daemon. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { closedPort, httpPeer } from '../support/http-peer.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SECRET = 'the-key-of-the-hook';

let sandbox: Sandbox;
let home: LoongHome;
let server: ChildProcess | undefined;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
});

afterEach(async () => {
  server?.kill('SIGKILL');
  server = undefined;
  await home.remove();
  await sandbox.close();
});

/** The tables of [backends] in the examples of a README, by name. */
function examples(file: string): ReadonlyMap<string, string> {
  const blocks = [...readFileSync(`${ROOT}${file}`, 'utf8').matchAll(/^```toml\n(\[backends\.(\w+)\]\n[^`]*)^```/gm)];
  return new Map(blocks.map(([, block = '', name = '']) => [name, block]));
}

function exampleOf(name: string): string {
  const example = examples('README.md').get(name);
  if (example === undefined) throw new Error(`README.md has no [backends.${name}]`);
  return example.replaceAll('examples/', `${ROOT}examples/`);
}

async function start(name: string, table: string, keys = '', env: NodeJS.ProcessEnv = {}): Promise<LoongProcess> {
  home.writeConfig(configFor(sandbox, `allowed_peer_ids = ["openid_alice"]\nbackend = "${name}"\n${keys}`, table));
  const daemon = home.start(['gateway', 'run'], [], env);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

async function answersOf(text: string, count = 1): Promise<readonly (string | undefined)[]> {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text });
  await waitUntil(`${count} answers to ${text}`, () => answersTo(sandbox, id).length === count);
  return answersTo(sandbox, id).map((answer) => answer.text);
}

interface QueueRow {
  readonly id: string;
  readonly direction: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
}

async function queue(): Promise<readonly QueueRow[]> {
  const { rows } = JSON.parse((await home.run(['queue', '--json'])).stdout) as { rows: QueueRow[] };
  return rows;
}

describe('the examples of the README', () => {
  test('are the same in both languages', () => {
    const withoutComments = (file: string) =>
      [...examples(file)].map(([name, text]) => [name, text.replace(/ *#.*/g, '')]);
    expect(withoutComments('README.zh-CN.md')).toEqual(withoutComments('README.md'));
    expect([...examples('README.md').keys()]).toEqual(expect.arrayContaining(['upper', 'messages', 'hook']));
  });

  test('a command answers in text', async () => {
    await start('upper', exampleOf('upper'));
    expect(await answersOf('hello')).toEqual(['HELLO']);
  });

  test('a command answers in messages', async () => {
    await start('messages', exampleOf('messages'));
    expect(await answersOf('hello')).toEqual(['openid_alice, you said: hello']);
  });

  test('a server answers what is signed, and nothing else', async () => {
    const port = await closedPort();
    server = spawn(process.execPath, [`${ROOT}examples/hook.mjs`, String(port)], {
      env: { HOOK_SECRET: SECRET },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await waitUntil('the server', () => said.includes('listening'));
    const table = exampleOf('hook').replace('9000', String(port));
    const daemon = await start('hook', table, 'apology = "sorry"', { HOOK_SECRET: SECRET });
    expect(await answersOf('hello')).toEqual(['You said: hello']);
    const quiet = sandbox.platform.say({ from: 'openid_alice', text: 'quiet' });
    expect(await answersOf('loud')).toEqual(['You said: loud']);
    expect(answersTo(sandbox, quiet.id)).toEqual([]);
    const forged = await fetch(`http://127.0.0.1:${port}/turn`, {
      method: 'POST',
      body: '{"text": "hello"}',
      headers: {
        'X-Loong-Timestamp': String(Math.floor(Date.now() / 1000)),
        'X-Loong-Timestamp-Signature': 'sha256=00',
      },
    });
    expect(forged.status).toBe(401);
    const sign = `sha256=${'\u00e9'.repeat(64)}`; // as many characters as a signature, but more bytes
    const odd = await fetch(`http://127.0.0.1:${port}/turn`, {
      method: 'POST',
      body: '{}',
      headers: { 'X-Loong-Timestamp': String(Math.floor(Date.now() / 1000)), 'X-Loong-Timestamp-Signature': sign },
    });
    expect(odd.status).toBe(401);
    await brokenOff(port);
    expect(await answersOf('still there')).toEqual(['You said: still there']);
    await daemon.stop();
    expect(daemon.stdout + daemon.stderr).not.toContain(SECRET);
  });
});

test('an answer of several messages arrives in order, and what cannot be sent there is said', async () => {
  const messages = [{ text: 'one' }, { markdown: '**two**' }, { image: 'https://example.com/3.png' }, { text: 'four' }];
  const peer = await httpPeer((response) =>
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ messages })),
  );
  await start('hook', `[backends.hook]\ntype = "http"\nurl = "${peer.url}"\n`);
  const [one, two, four] = await answersOf('go', 3);
  expect([one, four]).toEqual(['one', 'four']);
  expect(two).toContain('two');
  const rows = await queue();
  expect(rows.filter(({ direction }) => direction === 'in').map(({ status }) => status)).toEqual(['answered']);
  const out = rows.filter(({ direction }) => direction === 'out').sort((a, b) => a.id.localeCompare(b.id));
  expect(out.map(({ status, error }) => [status, error?.code])).toEqual([
    ['delivered', undefined],
    ['delivered', undefined],
    ['failed', 'message.media_unsupported'],
    ['delivered', undefined],
  ]);
});

test('what a server is told by the daemon is what the published schema says, with what was said before', async () => {
  const peer = await httpPeer((response) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end('yes'));
  await start(
    'hook',
    `[qqbot.groups.group_demo]\nsystem_prompt = "Be brief."\nskills = ["weather"]\ntools = { deny = ["shell"] }
[backends.hook]\ntype = "http"\nurl = "${peer.url}"\n`,
  );
  await answersOf('first');
  await answersOf('second');
  const { id } = sandbox.platform.say({ from: 'openid_alice', group: 'group_demo', text: 'third', mention: true });
  await waitUntil('the answer in the group', () => answersTo(sandbox, id).length === 1);
  const schema: object = JSON.parse(readFileSync(`${ROOT}schema/turn.v1.json`, 'utf8'));
  const isTurn = new Ajv2020().compile(schema);
  const turns = peer.asked.map(({ body }) => JSON.parse(body.toString('utf8')) as Record<string, unknown>);
  for (const turn of turns) expect(isTurn(turn), JSON.stringify(isTurn.errors)).toBe(true);
  expect(turns).toMatchObject([
    { kind: 'c2c', text: 'first', history: [] },
    {
      text: 'second',
      history: [
        { from: 'user', text: 'first' },
        { from: 'bot', text: 'yes' },
      ],
    },
    {
      id,
      kind: 'group',
      text: expect.stringContaining('third'),
      mentioned: true,
      history: [],
      system_prompt: 'Be brief.',
      skills: ['weather'],
      tools: { allow: [], deny: ['shell'] },
      attempt: 1,
    },
  ]);
});

test('a picture of media_dir goes out over OneBot, and no other file of this machine', async () => {
  const port = await closedPort();
  const source = `const { text } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify({ messages: [{ image: text }, ...(text === 'a.png' ? [] : [{ text: 'look' }])] }));`;
  mkdirSync(`${home.folder}/media`);
  writeFileSync(`${home.folder}/media/a.png`, 'picture');
  home.writeConfig(`[onebot]
ws_port = ${port}
access_token = "let-me-in"
allowed_peer_ids = [20002]
backend = "mine"
apology = "sorry"
[backends.mine]
type = "exec"
command = ${JSON.stringify([process.execPath, '-e', source])}
output = "json"
media_dir = "media"
`);
  const { onebot, transcript } = sandbox.platform;
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('loong runs');
  onebot.connect({ url: `ws://127.0.0.1:${port}/onebot/v11/ws`, token: 'let-me-in', reconnect_ms: 50 });
  await daemon.logs('belongs to the first QQ that dialled in');
  const sent = () => transcript.since(0).filter((entry) => entry.kind === 'onebot.send');
  onebot.say({ from: '20002', text: 'a.png' });
  await waitUntil('the picture', () => sent().length === 1);
  expect(JSON.stringify(sent()[0])).toContain('image');
  onebot.say({ from: '20002', text: `${home.folder}/config.toml` });
  await waitUntil('the apology', () => sent().length === 2);
  expect(sent()[1]?.text).toBe('sorry');
  expect(await queue()).toContainEqual(
    expect.objectContaining({ error: expect.objectContaining({ code: 'backend.media_refused' }) }),
  );
});

test('the secret of a hook is in no log and no command, however the hook fails', async () => {
  const peer = await httpPeer((response) => response.writeHead(302, { Location: `/${SECRET}` }).end(SECRET));
  const table = `[backends.hook]\ntype = "http"\nurl = "${peer.url}/${SECRET}"\nsecret = "${SECRET}"\n`;
  const daemon = await start('hook', table, 'apology = "sorry"');
  expect(await answersOf('hello')).toEqual(['sorry']);
  const told = [await home.run(['queue']), await home.run(['queue', '--json']), await home.run(['gateway', 'status'])];
  await daemon.stop();
  for (const { stdout, stderr } of [...told, daemon]) expect(stdout + stderr).not.toContain(SECRET);
  expect(daemon.stderr).toContain('answered with status 302');
});

test('the doctor tries the server without setting a turn off', async () => {
  const peer = await httpPeer((response) => response.writeHead(204).end());
  const table = (url: string) => `[backends.hook]\ntype = "http"\nurl = "${url}"\n`;
  const doctor = async (url: string) => {
    home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]\nbackend = "hook"', table(url)));
    return (await home.run(['doctor'])).stdout;
  };
  expect(await doctor(peer.url)).toMatch(/ok +backend hook +http:\/\/127\.0\.0\.1:\d+\/turn takes connections/);
  expect(peer.asked).toEqual([]);
  const closed = `http://127.0.0.1:${await closedPort()}/turn`;
  expect(await doctor(closed)).toMatch(/fail +backend hook +.*takes no connection: .*ECONNREFUSED/);
});

test('the schemas are printed', async () => {
  for (const document of ['turn', 'answer']) {
    const { stdout, code } = await home.run(['config', 'schema', document]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(`${ROOT}schema/${document}.v1.json`, 'utf8')));
  }
  expect(JSON.parse((await home.run(['config', 'schema'])).stdout)).toHaveProperty('properties.backends');
  expect((await home.run(['config', 'schema', 'tunr'])).code).toBe(64);
});

/** Begins to ask, and is gone before it has said all. */
function brokenOff(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /turn HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{', () => socket.resetAndDestroy());
    });
    socket.on('close', () => resolve());
  });
}
