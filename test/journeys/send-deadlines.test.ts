/** `channels send` keeps its --timeout and says honestly what is known, whatever happens to the daemon, the database or its neighbours. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { acquireOwner } from '../../src/store/owner.js';
import { ensurePrivateDir } from '../../src/store/state-dir.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { sends } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const POST = { kind: 'rest', method: 'POST', path: '/v2/users/*/messages' } as const;
/** The command asks a few times a second what became of its message: long enough for it to have heard. */
const HEARD_MS = 1000;

let sandbox: Sandbox;
let home: LoongHome;
let state: string;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(configFor(sandbox));
  state = join(home.folder, 'state');
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function send(...more: readonly string[]): Promise<Ended> {
  return say('hi', ...more);
}

function say(text: string, ...more: readonly string[]): Promise<Ended> {
  return home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', text, ...more]);
}

async function serving(): Promise<LoongProcess> {
  const daemon = home.start(['channels', 'serve', 'qqbot']);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

/** Holds the write lock of loong.db until the returned function is called. */
function lockStore(): () => void {
  const db = new Sqlite(join(state, 'loong.db'));
  db.exec('BEGIN IMMEDIATE');
  return () => {
    db.exec('ROLLBACK');
    db.close();
  };
}

function spent(): Promise<boolean> {
  return waitUntil('the POST to be under way', () => sandbox.platform.faults.list().length === 0);
}

/** Neither our bug nor anything that looks like one. */
function expectPlain({ stderr, stdout }: Ended): void {
  expect(stdout + stderr).not.toContain('fault in loong');
  expect(stderr).not.toMatch(/^\s+at /m);
}

test('the daemon dies while it sends: 76, with the id, and not to be repeated', async () => {
  const daemon = await serving();
  sandbox.platform.fault({ ...POST, delay_ms: 20_000 });
  const waiting = send('--json');
  await spent();
  await pause(HEARD_MS);
  await daemon.kill();
  const ended = await waiting;
  expectPlain(ended);
  expect(ended.code).toBe(76);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    id: 'out-1',
    status: 'uncertain',
    error: {
      code: 'daemon.lost',
      message: expect.stringContaining('it may have arrived'),
      remedy: expect.stringContaining('do not simply repeat'),
    },
  });
});

test('the daemon dies while the message waits its turn: 75, and the next daemon delivers it', async () => {
  const daemon = await serving();
  sandbox.platform.fault({ ...POST, status: 429, html: '<h1>slow down</h1>', retry_after: 3 });
  const waiting = send();
  await spent();
  await pause(HEARD_MS);
  await daemon.kill();
  const ended = await waiting;
  expectPlain(ended);
  expect(ended.code).toBe(75);
  expect(ended.stdout).toMatch(/^queued .* id=out-1 /);
  expect(ended.stderr).toContain('daemon.lost: the daemon ended while the message was under way; it is stored');
  expect(ended.stderr).not.toContain('keeps trying');
  await serving();
  await waitUntil('its delivery', () => sends(sandbox).some(({ accepted }) => accepted));
});

test('the connection breaks while the message is handed over: 76, for nobody knows', async () => {
  const socket = join(home.folder, 'fake.sock');
  const daemon = createServer((request, response) => {
    if (request.method === 'GET') response.setHeader('content-type', 'application/json').end('{}');
    else request.socket.destroy();
  });
  await new Promise<void>((resolve) => daemon.listen(socket, resolve));
  ensurePrivateDir(state);
  const owner = acquireOwner(state, { pid: process.pid, kind: 'daemon', socket });
  try {
    for (const more of [[], ['--no-wait']]) {
      const ended = await send('--json', ...more);
      expectPlain(ended);
      expect(ended.code).toBe(76);
      expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'daemon.lost' } });
    }
    expect(sends(sandbox)).toEqual([]);
  } finally {
    owner.release();
    daemon.closeAllConnections();
    daemon.close();
  }
});

test('a daemon that is stopped does not hold the command: 69 before, 76 while it sends', async () => {
  const daemon = await serving();
  sandbox.platform.fault({ ...POST, delay_ms: 20_000 });
  const waiting = send('--timeout', '3s', '--json');
  await spent();
  await pause(HEARD_MS);
  daemon.child.kill('SIGSTOP');
  const sending = await waiting;
  expectPlain(sending);
  expect(sending.code).toBe(76);
  expect(JSON.parse(sending.stdout)).toMatchObject({
    id: 'out-1',
    status: 'uncertain',
    error: { code: 'daemon.silent', message: expect.stringContaining('the daemon stopped answering') },
  });
  const before = await send('--timeout', '300ms');
  expectPlain(before);
  expect(before.code).toBe(69);
  expect(before.stderr).toContain(`pid ${daemon.child.pid}`);
  const status = await home.run(['gateway', 'status', '--json']);
  expect(status.code).toBe(69);
  expect(JSON.parse(status.stdout)).toMatchObject({ error: { code: 'daemon.not_answering' } });
});

test('a daemon whose database is locked does not hold the command: 76, for it may still store the message', async () => {
  await serving();
  const unlock = lockStore();
  const ended = await send('--timeout', '300ms', '--json');
  expectPlain(ended);
  expect(ended.code).toBe(76);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'daemon.silent' } });
  expect(sends(sandbox)).toEqual([]);
  unlock();
  await waitUntil('its delivery after all', () => sends(sandbox).some(({ accepted }) => accepted));
});

test('without a daemon a locked database ends the command at its deadline: 75 before it sends, 76 while it does', async () => {
  expect((await send()).code).toBe(0);
  const unlockFirst = lockStore();
  const before = await send('--timeout', '300ms', '--json');
  expectPlain(before);
  expect(before.code).toBe(75);
  expect(JSON.parse(before.stdout)).toMatchObject({ error: { code: 'store.busy' } });
  unlockFirst();
  expect(sends(sandbox)).toHaveLength(1);

  sandbox.platform.fault({ ...POST, delay_ms: 20_000 });
  const waiting = send('--timeout', '3s', '--json');
  await spent();
  const unlock = lockStore();
  const sending = await waiting;
  unlock();
  expectPlain(sending);
  expect(sending.code).toBe(76);
  expect(JSON.parse(sending.stdout)).toMatchObject({ status: 'uncertain' });
});

test('sends without a daemon wait for one another', async () => {
  const all = await Promise.all(['1', '2', '3', '4', '5'].map((text) => say(text)));
  expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, '']));
  expect(
    sends(sandbox)
      .map(({ text }) => text)
      .sort(),
  ).toEqual(['1', '2', '3', '4', '5']);
});

test.each([
  ['send', 'owner.taken', 'another `loong channels send`', 'longer --timeout'],
  ['daemon', 'owner.taken_by_daemon', 'takes no messages', `kill -9 ${process.pid}`],
] as const)('a %s that keeps the state directory: 75, and who it is', async (kind, code, message, remedy) => {
  ensurePrivateDir(state);
  const owner = acquireOwner(state, { pid: process.pid, kind, socket: '' });
  try {
    const ended = await send('--timeout', '300ms', '--json');
    expectPlain(ended);
    expect(ended.code).toBe(75);
    const { error } = JSON.parse(ended.stdout) as { error: { code: string; message: string; remedy: string } };
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain(`pid ${process.pid}`);
    expect(error.remedy).toContain(remedy);
  } finally {
    owner.release();
  }
});

test('no time at all: 75 in words of --timeout, and nothing is sent', async () => {
  const ended = await send('--timeout', '0s');
  expectPlain(ended);
  expect(ended.code).toBe(75);
  expect(ended.stderr).toContain('nothing was sent within --timeout');
  expect(ended.stderr).not.toContain('token');
  expect(sandbox.platform.transcript.counters().requests).toBe(0);
});

test('too little time for a token: 69 in words of --timeout', async () => {
  sandbox.platform.fault({ kind: 'token', delay_ms: 20_000 });
  const ended = await send('--timeout', '500ms');
  expectPlain(ended);
  expect(ended.code).toBe(69);
  expect(ended.stderr).toContain('send.too_late: nothing was sent within --timeout');
  expect(ended.stderr).not.toContain('token');
  expect(sends(sandbox)).toEqual([]);
});

test('more time than any timer has is time enough', async () => {
  const alone = await send('--timeout', '999999h');
  expectPlain(alone);
  expect(alone.code).toBe(0);
  await serving();
  expect((await send('--timeout', '999999h')).code).toBe(0);
});
