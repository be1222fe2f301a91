/** What is mistyped is told with the word that was meant, and nothing is done: exit code 64. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ended, LoongHome } from '../support/loong-process.js';

let home: LoongHome;

beforeEach(() => {
  home = new LoongHome();
  home.writeConfig('[qqbot]\napp_id = "1"\nclient_secret = "s"\nallowed_peer_ids = ["openid_alice"]\n');
});

afterEach(() => home.remove());

/** The error of a command in text, and the same in JSON. */
async function refused(...args: string[]): Promise<{ readonly text: string; readonly code: string; message: string }> {
  const [plain, json] = await Promise.all([home.run(args), home.run([...args, '--json'])]);
  expect([plain.code, plain.stdout, json.code]).toEqual([64, '', 64]);
  const { code, message } = JSON.parse(json.stdout).error;
  return { text: plain.stderr, code, message };
}

test.each([[[]], [['gateway']], [['config']]])('without a command (%j) the error says so', async (args) => {
  const json = await home.run([...args, '--json']);
  expect(json.code).toBe(64);
  expect(JSON.parse(json.stdout)).toEqual({
    error: { code: 'usage', message: 'a command is missing', remedy: expect.stringContaining('--help') },
  });
});

describe('after `channels`', () => {
  test('an unknown command is called one, with what was meant', async () => {
    const { text, message } = await refused('channels', 'bogus');
    expect(message).toBe('unknown command `bogus` of `loong channels`');
    expect(text).toContain('`loong channels --help`');
    expect((await refused('channels', 'sned')).text).toContain('did you mean `send`?');
    const whole = await refused('channels', 'sned', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'x');
    expect(whole.message).toContain('`sned`');
  });

  test('an unknown option is called one', async () => {
    const { text, message } = await refused('channels', '--jsno');
    expect(message).toContain('unknown option `--jsno`');
    expect(text).toContain('did you mean `--json`?');
  });

  test('nothing at all is the inventory', async () => {
    expect((await home.run(['channels', '--log-level', 'info'])).code).toBe(0);
  });
});

const SEND = ['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'one', '--dry-run'];

test('after `queue`, which stands alone too, an unknown command is called one', async () => {
  const { text, message } = await refused('queue', 'shwo', 'out-1');
  expect(message).toBe('unknown command `shwo` of `loong queue`');
  expect(text).toContain('did you mean `show`?');
  expect((await refused('queue', '--jsno')).text).toContain('did you mean `--json`?');
});

test.each([
  ['--text', 'two'],
  ['--text', 'one'],
  ['--target', 'c2c:openid_bob'],
  ['--timeout', '5s'],
])('an option that counts once and is given twice (%s %s) is refused, not overridden', async (option, value) => {
  const args = option === '--timeout' ? [...SEND, option, '1s', option, value] : [...SEND, option, value];
  const { text, code, message } = await refused(...args);
  expect([code, message]).toEqual(['usage.repeated', `\`${option}\` is given more than once`]);
  expect(text).toContain('give it once');
});

test('a global option may be overridden, as that of an alias is', async () => {
  expect((await home.run(['--config', '/nowhere.toml', ...SEND, '--config', home.configPath])).code).toBe(0);
});

function piped(input: Buffer): Promise<Ended> {
  const command = home.start(SEND.map((word) => (word === 'one' ? '-' : word)));
  command.child.stdin?.end(input);
  return command.ended;
}

test('text from stdin that is not UTF-8 is refused instead of mangled', async () => {
  const gbk = await piped(Buffer.from([0xc4, 0xe3, 0xba, 0xc3, 0x0a]));
  expect([gbk.code, gbk.stdout]).toEqual([64, '']);
  expect(gbk.stderr).toMatch(/not UTF-8 text\n {2}→ .*iconv/);
  expect((await piped(Buffer.from('你好\n'))).stdout).toContain('2 characters');
});
