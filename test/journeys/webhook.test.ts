/** The real daemon, called back by the sandbox instead of dialling its gateway. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import type { Entry, WebhookStep } from '../../src/sandbox/transcript.js';
import { c2cEvent, post, seconds, signed } from '../support/callbacks.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sendsTo, steps } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const SERVE = ['channels', 'serve', 'qqbot'];
const TAKEN = '{"op":12,"d":0}';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(
    configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]\ntransport = "webhook"\nwebhook_listen = "127.0.0.1:0"'),
  );
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

/** A daemon, the address where it takes callbacks, and the sandbox told of it. */
async function called(): Promise<{ daemon: LoongProcess; url: string }> {
  const daemon = home.start(SERVE);
  await daemon.logs('callbacks of QQ are taken here');
  const url = /http:\/\/127\.0\.0\.1:\d+\/qq-official-webhook/.exec(daemon.stderr)?.[0] ?? '';
  await sandbox.platform.webhook.save(url);
  return { daemon, url };
}

function pushes(): readonly (Entry & WebhookStep)[] {
  return sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is Entry & WebhookStep => entry.kind === 'webhook' && entry.step === 'pushed');
}

test('a message that is pushed is answered; no session of the gateway is held; status says that it is ready', async () => {
  await called();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('an answer', () => answersTo(sandbox, id).length === 1);
  expect(pushes().map(({ type, status, taken }) => [type, status, taken])).toEqual([['C2C_MESSAGE_CREATE', 200, true]]);
  expect(steps(sandbox, 'identify')).toEqual([]);
  const status = await home.run(['channels', 'status', '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({
    accounts: [{ live: { state: 'ready', last_inbound_at: expect.any(Number) } }],
  });
});

test('what is forged, unsigned, cut or changed is not taken; it comes again as it should be, and is answered once', async () => {
  const { daemon } = await called();
  const spoils = [{ forged: true }, { unsigned: true }, { truncate: 1 }, { cut: true }, { late_s: 100_000 }] as const;
  const ids = spoils.map((spoil, i) => {
    sandbox.platform.fault({ kind: 'webhook', ...spoil });
    return sandbox.platform.say({ from: 'openid_alice', text: `message ${i}` }).id;
  });
  await waitUntil('every answer', () => ids.every((id) => answersTo(sandbox, id).length > 0));
  const first = pushes().filter(({ attempt }) => attempt === 1);
  expect(first.map(({ status, taken }) => [status, taken])).toEqual(
    expect.arrayContaining([
      [401, false],
      [401, false],
      [401, false],
      [0, false],
      [401, false],
    ]),
  );
  expect(ids.map((id) => answersTo(sandbox, id).length)).toEqual(spoils.map(() => 1));
  expect(daemon.stderr).toContain('its signature is not of this bot');
  expect(daemon.stderr).not.toContain(sandbox.clientSecret);
});

test('a push that is replayed, in its commit and after a restart, is acknowledged and answered once', async () => {
  const { daemon, url } = await called();
  sandbox.platform.fault({ kind: 'webhook', replay: 3 });
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
  await waitUntil('the replays', () => pushes().length === 4);
  expect(pushes().map(({ status, taken }) => [status, taken])).toEqual(Array.from({ length: 4 }, () => [200, true]));

  const body = c2cEvent('ROBOT1.0_once!', 'only once');
  const headers = signed(sandbox.clientSecret, body);
  const together = await Promise.all(Array.from({ length: 20 }, () => post(url, body, headers)));
  expect(together.map((answer) => answer.body)).toEqual(together.map(() => TAKEN));
  await waitUntil(
    'an answer to each',
    () => answersTo(sandbox, id).length > 0 && sendsTo(sandbox, 'openid_alice').length >= 2,
  );

  await daemon.kill();
  const again = await called();
  expect((await post(again.url, body, headers)).body).toBe(TAKEN);
  const anew = await post(again.url, body, signed(sandbox.clientSecret, body, seconds(Date.now() - 60_000)));
  expect(anew.body).toBe(TAKEN);
  const last = sandbox.platform.say({ from: 'openid_alice', text: 'the last' });
  await waitUntil('the last answer', () => answersTo(sandbox, last.id).length === 1);
  const shown = sendsTo(sandbox, 'openid_alice').filter(({ accepted }) => accepted);
  expect(shown.map(({ text }) => text)).toEqual(['hello', 'only once', 'the last']);
});
