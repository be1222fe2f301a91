/** Both worlds of QQ in one daemon: NapCat dials in beside the official gateway, and everything takes the same road. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { OneBotCall, OneBotSend } from '../../src/sandbox/onebot/happenings.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { ChildScript } from '../support/child-script.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const ALICE = '20002';
const BOB = '20003';
const CAROL = '20004';
const DEMO = '30003';
const TEA = '30004';

let sandbox: Sandbox;
let home: LoongHome;
let daemon: LoongProcess;
let port: number;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  port = await freePort();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Starts the daemon with both channels; `keys` and `tables` are of [onebot]. */
async function start(keys = `allowed_peer_ids = ["${ALICE}", "${BOB}"]`, tables = ''): Promise<void> {
  const onebot = `[onebot]\nws_port = ${port}\naccess_token = "let-me-in"\n${keys}\n${tables}`;
  home.writeConfig(`${configFor(sandbox)}\n${onebot}`);
  daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
}

async function dialIn(more: object = {}): Promise<void> {
  const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
  sandbox.platform.onebot.connect({ url, token: 'let-me-in', reconnect_ms: 50, heartbeat_ms: 1000, ...more });
  await waitUntil('the connection', async () => (await status()).includes('ready'));
}

async function status(): Promise<string> {
  const { stdout } = await home.run(['gateway', 'status', '--json']);
  const { accounts } = JSON.parse(stdout) as { accounts: { channel: string; state: string; detail?: string }[] };
  const onebot = accounts.find(({ channel }) => channel === 'onebot');
  return `${onebot?.state} ${onebot?.detail ?? ''}`;
}

const entries = () => sandbox.platform.transcript.since(0);
const sent = (): readonly OneBotSend[] => entries().filter((entry) => entry.kind === 'onebot.send');
const calls = (action: string): readonly OneBotCall[] =>
  entries().filter(
    (entry): entry is OneBotCall & typeof entry => entry.kind === 'onebot.call' && entry.action === action,
  );
const texts = () => sent().map((send) => send.text);
const send = (target: string, ...more: readonly string[]): Promise<Ended> =>
  home.run(['channels', 'send', 'onebot', '--target', target, '--json', ...more]);

test('one daemon answers on both: a private chat, a group that is spoken to, and the official bot', async () => {
  await start(`allowed_peer_ids = ["${ALICE}"]\ndm_policy = "allowlist"`, `[onebot.groups.${DEMO}]\n`);
  await dialIn();
  const official = sandbox.platform.say({ from: 'openid_alice', text: 'to the bot' });
  sandbox.platform.onebot.say({ from: ALICE, text: 'in private' });
  sandbox.platform.onebot.say({ from: BOB, group: DEMO, text: 'not to the bot' });
  sandbox.platform.onebot.say({ from: BOB, group: DEMO, text: 'to the bot', mention: true });
  sandbox.platform.onebot.say({ from: BOB, text: 'from one who is not listed' });
  sandbox.platform.onebot.say({ from: ALICE, group: TEA, text: 'in another group', mention: true });
  await waitUntil('the answers', () => sent().length >= 2 && answersTo(sandbox, official.id).length === 1);
  sandbox.platform.onebot.say({ from: ALICE, text: 'the last' });
  await waitUntil('the last answer', () => texts().includes('the last'));
  expect(sent().map(({ scene, text }) => [scene.kind, scene.id, text.trim()])).toEqual(
    expect.arrayContaining([
      ['private', ALICE, 'in private'],
      ['group', DEMO, 'to the bot'],
      ['private', ALICE, 'the last'],
    ]),
  );
  expect(sent()).toHaveLength(3);
});

describe('the group examples of the NapCat plugin, as they stand in its pages', () => {
  test.each([
    [
      'the first',
      `group_policy = "allowlist"\ngroup_allow_from = [${DEMO}]`,
      `[onebot.groups."${DEMO}"]\nenabled = true\nrequire_mention = true\n`,
      { from: BOB, group: DEMO, text: 'hi', mention: true },
    ],
    [
      'the second',
      `allowed_peer_ids = [${ALICE}]\ngroup_policy = "allowlist"\ngroup_allow_from = [${DEMO}]`,
      `[onebot.groups."${DEMO}"]\nenabled = true\nrequire_mention = false\nallow_from = [${BOB}]\n`,
      { from: BOB, group: DEMO, text: 'hi' },
    ],
  ])('%s answers a member', async (_, keys, tables, said) => {
    await start(keys, tables);
    await dialIn();
    sandbox.platform.onebot.say(said);
    await waitUntil('the answer', () => sent().length === 1);
    expect(sent()[0]?.scene).toMatchObject({ kind: 'group', id: DEMO });
  });
});

describe('loong channels send onebot', () => {
  test('delivers, with the number that the implementation gave, and in the target’s own words', async () => {
    await start();
    await dialIn();
    const ended = await send(`private:${ALICE}`, '--text', 'hello [CQ:at,qq=all]');
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      status: 'delivered',
      target: `onebot:default:private:${ALICE}`,
      message_ids: [String(sent()[0]?.message_id)],
    });
    expect(sent()[0]?.segments).toEqual([{ type: 'text', data: { text: 'hello [CQ:at,qq=all]' } }]);
  });

  test('sends to nobody who is not listed, without a call', async () => {
    await start();
    await dialIn();
    expect((await send(`private:${CAROL}`, '--text', 'x')).code).toBe(77);
    expect((await send(`group:${DEMO}`, '--text', 'x')).code).toBe(77);
    expect(sent()).toEqual([]);
  });

  test('what is said while nobody is connected waits, and goes out in order when somebody dials in', async () => {
    await start(`allowed_peer_ids = ["${ALICE}"]\nreconnect = { retry_delay = 60000, max_delay = 60000 }`);
    expect((await send(`private:${ALICE}`, '--text', 'one', '--no-wait')).code).toBe(0);
    expect((await send(`private:${ALICE}`, '--text', 'two', '--timeout', '300ms')).code).toBe(75);
    await dialIn();
    await waitUntil('both', () => sent().length === 2);
    expect(texts()).toEqual(['one', 'two']);
  });

  test('with reconnect.enabled = false it is parked at once, and goes out all the same', async () => {
    await start(`allowed_peer_ids = ["${ALICE}"]\nreconnect = { enabled = false }`);
    const ended = await send(`private:${ALICE}`, '--text', 'one');
    expect(ended.code).toBe(75);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'parked', error: { remedy: expect.any(String) } });
    await dialIn();
    await waitUntil('it', () => sent().length === 1);
  });

  test('an answer that never comes leaves it uncertain, and it is not repeated', async () => {
    await start();
    await dialIn();
    await sandbox.platform.onebot.fault({ kind: 'swallow', action: 'send_msg' });
    const sending = send(`private:${ALICE}`, '--text', 'once', '--timeout', '20s');
    await waitUntil('the send', () => sent().length === 1);
    await sandbox.platform.onebot.fault({ kind: 'drop' });
    const ended = await sending;
    expect(ended.code).toBe(76);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'uncertain' });
    await waitUntil('the connection', async () => (await status()).includes('ready'));
    expect((await send(`private:${ALICE}`, '--text', 'twice')).code).toBe(0);
    expect(texts()).toEqual(['once', 'twice']);
  });

  test('a die with a result that NapCat does not heed is delivered with a warning', async () => {
    await start();
    await dialIn();
    const dice = JSON.stringify([{ type: 'dice', data: { result: 6 } }]);
    const ended = await send(`private:${ALICE}`, '--segments', dice);
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      status: 'delivered',
      warnings: [expect.stringMatching(/random/)],
    });
  });
});

test('after kill -9 every message is answered, and none twice', async () => {
  await start();
  await dialIn();
  const said = Array.from({ length: 40 }, (_, i) => `message ${i}`);
  for (const [i, text] of said.entries()) sandbox.platform.onebot.say({ from: i % 2 === 0 ? ALICE : BOB, text });
  await waitUntil('some answers', () => sent().length > 5);
  daemon.child.kill('SIGKILL');
  await daemon.ended;
  daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  const journal = new Sqlite(join(home.folder, 'state', 'loong.db'), { readonly: true });
  onTestFinished(() => void journal.close());
  const count = (sql: string) => journal.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${sql}`).get()?.n ?? 0;
  await waitUntil(
    'the end of all that was journalled',
    () => count("inbox WHERE status = 'waiting'") + count('outbox WHERE settled_at IS NULL') === 0,
    20_000,
  );
  // OneBot replays nothing: what the dead process had not journalled yet is gone for every client.
  const journalled = count("inbox WHERE account = 'onebot:default'");
  const uncertain = count("outbox WHERE status = 'uncertain'");
  expect(journalled).toBeGreaterThan(5);
  expect(count("inbox WHERE status = 'answered'")).toBe(journalled);
  expect(new Set(texts()).size).toBe(texts().length);
  expect(texts().length).toBeGreaterThanOrEqual(journalled - uncertain);
  expect(texts().length).toBeLessThanOrEqual(journalled);
});

test('the management functions work from the command line and from a program', async () => {
  await start();
  await dialIn();
  const muted = await home.run(['onebot', 'set-group-mute', DEMO, ALICE, '600', '--json']);
  expect(muted.code).toBe(0);
  expect(calls('set_group_ban')[0]?.params).toMatchObject({ duration: 600 });
  const listed = await home.run(['onebot', 'call', 'get_group_list', '--json']);
  expect(listed.code).toBe(0);
  expect(listed.stdout).toContain('Demo');
  const refused = await home.run(['onebot', 'set-group-admin', TEA, ALICE, 'true', '--json']);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: expect.stringMatching(/^onebot\./) } });
  const script = new ChildScript(
    `const { connect } = await import(DIST + 'index.js');
process.env.LOONG_HOME = process.argv[2];
const { setGroupAdmin, getFriendList, close } = await connect();
await setGroupAdmin('default', ${DEMO}, '${ALICE}', true);
console.log(JSON.stringify(await getFriendList('default')));
await setGroupAdmin('default', 'no group', ${ALICE}, true).catch((error) => console.log(error.code));
await close();`,
    [home.folder],
  );
  await script.ended;
  expect(script.stderr).toBe('');
  expect(script.stdout).toContain('Alice');
  expect(script.stdout).toContain('onebot.bad_argument');
  expect(calls('set_group_admin').at(-1)?.params).toMatchObject({ enable: true });
});

test('a wrong token is refused, and status says that nobody is connected', async () => {
  await start();
  const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
  sandbox.platform.onebot.connect({ url, token: 'wrong', reconnect_ms: 50 });
  await daemon.logs('was not let in');
  expect(await status()).toMatch(/^waiting .*\/onebot\/v11\/ws/);
  expect(daemon.stderr).not.toContain('let-me-in');
});

test('what happens is in the log with names that a person understands', async () => {
  await start();
  await dialIn();
  sandbox.platform.onebot.happen({ kind: 'poke', from: BOB, group: DEMO });
  sandbox.platform.onebot.happen({ kind: 'join', user: CAROL, group: DEMO });
  await daemon.logs('poke');
  await daemon.logs('group_increase');
});
