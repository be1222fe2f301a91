/** Killed at the worst moments, an unmodified daemon answers every message once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sendsTo, steps } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const DIE_BEFORE_SAVING = fileURLToPath(new URL('./preload/die-before-saving-the-sequence.mjs', import.meta.url));
const SERVE = ['channels', 'serve', 'qqbot'];

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_alice", "group:group_demo"]'));
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

async function restarted(): Promise<LoongProcess> {
  const daemon = home.start(SERVE);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

test('killed between journal and sequence number: the platform replays, the message is answered once', async () => {
  const dieWhen = join(home.folder, 'now');
  const first = home.start(SERVE, ['--import', DIE_BEFORE_SAVING], { DIE_WHEN: dieWhen });
  await first.logs('connected to the QQ gateway');
  const before = sandbox.platform.say({ from: 'openid_alice', text: 'before' });
  await waitUntil('the first answer', () => answersTo(sandbox, before.id).length === 1);

  writeFileSync(dieWhen, '');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'while dying' });
  expect((await first.ended).signal).toBe('SIGKILL');

  await restarted();
  const after = sandbox.platform.say({ from: 'openid_alice', text: 'after' });
  await waitUntil('the last answer', () => answersTo(sandbox, after.id).length === 1);
  const [resumed] = steps(sandbox, 'resumed');
  expect(resumed?.replayed).toBeGreaterThanOrEqual(1);
  expect(steps(sandbox, 'identify')).toHaveLength(1);
  expect(answersTo(sandbox, id)).toHaveLength(1);
  expect(answersTo(sandbox, before.id)).toHaveLength(1);
});

test('killed between POST and its answer: the same pair is sent again, and the user sees one answer', async () => {
  const first = await restarted();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*/messages', hold: true, accept: true });
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the platform to have taken the answer', () => answersTo(sandbox, id).length === 1);
  await first.kill();
  sandbox.platform.faults.remove();

  await restarted();
  await waitUntil('the second attempt', () => sendsTo(sandbox, 'openid_alice').length === 2);
  const [taken, repeated] = sendsTo(sandbox, 'openid_alice');
  expect(repeated).toMatchObject({ accepted: false, code: 40054005, msg_id: id, msg_seq: taken?.msg_seq });
  expect(steps(sandbox, 'resumed')).toHaveLength(1);

  const after = sandbox.platform.say({ from: 'openid_alice', text: 'still there?' });
  await waitUntil('the next answer', () => answersTo(sandbox, after.id).length === 1);
  expect(answersTo(sandbox, id)).toHaveLength(1);
});

test('an active message that was under way when the daemon died is uncertain, and is not sent again', async () => {
  const first = await restarted();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*/messages', hold: true, accept: true });
  const send = home.start(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'notice', '--json']);
  await waitUntil('the platform to have taken it', () => sendsTo(sandbox, 'openid_alice').length === 1);
  await first.kill();
  await send.ended;
  sandbox.platform.faults.remove();

  const second = await restarted();
  await second.logs('"uncertain":1');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'got it' });
  await waitUntil('an answer', () => answersTo(sandbox, id).length === 1);
  expect(sendsTo(sandbox, 'openid_alice').filter(({ text }) => text === 'notice')).toHaveLength(1);
});

test('messages that came while the daemon was dead are replayed and answered in order, in private and in the group', async () => {
  const first = await restarted();
  const hello = sandbox.platform.say({ from: 'openid_alice', text: '0' });
  await waitUntil('the first answer', () => answersTo(sandbox, hello.id).length === 1);
  await first.kill();
  const ids = ['1', '2', '3'].map((text) => sandbox.platform.say({ from: 'openid_alice', text }).id);
  const inGroup = sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'hi all', mention: true });

  await restarted();
  await waitUntil('all answers', () => [...ids, inGroup.id].every((id) => answersTo(sandbox, id).length === 1));
  const shown = sendsTo(sandbox, 'openid_alice').filter(({ accepted }) => accepted);
  expect(shown.map(({ text }) => text)).toEqual(['0', '1', '2', '3']);
  expect(sendsTo(sandbox, 'group_demo').filter(({ accepted }) => accepted)).toHaveLength(1);
});

test('random kills under a stream of messages: every message is answered exactly once', async () => {
  const ids: string[] = [];
  for (let life = 0; life < 6; life++) {
    const daemon = home.start(SERVE);
    if (life === 0) await daemon.logs('connected to the QQ gateway');
    const killed = new Promise((resolve) => setTimeout(resolve, 150 + life * 130)).then(() => daemon.kill());
    for (let i = 0; i < 25; i++) {
      const from = i % 3 === 0 ? 'openid_bob' : 'openid_alice';
      const group = i % 3 === 0 ? { group: 'group_demo', mention: true } : {};
      ids.push(sandbox.platform.say({ from, text: `${life}.${i}`, duplicate: i % 4 === 0 ? 1 : 0, ...group }).id);
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    await killed;
  }
  await restarted();
  // Each message opens a window of its own, so each answer carries its own msg_id or that of a later message; text tells them apart.
  const texts = (openid: string) =>
    sendsTo(sandbox, openid)
      .filter(({ accepted }) => accepted)
      .map(({ text }) => text);
  await waitUntil('all answers', () => texts('openid_alice').length + texts('group_demo').length >= ids.length, 25_000);
  const all = [...texts('openid_alice'), ...texts('group_demo')];
  expect(new Set(all).size).toBe(ids.length);
  expect(all).toHaveLength(ids.length);
});
