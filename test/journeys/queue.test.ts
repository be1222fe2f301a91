/** An operator looks at single messages, tries them again and gives them up, with a daemon and without one; keys keep sends from doubling. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sends, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  home.writeConfig(configFor(sandbox));
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function send(...more: readonly string[]): Promise<Ended> {
  return home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', ...more]);
}

async function serving(): Promise<LoongProcess> {
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

const queue = (...args: readonly string[]) => home.run(['queue', ...args]);
const json = (ended: Ended) => JSON.parse(ended.stdout);
const received = () =>
  sendsTo(sandbox, 'openid_alice')
    .filter((entry) => entry.accepted)
    .map((entry) => entry.text);
const LONG = `${'a'.repeat(100)}${'b'.repeat(100)}${'c'.repeat(50)}`;

function muted(times: number | 'always', skip = 0): void {
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', skip, code: 40_054_002, times });
}

describe.each(['without a daemon', 'with a daemon'])('%s', (how) => {
  beforeEach(async () => {
    home.writeConfig(configFor(sandbox, 'allowed_peer_ids = ["openid_alice"]\ntext_chunk_limit = 100'));
    if (how === 'with a daemon') await serving();
  });
  /** What was queued goes out. */
  const delivering = async () => {
    if (how === 'without a daemon') await serving();
  };

  test('a failed message is shown, tried again and arrives', async () => {
    muted(1);
    expect((await send('--text', 'hi')).code).toBe(1);
    const shown = await queue('show', 'out-1');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('40054002');
    expect(shown.stdout).toContain('| hi');
    const retried = await queue('retry', 'out-1', '--json');
    expect([retried.code, json(retried).id]).toEqual([0, 'out-1']);
    await delivering();
    await waitUntil('the message', () => received().length === 1);
    await waitUntil('its receipt', async () => json(await queue('show', 'out-1', '--json')).status === 'delivered');
  });

  test('of a message that failed half-way only the rest is sent', async () => {
    muted(1, 1);
    const ended = await send('--text', LONG);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain(' parts=1/3');
    expect(ended.stderr).toContain('1 of 3 parts arrived');
    expect(ended.stderr).toContain('send only the rest: `loong queue retry out-1`');
    expect((await queue('retry', 'out-1')).code).toBe(0);
    await delivering();
    await waitUntil('all parts', () => received().length === 3);
    expect(received().join('')).toBe(LONG);
  });

  test('what may have arrived is sent again only with --yes', async () => {
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', drop: 'after' });
    expect((await send('--text', 'hi')).code).toBe(76);
    const refused = await queue('retry', 'out-1', '--json');
    expect([refused.code, json(refused).error.code]).toEqual([64, 'queue.may_double']);
    expect((await queue('retry', 'out-1', '--yes')).code).toBe(0);
    await delivering();
    await waitUntil('it came twice', () => received().length === 2);
  });

  test('a parked message is given up, and does not come when the peer writes', async () => {
    sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
    expect((await send('--text', 'hi')).code).toBe(75);
    const dropped = await queue('drop', 'out-1');
    expect(dropped.code).toBe(0);
    expect(dropped.stdout).toMatch(/^out-1 +failed /);
    expect(dropped.stdout).toContain('queue.dropped');
    expect((await queue('drop', 'out-1')).code).toBe(1);
    await delivering();
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'echo' });
    await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
    expect(received()).toEqual(['echo']);
  });

  test('an id that there is none of ends with 1 and a remedy', async () => {
    for (const verb of ['show', 'retry', 'drop']) {
      const ended = await queue(verb, 'out-99', '--json');
      expect([verb, ended.code, json(ended).error.code]).toEqual([verb, 1, 'queue.unknown']);
      expect(json(ended).error.remedy).toContain('loong queue list');
    }
  });

  test('the same idempotency key sends once; with another text it is an error of usage', async () => {
    const first = await send('--text', 'hi', '--idempotency-key', 'k', '--json');
    const second = await send('--text', 'hi', '--idempotency-key', 'k', '--json');
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(json(second)).toEqual(json(first));
    const other = await send('--text', 'other', '--idempotency-key', 'k', '--json');
    expect([other.code, json(other).error.code]).toEqual([64, 'idempotency.conflict']);
    expect((await send('--text', 'hi', '--idempotency-key', 'a b', '--dry-run')).code).toBe(64);
    expect(received()).toEqual(['hi']);
  });
});

test('a key stands for its message over kill -9 of the daemon, and between daemon and no daemon', async () => {
  const daemon = await serving();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', hold: true });
  const cut = send('--text', 'hi', '--idempotency-key', 'k', '--json');
  await waitUntil('the attempt', () => sandbox.platform.faults.list()[0]?.left === 0);
  await daemon.kill();
  const ended = await cut;
  expect(ended.code).toBe(76);
  expect(json(ended).error.remedy).toContain('same --idempotency-key');
  sandbox.platform.faults.remove(); // the held request goes on
  await waitUntil('the one attempt', () => sends(sandbox).length === 1);
  // It was active, so nobody knows whether it arrived: it is not sent a second time.
  const alone = await send('--text', 'hi', '--idempotency-key', 'k', '--json');
  expect([alone.code, json(alone).id, json(alone).status]).toEqual([76, 'out-1', 'uncertain']);
  await serving();
  const beside = await send('--text', 'hi', '--idempotency-key', 'k', '--json');
  expect([beside.code, json(beside).id]).toEqual([76, 'out-1']);
  expect(sends(sandbox)).toHaveLength(1);
});

test('a reply that a killed send left behind is finished by the same command, not sent beside it', async () => {
  const daemon = await serving();
  const asked = sandbox.platform.say({ from: 'openid_alice', text: 'echo' });
  await waitUntil('the answer', () => answersTo(sandbox, asked.id).length === 1);
  await daemon.stop();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', hold: true });
  const args = ['--target', 'c2c:openid_alice', '--text', 'hi', '--idempotency-key', 'k', '--json'];
  const cut = home.start(['channels', 'send', 'qqbot', ...args]);
  await waitUntil('the attempt', () => sandbox.platform.faults.list()[0]?.left === 0);
  await cut.kill();
  sandbox.platform.faults.remove();
  const again = await send('--text', 'hi', '--idempotency-key', 'k', '--json');
  expect([again.code, json(again).status, json(again).mode]).toEqual([0, 'delivered', 'passive']);
  expect(received()).toEqual(['echo', 'hi']);
});

test('a message whose backend failed is answered when it is retried', async () => {
  home.writeConfig(
    configFor(
      sandbox,
      'allowed_peer_ids = ["openid_alice"]\nbackend = "mine"',
      `[backends.mine]\ntype = "exec"\ncommand = ["sh", "-c", "test -e ${home.folder}/mended && echo mended"]\n`,
    ),
  );
  const daemon = await serving();
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'hi' });
  await daemon.logs('exit code 1');
  await waitUntil('the failure', async () => json(await queue('show', 'in-1', '--json')).status === 'failed');
  writeFileSync(`${home.folder}/mended`, '');
  expect((await queue('retry', 'in-1')).code).toBe(0);
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)[0]?.text).toBe('mended');
});

test('while a daemon that does not answer has the directory, nothing is changed', async () => {
  sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
  await send('--text', 'hi');
  const daemon = await serving();
  daemon.child.kill('SIGSTOP');
  const ended = await queue('drop', 'out-1', '--json');
  daemon.child.kill('SIGCONT');
  expect([ended.code, json(ended).error.code]).toEqual([69, 'daemon.not_answering']);
  expect(json(await queue('show', 'out-1', '--json')).status).toBe('parked');
});
