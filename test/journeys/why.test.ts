/** An operator asks why a message was answered or not, and what would become of a target: with a daemon and without one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

const why = (...args: readonly string[]) => home.run(['why', ...args]);
async function told(what: string) {
  const ended = await why(what, '--json');
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return JSON.parse(ended.stdout);
}

test('a message is found by its number and by that of the platform, also without a daemon, and what would be now is told', async () => {
  const silent = 'dm_policy = "allowlist"\n';
  home.writeConfig(configFor(sandbox, `${silent}allowed_peer_ids = ["openid_alice"]\n[qqbot.groups.group_demo]`));
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  sandbox.platform.set({ group: 'group_demo', receive_all: true });
  const answered = sandbox.platform.say({ from: 'openid_alice', text: 'hi' });
  await waitUntil('the answer', () => answersTo(sandbox, answered.id).length === 1);
  const stranger = sandbox.platform.say({ from: 'openid_bob', text: 'hi' });
  sandbox.platform.say({ from: 'openid_bob', group: 'group_demo', text: 'lunch?', mention: false });
  await waitUntil('all rows', async () => (await why('in-3', '--json')).code === 0);

  expect((await told('in-1')).messages).toMatchObject([
    { id: 'in-1', message_id: answered.id, status: 'answered', decided: { key: 'qqbot.allowed_peer_ids' } },
  ]);
  const refused = {
    id: 'in-2',
    sender: 'openid_bob',
    target: 'qqbot:default:c2c:openid_bob',
    status: 'refused',
    reason: 'sender_not_allowed',
    decided: { key: 'qqbot.allowed_peer_ids', change: 'add "openid_bob" to it' },
    now: { verdict: 'ignore', reason: 'sender_not_allowed' },
  };
  expect((await told(stranger.id)).messages).toMatchObject([refused]);
  expect((await told('in-3')).messages).toMatchObject([
    { reason: 'not_mentioned', decided: { key: 'qqbot.default_require_mention' } },
  ]);

  await daemon.stop();
  home.writeConfig(configFor(sandbox, `${silent}allowed_peer_ids = ["openid_alice", "openid_bob"]`));
  expect((await told('in-2')).messages).toMatchObject([{ ...refused, now: { verdict: 'answer' } }]);
  const text = (await why('in-2')).stdout;
  expect(text).toContain('sender_not_allowed');
  expect(text).toContain('→ qqbot.allowed_peer_ids');
  expect(text).toContain('now, under the config as it is, it would be answered');
  expect((await told('in-3')).messages).toMatchObject([{ now: { verdict: 'ignore', reason: 'group_not_allowed' } }]);
});

test('who is unknown is told of with the way that is open to them, as long as it is', async () => {
  home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]', '[pairing]\nmax_pending = 1\n'));
  expect((await told('c2c:openid_bob')).inbound).toMatchObject({
    reason: 'pairing_offered',
    key: 'qqbot.dm_policy',
    change: expect.not.stringContaining('pairing approve'),
  });
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  sandbox.platform.people.addUser('Carol', 'openid_carol');
  const [offered, pending, full] = ['openid_bob', 'openid_bob', 'openid_carol'].map(
    (from) => sandbox.platform.say({ from, text: 'may I?' }).id,
  );
  await waitUntil('all rows', async () => (await why('in-3', '--json')).code === 0);
  const approve = '`loong pairing approve qqbot openid_bob --account default`';
  const waits = { key: 'qqbot.dm_policy', change: expect.stringContaining(approve) };
  for (const [id, reason, decided] of [
    [offered, 'pairing_offered', waits],
    [pending, 'pairing_pending', waits],
    [full, 'pairing_full', { key: 'pairing.max_pending' }],
  ] as const) {
    expect((await told(id ?? '')).messages).toMatchObject([{ reason, decided, message_id: id }]);
  }
  expect((await told('c2c:openid_bob')).inbound).toMatchObject(waits);
  expect((await home.run(['pairing', 'approve', 'qqbot', 'openid_bob', '--account', 'default'])).code).toBe(0);
  expect((await told(pending ?? '')).messages).toMatchObject([{ now: { verdict: 'answer' } }]);
  expect((await told('c2c:openid_bob')).inbound).toMatchObject({
    verdict: 'answer',
    rule: expect.stringContaining('pairing revoke'),
  });
});

test('over OneBot the same words, with its own names', async () => {
  home.writeConfig(
    '[napcat]\nallowed_peer_ids = [20002]\ndm_policy = "allowlist"\ngroup_allow_from = ["private:20002"]\n[napcat.accounts.home]\naccess_token = "let-me-in"\n[napcat.groups.30003]\n',
  );
  expect(await told('onebot:private:20003')).toMatchObject({
    target: 'onebot:home:private:20003',
    inbound: { reason: 'sender_not_allowed', key: 'napcat.allowed_peer_ids' },
    outbound: { allowed: false, key: 'napcat.allowed_peer_ids' },
  });
  expect(await told('napcat:group:30003')).toMatchObject({
    inbound: {
      verdict: 'answer',
      key: 'napcat.groups.30003',
      mention_key: 'napcat.accounts.home.default_require_mention',
      senders: ['private:20002'],
    },
    outbound: { allowed: true },
  });
});

describe('a target', () => {
  beforeEach(() => {
    home.writeConfig(
      configFor(
        sandbox,
        `allowed_peer_ids = ["openid_alice"]
dm_policy = "allowlist"
[qqbot.groups.G1]
require_mention = false
allow_from = ["openid_carol"]
backend = "coder"
[qqbot.groups.G2]
enabled = false`,
        '[backends.coder]\ntype = "exec"\ncommand = ["cat"]\n',
      ),
    );
  });

  test('that is allowed is told with what admits it, and who answers', async () => {
    expect(await told('c2c:openid_alice')).toEqual({
      target: 'qqbot:default:c2c:openid_alice',
      account_enabled: true,
      inbound: {
        verdict: 'answer',
        rule: '"openid_alice" is in `allowed_peer_ids`',
        key: 'qqbot.allowed_peer_ids',
        backend: 'default',
        backend_key: 'qqbot.backend',
      },
      outbound: {
        allowed: true,
        rule: '"openid_alice" is in `allowed_peer_ids`',
        key: 'qqbot.allowed_peer_ids',
      },
    });
  });

  test('that is a group is told with its rules', async () => {
    expect(await told('qqbot:group:G1')).toMatchObject({
      inbound: {
        verdict: 'answer',
        key: 'qqbot.groups.G1',
        needs_mention: false,
        mention_key: 'qqbot.groups.G1.require_mention',
        senders: ['openid_carol'],
        backend: 'coder',
        backend_key: 'qqbot.groups.G1.backend',
      },
      outbound: { allowed: true },
    });
    const text = (await why('group:G1')).stdout;
    for (const part of ['in: what is written there is answered', 'openid_carol', '`coder`', 'out: may be written to']) {
      expect(text).toContain(part);
    }
  });

  test.each([
    ['c2c:openid_bob', 'sender_not_allowed', 'qqbot.allowed_peer_ids', 'qqbot.allowed_peer_ids'],
    ['group:G2', 'group_disabled', 'qqbot.groups.G2.enabled', 'qqbot.groups.G2.enabled'],
    ['group:G3', 'group_not_allowed', 'qqbot.groups.G3', 'qqbot.groups.G3'],
  ])('%s is refused both ways, and the keys are named', async (target, reason, key, outKey) => {
    const { inbound, outbound } = await told(target);
    expect(inbound).toMatchObject({ verdict: 'ignore', reason, key, change: expect.any(String) });
    expect(outbound).toMatchObject({ allowed: false, key: outKey, change: expect.any(String) });
    expect((await why(target)).stdout).toContain('out: is refused');
  });

  test('that is a direct message session of a guild depends on who writes', async () => {
    expect(await told('dm:123')).toMatchObject({ inbound: { verdict: 'by_sender' }, outbound: { allowed: false } });
  });
});

test.each([
  ['in-99', 1, 'why.unknown'],
  ['ROBOT1.0_unknown', 1, 'why.unknown'],
  ['out-1', 64, 'why.outgoing'],
  ['qqbot:nobody:c2c:openid_alice', 64, 'account.unknown'],
  ['c2c:', 64, 'target.peer_empty'],
])('%s ends with %i and what to do', async (what, code, error) => {
  home.writeConfig(configFor(sandbox));
  const ended = await why(what, '--json');
  expect([ended.code, JSON.parse(ended.stdout).error.code]).toEqual([code, error]);
});
