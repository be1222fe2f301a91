/** A command answers on QQ: daemon, backend of type exec and platform, as processes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome, type LoongProcess } from '../support/loong-process.js';
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

/** A daemon whose backend is this node script. `keys` are further lines of the backend. */
async function answering(source: string, keys = '', qqbot = '', env: NodeJS.ProcessEnv = {}): Promise<LoongProcess> {
  home.writeConfig(
    configFor(
      sandbox,
      `allowed_peer_ids = ["openid_alice", "group:*"]\nbackend = "mine"\n${qqbot}`,
      `[backends.mine]\ntype = "exec"\ncommand = ${JSON.stringify([process.execPath, '-e', source])}\n${keys}`,
    ),
  );
  const daemon = home.start(['gateway', 'run'], [], env);
  await daemon.logs('connected to the QQ gateway');
  return daemon;
}

async function answerTo(text: string): Promise<string | undefined> {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text });
  await waitUntil(`the answer to ${text}`, () => answersTo(sandbox, id).length === 1);
  return answersTo(sandbox, id)[0]?.text;
}

const UPPER = `let said = ''; process.stdin.setEncoding('utf8').on('data', (part) => { said += part; })
  .on('end', () => console.log(said.toUpperCase()));`;

test('what the command prints is what the user reads', async () => {
  await answering(UPPER, 'input = "text"');
  expect(await answerTo('hello 你好')).toBe('HELLO 你好');
});

test('by default the command gets the whole turn', async () => {
  await answering(
    `let said = ''; process.stdin.on('data', (part) => { said += part; }).on('end', () => {
  const { version, target, kind, sender, text, mentioned, attachments, attempt } = JSON.parse(said);
  console.log(JSON.stringify({ version, target, kind, sender: sender.id, text, mentioned, attachments, attempt })); });`,
  );
  expect(JSON.parse((await answerTo('你好')) ?? '')).toEqual({
    version: 1,
    target: 'qqbot:default:c2c:openid_alice',
    kind: 'c2c',
    sender: 'openid_alice',
    text: '你好',
    mentioned: true,
    attachments: [],
    attempt: 1,
  });
});

test('the command sees the listed variables, and nothing of QQ', async () => {
  const env = { QQBOT_APP_ID: sandbox.appId, QQBOT_CLIENT_SECRET: sandbox.clientSecret, MODEL: 'small', OTHER: 'x' };
  await answering(
    'console.log(Object.keys(process.env).sort().join(" "))',
    'env = ["PATH", "MODEL", "NOT_SET"]',
    '',
    env,
  );
  expect(await answerTo('env')).toBe('MODEL PATH');
});

test('a variable that holds a secret of the bot is refused before anything starts', async () => {
  home.writeConfig(
    configFor(
      sandbox,
      'allowed_peer_ids = ["openid_alice"]\nbackend = "mine"',
      '[backends.mine]\ntype = "exec"\ncommand = ["cat"]\nenv = ["QQBOT_CLIENT_SECRET"]\n',
    ),
  );
  const ended = await home.run(['gateway', 'run'], { env: { QQBOT_CLIENT_SECRET: 'whatever-it-is' } });
  expect(ended.code).toBe(78);
  expect(ended.stderr).toContain('backends.mine.env');
  expect(ended.stderr).not.toContain('whatever-it-is');
});

test('silence is an answer: nothing is sent, and the next message is answered', async () => {
  await answering(`${UPPER.replace('said.toUpperCase()', "said === 'quiet' ? '' : said")}`, 'input = "text"');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'quiet' });
  expect(await answerTo('loud')).toBe('loud');
  expect(answersTo(sandbox, id)).toEqual([]);
});

test('a failure is logged with what the command complained about, and touches no other message', async () => {
  const daemon = await answering(
    `let said = ''; process.stdin.on('data', (part) => { said += part; }).on('end', () => {
  if (said === 'fail') { console.error('no such model: huge'); process.exit(2); } console.log(said); });`,
    'input = "text"',
  );
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'fail' });
  await daemon.logs('ended with exit code 2: no such model: huge');
  expect(await answerTo('fine')).toBe('fine');
  expect(answersTo(sandbox, id)).toEqual([]);
  const status = await home.run(['gateway', 'status']);
  expect(status.stdout).toContain('1 answered, 1 not answered');
  const queue = await home.run(['queue']);
  expect(queue.code).toBe(0);
  expect(queue.stdout).toMatch(/^in-1 +failed +qqbot:default:c2c:openid_alice {2}1 attempt, \d+ s old$/m);
  expect(queue.stdout).toContain('backend.failed: ');
  const { rows } = JSON.parse((await home.run(['queue', '--json'])).stdout) as {
    rows: { id: string; status: string }[];
  };
  expect(rows.map(({ id, status: is }) => `${id} ${is}`).sort()).toEqual([
    'in-1 failed',
    'in-2 answered',
    'out-1 delivered',
  ]);
});

test('the queue is shown without a daemon too, and before there was one', async () => {
  home.writeConfig(configFor(sandbox));
  expect((await home.run(['queue'])).stdout).toBe('nothing came in or went out yet\n');
  sandbox.platform.set({ user: 'openid_alice', active_allowed: false });
  await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'hi']);
  const shown = await home.run(['queue']);
  expect(shown.stdout).toMatch(/^out-1 +parked +qqbot:default:c2c:openid_alice/m);
  expect(shown.stdout).toContain('the peer must write first');
});

test('a failure is answered with the apology, if there is one', async () => {
  await answering('process.exit(1)', '', 'apology = "出了点问题，请稍后再试。"');
  expect(await answerTo('你好')).toBe('出了点问题，请稍后再试。');
});

test('a command that is too slow is ended with everything it started', async () => {
  const pids = join(home.folder, 'pids');
  const daemon = await answering(
    `const { spawn } = require('node:child_process'); process.on('SIGTERM', () => {});
const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { stdio: 'inherit' });
require('node:fs').writeFileSync(${JSON.stringify(pids)}, process.pid + ' ' + child.pid); setInterval(() => {}, 1000);`,
    'timeout = "700ms"',
  );
  sandbox.platform.say({ from: 'openid_alice', text: 'wait' });
  await daemon.logs('the backend gave no answer within 700 ms');
  await gone(pids);
});

test('a command that prints without end is ended', async () => {
  const daemon = await answering(
    'const more = () => process.stdout.write("y".repeat(65536), more); more();',
    'max_output = "64KiB"',
  );
  sandbox.platform.say({ from: 'openid_alice', text: 'flood' });
  await daemon.logs('printed more than 65536 bytes');
});

test('a program that is not there is named in the log, and by the doctor beforehand', async () => {
  home.writeConfig(
    configFor(
      sandbox,
      'allowed_peer_ids = ["openid_alice"]\nbackend = "mine"',
      '[backends.mine]\ntype = "exec"\ncommand = ["loong-no-such-program"]\n',
    ),
  );
  const report = await home.run(['doctor', '--offline']);
  expect(report.code).toBe(1);
  expect(report.stdout).toMatch(/fail +backend mine +there is no program `loong-no-such-program`/);
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  sandbox.platform.say({ from: 'openid_alice', text: 'hi' });
  await daemon.logs('`loong-no-such-program` could not be started');
});

test('a daemon that is stopped lets the running answer end, and sends it', async () => {
  const begun = join(home.folder, 'begun');
  const daemon = await answering(
    `require('node:fs').writeFileSync(${JSON.stringify(begun)}, ''); setTimeout(() => console.log('done after all'), 1000)`,
  );
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'slow' });
  await waitUntil('the command', () => existsSync(begun));
  expect((await daemon.stop()).code).toBe(0);
  expect(
    answersTo(sandbox, id).map(({ text }) => text),
    daemon.stderr,
  ).toEqual(['done after all']);
});

test('a daemon that is told twice to end leaves no command behind, however stubborn', async () => {
  const pids = join(home.folder, 'pids');
  const daemon = await answering(
    `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync(${JSON.stringify(pids)}, String(process.pid)); setInterval(() => {}, 1000);`,
  );
  sandbox.platform.say({ from: 'openid_alice', text: 'wait' });
  await waitUntil('the command', () => existsSync(pids));
  daemon.child.kill('SIGTERM');
  await daemon.logs('stopping');
  daemon.child.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(75);
  await gone(pids);
});

test.runIf(process.platform === 'linux')(
  'what a killed daemon left running is ended before it runs again',
  async () => {
    const log = join(home.folder, 'runs');
    const first = await answering(
      `const { appendFileSync, readFileSync } = require('node:fs'); process.on('SIGTERM', () => {});
const before = require('node:fs').existsSync(${JSON.stringify(log)}) ? readFileSync(${JSON.stringify(log)}, 'utf8').trim() : '';
const alive = before !== '' && require('node:fs').existsSync('/proc/' + before + '/cmdline') && readFileSync('/proc/' + before + '/cmdline', 'utf8') !== '';
if (before !== '') { console.log(alive ? 'beside the old one' : 'alone'); process.exit(0); }
appendFileSync(${JSON.stringify(log)}, process.pid + '\\n'); setInterval(() => {}, 1000);`,
    );
    const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'wait' });
    await waitUntil('the command', () => existsSync(log) && readFileSync(log, 'utf8') !== '');
    await first.kill();
    const second = home.start(['gateway', 'run']);
    await second.logs('commands that were still running from before were ended');
    await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
    expect(answersTo(sandbox, id)[0]?.text).toBe('alone');
    await gone(log);
  },
);

test('one command runs at a time with concurrency 1, though the one before ignores its end', async () => {
  const file = join(home.folder, 'pid');
  const daemon = await answering(
    `const { existsSync, readFileSync, writeFileSync } = require('node:fs'); process.on('SIGTERM', () => {});
if (!existsSync(${JSON.stringify(file)})) { writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000); }
else { let alone = false; try { process.kill(Number(readFileSync(${JSON.stringify(file)}, 'utf8')), 0); } catch { alone = true; }
  console.log(alone ? 'alone' : 'beside another'); }`,
    'concurrency = 1\ntimeout = "1s"',
  );
  sandbox.platform.say({ from: 'openid_alice', text: 'hang' });
  await waitUntil('the command', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'next' });
  await daemon.logs('the backend gave no answer within 1000 ms');
  await waitUntil('the answer', () => answersTo(sandbox, id).length === 1);
  expect(answersTo(sandbox, id)[0]?.text).toBe('alone');
});

/** Waits until none of the processes in this file lives. */
async function gone(pids: string): Promise<void> {
  const text = await waitUntil('the pids', () => existsSync(pids) && readFileSync(pids, 'utf8'));
  await waitUntil('their end', () => !text.split(' ').map(Number).some(lives));
}

function lives(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  try {
    process.kill(pid, 0);
    // One that is dead and was not collected by its new parent yet counts as gone.
    return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
  } catch {
    return false;
  }
}
