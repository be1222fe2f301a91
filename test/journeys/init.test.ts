/** `loong init`, at a terminal and from env files, against the sandbox: what is asked, what is tried, what is written and what is not. */
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { httpPeer } from '../support/http-peer.js';
import { type Ended, LoongHome } from '../support/loong-process.js';
import { openModelServer, says } from '../support/model-server.js';
import { tempDir } from '../support/temp-dir.js';
import { AtTerminal } from '../support/terminal.js';
import { answersTo } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let home: LoongHome;
let folder: string;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  folder = home.folder;
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

/** Where the sandbox is; the credentials are what a test is about. */
function urls() {
  return { QQ_BOT_API_BASE_URL: sandbox.apiBaseUrl, QQBOT_TOKEN_URL: sandbox.tokenUrl };
}

function bot() {
  return { ...urls(), QQ_BOT_APP_ID: sandbox.appId, QQ_BOT_APP_SECRET: sandbox.clientSecret };
}

/** In a folder of its own, whose env files it may read. */
function init(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  files: { readonly [name: string]: string } = {},
): Promise<Ended> {
  const cwd = tempDir();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return home.run(['init', ...args], { env, cwd });
}

function atTerminal(args: readonly string[], env: NodeJS.ProcessEnv): AtTerminal {
  return new AtTerminal(['init', ...args], { HOME: folder, LOONG_HOME: folder, ...env }, tempDir());
}

function written(): string {
  return readFileSync(home.configPath, 'utf8');
}

/** Everything below the home but what a daemon or probe leaves. */
function files(): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('state'))
    .sort();
}

function secretOf(name: string): string {
  return readFileSync(join(folder, 'secrets', name), 'utf8').trim();
}

describe('at a terminal', () => {
  test('from nothing to a bot that answers: asks, tries, writes, and says what comes next', async () => {
    const person = atTerminal([], urls());
    await person.sees('沙箱成员');
    await person.sees('IP whitelist');
    await person.types('AppID（机器人 ID）', sandbox.appId);
    await person.types('AppSecret（', sandbox.clientSecret);
    await person.sees('QQ takes them');
    await person.types('Who answers?', '1');
    await person.sees('Hello!');
    await person.sees('gateway run');
    expect(await person.ended).toBe(0);
    expect(person.screen).toMatch(/ok +profile +the bot is called/);
    expect(person.screen).not.toContain(sandbox.clientSecret);
    expect(written()).not.toContain(sandbox.clientSecret);
    expect(secretOf(`qqbot-${sandbox.appId}`)).toBe(sandbox.clientSecret);
    for (const file of ['config.toml', `secrets/qqbot-${sandbox.appId}`])
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);

    const daemon = home.start(['gateway', 'run']);
    await daemon.logs('connected to the QQ gateway');
    const asked = sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    const code = await waitUntil('the code', async () => {
      const { stdout } = await home.run(['pairing', 'list', '--json']);
      return (JSON.parse(stdout) as { pending: { code: string }[] }).pending[0]?.code;
    });
    expect((await home.run(['pairing', 'approve', 'qqbot', code])).code).toBe(0);
    await waitUntil('the answer', () => answersTo(sandbox, asked.id).some((send) => send.text === 'hello'));
  });

  test('a secret that is typed or pasted ahead of its question is not seen', async () => {
    const person = atTerminal([], urls());
    await person.types('AppID（机器人 ID）', `${sandbox.appId}\r${sandbox.clientSecret}\r1`);
    expect(await person.ended).toBe(0);
    expect(secretOf(`qqbot-${sandbox.appId}`)).toBe(sandbox.clientSecret);
    expect(person.screen).not.toContain(sandbox.clientSecret);
  });

  test('a wrong secret is told at once, and typed again', async () => {
    const person = atTerminal([], urls());
    await person.types('AppID（机器人 ID）', sandbox.appId);
    await person.types('AppSecret（', 'not-the-secret-1');
    await person.sees('100016');
    await person.types('What now?', '1');
    await person.types('AppID（机器人 ID）', '');
    await person.types('AppSecret（', sandbox.clientSecret);
    await person.types('Who answers?', '');
    expect(await person.ended).toBe(0);
    expect(secretOf(`qqbot-${sandbox.appId}`)).toBe(sandbox.clientSecret);
    expect(person.screen).not.toContain('not-the-secret-1');
  });

  test.each([
    ['2', 0, ['config.toml', 'secrets', 'secrets/qqbot-102000001']],
    ['3', 1, []],
  ])('what QQ refuses is written only if that is wanted: %s', async (choice, code, left) => {
    const person = atTerminal([], { ...urls(), QQ_BOT_APP_ID: sandbox.appId, QQ_BOT_APP_SECRET: 'not-the-secret-1' });
    await person.types('AppID（机器人 ID）', '');
    await person.types('Enter keeps', '');
    await person.types('What now?', choice);
    if (choice === '2') await person.types('Who answers?', '1');
    expect(await person.ended).toBe(code);
    expect(files()).toEqual(left);
  });

  test.each(['ctrlC', 'ctrlD'] as const)('%s leaves nothing behind, at each question', async (key) => {
    for (const question of ['AppID（机器人 ID）', 'Enter keeps', 'Who answers?', 'base URL']) {
      const person = atTerminal([], bot());
      for (const [asked, answer] of [
        ['AppID（机器人 ID）', ''],
        ['Enter keeps', ''],
        ['Who answers?', '2'],
        ['base URL', ''],
      ] as const) {
        if (asked === question) {
          await person.presses(asked, key);
          break;
        }
        await person.types(asked, answer);
      }
      await person.sees('nothing was written');
      expect([question, await person.ended, files()]).toEqual([question, 1, []]);
    }
  });

  test('a language model is asked once, its key is not seen and goes into a file of its own', async () => {
    const model = await openModelServer(says('I am', ' here'));
    try {
      const person = atTerminal([], bot());
      await person.types('AppID（机器人 ID）', '');
      await person.types('Enter keeps', '');
      await person.types('Who answers?', '2');
      await person.types('base URL', model.baseUrl);
      await person.types('model', 'qwen3');
      await person.types('API key', 'sk-key-of-the-model');
      await person.sees('I am here');
      expect(await person.ended).toBe(0);
      expect(model.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-key-of-the-model']);
      expect(person.screen + written()).not.toContain('sk-key-of-the-model');
      expect(secretOf('backend-default')).toBe('sk-key-of-the-model');
      expect(written()).toContain(`base_url = "${model.baseUrl}"`);
    } finally {
      await model.close();
    }
  });

  test('a command is parted into words; one that fails is told, and chosen anew; a server is asked, too', async () => {
    const peer = await httpPeer(
      (response) => void response.setHeader('content-type', 'text/plain').end('from the server'),
    );
    const person = atTerminal([], bot());
    await person.types('AppID（机器人 ID）', '');
    await person.types('Enter keeps', '');
    await person.types('Who answers?', '3');
    await person.types('命令', 'no-such-program --x');
    await person.types('What now?', '1');
    await person.types('Who answers?', '3');
    await person.types('命令', `sh -c 'read it; printf "said: %s" "$it"`);
    await person.types('quotes do not match', `sh -c 'read it; printf "said: %s" "$it"'`);
    await person.sees('said: 你好');
    expect(await person.ended).toBe(0);
    expect(written()).toContain('command = [ "sh", "-c", "read it; printf \\"said: %s\\" \\"$it\\"" ]');

    const again = atTerminal([], {});
    await again.types('AppID（机器人 ID）', '');
    await again.types('Enter keeps', '');
    await again.sees('as it is: exec');
    await again.types('5)', '5');
    await again.types('URL', peer.url);
    await again.types('signatures', 'key-of-the-hook');
    await again.sees('from the server');
    expect(await again.ended).toBe(0);
    expect(peer.asked[0]?.headers['x-loong-signature']).toMatch(/^sha256=/);
    expect(written()).toContain(`url = "${peer.url}"`);
    expect(written()).not.toContain('command');
    expect((await home.run(['config', 'check'])).code).toBe(0);
  });
});

/** To whoever judges an address another machine, to the system this one, where nobody is there. */
const ELSEWHERE = 'http://0.0.0.0:9/v1';

test('what the config would not take is told, and asked again; plain http to another machine has to be wanted', async () => {
  const person = atTerminal([], bot());
  await person.types('AppID（机器人 ID）', '');
  await person.types('Enter keeps', '');
  await person.types('Who answers?', '2');
  await person.types('base URL', '');
  await person.types('model', '');
  await person.types('API key', '$OPENAI_API_KEY');
  await person.sees('looks like a reference to an environment variable');
  await person.types('Who answers?', '2');
  await person.types('base URL', ELSEWHERE);
  await person.types('plain http', '1');
  await person.types('base URL', ELSEWHERE);
  await person.types('plain http', '2');
  await person.types('model', '');
  await person.types('API key', '');
  await person.types('What now?', '2');
  expect(await person.ended).toBe(0);
  expect(person.screen).not.toContain('OPENAI_API_KEY');
  expect(written()).toContain(`base_url = "${ELSEWHERE}"`);
  expect(written()).toContain('allow_http = true');

  // Whatever belonged to that kind alone goes with it.
  const again = atTerminal([], {});
  await again.types('AppID（机器人 ID）', '');
  await again.types('Enter keeps', '');
  await again.types('as it is: openai', '2');
  expect(await again.ended).toBe(0);
  expect(written()).not.toContain('allow_http');
  expect((await home.run(['config', 'check'])).code).toBe(0);
});

describe('without questions', () => {
  test('the six names of .env.qq, with .env beneath and the environment above', async () => {
    const ended = await init(
      ['--yes'],
      { QQBOT_TOKEN_URL: sandbox.tokenUrl, QQ_DM_POLICY: 'allowlist' },
      {
        '.env.qq': `QQ_BOT_API_BASE_URL=${sandbox.apiBaseUrl}
QQ_BOT_APP_ID=${sandbox.appId}
QQ_BOT_APP_SECRET="${sandbox.clientSecret}"
QQ_OFFICIAL_WEBHOOK_PATH=/qq-official-webhook
QQ_DM_POLICY=pairing
QQ_ALLOW_FROM=
`,
        '.env': 'QQ_BOT_APP_ID=1\nQQ_ALLOW_FROM="openid_alice, openid_bob"\n',
      },
    );
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('.env.qq')]);
    expect(ended.stdout + ended.stderr).not.toContain(sandbox.clientSecret);
    const { qqbot } = JSON.parse((await home.run(['config', 'show', '--json'])).stdout);
    expect(qqbot.accounts.default).toMatchObject({
      api_base_url: sandbox.apiBaseUrl,
      dm_policy: 'allowlist',
      allowed_peer_ids: ['openid_alice', 'openid_bob'],
    });
    expect(written()).toContain(`app_id = "${sandbox.appId}"`);
  });

  test('--env-file is read instead of .env.qq, and has to be there', async () => {
    const env = { ...urls(), QQ_BOT_APP_SECRET: sandbox.clientSecret };
    const given = { '.env.qq': 'QQ_BOT_APP_ID=1\n', other: `export QQ_BOT_APP_ID=${sandbox.appId} # mine\n` };
    expect((await init(['--yes', '--env-file', 'other'], env, given)).code).toBe(0);
    expect(written()).toContain(`app_id = "${sandbox.appId}"`);
    const missing = await init(['--yes', '--env-file', 'nowhere'], env, given);
    // Node 20 reads this flag, too, wherever it stands, and ends by itself when the file is missing.
    expect([missing.code === 0, missing.stderr]).toEqual([false, expect.stringContaining('nowhere')]);
  });

  test.each([
    ['QQBOT_APP_ID', 'QQBOT_CLIENT_SECRET'],
    ['QQ_BOT_APP_ID', 'QQ_APP_SECRET'],
  ])('%s and %s will do', async (id, secret) => {
    const ended = await init(['--yes', '--json'], { ...urls(), [id]: sandbox.appId, [secret]: sandbox.clientSecret });
    expect(ended.code).toBe(0);
    const report = JSON.parse(ended.stdout);
    expect(report).toMatchObject({ written: true, dry_run: false, backup: null, config: home.configPath });
    expect(report.status.accounts[0].probe.map(({ level }: { level: string }) => level)).not.toContain('fail');
    expect(report.next[0].command).toContain('gateway run');
    expect(ended.stdout).not.toContain(sandbox.clientSecret);
  });

  test('--dry-run shows all and writes nothing, and needs neither terminal nor --yes', async () => {
    const ended = await init(['--dry-run'], bot());
    expect([ended.code, files()]).toEqual([0, []]);
    expect(ended.stdout).toContain(`app_id = "${sandbox.appId}"`);
    expect(ended.stdout).toMatch(/secrets\/qqbot-102000001 \(0600\): \*\*\*/);
    expect(ended.stdout + ended.stderr).not.toContain(sandbox.clientSecret);
    expect(sandbox.platform.transcript.counters().requests).toBeGreaterThan(0);
    const json = JSON.parse((await init(['--dry-run', '--json'], bot())).stdout);
    expect(json).toMatchObject({
      written: false,
      dry_run: true,
      secret_files: [join(folder, 'secrets/qqbot-102000001')],
    });
  });

  test('--skip-api-probe asks QQ nothing', async () => {
    expect((await init(['--yes', '--skip-api-probe'], { ...bot(), QQ_BOT_APP_SECRET: 'whatever-it-is-1' })).code).toBe(
      0,
    );
    expect(sandbox.platform.transcript.counters().requests).toBe(0);
    expect(secretOf('qqbot-102000001')).toBe('whatever-it-is-1');
  });

  test('wrong credentials and a platform that is not there are not written', async () => {
    const wrong = await init(['--yes'], { ...bot(), QQ_BOT_APP_SECRET: 'not-the-secret-1' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/100016[\s\S]*→.*--skip-api-probe/)]);
    await sandbox.close();
    const gone = await init(['--yes', '--json'], bot());
    expect([gone.code, JSON.parse(gone.stdout).error.code]).toEqual([69, 'init.unreached']);
    expect(files()).toEqual([]);
  });

  test('a machine that is not on the whitelist gets its config all the same, and is told what to do about it', async () => {
    for (const path of ['/gateway/bot', '/users/@me'])
      sandbox.platform.fault({ kind: 'rest', path, code: 11298, times: 'always' });
    const ended = await init(['--yes'], bot());
    expect([ended.code, files()]).toEqual([0, ['config.toml', 'secrets', 'secrets/qqbot-102000001']]);
    expect(ended.stdout).toMatch(/fail +gateway +.*11298.*\n +→ .*IP/);
  });

  test('what is missing is named, all of it', async () => {
    const ended = await init(['--yes', '--json'], urls());
    expect([ended.code, JSON.parse(ended.stdout).error.problems.map(({ path }: { path: string }) => path)]).toEqual([
      78,
      ['QQ_BOT_APP_ID', 'QQ_BOT_APP_SECRET'],
    ]);
  });

  test('a policy that lets everybody in without saying so is refused, and nothing is written', async () => {
    const ended = await init(['--yes'], { ...bot(), QQ_DM_POLICY: 'open', QQ_ALLOW_FROM: 'openid_alice' });
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining('add "*" to allowed_peer_ids')]);
    expect(files()).toEqual([]);
    expect((await init(['--yes'], { ...bot(), QQ_DM_POLICY: 'open', QQ_ALLOW_FROM: '*' })).code).toBe(0);
  });

  test('a policy with which nobody could ever be answered is refused, too', async () => {
    const ended = await init(['--yes'], { ...bot(), QQ_DM_POLICY: 'allowlist' });
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining('could never admit a message')]);
    expect(files()).toEqual([]);
    expect((await init(['--yes'], { ...bot(), QQ_DM_POLICY: 'allowlist', QQ_ALLOW_FROM: 'openid_alice' })).code).toBe(
      0,
    );
  });

  test('where a daemon runs already it says to stop that one first', async () => {
    await init(['--yes'], bot());
    const daemon = home.start(['gateway', 'run']);
    await daemon.logs('connected to the QQ gateway');
    const report = JSON.parse((await init(['--yes', '--json'], { QQ_ALLOW_FROM: 'openid_bob' })).stdout);
    expect(report.next.map(({ command }: { command: string }) => command.split(' ').slice(2).join(' '))).toEqual([
      'gateway stop',
      'gateway run',
      'pairing approve qqbot CODE',
    ]);
    expect(report).toMatchObject({ changes: ['[qqbot] allowed_peer_ids = [ "openid_bob" ]'], secret_files: [] });
  });

  test('without a terminal and without --yes it ends with what to do', async () => {
    const ended = await init([], bot());
    expect([ended.code, ended.stderr]).toEqual([64, expect.stringMatching(/no terminal[\s\S]*→.*--yes/)]);
    expect(files()).toEqual([]);
  });
});

describe('a config that is there', () => {
  const OLD = `# mine
[gateway]
retention_days = 7   # a week

[qq] # the bot
app_id_env = "NOT_SET_ANYWHERE"
client_secret = "an-old-secret-1"    # to be changed
history_limit = 3

[onebot]
allowed_peer_ids = [20002]
`;

  test('keeps its comments, its other keys and the name of its table, and a backup stands beside it', async () => {
    home.writeConfig(OLD);
    const ended = await init(['--yes'], bot());
    expect([ended.code, ended.stderr]).toEqual([0, expect.any(String)]);
    expect(written()).toBe(`# mine
[gateway]
retention_days = 7   # a week

[qq] # the bot
history_limit = 3
app_id = "${sandbox.appId}"
client_secret_file = "secrets/qqbot-${sandbox.appId}"
api_base_url = "${sandbox.apiBaseUrl}"
token_url = "${sandbox.tokenUrl}"

[onebot]
allowed_peer_ids = [20002]
`);
    const [backup, ...others] = files().filter((name) => name.endsWith('.bak'));
    expect(others).toEqual([]);
    expect(readFileSync(join(folder, backup ?? ''), 'utf8')).toBe(OLD);
    expect(statSync(join(folder, backup ?? '')).mode & 0o777).toBe(0o600);
    expect(ended.stdout).toContain(backup);
  });

  test('stays as it is when nothing changes: no backup, no new file', async () => {
    await init(['--yes'], bot());
    const before = files();
    const { mtimeMs } = statSync(home.configPath);
    const again = await init(['--yes'], {});
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing to change')]);
    expect([files(), statSync(home.configPath).mtimeMs]).toEqual([before, mtimeMs]);
  });

  test('of another bot: says to rebind', async () => {
    home.writeConfig(OLD.replace('app_id_env = "NOT_SET_ANYWHERE"', 'app_id = "999"'));
    const ended = await init(['--yes'], bot());
    expect(ended.stdout).toContain('account rebind qqbot default');
  });

  test.each([
    ['accounts of its own', '[qqbot.accounts.main]\napp_id = "1"\n', 'init.several_accounts'],
    ['dotted keys', 'qqbot.app_id = "1"\n', 'init.not_in_place'],
    ['an inline table', 'qqbot = { app_id = "1" }\n', 'init.not_in_place'],
    ['a text of several lines', '[qqbot]\napp_id = """\n1"""\n', 'init.not_in_place'],
    ['something wrong', '[qqbot]\napp_idd = "1"\n', 'config.invalid'],
  ])('with %s is left as it is, with what to do', async (_, text, code) => {
    home.writeConfig(text);
    const ended = await init(['--yes', '--json'], bot());
    expect([ended.code, JSON.parse(ended.stdout).error.code, written()]).toEqual([78, code, text]);
    expect(files()).toEqual(['config.toml']);
  });

  test('behind a link: the file is replaced, not the link; its secrets are where whoever reads it by the link looks', async () => {
    const there = join(tempDir(), 'real.toml');
    writeFileSync(there, OLD);
    symlinkSync(there, home.configPath);
    expect((await init(['--yes'], bot())).code).toBe(0);
    expect(lstatSync(home.configPath).isSymbolicLink()).toBe(true);
    expect(readFileSync(there, 'utf8')).toContain(sandbox.appId);
    const { stdout } = await home.run(['doctor', '--offline', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; level: string }[] };
    expect(checks.find(({ name }) => name.endsWith(' client secret'))?.level).toBe('ok');
  });

  test('with a number of QQ that JavaScript would round keeps it', async () => {
    writeFileSync(home.configPath, OLD.replace('20002', '9007199254740993'));
    expect((await init(['--yes'], bot())).code).toBe(0);
    expect(written()).toContain('[9007199254740993]');
    expect(written()).toContain(sandbox.appId);
  });

  test('with a byte order mark is changed like any other', async () => {
    writeFileSync(home.configPath, `\uFEFF${OLD}`);
    expect((await init(['--yes'], bot())).code).toBe(0);
    expect(written()).toContain(sandbox.appId);
  });

  test('in a folder that may not be written is told', async () => {
    const blocked = join(tempDir(), 'file');
    writeFileSync(blocked, '');
    const ended = await init(['--yes', '--config', join(blocked, 'config.toml'), '--json'], bot());
    expect([ended.code, JSON.parse(ended.stdout).error.code]).toEqual([78, 'config.unwritable']);
  });
});
