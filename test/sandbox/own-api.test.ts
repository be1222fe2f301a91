import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { BareSocket, call, order } from './support/bare-bot.js';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.close());

/** A request whose Host may be anything; `fetch` does not allow that. */
function statusWithHost(host: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(`${sandbox.url}${path}`, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject).end();
  });
}

describe('who may speak to it', () => {
  test('only loopback names with its own port, on every path', async () => {
    const { port } = new URL(sandbox.url);
    for (const path of ['/', '/sandbox/v1/state', '/gateway']) {
      expect(await statusWithHost('evil.example', path)).toBe(403);
      expect(await statusWithHost('127.0.0.1:1', path)).toBe(403);
    }
    for (const name of ['127.0.0.1', 'localhost', '[::1]'])
      expect(await statusWithHost(`${name}:${port}`, '/')).toBe(200);
  });

  test('no page of another origin, also not over WebSocket', async () => {
    const state = `${sandbox.url}/sandbox/v1/state`;
    expect((await call(state, { headers: { Origin: 'https://evil.example' } })).status).toBe(403);
    expect((await call(state, { headers: { Origin: 'null' } })).status).toBe(403);
    expect((await call(state, { headers: { Origin: sandbox.url } })).status).toBe(200);
    expect((await new BareSocket(sandbox, { headers: { Origin: 'https://evil.example' } }).closed).code).toBe(1006);
    expect(sandbox.platform.state().connections).toBe(0);
  });
});

describe('requests that do not fit', () => {
  test.each([
    ['/messages', {}, 400, 'request.invalid'],
    ['/messages', { from: 'openid_alice', text: 'x', colour: 'red' }, 400, 'request.invalid'],
    ['/messages', { from: 'nobody', text: 'x' }, 404, 'user.unknown'],
    ['/messages', { from: 'openid_alice', group: 'nowhere', text: 'x' }, 404, 'group.unknown'],
    ['/messages', { from: 'openid_alice', text: 'x', quote: 'none' }, 404, 'quote.unknown'],
    ['/users', { name: 'Eve', openid: 'a/b' }, 400, 'request.invalid'],
    ['/users', { name: 'Alice', openid: 'openid_alice' }, 400, 'user.exists'],
    ['/groups', { name: 'G', members: ['nobody'] }, 404, 'user.unknown'],
    ['/switches', { user: 'openid_alice', receive_all: true }, 400, 'request.invalid'],
    ['/faults', { kind: 'fire' }, 400, 'request.invalid'],
    ['/faults', { kind: 'rest', times: 0 }, 400, 'request.invalid'],
    ['/raw', { frame: 5 }, 400, 'request.invalid'],
    ['/channels', { guild: '1', name: 'x' }, 404, 'guild.unknown'],
    ['/reactions', { from: 'openid_alice', message: '1', emoji: { id: '4', type: 1 } }, 404, 'message.unknown'],
    ['/audits', { audit_id: 'none', verdict: 'pass' }, 404, 'audit.unknown'],
    ['/switches', { guild: '18700000000001000001', leave: 'nobody' }, 404, 'member.unknown'],
    ['/nothing', {}, 404, 'route.unknown'],
  ])('POST %s %j', async (path, body, status, code) => {
    const answer = await order(sandbox, path, body);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(answer.body.error.message).not.toBe('');
  });

  test('a body that is no JSON, and one that is too large', async () => {
    const put = (body: string) => call(`${sandbox.url}/sandbox/v1/messages`, { method: 'POST', body });
    expect((await put('{')).body.error.code).toBe('request.not_json');
    const large = await put('x'.repeat(9 * 1024 * 1024));
    expect([large.status, large.body.error.code]).toEqual([413, 'request.too_large']);
  });

  test('a failed group leaves nothing behind', async () => {
    await order(sandbox, '/groups', { name: 'G', openid: 'g', members: ['nobody'] });
    expect(sandbox.platform.people.groups.has('g')).toBe(false);
  });
});

test('users and groups are made, joined and left', async () => {
  const eve = (await order(sandbox, '/users', { name: 'Eve' })).body;
  expect(eve).toMatchObject({
    name: 'Eve',
    openid: expect.stringMatching(/^[0-9A-F]{32}$/),
    friend: true,
    active_allowed: true,
  });
  const group = (await order(sandbox, '/groups', { name: 'Tea', members: [eve.openid] })).body;
  expect(group).toMatchObject({ name: 'Tea', bot_in_group: true, members: [{ openid: eve.openid, role: 'owner' }] });
  await order(sandbox, '/switches', { group: group.group_openid, join: 'openid_bob' });
  await order(sandbox, '/switches', { group: group.group_openid, leave: eve.openid });
  const { groups } = (await call(`${sandbox.url}/sandbox/v1/state`)).body;
  expect(groups[1].members).toMatchObject([{ openid: 'openid_bob', role: 'member' }]);
  expect(
    (await order(sandbox, '/messages', { from: eve.openid, group: group.group_openid, text: 'x' })).body.error.code,
  ).toBe('member.unknown');
});

test('what a bot may not hear is written down all the same', async () => {
  sandbox.platform.set({ user: 'openid_alice', friend: false });
  expect(sandbox.platform.say({ from: 'openid_alice', text: 'x' })).toMatchObject({ events: [], sessions: 0 });
  expect(sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'x', mention: false }).events).toEqual(
    [],
  );
  expect(sandbox.platform.transcript.last).toBe(3);
});

describe('the transcript', () => {
  const read = (query: string) => call(`${sandbox.url}/sandbox/v1/transcript${query}`);

  test('is read in pieces', async () => {
    for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });
    const { body } = await read('?after=1&limit=1');
    expect(body).toMatchObject({ entries: [{ n: 2, kind: 'user.message', text: 'two' }], last: 3 });
  });

  test('can be waited for', async () => {
    const waiting = read('?after=0&wait_ms=5000');
    sandbox.platform.say({ from: 'openid_alice', text: 'now' });
    expect((await waiting).body.entries).toMatchObject([{ n: 1, text: 'now' }]);
    expect((await read('?after=1&wait_ms=10')).body.entries).toEqual([]);
  });

  test('comes as a stream, with what was missed first', async () => {
    sandbox.platform.say({ from: 'openid_alice', text: 'missed' });
    const answer = await fetch(`${sandbox.url}/sandbox/v1/transcript/stream?after=0`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('"text":"missed"');
    sandbox.platform.say({ from: 'openid_alice', text: 'live' });
    const live = (await reader?.read())?.value;
    expect(live).toContain('"text":"live"');
    expect(live).toContain('id: 2');
    await reader?.cancel();
  });

  test('keeps the last 10,000 entries and counts all', () => {
    for (let n = 0; n < 10_005; n += 1) sandbox.platform.say({ from: 'openid_alice', text: String(n) });
    const entries = sandbox.platform.transcript.since(0);
    expect([entries.length, entries[0]?.n, entries.at(-1)?.n]).toEqual([10_000, 6, 10_005]);
    expect(sandbox.platform.transcript.since(10_004)).toMatchObject([{ text: '10004' }]);
    expect(sandbox.platform.state().counters.user_messages).toBe(10_005);
  });
});

test('a broken upload, a foreign upgrade that hangs up, and a frame that is none: it lives on', async () => {
  const { port } = new URL(sandbox.url);
  const host = `Host: 127.0.0.1:${port}\r\n`;
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  await rudely(
    Number(port),
    `POST /sandbox/v1/messages HTTP/1.1\r\n${host}Content-Length: 1000\r\n\r\n{"a"`,
    'written',
  );
  await rudely(
    Number(port),
    `POST /v2/users/x/messages HTTP/1.1\r\n${host}Content-Length: 1000\r\n\r\n{"a"`,
    'written',
  );
  await rudely(Number(port), `GET /websocket HTTP/1.1\r\nHost: evil.example\r\n${upgrade}\r\n`, 'answered');
  await rudely(Number(port), `GET /websocket HTTP/1.1\r\n${host}${upgrade}\r\n\xff\xff\xff\xff`, 'answered');
  const soon = AbortSignal.timeout(5000);
  await sandbox.platform.seen((entry) => entry.kind === 'gateway' && entry.step === 'closed', soon);
  expect((await call(`${sandbox.url}/sandbox/v1/state`)).body.connections).toBe(0);
});

/** Writes bytes, and resets the connection: when something came back, or (for half a request) when they are through. */
function rudely(port: number, bytes: string, until: 'answered' | 'written'): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const hangUp = () => socket.resetAndDestroy();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    if (until === 'answered') socket.once('data', hangUp);
    socket.write(bytes, 'latin1', () => {
      if (until === 'written') setTimeout(hangUp, 20);
    });
  });
}

test('a sandbox that is closed frees its port and ends its streams', async () => {
  const stream = await fetch(`${sandbox.url}/sandbox/v1/transcript/stream`);
  const socket = new BareSocket(sandbox);
  await socket.frame();
  await sandbox.close();
  await Promise.allSettled([stream.text()]);
  expect((await socket.closed).code).toBe(1006);
  sandbox = await startSandbox({ port: Number(new URL(sandbox.url).port) });
});
