/** Sending and answering as people see it: long texts in parts, replies to a message, markdown, apologies, and two accounts side by side. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { answersTo, sends, sendsTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

const ALICE = 'allowed_peer_ids = ["openid_alice"]';

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

const received = () => sendsTo(sandbox, 'openid_alice').filter((entry) => entry.accepted);
const LONG = Array.from({ length: 500 }, (_, i) => `line ${String(i).padStart(4, '0')}\n`).join(''); // 5,000 characters

describe.each(['without a daemon', 'through the daemon'])('%s', (how) => {
  beforeEach(async () => {
    if (how === 'through the daemon') await serving();
  });

  test('a long text goes out in parts, in order, with one receipt', async () => {
    const ended = await home.run(
      ['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', '-', '--json'],
      { stdin: `${LONG}\n` },
    );
    expect(ended.code).toBe(0);
    const receipt = JSON.parse(ended.stdout);
    expect(receipt).toMatchObject({ id: 'out-1', status: 'delivered', mode: 'active', parts: 3, attempts: 3 });
    expect(receipt.message_ids).toEqual(received().map((entry) => (entry as { id?: string }).id));
    expect(
      received()
        .map((entry) => entry.text)
        .join(''),
    ).toBe(LONG);
  });

  test('the printed receipt names every part', async () => {
    const ended = await send('--text', LONG);
    const ids = received().map((entry) => (entry as { id?: string }).id);
    expect(ended.stdout.trim()).toBe(
      `delivered qqbot:default:c2c:openid_alice id=out-1 message_id=${ids.join(',')} as active parts=3`,
    );
  });

  test('after a part that the platform refuses nothing more is sent, and the command fails', async () => {
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', skip: 1, code: 40_054_002 });
    const ended = await send('--text', LONG, '--json');
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'failed', parts: 3, error: { code: '40054002' } });
    expect(received()).toHaveLength(1);
  });

  test('a code fence that is cut is whole in every part', async () => {
    const ended = await send('--markdown', '--text', `\`\`\`\n${LONG}\`\`\``, '--json');
    expect(ended.code).toBe(0);
    expect(received().length).toBeGreaterThan(2);
    for (const { text } of received()) expect(text.match(/^```/gm)).toHaveLength(2);
  });

  test('a reply to a message that is not known ends with 1, its code and a remedy, and nothing is sent', async () => {
    const ended = await send('--text', 'hi', '--reply-to', 'no-such-message', '--json');
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout).error).toMatchObject({ code: 'message.unknown', remedy: expect.any(String) });
    expect(sends(sandbox)).toEqual([]);
  });

  test('a reply to somebody who is not listed ends with 77, whatever the message', async () => {
    const ended = await home.run([
      'channels',
      'send',
      'qqbot',
      '--target',
      'c2c:openid_bob',
      '--text',
      'hi',
      '--reply-to',
      'any',
    ]);
    expect(ended.code).toBe(77);
    expect(sends(sandbox)).toEqual([]);
  });
});

test('--reply-to takes the window of that message, not the newest', async () => {
  await serving();
  const first = sandbox.platform.say({ from: 'openid_alice', text: 'first' });
  const second = sandbox.platform.say({ from: 'openid_alice', text: 'second' });
  await waitUntil('both answers', () => answersTo(sandbox, second.id).length === 1);
  const ended = await send('--text', 'about the first', '--reply-to', first.id, '--json');
  expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'delivered', mode: 'passive' });
  expect(answersTo(sandbox, first.id).map((entry) => entry.text)).toEqual(['first', 'about the first']);
});

test('a long answer takes one reply place for each part, and grows its parts when there are too few', async () => {
  home.writeConfig(configFor(sandbox, `${ALICE}\ntext_chunk_limit = 100`));
  await serving();
  const short = sandbox.platform.say({ from: 'openid_alice', text: 'x'.repeat(350) });
  await waitUntil('four parts', () => answersTo(sandbox, short.id).length === 4);
  expect(answersTo(sandbox, short.id).map((entry) => entry.text.length)).toEqual([100, 100, 100, 50]);
  const long = sandbox.platform.say({ from: 'openid_alice', text: 'x'.repeat(450) });
  await waitUntil('one part', () => answersTo(sandbox, long.id).length === 1);
  expect(answersTo(sandbox, long.id)[0]?.text).toBe('x'.repeat(450));
});

test('an answer survives kill -9 between its parts: none is lost, none comes twice, and they stay in order', async () => {
  home.writeConfig(configFor(sandbox, `${ALICE}\ntext_chunk_limit = 100`));
  const daemon = await serving();
  sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/users/*', skip: 1, hold: true });
  const asked = sandbox.platform.say({
    from: 'openid_alice',
    text: `${'a'.repeat(100)}${'b'.repeat(100)}${'c'.repeat(50)}`,
  });
  await waitUntil('the first part', () => answersTo(sandbox, asked.id).length === 1);
  await waitUntil('the second on its way', () => sandbox.platform.faults.list()[0]?.left === 0);
  await daemon.kill();
  sandbox.platform.faults.remove();
  await serving();
  await waitUntil('all parts', () => answersTo(sandbox, asked.id).length >= 3);
  expect(answersTo(sandbox, asked.id).map((entry) => entry.text)).toEqual([
    'a'.repeat(100),
    'b'.repeat(100),
    'c'.repeat(50),
  ]);
});

describe('an apology', () => {
  const broken = (more = '') =>
    configFor(
      sandbox,
      `${ALICE}\napology = "sorry, later"\nbackend = "broken"`,
      `[backends.broken]\ntype = "exec"\n${more === '' ? 'command = ["false"]' : more}\n`,
    );

  test('is the answer to a message whose backend failed, once a minute', async () => {
    home.writeConfig(broken());
    const daemon = await serving();
    const first = sandbox.platform.say({ from: 'openid_alice', text: 'one' });
    const second = sandbox.platform.say({ from: 'openid_alice', text: 'two' });
    await waitUntil('the apology', () => answersTo(sandbox, first.id).length === 1);
    expect(answersTo(sandbox, first.id)[0]?.text).toBe('sorry, later');
    await daemon.logs('a message could not be answered', 2);
    await daemon.stop();
    expect(answersTo(sandbox, second.id)).toEqual([]);
  });

  test('comes when the backend takes too long', async () => {
    home.writeConfig(broken('command = ["sleep", "60"]\ntimeout = "1s"'));
    await serving();
    const asked = sandbox.platform.say({ from: 'openid_alice', text: 'one' });
    await waitUntil('the apology', () => answersTo(sandbox, asked.id).length === 1);
  });

  test('comes when loong died three times over the message', async () => {
    home.writeConfig(broken('command = ["sleep", "60"]'));
    let daemon = await serving();
    const asked = sandbox.platform.say({ from: 'openid_alice', text: 'one' });
    const attempts = async () => {
      const { default: Sqlite } = await import('better-sqlite3');
      const reader = new Sqlite(`${home.folder}/state/loong.db`, { readonly: true });
      const row = reader.prepare<[], { attempts: number }>('SELECT attempts FROM inbox').get();
      reader.close();
      return row?.attempts ?? 0;
    };
    for (let attempt = 1; attempt <= 3; attempt++) {
      await waitUntil(`attempt ${attempt}`, async () => (await attempts()) === attempt);
      await daemon.kill();
      daemon = home.start(['gateway', 'run']);
    }
    await waitUntil('the apology', () => answersTo(sandbox, asked.id).length === 1);
  });

  test('is not said by a daemon that is stopping: the message is answered after the next start', async () => {
    home.writeConfig(broken(`command = ["sh", "-c", "sleep 1; exit 1"]`));
    const daemon = await serving();
    const asked = sandbox.platform.say({ from: 'openid_alice', text: 'one' });
    await new Promise((resolve) => setTimeout(resolve, 300)); // the turn runs; it fails while loong waits for its end
    expect((await daemon.stop()).code).toBe(0);
    expect(sends(sandbox)).toEqual([]);
    home.writeConfig(configFor(sandbox));
    await serving();
    await waitUntil('the answer', () => answersTo(sandbox, asked.id).length === 1);
    expect(answersTo(sandbox, asked.id)[0]?.text).toBe('one');
  });
});

describe('two accounts', () => {
  let other: Sandbox;

  beforeEach(async () => {
    other = await startSandbox({ appId: '102000002', clientSecret: 'other-Secret_02', heartbeatIntervalMs: 200 });
  });

  afterEach(() => other.close());

  function writeConfig(mainSecret: string): void {
    const account = (name: string, place: Sandbox, secret: string) => `[qqbot.accounts.${name}]
app_id = "${place.appId}"
client_secret = "${secret}"
api_base_url = "${place.apiBaseUrl}"
token_url = "${place.tokenUrl}"
`;
    home.writeConfig(
      `[qqbot]\n${ALICE}\n${account('main', sandbox, mainSecret)}${account('ops', other, other.clientSecret)}`,
    );
  }

  async function accountStatus(name: string): Promise<Record<string, unknown> | undefined> {
    const { stdout } = await home.run(['gateway', 'status', '--json']);
    const { accounts = [] } = JSON.parse(stdout) as { accounts?: Record<string, unknown>[] };
    return accounts.find((account) => account.account === name);
  }

  test('one with a wrong secret is failed with why, remedy and next try; the other answers', async () => {
    writeConfig('a-wrong-Secret_99');
    await serving();
    const asked = other.platform.say({ from: 'openid_alice', text: 'are you there?' });
    await waitUntil('the answer', () => answersTo(other, asked.id).length === 1);
    const failed = await waitUntil('the failure', async () => {
      const status = await accountStatus('main');
      return status?.state === 'failed' ? status : undefined;
    });
    expect(failed).toMatchObject({
      detail: expect.stringContaining('client secret'),
      last_error: { message: failed.detail, at: expect.any(Number), remedy: expect.any(String) },
    });
    expect(failed.next_try_at).toBeGreaterThan(Date.now() + 60_000);
    expect(JSON.stringify(failed)).not.toContain('a-wrong-Secret_99');
    const served = await waitUntil('an acknowledged heartbeat', async () => {
      const status = await accountStatus('ops');
      return status?.last_ack_at === undefined ? undefined : status;
    });
    expect(served).toMatchObject({ state: 'ready', last_inbound_at: expect.any(Number) });
    expect(served).not.toHaveProperty('last_error');
  });

  test('the hanging API of one does not slow the other', async () => {
    writeConfig(sandbox.clientSecret);
    const daemon = await serving();
    await daemon.logs('connected to the QQ gateway', 2);
    sandbox.platform.fault({ kind: 'rest', method: 'POST', path: '/v2/*', times: 'always', hold: true });
    for (let i = 0; i < 40; i++) sandbox.platform.say({ from: 'openid_alice', text: `held ${i}` });
    const begun = performance.now();
    for (let i = 0; i < 20; i++) {
      const { id } = other.platform.say({ from: 'openid_alice', text: `quick ${i}` });
      await waitUntil('the other’s answer', () => answersTo(other, id).length === 1);
    }
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(sends(sandbox).filter((entry) => entry.accepted)).toEqual([]);
    sandbox.platform.faults.remove();
  });
});
