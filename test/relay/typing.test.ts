/** The sign that an answer is being made takes no reply that the answer needs, and is shown to nobody who is let in no more. */
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { allowedPeers } from '../../src/access/allowed-peers.js';
import { QqbotLane } from '../../src/lanes/qqbot/qqbot-lane.js';
import { normaliseAccountId, type PeerId } from '../../src/model/target.js';
import { Typing, typingFor } from '../../src/relay/typing.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import type { Store, WaitingMessage } from '../../src/store/store.js';
import { Counters } from '../../src/telemetry/counters.js';
import { inbound, target } from '../support/messages.js';
import { allowing } from '../support/policies.js';
import { tempDir } from '../support/temp-dir.js';
import { sends } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const REPLY = { ttlMs: 3_600_000, count: 4 };
const log = pino({ level: 'silent' });
const soon = { afterMs: 0, everyMs: 0 };

let sandbox: Sandbox;
let store: Store;
let lane: QqbotLane;

beforeEach(async () => {
  sandbox = await startSandbox();
  const opened = openStore(join(tempDir(), 'loong.db'), 'process');
  store = opened;
  onTestFinished(() => opened.close());
  lane = new QqbotLane({
    account: normaliseAccountId('main'),
    appId: sandbox.appId,
    clientSecret: sandbox.clientSecret,
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    intents: ['group_and_c2c'],
    replyRights: { c2c: REPLY, group: REPLY, channel: REPLY },
    memory: { load: () => undefined, save: () => Promise.resolve() },
    log,
    counters: new Counters(),
    onToken: () => undefined,
  });
});

afterEach(async () => {
  await lane.close();
  await sandbox.close();
});

/** Alice said something that gives the right to so many replies. */
async function said(count: number): Promise<WaitingMessage> {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  const message = inbound(id, 'openid_alice');
  const right = { closesAt: Date.now() + REPLY.ttlMs, count };
  const admitted = await store.inbox.admit({ message, right });
  return { id: 'id' in admitted ? admitted.id : 0, message };
}

const parts = (allowed = allowing(['*'])) => ({ lane, inbox: store.inbox, allowed, log, times: soon });
const signs = () => sends(sandbox).map(({ typing, msg_seq, accepted }) => [typing?.input_type, msg_seq, accepted]);

test('it is shown again and again, until as many replies are left as an answer mostly needs', async () => {
  const entry = await said(5);
  const typing = new Typing(parts(), entry);
  await waitUntil('all that there are', () => signs().length === 3);
  await waitUntil('the last look', async () => (await store.inbox.spendReply(entry.id, 9)).left === 2);
  expect(await typing.end()).toBe(2);
  expect(signs()).toEqual([
    [1, 1, true],
    [1, 2, true],
    [1, 3, true],
  ]);
});

test('it is taken back once, with a reply that is left, but not with the last', async () => {
  const once = { ...parts(), times: { afterMs: 0, everyMs: 60_000 } };
  const entry = await said(4);
  const typing = new Typing(once, entry);
  await waitUntil('the sign', () => signs().length === 1);
  await typing.takeBack();
  await typing.takeBack();
  expect(signs()).toEqual([
    [1, 1, true],
    [2, 2, true],
  ]);
  const other = await said(3);
  const last = new Typing(once, other);
  await waitUntil('the sign', () => signs().length === 3);
  expect((await store.inbox.spendReply(other.id, 0)).left).toBe(1);
  await last.takeBack();
  expect(signs()).toHaveLength(3);
  expect((await store.inbox.spendReply(other.id, 9)).left).toBe(1);
});

test('what was not shown is not taken back, and costs nothing', async () => {
  const entry = await said(4);
  const typing = new Typing({ ...parts(), times: { afterMs: 60_000, everyMs: 60_000 } }, entry);
  expect(await typing.end()).toBeUndefined();
  await typing.takeBack();
  expect(signs()).toEqual([]);
  expect((await store.inbox.spendReply(entry.id, 9)).left).toBe(4);
});

test('who is let in no more sees none', async () => {
  const paired = new Set<string>(['openid_alice']);
  const allowed = allowedPeers({ allowedPeerIds: [], groups: new Map() }, paired);
  const entry = await said(100);
  const typing = new Typing(parts(allowed), entry);
  await waitUntil('a sign', () => signs().length > 2);
  paired.delete('openid_alice');
  await typing.end();
  const before = signs().length;
  await typing.takeBack();
  await new Typing(parts(allowed), entry).takeBack();
  expect(signs()).toHaveLength(before);
});

test('groups see none', () => {
  const message = inbound('m', 'alice', { conversation: target('G' as PeerId, 'group') });
  expect(typingFor(parts(), { id: 1, message })).toBeUndefined();
});
