/** A lane that is called back: when it is ready, what it says while nothing can be sent, and that it acknowledges what is committed. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { LaneSink, LaneState, StateFacts } from '../../../src/lanes/lane.js';
import { QqbotLane } from '../../../src/lanes/qqbot/qqbot-lane.js';
import { WebhookPorts } from '../../../src/lanes/qqbot/webhook-ports.js';
import { normaliseAccountId } from '../../../src/model/target.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import { openStore } from '../../../src/store/sqlite/sqlite-store.js';
import { Counters } from '../../../src/telemetry/counters.js';
import { c2cEvent, post, seconds, signed } from '../../support/callbacks.js';
import { freePort } from '../../support/free-port.js';
import { tempDir } from '../../support/temp-dir.js';
import { waitUntil } from '../../support/wait-until.js';
import { openSandbox, SessionMemory } from './support/lane-under-test.js';

const ACK = '{"op":12,"d":0}';

interface Told extends StateFacts {
  readonly state: LaneState;
  readonly detail: string | undefined;
}

/** A lane of this sandbox with a real journal. `clientSecret`: as it was configured. */
async function called(sandbox: Sandbox, clientSecret = sandbox.clientSecret) {
  const path = join(tempDir(), 'loong.db');
  const store = openStore(path, 'process', 50);
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const place = { host: '127.0.0.1', port: await freePort(), path: '/hook' };
  const counters = new Counters();
  const lane = new QqbotLane({
    account: normaliseAccountId('main'),
    appId: sandbox.appId,
    clientSecret,
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    intents: ['group_and_c2c'],
    replyRights: { c2c: { ttlMs: 1, count: 4 }, group: { ttlMs: 1, count: 5 }, channel: { ttlMs: 1, count: 5 } },
    memory: new SessionMemory(),
    webhook: { ports: new WebhookPorts(log), place },
    log,
    counters,
    onToken: () => undefined,
  });
  const told: Told[] = [];
  const sink: LaneSink = {
    message: async (message, push) => void (await store.inbox.admit({ message, push })),
    notice: async (notice, push) => void (await store.events.append(lane.id, notice, Date.now(), undefined, push)),
    undecodable: async (raw, reason, push) => void (await store.events.keepRaw(lane.id, raw, reason, Date.now(), push)),
    state: (state, detail, more) => told.push({ state, detail, ...more }),
    acknowledged: () => undefined,
    toldLate: () => undefined,
    past: { sent: () => [], received: () => [] },
  };
  const stop = new AbortController();
  const running = lane.run(sink, stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  onTestFinished(async () => {
    await end();
    await lane.close();
    await store.close();
  });
  const url = `http://127.0.0.1:${place.port}${place.path}`;
  await waitUntil('the address', () => lines.some((line) => line.includes('callbacks of QQ are taken here')));
  return { lane, store, path, url, told, lines, counters, end };
}

const last = (told: readonly Told[]) => told.at(-1);

test('it is ready once its token works; its end frees the address', async () => {
  const sandbox = await openSandbox();
  const { told, url, end } = await called(sandbox);
  await waitUntil('ready', () => last(told)?.state === 'ready');
  expect(told.map(({ state, detail }) => [state, detail])).toEqual([
    ['connecting', undefined],
    ['ready', undefined],
  ]);
  await end();
  await expect(post(url, '')).rejects.toThrow();
});

test('while nothing can be sent it says why, with the remedy, and takes events all the same', async () => {
  const sandbox = await openSandbox();
  sandbox.platform.fault({ kind: 'rest', path: '/users/@me', code: 11298, times: 'always' });
  const { told, url, store } = await called(sandbox);
  await waitUntil('the failure', () => last(told)?.state === 'failed');
  expect(last(told)).toMatchObject({
    detail: expect.stringContaining('events are taken, but nothing can be sent'),
    remedy: expect.stringContaining('IP白名单'),
    nextTryAt: expect.any(Number),
  });
  const body = c2cEvent('m1', 'hello');
  expect((await post(url, body, signed(sandbox.clientSecret, body))).body).toBe(ACK);
  expect(store.inbox.waiting('qqbot:main', 0, 9)).toHaveLength(1);
});

test('a passing failure is waited out', async () => {
  const sandbox = await openSandbox();
  sandbox.platform.fault({ kind: 'rest', path: '/users/@me', status: 502, html: '<p>bad gateway</p>', times: 1 });
  const { told } = await called(sandbox);
  await waitUntil('ready', () => last(told)?.state === 'ready');
  expect(told.map(({ state }) => state)).toEqual(['connecting', 'waiting', 'ready']);
});

test('refused callers are told of in its state, until a signed event comes', async () => {
  const sandbox = await openSandbox();
  const { told, url, counters } = await called(sandbox);
  await waitUntil('ready', () => last(told)?.state === 'ready');
  const body = c2cEvent('m1', 'hello');
  for (let i = 0; i < 3; i++) await post(url, body, signed('another secret', body));
  expect(last(told)).toMatchObject({
    state: 'ready',
    detail: expect.stringContaining('its signature is not of this bot'),
    remedy: expect.stringContaining('client_secret'),
  });
  expect(counters.snapshot()).toMatchObject({ 'webhook.refused': 3 });
  await post(url, body, signed(sandbox.clientSecret, body));
  expect(last(told)).toMatchObject({ state: 'ready', detail: undefined });
});

test('d is 1 while the journal cannot be written, and what is pushed again then counts once', async () => {
  const sandbox = await openSandbox();
  const { url, path, store } = await called(sandbox);
  const events = ['m1', 'm2', 'm3'].map((id) => c2cEvent(id, 'hello'));
  const notice = JSON.stringify({
    op: 0,
    id: 'FRIEND_ADD:1',
    t: 'FRIEND_ADD',
    d: { openid: 'openid_alice', timestamp: 1 },
  });
  const unreadable = JSON.stringify({ op: 0, t: 'C2C_MESSAGE_CREATE', d: {} });
  const bodies = [...events, notice, unreadable];
  const at = seconds();
  const pushAll = () => Promise.all(bodies.map((body) => post(url, body, signed(sandbox.clientSecret, body, at))));
  const other = new Sqlite(path);
  other.exec('BEGIN IMMEDIATE');
  expect((await pushAll()).map(({ status, body }) => [status, body])).toEqual(
    bodies.map(() => [200, '{"op":12,"d":1}']),
  );
  other.exec('ROLLBACK');
  for (let i = 0; i < 3; i++) expect((await pushAll()).map(({ body }) => body)).toEqual(bodies.map(() => ACK));
  expect(store.inbox.waiting('qqbot:main', 0, 9)).toHaveLength(3);
  const rows = (table: string) => other.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
  expect([rows('events'), rows('raw_frames'), rows('pushes')]).toEqual([1, 1, 5]);
  other.close();
});

test('the same things are meant as over the gateway: mentions, own messages, notices', async () => {
  const sandbox = await openSandbox();
  const { url, store, told } = await called(sandbox);
  await waitUntil('ready', () => last(told)?.state === 'ready');
  const own = c2cEvent('m1', 'my own words', sandbox.botId);
  await post(url, own, signed(sandbox.clientSecret, own));
  const [entry] = store.inbox.waiting('qqbot:main', 0, 9);
  expect(entry?.message.sender).toMatchObject({ id: sandbox.botId, isBot: true });
});

test('its probe asks for no gateway, and tries the own address', async () => {
  const sandbox = await openSandbox();
  const { lane, path } = await called(sandbox);
  const steps = await lane.probe(new AbortController().signal);
  expect(steps.map(({ name, level }) => `${level} ${name}`)).toEqual([
    'ok clock',
    'ok token',
    'ok profile',
    'ok webhook',
  ]);
  expect(steps.at(-1)?.detail).toContain('answers what is signed and refuses what is forged');
  const other = new Sqlite(path);
  const events = other.prepare<[], { name: string }>('SELECT name FROM events').all();
  other.close();
  expect(events).toEqual([{ name: 'LOONG_SELF_TEST' }]);
});
