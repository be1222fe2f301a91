/** An answer that is seen while it is made: whatever fails, it arrives whole, and once. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FaultOrder } from '../../src/sandbox/faults.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { BotStream } from '../../src/sandbox/transcript.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { asStream, chunk, type ModelServer, openModelServer } from '../support/model-server.js';
import { answersTo, sends } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const FIRST = 'Once upon a time there was a cat that lived by the river, ';
const REST = 'and it was content. 完。';
const PATH = '/v2/users/*/stream_messages';

const LLM = () => `[backends.llm]\ntype = "openai"\nbase_url = "${model.baseUrl}"\nmodel = "m"`;

let sandbox: Sandbox;
let home: LoongHome;
let model: ModelServer;
/** Lets the model say more. */
let sayMore: (text: string) => void;
/** Lets the model say the rest, and end. */
let goOn: () => void;
let say: string;

beforeEach(async () => {
  say = REST;
  sandbox = await startSandbox();
  home = new LoongHome();
  model = await openModelServer((to) => {
    asStream(to).write(chunk({ content: FIRST }));
    sayMore = (text) => void to.write(chunk({ content: text }));
    goOn = () => to.end(chunk({ content: say }, 'stop'));
  });
  const qqbot = 'allowed_peer_ids = ["openid_alice", "group:group_demo"]\nbackend = "llm"\napology = "抱歉"';
  home.writeConfig(configFor(sandbox, qqbot, LLM()));
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
  await model.close();
});

async function start() {
  const daemon = home.start(['gateway', 'run']);
  await waitUntil('READY', () => sandbox.platform.sessions.isConnected);
  return daemon;
}

function fault(more: object): void {
  sandbox.platform.fault({
    kind: 'rest',
    path: PATH,
    times: 1,
    skip: 0,
    accept: false,
    burn: false,
    hidden: false,
    ...more,
  } as FaultOrder);
}

const pieces = () =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is typeof entry & BotStream => entry.kind === 'bot.stream');
const shown = () =>
  pieces()
    .filter(({ accepted }) => accepted)
    .at(-1);

/** Alice asks, and sees the first piece. */
async function ask(): Promise<string> {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'tell me a story' });
  await waitUntil('the first piece', () => pieces().length > 0);
  return id;
}

async function outbox(): Promise<readonly { readonly status: string }[]> {
  const { stdout } = await home.run(['queue', '--json']);
  const rows = JSON.parse(stdout) as { rows?: readonly { direction: string; status: string }[] };
  return (rows.rows ?? (rows as unknown as readonly { direction: string; status: string }[])).filter(
    ({ direction }) => direction === 'out',
  );
}

test('it grows, and is finished: one message, delivered', async () => {
  await start();
  const id = await ask();
  expect(FIRST.startsWith(shown()?.text ?? '-')).toBe(true);
  expect(shown()).toMatchObject({ msg_id: id, finished: false });
  goOn();
  await waitUntil('the end', () => shown()?.finished === true);
  expect(shown()?.text).toBe(FIRST + REST);
  expect(new Set(pieces().map((piece) => piece.id)).size).toBe(1);
  expect(sends(sandbox)).toEqual([]);
  expect(await outbox()).toMatchObject([{ status: 'delivered' }]);
});

test.each([
  ['a piece that nobody answers', { drop: 'after' }],
  ['a piece that got lost', { drop: 'before' }],
  ['a server error', { status: 500 }],
  ['pieces that come too fast', { code: 50002, status: 429 }],
])(
  '%s, with the whole answer on it: it is sent again, into the same message',
  async (_, how) => {
    await start();
    await ask();
    fault(how);
    goOn();
    await waitUntil('the end', () => shown()?.finished === true);
    expect(shown()?.text).toBe(FIRST + REST);
    expect(sends(sandbox)).toEqual([]);
    expect(await outbox()).toMatchObject([{ status: 'delivered' }]);
  },
  20_000,
);

test('where the stream cannot go on, the whole answer is a message of its own', async () => {
  await start();
  const id = await ask();
  fault({ code: 40007, times: 'always' });
  goOn();
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: FIRST + REST }]);
  expect(FIRST.startsWith(shown()?.text ?? '-')).toBe(true);
  expect(await outbox()).toMatchObject([{ status: 'delivered' }]);
});

test('a long answer keeps within the replies that a broken stream has left', async () => {
  await start();
  const id = await ask();
  fault({ code: 40007 });
  const more = 'and then it went on and on. ';
  sayMore(more);
  await waitUntil('the end of the stream', () => pieces().some(({ finished }) => finished));
  say = Array.from({ length: 180 }, (_, i) => `Sentence number ${i} of the long story. `).join(''); // four messages of the usual size
  goOn();
  await waitUntil('the last part', () => answersTo(sandbox, id).some(({ text }) => text.includes('number 179 ')));
  await waitUntil('its end', async () => (await outbox()).every(({ status }) => status === 'delivered'));
  const told = answersTo(sandbox, id).map(({ text }) => text);
  expect(told.join(' ').replace(/\s+/g, ' ').trim()).toBe((FIRST + more + say).replace(/\s+/g, ' ').trim());
});

test('who is let in no more is shown no more', async () => {
  home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_bob"]\nbackend = "llm"', LLM()));
  await start();
  const { id: request } = sandbox.platform.say({ from: 'openid_alice', text: 'tell me a story' });
  await waitUntil('the code', () => answersTo(sandbox, request).length === 1);
  expect((await home.run(['pairing', 'approve', 'qqbot', 'openid_alice'])).code).toBe(0);
  await waitUntil('the first piece', () => pieces().length > 0);
  const before = shown()?.text;
  expect((await home.run(['pairing', 'revoke', 'qqbot', 'openid_alice'])).code).toBe(0);
  const endOfAlice = goOn;
  sayMore('what only those may read who are let in. ');
  // A piece for somebody who asks only now comes after one that was due before.
  sandbox.platform.say({ from: 'openid_bob', text: 'tell me a story' });
  const ofAlice = () => pieces().filter(({ scene }) => scene.openid === 'openid_alice');
  await waitUntil('the first piece of bob', () => pieces().length > ofAlice().length);
  endOfAlice();
  await waitUntil('the end', () => ofAlice().at(-1)?.finished === true);
  for (const { text } of ofAlice()) expect(text).toBe(before);
  expect(answersTo(sandbox, request)).toHaveLength(1);
});

test('where the stream cannot begin, nothing is lost', async () => {
  fault({ code: 40034090, times: 'always' });
  await start();
  const id = await ask();
  goOn();
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)).toMatchObject([{ text: FIRST + REST }]);
  expect(pieces().filter(({ accepted }) => accepted)).toEqual([]);
});

test.each([
  ['was taken', { accept: true, hold: true }],
  ['was not taken', { hold: true }],
])(
  'killed while the whole answer was on its way and %s: the next start goes on with the same message',
  async (_, how) => {
    const daemon = await start();
    await ask();
    const before = pieces().length;
    fault(how);
    goOn();
    await waitUntil(
      'the whole answer',
      () => sandbox.platform.transcript.counters().requests_by_route[`POST ${PATH}`] === before + 1,
    );
    await daemon.kill();
    sandbox.platform.faults.remove();
    await start();
    await waitUntil('the end', () => shown()?.finished === true);
    expect(shown()?.text).toBe(FIRST + REST);
    expect(new Set(pieces().flatMap(({ accepted, id }) => (accepted ? [id] : []))).size).toBe(1);
    expect(sends(sandbox)).toEqual([]);
    expect(model.requests).toHaveLength(1);
    expect(await outbox()).toMatchObject([{ status: 'delivered' }]);
  },
  20_000,
);

test('killed while the answer is being made: it is made anew, and comes whole, once', async () => {
  const daemon = await start();
  const id = await ask();
  await daemon.kill();
  await start();
  await waitUntil('the second request', () => model.requests.length === 2);
  goOn();
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  await waitUntil('its end', async () => (await outbox())[0]?.status === 'delivered');
  expect(answersTo(sandbox, id)).toMatchObject([{ text: FIRST + REST }]);
  expect(new Set(pieces().map((piece) => piece.id)).size).toBe(1); // the second attempt shows nothing beforehand
});

test('a turn that ends without an answer ends what is seen of it', async () => {
  await start();
  const id = await ask();
  const { id: stop } = sandbox.platform.say({ from: 'openid_alice', text: '/stop' });
  await waitUntil('the end', () => shown()?.finished === true);
  await waitUntil('the word about it', () => answersTo(sandbox, stop).length === 1);
  expect(FIRST.startsWith(shown()?.text ?? '-')).toBe(true);
  expect(answersTo(sandbox, id)).toEqual([]);
});

test('a long answer comes in parts, of which the first is what was seen', async () => {
  const long = Array.from({ length: 120 }, (_, i) => `Sentence number ${i} of the long story. `).join('');
  await start();
  const id = await ask();
  say = long;
  goOn();
  await waitUntil('the last part', () => answersTo(sandbox, id).some(({ text }) => text.includes('number 119 ')));
  await waitUntil('the end', () => shown()?.finished === true);
  const rest = answersTo(sandbox, id).map(({ text }) => text);
  expect([shown()?.text, ...rest].join(' ').replace(/\s+/g, ' ').trim()).toBe(
    (FIRST + long).replace(/\s+/g, ' ').trim(),
  );
});

test('in a group nothing is shown before it is whole', async () => {
  await start();
  const { id } = sandbox.platform.say({ from: 'openid_alice', group: 'group_demo', text: 'a story', mention: true });
  await waitUntil('the request', () => model.requests.length === 1);
  goOn();
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(pieces()).toEqual([]);
});
