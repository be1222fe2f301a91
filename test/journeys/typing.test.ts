/** The sign that an answer is being made: whatever becomes of it, the answer comes, once and whole. */
import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FaultOrder } from '../../src/sandbox/faults.js';
import type { OneBotHappening } from '../../src/sandbox/onebot/happenings.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { type HttpPeer, httpPeer } from '../support/http-peer.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sends } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const LONG = Array.from({ length: 110 }, (_, i) => `${i} ${'字'.repeat(66)}`).join('\n');

let sandbox: Sandbox;
let home: LoongHome;
let hook: HttpPeer;
/** Lets the backend answer all that it was asked. */
let answer: (text: string) => void;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  const open: ((text: string) => void)[] = [];
  hook = await httpPeer((response) => {
    open.push((text) => void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(text));
  });
  answer = (text) => {
    for (const end of open.splice(0)) end(text);
  };
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

async function start(keys = '', more = ''): Promise<LoongProcess> {
  const qqbot = `allowed_peer_ids = ["openid_alice"]\nbackend = "hook"\ntyping = true\n${keys}`;
  home.writeConfig(configFor(sandbox, qqbot, `${more}\n[backends.hook]\ntype = "http"\nurl = "${hook.url}"`));
  const daemon = home.start(['gateway', 'run']);
  await waitUntil('READY', () => sandbox.platform.sessions.isConnected);
  return daemon;
}

const signs = () => sends(sandbox).filter(({ msg_type }) => msg_type === 6);
const messagesTo = (id: string) => answersTo(sandbox, id).filter(({ msg_type }) => msg_type !== 6);

async function ask(): Promise<string> {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the sign', () => signs().length > 0);
  return id;
}

async function outgoing(): Promise<readonly { readonly status: string }[]> {
  const { stdout } = await home.run(['queue', '--json']);
  const rows = JSON.parse(stdout) as { rows?: readonly { direction: string; status: string }[] };
  return (rows.rows ?? (rows as unknown as readonly { direction: string; status: string }[])).filter(
    ({ direction }) => direction === 'out',
  );
}

test('it is shown while the answer is made, takes a number of its own, and is no message', async () => {
  await start();
  const id = await ask();
  expect(signs()).toMatchObject([
    { msg_id: id, msg_seq: 1, typing: { input_type: 1, input_second: 60 }, accepted: true },
  ]);
  answer('well');
  await waitUntil('the answer', () => messagesTo(id).length === 1);
  expect(messagesTo(id)).toMatchObject([{ text: 'well', msg_seq: 2 }]);
  await waitUntil('its end', async () => (await outgoing())[0]?.status === 'delivered');
  expect(await outgoing()).toHaveLength(1);
  expect(signs()).toHaveLength(1);
});

test('a long answer keeps within what the sign left, where it costs a reply', async () => {
  sandbox.platform.set({ typing_costs_reply: true });
  await start();
  const id = await ask();
  answer(LONG); // four messages of the usual size
  const told = () =>
    messagesTo(id)
      .map(({ text }) => text)
      .join('')
      .replaceAll('\n', '');
  await waitUntil('the whole answer', () => told() === LONG.replaceAll('\n', ''));
  await waitUntil('its end', async () => (await outgoing()).every(({ status }) => status === 'delivered'));
  expect(sends(sandbox).every(({ accepted }) => accepted)).toBe(true);
});

test.each([
  ['is refused', { code: 40034128 }],
  ['meets a server error', { status: 500 }],
  ['is answered by nobody', { drop: 'after' }],
  ['gets lost', { drop: 'before' }],
  ['is never answered', { hold: true }],
])('a sign that %s does the answer no harm', async (_, how) => {
  sandbox.platform.fault({ kind: 'rest', path: '/v2/users/*/messages', times: 1, ...how } as FaultOrder);
  await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the sign', () => sandbox.platform.faults.list().every(({ left }) => left === 0));
  answer('well');
  await waitUntil('the answer', () => messagesTo(id).length === 1);
  await waitUntil('its end', async () => (await outgoing())[0]?.status === 'delivered');
  expect(messagesTo(id)).toMatchObject([{ text: 'well', msg_seq: 2 }]);
});

test('where nothing is said, and where the backend fails without a word, it is taken back', async () => {
  await start();
  const silent = await ask();
  answer('');
  await waitUntil('its end', () => signs().length === 2);
  expect(signs()[1]).toMatchObject({ msg_id: silent, msg_seq: 2, typing: { input_type: 2 }, accepted: true });
  sandbox.platform.say({ from: 'openid_alice', text: 'again' });
  await waitUntil('another sign', () => signs().length === 3);
  answer('\0');
  await waitUntil('its end', () => signs().length === 4);
  expect(signs()[3]).toMatchObject({ typing: { input_type: 2 } });
});

test('after a kill in the middle the answer comes under a number of its own', async () => {
  const daemon = await start();
  const id = await ask();
  await daemon.kill();
  home.start(['gateway', 'run']);
  await waitUntil('the second try', () => hook.asked.length === 2);
  await waitUntil('its sign', () => signs().length === 2);
  answer('well');
  await waitUntil('the answer', () => messagesTo(id).length === 1);
  expect(answersTo(sandbox, id).map(({ msg_seq }) => msg_seq)).toEqual([1, 2, 3]);
  await waitUntil('its end', async () => (await outgoing())[0]?.status === 'delivered');
});

const shown = () =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is typeof entry & OneBotHappening => entry.kind === 'onebot.typing');

test('a friend of a QQ account sees it, too', async () => {
  const port = await freePort();
  const onebot = `[onebot]\nws_port = ${port}\nallowed_peer_ids = [20002]\ntyping = true\nbackend = "hook"`;
  const daemon = await start('', onebot);
  await daemon.logs('waiting for NapCat');
  sandbox.platform.onebot.connect({ url: `ws://127.0.0.1:${port}/onebot/v11/ws`, reconnect_ms: 50 });
  await daemon.logs('told what it is');
  sandbox.platform.onebot.say({ from: '20002', text: 'hello' });
  await waitUntil('the sign', () => shown().length === 1);
  expect(shown()).toMatchObject([{ scene: { kind: 'private', id: '20002' }, event_type: 1 }]);
  answer('well');
  await waitUntil('the answer', () =>
    sandbox.platform.transcript.since(0).some((entry) => entry.kind === 'onebot.send' && entry.text === 'well'),
  );
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
