/** What becomes of a message that QQ does not simply take: said in plainer words, held back, reviewed, slowed down. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const ALLOWED = 'allowed_peer_ids = ["openid_alice", "openid_bob", "group:*", "channel:*"]';

let sandbox: Sandbox;
let home: LoongHome;
let daemon: LoongProcess;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(configFor(sandbox, ALLOWED));
  daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function send(peer: string, ...more: readonly string[]): Promise<Ended> {
  return home.run(['channels', 'send', 'qqbot', '--target', `c2c:${peer}`, '--json', ...more]);
}

const taken = (peer: string) => sendsTo(sandbox, peer).filter((entry) => entry.accepted);
const refused = (peer: string) => sendsTo(sandbox, peer).filter((entry) => !entry.accepted);

describe('what is refused as it was written', () => {
  test('markdown goes out again as plain text, and the receipt says delivered', async () => {
    sandbox.platform.set({ markdown_allowed: false });
    const ended = await send('openid_alice', '--markdown', '--text', '# Hi\n**bold** [site](https://example.com)');
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'delivered', attempts: 2 });
    expect(refused('openid_alice')).toHaveLength(1);
    expect(taken('openid_alice')).toHaveLength(1);
    expect(taken('openid_alice')[0]?.text).toBe('Hi\nbold site (https://example.com)');
  });

  test('an address that is not registered is broken so that nobody can click it', async () => {
    sandbox.platform.set({ urls_allowed: false });
    const group = sandbox.platform.state().groups[0]?.group_openid ?? '';
    const text = 'see https://example.com/a.html or node.js';
    const said = sandbox.platform.say({ from: 'openid_alice', group, mention: true, text });
    await waitUntil('the answer', () => answersTo(sandbox, said.id).length === 1);
    expect(answersTo(sandbox, said.id)[0]?.text.trim()).toBe('see example. com/a. html or node. js');
  });
});

describe('a peer that takes no active messages', () => {
  const closed = () => sandbox.platform.set({ user: 'openid_alice', active_allowed: false });

  test('is not asked again and again: what is for it waits, and comes as one message with its age when it writes', async () => {
    closed();
    for (const text of ['one', 'two', 'three']) {
      const ended = await send('openid_alice', '--text', text);
      expect(ended.code).toBe(75);
      expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'parked', error: { remedy: expect.any(String) } });
    }
    expect(sendsTo(sandbox, 'openid_alice')).toEqual([]); // C2C_MSG_REJECT told it already
    expect((await send('openid_bob', '--text', 'for bob')).code).toBe(0);
    const said = sandbox.platform.say({ from: 'openid_alice', text: 'I am here' });
    await waitUntil('both', () => taken('openid_alice').length === 2);
    expect(answersTo(sandbox, said.id).map((entry) => entry.text)).toEqual([
      '（迟到的 3 条消息，最早写于刚才）\none\ntwo\nthree',
      'I am here',
    ]);
    const queue = JSON.parse((await home.run(['queue', '--json'])).stdout);
    expect(JSON.stringify(queue)).not.toContain('parked');
  });

  test('is learnt from the refusal too, and forgotten when the peer allows messages again', async () => {
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', code: 40_034_102 });
    expect((await send('openid_alice', '--text', 'one')).code).toBe(75);
    expect((await send('openid_alice', '--text', 'two')).code).toBe(75);
    expect(sendsTo(sandbox, 'openid_alice')).toHaveLength(1);
    closed();
    sandbox.platform.set({ user: 'openid_alice', active_allowed: true });
    await waitUntil('what waited', () => taken('openid_alice').length === 1);
    expect(taken('openid_alice')[0]?.text).toBe('（迟到的 2 条消息，最早写于刚才）\none\ntwo');
    expect((await send('openid_alice', '--text', 'three')).code).toBe(0);
  });
});

describe('a message that QQ reviews', () => {
  test.each([
    ['pass', 0, 'delivered'],
    ['reject', 1, 'failed'],
  ] as const)('ends with the review: %s', async (verdict, code, status) => {
    await daemon.stop();
    home.writeConfig(
      configFor(sandbox, `${ALLOWED}\nintents = ["public_guild_messages", "group_and_c2c", "message_audit"]`),
    );
    daemon = home.start(['gateway', 'run']);
    await daemon.logs('connected to the QQ gateway');
    sandbox.platform.set({ audit: true });
    const channel = sandbox.platform.state().guilds[0]?.channels[0]?.channel_id ?? '';
    const sending = home.run(['channels', 'send', 'qqbot', '--target', `channel:${channel}`, '--text', 'x', '--json']);
    await waitUntil('the review', () => sandbox.platform.state().audits.length === 1);
    const [held] = sandbox.platform.state().audits;
    sandbox.platform.settleAudit({ audit_id: String(held?.audit_id), verdict });
    const ended = await sending;
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status });
  });
});

test('whoever does not hear of reviews is told that, and that the message may appear', async () => {
  sandbox.platform.set({ audit: true });
  const channel = sandbox.platform.state().guilds[0]?.channels[0]?.channel_id ?? '';
  const ended = await home.run([
    'channels',
    'send',
    'qqbot',
    '--target',
    `channel:${channel}`,
    '--text',
    'x',
    '--json',
  ]);
  expect(ended.code).toBe(76);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { remedy: expect.stringContaining('message_audit') } });
});

test('after "too fast" everything pauses, and then goes out in order', async () => {
  sandbox.platform.fault({
    kind: 'rest',
    method: 'POST',
    path: '/v2/users/*',
    status: 429,
    html: '<html>',
    retry_after: 1,
  });
  for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });
  sandbox.platform.say({ from: 'openid_bob', text: 'four' });
  await waitUntil('all', () => taken('openid_alice').length === 3 && taken('openid_bob').length === 1);
  expect(taken('openid_alice').map((entry) => entry.text)).toEqual(['one', 'two', 'three']);
});

test('a caller that is not on the whitelist costs no token, and says so', async () => {
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', code: 11_298 });
  const ended = await send('openid_alice', '--text', 'x');
  expect(ended.code).toBe(1);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    status: 'failed',
    error: { code: '40023002', message: expect.stringContaining('11298'), remedy: expect.stringContaining('IP') },
  });
  expect(sandbox.platform.transcript.since(0).filter((entry) => entry.kind === 'token')).toHaveLength(1);
});
