/** An application that somebody else wrote, and that never heard of loong, takes the sandbox for a OneBot implementation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OneBotHappening } from '../../src/sandbox/onebot/happenings.js';
import type { OneBotPlatform } from '../../src/sandbox/onebot/onebot-platform.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { waitUntil } from '../support/wait-until.js';

const ALICE = '20002';
const BOB = '20003';
const CAROL = '20004';
const GROUP = '30003';

let koishi: ChildProcess;
let sandbox: Sandbox;
let qq: OneBotPlatform;

beforeEach(async () => {
  koishi = spawn(process.execPath, [fileURLToPath(new URL('support/koishi.mjs', import.meta.url))]);
  let said = '';
  for (const stream of [koishi.stdout, koishi.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk));
  const url = await waitUntil('the address of Koishi', () => {
    if (koishi.exitCode !== null) throw new Error(`Koishi ended:\n${said}`);
    return /^(ws:.+)\n/m.exec(said)?.[1];
  });
  sandbox = await startSandbox();
  qq = sandbox.platform.onebot;
  qq.connect({ url, token: 't' });
  await seen({ kind: 'onebot.call', action: 'get_login_info', status: 'ok' });
});

afterEach(async () => {
  await sandbox?.close();
  if (koishi.kill('SIGKILL')) await once(koishi, 'close');
});

/** What the transcript tells of this kind. */
async function seen(expected: { readonly kind: OneBotHappening['kind'] } & Record<string, unknown>) {
  return await waitUntil(JSON.stringify(expected), () =>
    sandbox.platform.transcript
      .since(0)
      .find((entry) => Object.entries(expected).every(([key, value]) => Reflect.get(entry, key) === value)),
  );
}

const send = (text: string) => seen({ kind: 'onebot.send', accepted: true, text });

test('Koishi hears a person and a group, and answers each with a quote', async () => {
  const asked = qq.say({ from: ALICE, text: 'hello [CQ:face,id=1]' });
  expect(await send('heard: hello [CQ:face,id=1]')).toMatchObject({
    action: 'send_private_msg',
    scene: { kind: 'private', id: ALICE },
    quote: { id: String(asked.message_id) },
    dropped: [],
  });
  const inGroup = qq.say({ from: BOB, group: GROUP, text: 'hello all' });
  expect(await send(`@${BOB}heard: hello all`)).toMatchObject({
    action: 'send_group_msg',
    scene: { kind: 'group', id: GROUP },
    quote: { id: String(inGroup.message_id) },
  });
  qq.say({ from: ALICE, text: 'quoted', quote: asked.message_id });
  await send('you quote Alice: hello [CQ:face,id=1]');
});

test('Koishi learns who it is, who its friends are and who is in a group', async () => {
  qq.say({ from: ALICE, text: 'friends' });
  await send('bot 10001: Alice (20002), Bob (20003)');
  qq.say({ from: ALICE, group: GROUP, text: 'members' });
  await send('Demo: Alice member, Bob admin, Carol member, bot 10001 owner');
});

test('Koishi sends a picture, mutes a member and lets a friend in', async () => {
  qq.say({ from: ALICE, group: GROUP, text: 'picture' });
  expect(await send('[图片]')).toMatchObject({ media: [{ type: 'image', bytes: 8 }] });
  qq.say({ from: ALICE, group: GROUP, text: 'mute' });
  await seen({ kind: 'onebot.event', type: 'group_ban' });
  qq.happen({ kind: 'friend_request', user: CAROL, comment: 'please' });
  await seen({ kind: 'onebot.event', type: 'friend_add' });
  expect(qq.world.people.get(CAROL)?.friend).toBe(true);
});

test('Koishi feels pokes and greets who joins', async () => {
  qq.happen({ kind: 'poke', from: BOB });
  expect(await send(`${BOB} pokes 10001`)).toMatchObject({ scene: { kind: 'private', id: BOB } });
  qq.happen({ kind: 'poke', from: CAROL, group: GROUP });
  expect(await send(`${CAROL} pokes 10001`)).toMatchObject({ scene: { kind: 'group', id: GROUP } });
  qq.happen({ kind: 'join', user: CAROL, group: '30004' });
  expect(await send(`welcome, @${CAROL}`)).toMatchObject({ scene: { kind: 'group', id: '30004' } });
});
