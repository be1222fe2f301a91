/** The operator's door over its real socket: what is taken, and what a bad request is told. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent, request } from 'undici';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { allowedPeers } from '../../src/access/allowed-peers.js';
import { openControlServer } from '../../src/control/control-server.js';
import { daemonOperations } from '../../src/control/operations.js';
import { StatusBoard } from '../../src/control/status-board.js';
import { normaliseAccountId } from '../../src/model/target.js';
import { Outbound } from '../../src/relay/outbound.js';
import { Settlements } from '../../src/relay/settlements.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { ACCOUNT, arrival, HOUR, target } from '../support/messages.js';
import { tempDir } from '../support/temp-dir.js';

let store: Store;
let socketPath: string;
let agent: Agent;
let stops: number;

beforeEach(async () => {
  const folder = tempDir();
  socketPath = join(folder, 'control.sock');
  const opened = openStore(join(folder, 'loong.db'), 'process');
  store = opened;
  const { inbox, outbox } = opened;
  const outbound = new Outbound({
    allowed: allowedPeers(['alice']),
    inbox,
    outbox,
    parkTtlMs: HOUR,
    cutting: { limit: 50, mode: 'length' },
    places: () => undefined,
  });
  const log = pino({ level: 'silent' });
  stops = 0;
  const operations = daemonOperations({
    outbounds: new Map([[ACCOUNT, outbound]]),
    defaultAccount: normaliseAccountId('main'),
    settlements: new Settlements(outbox),
    board: new StatusBoard([target('x')], log),
    counters: new Counters(),
    requestStop: () => {
      stops++;
    },
  });
  const server = await openControlServer(socketPath, operations, log);
  agent = new Agent({ connect: { socketPath } });
  onTestFinished(async () => {
    await agent.close();
    await server.close();
    await opened.close();
  });
});

async function call(method: 'GET' | 'POST', path: string, body?: unknown) {
  const answer = await request(`http://loong${path}`, {
    method,
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const document = (await answer.body.json()) as Record<string, unknown>;
  return { status: answer.statusCode, type: String(answer.headers['content-type']), document };
}

test('only its owner may use the socket', () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

describe('POST /v1/messages', () => {
  test.each([
    [{ text: 'hi' }, [{ type: 'text', text: 'hi' }]],
    [{ markdown: '**hi**' }, [{ type: 'markdown', markdown: '**hi**' }]],
  ])('takes %j and stores it', async (content, segments) => {
    const { status, document } = await call('POST', '/v1/messages', { target: 'c2c:alice', ...content });
    expect(status).toBe(202);
    expect(document).toEqual({
      id: 'out-1',
      target: 'qqbot:main:c2c:alice',
      status: 'queued',
      message_ids: [],
      parts: 1,
      attempts: 0,
    });
    expect(store.outbox.message(1)).toMatchObject([{ segments, origin: 'api' }]);
  });

  test('a long text is one message of several parts', async () => {
    const { document } = await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'x'.repeat(120) });
    expect(document).toMatchObject({ id: 'out-1', parts: 3 });
    expect(await call('GET', '/v1/messages/out-1')).toMatchObject({ status: 200, document: { parts: 3 } });
    // The later parts are no messages.
    expect(await call('GET', '/v1/messages/out-2')).toMatchObject({ status: 404 });
    expect((await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'y' })).document.id).toBe('out-4');
  });

  test('with reply_to prefers that message’s window', async () => {
    await store.inbox.admit(arrival('m1'));
    await store.inbox.admit(arrival('m2'));
    const body = { target: 'c2c:alice', text: 'x', reply_to: 'm1' };
    expect((await call('POST', '/v1/messages', body)).status).toBe(202);
    const { rows } = await store.outbox.claim(ACCOUNT, Date.now(), 1);
    expect(rows[0]?.passive?.token.value).toBe('m1');
  });

  test.each([
    ['both text and markdown', { target: 'c2c:alice', text: 'a', markdown: 'b' }, 400, 'request.invalid'],
    ['neither', { target: 'c2c:alice' }, 400, 'request.invalid'],
    ['no target', { text: 'a' }, 400, 'request.invalid'],
    ['an unknown key', { target: 'c2c:alice', text: 'a', mardown: 'b' }, 400, 'request.invalid'],
    ['a number for a text', { target: 'c2c:alice', text: 1 }, 400, 'request.invalid'],
    ['an empty reply_to', { target: 'c2c:alice', text: 'a', reply_to: '' }, 400, 'request.invalid'],
    ['no JSON', '{"target":', 400, 'request.invalid'],
    ['blanks only', { target: 'c2c:alice', markdown: ' \n' }, 400, 'message.empty'],
    ['a bad target', { target: 'alice', text: 'a' }, 400, 'target.malformed'],
    ['an account that is not served', { target: 'ops:c2c:alice', text: 'a' }, 400, 'account.not_served'],
    ['a peer that is not listed', { target: 'c2c:bob', text: 'a', reply_to: 'm1' }, 403, 'access.peer_not_allowed'],
    ['an unknown message', { target: 'c2c:alice', text: 'a', reply_to: 'm1' }, 404, 'message.unknown'],
  ])('with %s is answered by a problem document, and stores nothing', async (_what, body, ...told) => {
    const { status, type, document } = await call('POST', '/v1/messages', body);
    expect([status, document.code]).toEqual(told);
    expect(type).toBe('application/problem+json');
    expect(document).toMatchObject({ status, title: expect.any(String) });
    expect(store.outbox.find(1)).toBeUndefined();
  });

  test('with a body beyond all measure is refused', async () => {
    const { status, document } = await call('POST', '/v1/messages', {
      target: 'c2c:alice',
      text: 'x'.repeat(1_100_000),
    });
    expect([status, document.code]).toEqual([413, 'request.too_large']);
  });
});

test('a message that there is none of, and a path that there is none of, are 404', async () => {
  expect((await call('GET', '/v1/messages/out-1')).document.code).toBe('message.unknown');
  expect((await call('GET', '/v1/messages/nonsense')).document.code).toBe('message.unknown');
  expect((await call('GET', '/v2/anything')).document.code).toBe('request.unknown_path');
});

test('readiness follows the accounts, health does not', async () => {
  expect(await call('GET', '/healthz')).toMatchObject({ status: 200 });
  expect(await call('GET', '/readyz')).toMatchObject({ status: 503, document: { ok: false } });
});

test('stop asks the daemon, once for each request', async () => {
  expect(await call('POST', '/v1/stop')).toMatchObject({ status: 202, document: { stopping: true } });
  expect(stops).toBe(1);
});
