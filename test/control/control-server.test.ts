/** The operator's door over its real socket: what is taken, and what a bad request is told. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent, request } from 'undici';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openControlServer } from '../../src/control/control-server.js';
import { daemonOperations } from '../../src/control/operations.js';
import { StatusBoard } from '../../src/control/status-board.js';
import { LoongError } from '../../src/model/errors.js';
import { normaliseAccountId, type PeerId } from '../../src/model/target.js';
import { Outbound } from '../../src/relay/outbound.js';
import { PairingDesk } from '../../src/relay/pairing-desk.js';
import { Settlements } from '../../src/relay/settlements.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { AttemptOutcome, Store } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { Secrets } from '../../src/telemetry/log.js';
import { ACCOUNT, arrival, HOUR, inbound, outgoing, target } from '../support/messages.js';
import { allowing } from '../support/policies.js';
import { tempDir } from '../support/temp-dir.js';

let store: Store;
let socketPath: string;
let agent: Agent;
let stops: number;
let settlements: Settlements;
/** Actions that were called, and with what. */
let called: [string, unknown][];
/** Lane id and message id. */
let answeredAgain: [string, string][];

beforeEach(async () => {
  const folder = tempDir();
  socketPath = join(folder, 'control.sock');
  const opened = openStore(join(folder, 'loong.db'), 'process');
  store = opened;
  const { inbox, outbox } = opened;
  const outbound = new Outbound({
    allowed: allowing(['alice', 'amy']),
    inbox,
    outbox,
    parkTtlMs: HOUR,
    cutting: { limit: 50, mode: 'length' },
    places: () => undefined,
  });
  const log = pino({ level: 'silent' });
  stops = 0;
  answeredAgain = [];
  called = [];
  settlements = new Settlements(outbox);
  const accounts = [
    {
      channel: 'qqbot',
      id: normaliseAccountId('main'),
      allowedPeerIds: ['alice', 'amy'],
      groups: new Map(),
      dmPolicy: 'pairing',
    },
  ] as const;
  const operations = daemonOperations({
    outbounds: new Map([[ACCOUNT, outbound]]),
    defaultAccounts: { qqbot: normaliseAccountId('main'), onebot: normaliseAccountId('home') },
    actions: new Map([
      [
        'onebot:home',
        async (action, params) => {
          called.push([action, params]);
          if (action === 'get_status') return { online: true };
          if (action === 'nothing') return undefined;
          throw new LoongError('onebot.refused', `${action} is not for you`, { remedy: 'ask another' });
        },
      ],
    ]),
    settlements,
    queue: opened.queue,
    pairings: opened.pairings,
    desk: new PairingDesk({
      pairings: opened.pairings,
      accounts,
      cutting: () => ({ limit: 2000, mode: 'length' }),
      by: 'api',
      log,
      answer: (account, entry) => answeredAgain.push([account, entry.message.id]),
    }),
    accounts,
    isHeard: () => true,
    answerAgain: (account, entry) => answeredAgain.push([account, entry.message.id]),
    board: new StatusBoard([target('x')], log, new Secrets()),
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

async function call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, more: object = {}) {
  const answer = await request(`http://loong${path}`, {
    method,
    dispatcher: agent,
    headers: { 'content-type': 'application/json', ...more },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const document = (await answer.body.json()) as Record<string, unknown>;
  return { status: answer.statusCode, type: String(answer.headers['content-type']), document };
}

test('only its owner may use the socket', () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

describe('/v1/pairings', () => {
  async function asked(peer: string): Promise<string> {
    await store.inbox.admit({
      message: inbound(`of ${peer}`, peer, { sender: { id: peer as PeerId, name: 'Somebody', isBot: false } }),
      pairing: { maxPending: 3, say: (code) => outgoing(peer, code, { origin: 'pairing' }) },
    });
    return store.pairings.pending().find((one) => one.peer === peer)?.code ?? '';
  }
  const bob = { channel: 'qqbot', account: 'main', user_id: 'bob', name: 'Somebody' };

  test('lists who waits and who was approved, approves, denies and revokes', async () => {
    const code = await asked('bob');
    const times = { asked_at: expect.any(Number), expires_at: expect.any(Number) };
    expect((await call('GET', '/v1/pairings')).document).toEqual({
      pending: [{ ...bob, code, ...times }],
      approved: [],
    });
    expect((await call('GET', '/v1/status')).document).toMatchObject({
      accounts: [{ dm_policy: 'pairing', pairings: { pending: 1, approved: 0 } }],
    });
    const approved = { ...bob, approved_at: expect.any(Number) };
    expect(await call('POST', '/v1/pairings', { channel: 'QQ', pairing: code, notify: true })).toMatchObject({
      status: 200,
      document: { approved, answers: 'in-1', notice: 'out-2' },
    });
    expect(answeredAgain).toEqual([[ACCOUNT, 'of bob']]);
    expect((await call('GET', '/v1/pairings')).document).toEqual({ pending: [], approved: [approved] });
    expect(await call('DELETE', '/v1/pairings?channel=qqbot&account=main&approved=bob')).toMatchObject({
      status: 200,
      document: { revoked: approved, stopped: ['out-1', 'out-2'] },
    });
    const second = await asked('carol');
    expect(await call('DELETE', `/v1/pairings?channel=qqbot&pairing=${second}`)).toMatchObject({
      status: 200,
      document: { denied: { user_id: 'carol', code: second } },
    });
  });

  test('who is not there, and what is not well-formed, gets a problem document', async () => {
    const type = expect.stringContaining('application/problem+json');
    const problem = (status: number, code: string) => ({ status, type, document: { status, code } });
    for (const pairing of ['ABCD2345', '*', 'bob'])
      expect(await call('POST', '/v1/pairings', { channel: 'qqbot', pairing })).toMatchObject(
        problem(404, 'pairing.unknown'),
      );
    expect(await call('DELETE', '/v1/pairings?channel=qqbot&approved=bob')).toMatchObject(
      problem(404, 'pairing.unknown'),
    );
    expect(await call('POST', '/v1/pairings', { channel: 'telegram', pairing: 'x' })).toMatchObject(
      problem(400, 'channel.unknown'),
    );
    expect(await call('POST', '/v1/pairings', { channel: 'qqbot', account: 'x', pairing: 'x' })).toMatchObject(
      problem(400, 'account.unknown'),
    );
    for (const body of [
      'no json',
      {},
      { channel: 'qqbot' },
      { channel: 'qqbot', pairing: '' },
      { channel: 'qqbot', pairing: 'x', by: 'me' },
    ])
      expect(await call('POST', '/v1/pairings', body)).toMatchObject(problem(400, 'request.invalid'));
    for (const query of ['', '?channel=qqbot', '?channel=qqbot&pairing=x&approved=y'])
      expect(await call('DELETE', `/v1/pairings${query}`)).toMatchObject(problem(400, 'request.invalid'));
  });
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
      parts_delivered: 0,
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
    [
      'a reply_to as long as an id may be',
      { target: 'c2c:alice', text: 'a', reply_to: 'm'.repeat(512) },
      404,
      'message.unknown',
    ],
    [
      'a reply_to longer than any id',
      { target: 'c2c:alice', text: 'a', reply_to: 'm'.repeat(513) },
      400,
      'request.invalid',
    ],
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
    expect(document).toMatchObject({ status, title: expect.stringMatching(/^[^✖\n]+$/) });
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

test('a body that is no JSON, and a key of the wrong kind, are told in one line', async () => {
  expect((await call('POST', '/v1/messages', '{"target":')).document.title).toBe('the body is no JSON object');
  expect((await call('POST', '/v1/messages', { target: 'c2c:alice', text: 1 })).document.title).toMatch(/^text: .+$/);
});

test('a message that there is none of, and a path that there is none of, are 404', async () => {
  expect((await call('GET', '/v1/messages/out-1')).document.code).toBe('message.unknown');
  expect((await call('GET', '/v1/messages/nonsense')).document.code).toBe('message.unknown');
  expect((await call('GET', '/v2/anything')).document).toMatchObject({
    code: 'request.unknown_path',
    remedy: expect.stringContaining('docs/control-api.md'),
  });
});

describe('Idempotency-Key', () => {
  const post = (text: string, key: string) =>
    call('POST', '/v1/messages', { target: 'c2c:alice', text }, { 'idempotency-key': key });

  test('the same key with the same body is the same message, also when it has arrived meanwhile', async () => {
    const first = await post('hi', 'k-1');
    expect([first.status, first.document.id]).toEqual([202, 'out-1']);
    expect((await post('hi', 'k-1')).document).toEqual(first.document);
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(1, { status: 'delivered', platformMessageId: 'P1' });
    expect(await post('hi', 'k-1')).toMatchObject({ status: 202, document: { id: 'out-1', status: 'delivered' } });
    expect(store.outbox.find(2)).toBeUndefined();
    expect((await post('hi', 'k-2')).document.id).toBe('out-2');
  });

  test('the short and the long form of a target are the same body', async () => {
    await post('hi', 'k');
    const body = { target: 'qqbot:main:c2c:alice', text: 'hi' };
    expect((await call('POST', '/v1/messages', body, { 'idempotency-key': 'k' })).document.id).toBe('out-1');
  });

  test.each([
    { target: 'c2c:alice', text: 'other' },
    { target: 'c2c:alice', markdown: 'hi' },
    { target: 'c2c:amy', text: 'hi' },
  ])('with %j instead it is 409 with a remedy, and nothing is stored', async (body) => {
    await post('hi', 'k');
    const { status, type, document } = await call('POST', '/v1/messages', body, { 'idempotency-key': 'k' });
    expect([status, type, document.code]).toEqual([409, 'application/problem+json', 'idempotency.conflict']);
    expect(document.remedy).toBeTypeOf('string');
    expect(store.outbox.find(2)).toBeUndefined();
  });

  test.each([
    ['', 400],
    ['a b', 400],
    ['é', 400],
    ['x'.repeat(129), 400],
    ['x'.repeat(128), 202],
  ])('the key %j is answered by %d', async (key, status) => {
    const told = await post('hi', key);
    expect(told.status).toBe(status);
    if (status === 400) expect(told.document.code).toBe('idempotency.bad_key');
  });
});

describe('GET /v1/messages/{id}', () => {
  const ERROR = { code: 'x', message: 'y' };
  const PASSIVE_RETRY = { status: 'queued', dueAt: Date.now() + HOUR, error: ERROR, pair: 'keep' } as const;

  test.each<[string, AttemptOutcome | 'unclaimed' | undefined]>([
    ['queued', 'unclaimed'],
    ['sending', undefined],
    ['delivered', { status: 'delivered', platformMessageId: 'P1' }],
    ['failed', { status: 'failed', error: ERROR }],
    ['uncertain', { status: 'uncertain', error: ERROR }],
    ['parked', { status: 'parked', error: ERROR }],
    ['queued', PASSIVE_RETRY],
  ])('tells of a message that is %s (%j)', async (status, outcome) => {
    await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'hi' });
    if (outcome !== 'unclaimed') await store.outbox.claim(ACCOUNT, Date.now(), 1);
    if (outcome !== undefined && outcome !== 'unclaimed') await store.outbox.settle(1, outcome);
    const { status: http, document } = await call('GET', '/v1/messages/out-1');
    expect([http, document.id, document.status]).toEqual([200, 'out-1', status]);
    expect(document.error).toEqual(typeof outcome === 'object' && 'error' in outcome ? ERROR : undefined);
  });

  test('with wait_ms answers once the message is settled, and not before', async () => {
    await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'hi' });
    let isAnswered = false;
    const waiting = call('GET', '/v1/messages/out-1?wait_ms=30000').then((answer) => {
      isAnswered = true;
      return answer;
    });
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    expect((await call('GET', '/v1/messages/out-1')).document.status).toBe('sending');
    expect(isAnswered).toBe(false);
    await store.outbox.settle(1, { status: 'delivered' });
    settlements.settled(1);
    expect((await waiting).document.status).toBe('delivered');
  });

  test('with wait_ms that passes tells what is known', async () => {
    await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'hi' });
    expect((await call('GET', '/v1/messages/out-1?wait_ms=20')).document.status).toBe('queued');
  });

  test('of a message of which only some parts arrived says so', async () => {
    await call('POST', '/v1/messages', { target: 'c2c:alice', text: 'x'.repeat(120) });
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(1, { status: 'delivered' });
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(2, { status: 'failed', error: ERROR });
    expect((await call('GET', '/v1/messages/out-1')).document).toMatchObject({
      status: 'failed',
      parts: 3,
      parts_delivered: 1,
      error: { message: '1 of 3 parts arrived: y', remedy: expect.stringContaining('loong queue retry out-1') },
    });
  });
});

describe('/v1/queue', () => {
  const send = (text = 'hi') => call('POST', '/v1/messages', { target: 'c2c:alice', text });
  const ERROR = { code: 'x', message: 'y' };

  test('lists rows, and shows one with its parts', async () => {
    await send();
    const { document } = await call('GET', '/v1/queue');
    expect(document.rows).toMatchObject([{ id: 'out-1', direction: 'out', status: 'queued', attempts: 0 }]);
    expect((await call('GET', '/v1/queue/out-1')).document).toMatchObject({ text: 'hi', parts: [{ id: 'out-1' }] });
  });

  test('POST tries a message again; what may have arrived only when that is said', async () => {
    await send();
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    await store.outbox.settle(1, { status: 'uncertain', error: ERROR });
    for (const body of [undefined, {}, { may_double: false }]) {
      const { status, document } = await call('POST', '/v1/queue/out-1', body);
      expect([status, document.code]).toEqual([400, 'queue.may_double']);
    }
    const { status, document } = await call('POST', '/v1/queue/out-1', { may_double: true });
    expect([status, document.status]).toEqual([202, 'queued']);
  });

  test('DELETE gives a message up, and whoever waits for it is told', async () => {
    await send();
    const waiting = call('GET', '/v1/messages/out-1?wait_ms=30000');
    await call('GET', '/healthz');
    expect(await call('DELETE', '/v1/queue/out-1')).toMatchObject({ status: 200, document: { status: 'failed' } });
    expect((await waiting).document).toMatchObject({ status: 'failed', error: { code: 'queue.dropped' } });
  });

  test('a message whose turn failed is offered for an answer again', async () => {
    await store.inbox.admit(arrival('m1'));
    await store.inbox.fail(1, ERROR);
    expect((await call('POST', '/v1/queue/in-1')).document).toMatchObject({ id: 'in-1', status: 'waiting' });
    expect(answeredAgain).toEqual([[ACCOUNT, 'm1']]);
  });

  test('what cannot be done is a problem document', async () => {
    await send();
    await store.outbox.claim(ACCOUNT, Date.now(), 1);
    const told = async (...args: Parameters<typeof call>) => {
      const { status, type, document } = await call(...args);
      expect(type).toBe('application/problem+json');
      return [status, document.code];
    };
    expect(await told('POST', '/v1/queue/out-1')).toEqual([409, 'queue.sending']);
    expect(await told('DELETE', '/v1/queue/out-1')).toEqual([409, 'queue.sending']);
    await store.outbox.settle(1, { status: 'delivered' });
    expect(await told('POST', '/v1/queue/out-1')).toEqual([409, 'queue.settled']);
    expect(await told('DELETE', '/v1/queue/out-1')).toEqual([409, 'queue.settled']);
    for (const method of ['GET', 'POST', 'DELETE'] as const)
      expect(await told(method, '/v1/queue/out-9')).toEqual([404, 'queue.unknown']);
    for (const body of ['{', { may_double: 1 }, { other: true }])
      expect(await told('POST', '/v1/queue/out-1', body)).toEqual([400, 'request.invalid']);
  });
});

test('readiness follows the accounts, health does not', async () => {
  expect(await call('GET', '/healthz')).toMatchObject({ status: 200 });
  expect(await call('GET', '/readyz')).toMatchObject({ status: 503, document: { ok: false } });
});

test('stop asks the daemon, once for each request', async () => {
  expect(await call('POST', '/v1/stop')).toMatchObject({ status: 202, document: { stopping: true } });
  expect(stops).toBe(1);
});

describe('POST /v1/onebot/{account}/actions/{action}', () => {
  test('calls the action with the body as its params', async () => {
    expect(await call('POST', '/v1/onebot/Home/actions/get_status', { a: 1 })).toMatchObject({
      status: 200,
      document: { data: { online: true } },
    });
    expect(await call('POST', '/v1/onebot/home/actions/nothing')).toMatchObject({ document: { data: null } });
    expect(called).toEqual([
      ['get_status', { a: 1 }],
      ['nothing', {}],
    ]);
  });

  test('tells why it did not work', async () => {
    expect(await call('POST', '/v1/onebot/home/actions/set_group_ban', {})).toMatchObject({
      status: 503,
      document: { code: 'onebot.refused', title: 'set_group_ban is not for you', remedy: 'ask another' },
    });
    expect(await call('POST', '/v1/onebot/other/actions/get_status', {})).toMatchObject({
      status: 400,
      document: { code: 'account.not_served', remedy: 'it serves onebot:home' },
    });
  });

  test.each([
    ['/v1/onebot/home/actions/get%20status', {}],
    ['/v1/onebot/home/actions/get_status', []],
    ['/v1/onebot/home/actions/get_status', 'null'],
    ['/v1/onebot/home/actions/get_status', '{'],
  ])('refuses %s with %j', async (path, body) => {
    expect(await call('POST', path, body)).toMatchObject({ status: 400, document: { code: 'request.invalid' } });
    expect(called).toEqual([]);
  });
});
