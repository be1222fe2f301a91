/** The page that users come from: its minimal config and its two commands, in its order. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { LoongHome } from '../support/loong-process.js';
import { answersTo, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  env = { QQBOT_APP_ID: sandbox.appId, QQBOT_CLIENT_SECRET: sandbox.clientSecret };
  home.writeConfig(`[qqbot]
enabled = true
app_id_env = "QQBOT_APP_ID"
client_secret_env = "QQBOT_CLIENT_SECRET"
allowed_peer_ids = ["openid_alice"]
api_base_url = "${sandbox.apiBaseUrl}"
token_url = "${sandbox.tokenUrl}"
`);
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

const SEND = ['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'hello from loong'];

test('a message to a user who never wrote is delivered as active, then serve answers that user', async () => {
  const sent = await home.run(SEND, { env });
  expect(sent.stdout).toMatch(
    /^delivered qqbot:default:c2c:openid_alice id=out-\d+ message_id=ROBOT\S+ as active parts=1\n$/,
  );
  expect(sent.code).toBe(0);
  expect(sendsTo(sandbox, 'openid_alice').map(({ text, mode, accepted }) => ({ text, mode, accepted }))).toEqual([
    { text: 'hello from loong', mode: 'active', accepted: true },
  ]);

  const daemon = home.start(['channels', 'serve', 'qqbot'], [], env);
  await daemon.logs('connected to the QQ gateway');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: '你好' });
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)[0]).toMatchObject({ text: '你好', mode: 'passive', accepted: true, msg_seq: 1 });

  const stopped = await daemon.stop();
  expect(stopped.code).toBe(0);
  expect(stopped.stderr).not.toContain(sandbox.clientSecret);
});

test('where active messages are forbidden the code and the remedy are printed, exit 75, and the message goes out when the peer writes', async () => {
  sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
  const sent = await home.run(SEND, { env });
  expect(sent.code).toBe(75);
  expect(sent.stdout).toMatch(/^parked qqbot:default:c2c:openid_alice id=out-1 as active/);
  expect(sent.stderr).toMatch(/4003410\d: /);
  expect(sent.stderr).toContain('the peer must write first');

  const daemon = home.start(['channels', 'serve', 'qqbot'], [], env);
  await daemon.logs('connected to the QQ gateway');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'I am here' });
  await waitUntil('both messages', () => answersTo(sandbox, id).length === 2);
  expect(answersTo(sandbox, id).map(({ text, mode }) => ({ text, mode }))).toEqual([
    { text: 'hello from loong', mode: 'passive' },
    { text: 'I am here', mode: 'passive' },
  ]);
});

test('a mistyped openid is refused before anything reaches the platform, without a daemon and with one', async () => {
  const typo = ['channels', 'send', 'qqbot', '--target', 'c2c:openid_alcie', '--text', 'hello'];
  const alone = await home.run(typo, { env });
  expect(alone.code).toBe(77);
  expect(alone.stderr).toContain('qqbot target `openid_alcie` is not allowed by configured allowed_peer_ids');
  expect(sandbox.platform.transcript.counters().requests).toBe(0);

  const daemon = home.start(['channels', 'serve', 'qqbot'], [], env);
  await daemon.logs('connected to the QQ gateway');
  const before = sandbox.platform.transcript.counters().requests;
  const through = await home.run(typo, { env });
  expect(through.code).toBe(77);
  expect(sandbox.platform.transcript.counters().requests).toBe(before);
});

test('somebody who is not listed gets a code and no answer, and an unlisted group gets nothing', async () => {
  const daemon = home.start(['channels', 'serve', 'qqbot'], [], env);
  await daemon.logs('connected to the QQ gateway');
  sandbox.platform.say({ from: 'openid_bob', text: 'let me in' });
  sandbox.platform.say({ from: 'openid_alice', group: 'group_demo', text: 'and here?', mention: true });
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'me' });
  await waitUntil('the answer to alice', () => answersTo(sandbox, id).length === 1);
  await waitUntil('the code', () => sendsTo(sandbox, 'openid_bob').length === 1);
  expect(sendsTo(sandbox, 'openid_bob')[0]?.text).toMatch(/loong pairing approve qqbot [A-Z2-9]{8}/);
  expect(sendsTo(sandbox, 'group_demo')).toEqual([]);
  await daemon.logs('asks to pair');
  await daemon.logs('group_not_allowed');
});
