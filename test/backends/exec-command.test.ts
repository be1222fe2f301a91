/** A command as backend, with real commands: what it gets, what its answer is, and that nothing of it is left. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Turn } from '../../src/backends/backend.js';
import { type ExecOptions, execCommand } from '../../src/backends/exec-command.js';
import { GroupRecords } from '../../src/backends/group-records.js';
import { BackendError } from '../../src/model/errors.js';
import { plainText, type Segment } from '../../src/model/message.js';
import type { MessageId, PeerId } from '../../src/model/target.js';
import { piecesOf, segmentsOf, turnOf as turn } from '../support/answers.js';
import { ChildScript } from '../support/child-script.js';
import { target } from '../support/messages.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

/** A node script as the command; `more` overrides the rest. */
function script(source: string, more: Partial<ExecOptions> = {}): ExecOptions {
  return {
    command: [process.execPath, '-e', source],
    input: 'text',
    output: 'text',
    env: { PATH: process.env.PATH ?? '' },
    maxOutputBytes: 100_000,
    ...more,
  };
}

async function ask(options: ExecOptions, asked: Turn = turn(), signal = new AbortController().signal): Promise<string> {
  return plainText(segmentsOf(await piecesOf(execCommand(options), asked, { signal })));
}

/** Why the command gave no answer. */
async function failureOf(options: ExecOptions, signal?: AbortSignal): Promise<BackendError> {
  const failure: unknown = await ask(options, turn(), signal).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BackendError);
  return failure as BackendError;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that is dead and was not collected by its new parent yet counts as gone.
  return !/^State:\s+Z/m.test(existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '');
}

/** The number that a script wrote into a file. */
async function pidIn(path: string): Promise<number> {
  return Number(await waitUntil(`a pid in ${path}`, () => existsSync(path) && readFileSync(path, 'utf8')));
}

const CAT = 'process.stdin.pipe(process.stdout)';

test('the text of the message goes to stdin, and what is printed is the answer', async () => {
  const segments: Segment[] = [{ type: 'text', text: '你好, "$HOME" `id` 🐉\nline 2' }];
  expect(await ask(script(CAT), turn({ segments }))).toBe('你好, "$HOME" `id` 🐉\nline 2');
});

test('arguments are handed over as they are: there is no shell', async () => {
  const args = ['$HOME', '; echo two', '*', '', 'a b', '"quoted"'];
  const options = script('');
  const command: ExecOptions['command'] = [
    process.execPath,
    '-e',
    'console.log(JSON.stringify(process.argv.slice(1)))',
    '--',
    ...args,
  ];
  expect(JSON.parse(await ask({ ...options, command }))).toEqual(args);
});

test('with json the whole turn goes to stdin, with quote, attachments and role', async () => {
  const asked = turn(
    {
      id: 'ROBOT1.0_abc' as MessageId,
      conversation: target('group_demo', 'group'),
      sender: { id: 'openid_alice' as PeerId, name: 'Alice', role: 'admin', isBot: false },
      mentionsBot: true,
      segments: [
        { type: 'quote', message: 'REFIDX_1', text: 'what I said' },
        { type: 'mention', peer: 'openid_bob' as PeerId, name: 'Bob' },
        { type: 'text', text: ' look' },
        { type: 'media', kind: 'image', url: 'https://example.com/a.png', name: 'a.png', size: 12 },
        { type: 'media', kind: 'voice', url: 'https://example.com/v.silk', transcript: 'hello' },
      ],
    },
    2,
  );
  expect(JSON.parse(await ask(script(CAT, { input: 'json' }), asked))).toEqual({
    version: 1,
    id: 'ROBOT1.0_abc',
    channel: 'qqbot',
    account: 'main',
    target: 'qqbot:main:group:group_demo',
    kind: 'group',
    sender: { id: 'openid_alice', name: 'Alice', role: 'admin' },
    text: '@Bob look',
    mentioned: true,
    quote: { id: 'REFIDX_1', text: 'what I said' },
    attachments: [
      { kind: 'image', url: 'https://example.com/a.png', name: 'a.png', size: 12 },
      { kind: 'voice', url: 'https://example.com/v.silk', transcript: 'hello' },
    ],
    history: [],
    system_prompt: '',
    skills: [],
    tools: { allow: [], deny: [] },
    attempt: 2,
  });
});

test('with json what a message does not have is left out, and the document is one line', async () => {
  const printed = await ask(script(CAT, { input: 'json' }));
  expect(printed).not.toContain('\n');
  const document = JSON.parse(printed);
  expect(document).toMatchObject({ sender: { id: 'alice' }, attachments: [], attempt: 1 });
  expect(document).not.toHaveProperty('quote');
  expect(document.sender).not.toHaveProperty('role');
});

describe('with output json', () => {
  const printing = (answer: unknown, more: Partial<ExecOptions> = {}) =>
    script(`console.log(${JSON.stringify(JSON.stringify(answer))})`, { output: 'json', ...more });

  test('each message of the document is one, and files come from media_dir', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'chart.png'), 'picture');
    const messages = [{ text: 'see' }, { image: 'chart.png' }, { markdown: '**done**' }];
    expect(await piecesOf(execCommand(printing({ messages }, { mediaDir: folder })), turn())).toEqual([
      { type: 'text', text: 'see' },
      { type: 'end' },
      { type: 'media', kind: 'image', url: `base64://${Buffer.from('picture').toString('base64')}` },
      { type: 'end' },
      { type: 'markdown', markdown: '**done**' },
    ]);
  });

  test('nothing is silence', async () => {
    expect(await piecesOf(execCommand(script('', { output: 'json' })), turn())).toEqual([]);
    expect(await piecesOf(execCommand(printing({ messages: [] })), turn())).toEqual([]);
  });

  test('text that is no document is a failure that names the program', async () => {
    const failure = await failureOf(script('console.log("hello")', { output: 'json' }));
    expect(failure.code).toBe('backend.answer_invalid');
    expect(failure.message).toContain(process.execPath);
    expect((await failureOf(printing({ messages: [{ image: '/etc/passwd' }] }))).code).toBe('backend.media_refused');
  });

  test('a document after which the command fails is no answer', async () => {
    const source = 'console.log(JSON.stringify({ messages: [{ text: "half" }] })); process.exitCode = 1;';
    expect((await failureOf(script(source, { output: 'json' }))).code).toBe('backend.failed');
  });
});

test('it gets the listed variables and no other', async () => {
  const env = { PATH: process.env.PATH ?? '', GREETING: 'hi' };
  const seen: object = JSON.parse(await ask(script('console.log(JSON.stringify(process.env))', { env })));
  expect(Object.keys(seen).filter((name) => name !== '__CF_USER_TEXT_ENCODING')).toEqual(['PATH', 'GREETING']);
});

test.each([
  ['nothing', ''],
  ['blank lines', 'console.log("\\n  \\n\\t")'],
])('%s is silence', async (_, source) => {
  expect(await ask(script(source))).toBe('');
});

test('colours, control characters and blank lines around it are no part of an answer', async () => {
  const source =
    'process.stdout.write("\\n\\r\\n  \\u001b[31mred\\u001b[0m\\u0007 and\\tblue\\r\\nnext\\u0001 line\\n\\n")';
  expect(await ask(script(source))).toBe('  red and\tblue\nnext line');
});

test.each([
  ['bytes that are no UTF-8', 'process.stdout.write(Buffer.from([0xc4, 0xe3, 0xba, 0xc3]))'],
  ['a zero byte', 'process.stdout.write("ab\\0cd")'],
])('%s are no answer, and the remedy says so', async (_, source) => {
  const failure = await failureOf(script(source));
  expect(failure.code).toBe('backend.not_text');
  expect(failure.remedy).toContain('UTF-8');
});

test('a character that arrives in two pieces is whole', async () => {
  const source = `const [a, b] = [Buffer.from([0xe4, 0xbd]), Buffer.from([0xa0])];
process.stdout.write(a); setTimeout(() => process.stdout.write(b), 100);`;
  expect(await ask(script(source))).toBe('你');
});

test('an exit code other than 0 is a failure that tells the end of stderr in one line', async () => {
  const source = `process.stderr.write("x".repeat(5000) + "\\n\\u001b[31mno\\u001b[0m \\u202emodel\\u2028\\nloaded\\n");
process.stdout.write("half an answer"); process.exitCode = 3;`;
  const failure = await failureOf(script(source));
  expect(failure.code).toBe('backend.failed');
  expect(failure.message).toMatch(/ended with exit code 3: … no model loaded$/);
  expect(failure.message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  expect(failure.message.length).toBeLessThan(700);
});

test('a long complaint is cut between words, so that no half of a secret is left', async () => {
  const failure = await failureOf(script(`console.error("the-whole-secret ".repeat(100)); process.exitCode = 3;`));
  expect(failure.message).toMatch(/exit code 3: …( the-whole-secret)+$/);
});

test('what is said on stderr beside a good end is not shown', async () => {
  expect(await ask(script('console.error("warning"); console.log("fine")'))).toBe('fine');
});

test('an end by a signal is named', async () => {
  const failure = await failureOf(script('process.kill(process.pid, "SIGSEGV")'));
  expect(failure.message).toMatch(/was ended by SIGSEGV/);
});

test('a program that is not there, or may not be run, is named with its remedy', async () => {
  const file = join(tempDir(), 'not-executable');
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o644);
  for (const program of ['loong-no-such-program', '/nowhere/at/all', file]) {
    const failure = await failureOf(script('', { command: [program] }));
    expect(failure.code).toBe('backend.not_started');
    expect(failure.message).toContain(program);
    expect(failure.remedy).toContain('PATH');
  }
});

test('arguments that no process can be given are a failure of the backend, not of loong', async () => {
  expect((await failureOf(script('', { command: [process.execPath, 'a\0b'] }))).code).toBe('backend.not_started');
});

test('a command need not read its input', async () => {
  const long: Segment[] = [{ type: 'text', text: 'x'.repeat(3_000_000) }];
  expect(await ask(script('console.log("done")'), turn({ segments: long }))).toBe('done');
  expect(await ask(script('process.stdin.destroy(); console.log("closed")'), turn({ segments: long }))).toBe('closed');
});

test('a long answer comes whole, and one byte beyond max_output ends the command', async () => {
  const printing = (bytes: number) => script(`process.stdout.write("x".repeat(${bytes}))`, { maxOutputBytes: 900_000 });
  expect(await ask(printing(900_000))).toHaveLength(900_000);
  expect((await failureOf(printing(900_001))).code).toBe('backend.output_too_long');
});

test('a command that never stops printing is ended, and the remedy names max_output', async () => {
  const source = 'const more = () => process.stdout.write("y".repeat(65536), more); more();';
  const failure = await failureOf(script(source));
  expect(failure.code).toBe('backend.output_too_long');
  expect(failure.remedy).toContain('max_output');
});

test('a command whose time is up is ended, with everything that it started', async () => {
  const folder = tempDir();
  const source = `const { spawn } = require('node:child_process'); const fs = require('node:fs');
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
fs.writeFileSync(${JSON.stringify(join(folder, 'grandchild'))}, String(child.pid));
fs.writeFileSync(${JSON.stringify(join(folder, 'child'))}, String(process.pid));
setInterval(() => {}, 1000);`;
  const limit = new AbortController();
  const failing = failureOf(script(source), limit.signal);
  const pids = [await pidIn(join(folder, 'child')), await pidIn(join(folder, 'grandchild'))];
  expect(pids.every(lives)).toBe(true);
  limit.abort();
  expect((await failing).code).toBe('backend.aborted');
  await waitUntil('the end of both', () => !pids.some(lives));
});

test('a turn that is over before it begins starts nothing', async () => {
  const file = join(tempDir(), 'ran');
  const source = `require('node:fs').writeFileSync(${JSON.stringify(file)}, '')`;
  expect((await failureOf(script(source), AbortSignal.abort())).code).toBe('backend.aborted');
  expect(existsSync(file)).toBe(false);
});

test('SIGTERM that is ignored is followed by SIGKILL', async () => {
  const file = join(tempDir(), 'pid');
  const source = `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));
setInterval(() => {}, 1000);`;
  const limit = new AbortController();
  const failing = failureOf(script(source), limit.signal);
  const pid = await pidIn(file);
  limit.abort();
  await failing;
  expect(lives(pid)).toBe(false);
});

test('an answer does not wait for what the command left running, and nothing is left running', async () => {
  const file = join(tempDir(), 'pid');
  const source = `const child = require('node:child_process').spawn(process.execPath,
  ['-e', 'process.on("SIGTERM", () => {}); process.stdout.write("!"); setInterval(() => {}, 1000)'], { stdio: 'inherit' });
require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid));
process.stdout.write('the answer'); setTimeout(() => process.exit(0), 300);`;
  expect(await ask(script(source))).toMatch(/^the answer/);
  const pid = await pidIn(file);
  await waitUntil('its end', () => !lives(pid));
});

test('what left the group and keeps the output open does not hold the answer up', async () => {
  const file = join(tempDir(), 'pid');
  const source = `const child = require('node:child_process').spawn(process.execPath,
  ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit', detached: true });
require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid));
child.unref(); process.stdout.write('the answer'); process.exitCode = 0; setTimeout(() => process.exit(0), 100);`;
  try {
    expect(await ask(script(source))).toBe('the answer');
  } finally {
    process.kill(await pidIn(file), 'SIGKILL');
  }
});

test('when loong itself ends at once, commands that ignore SIGTERM end with it', async () => {
  const folder = tempDir();
  const stubborn = (name: string) =>
    `process.on('SIGTERM', () => {}); require('node:fs').writeFileSync(${JSON.stringify(folder)} + '/${name}', String(process.pid)); setInterval(() => {}, 1000);`;
  const source = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn('grandchild'))}], { stdio: 'inherit' }); ${stubborn('child')}`;
  const loong = new ChildScript(
    `const { execCommand } = await import(DIST + 'backends/exec-command.js');
const limit = new AbortController();
const backend = execCommand({ command: [process.execPath, '-e', process.argv[2]], input: 'text', output: 'text', env: {}, maxOutputBytes: 1000 });
const message = { segments: [{ type: 'text', text: '' }] };
backend.answer({ message, attempt: 1 }, limit)[Symbol.asyncIterator]().next().catch(() => {});
process.stdin.once('data', () => { limit.abort(); process.exit(0); });`,
    [source],
  );
  const pids = [await pidIn(join(folder, 'child')), await pidIn(join(folder, 'grandchild'))];
  loong.child.stdin?.write('now\n');
  await loong.ended;
  await waitUntil('the end of both', () => !pids.some(lives));
});

describe('when loong itself is killed', () => {
  const SLEEP = `require('node:fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000);`;

  // Elsewhere than on Linux nobody can tell whether a number still stands for the same process.
  test.runIf(process.platform === 'linux')('what still runs is on record, and the next start ends it', async () => {
    const folder = tempDir();
    const records = join(folder, 'records');
    const child = join(folder, 'child');
    const grandchild = join(folder, 'grandchild');
    const source = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(SLEEP)}, ${JSON.stringify(grandchild)}], { stdio: 'inherit' });
process.argv[1] = ${JSON.stringify(child)}; ${SLEEP}`;
    const loong = new ChildScript(
      `const { execCommand } = await import(DIST + 'backends/exec-command.js');
const { GroupRecords } = await import(DIST + 'backends/group-records.js');
const command = (source) => ({ command: [process.execPath, '-e', source], input: 'text', output: 'text', env: {}, maxOutputBytes: 1000 });
const message = { segments: [{ type: 'text', text: '' }] };
const ask = (source) => execCommand(command(source), new GroupRecords(process.argv[3]))
  .answer({ message, attempt: 1 }, new AbortController())[Symbol.asyncIterator]().next();
await ask('console.log("done")');
ask(process.argv[2]).catch(() => {});`,
      [source, records],
    );
    const pids = [await pidIn(child), await pidIn(grandchild)];
    await waitUntil('the one record', () => readdirSync(records).length === 1);
    await loong.kill();
    expect(pids.map(lives)).toEqual([true, true]);
    expect(new GroupRecords(records).endLeftOver()).toBe(1);
    await waitUntil('the end of both', () => !pids.some(lives));
    expect(readdirSync(records)).toEqual([]);
  });

  test('a number that stands for another process now, or for none, is left alone', async () => {
    const folder = tempDir();
    const records = new GroupRecords(join(folder, 'records'));
    const file = join(folder, 'pid');
    const other = spawn(process.execPath, ['-e', SLEEP, file], { detached: true, stdio: 'ignore' });
    onTestFinished(() => void other.kill('SIGKILL'));
    const pid = await pidIn(file);
    for (const name of [String(pid), '999999999', '0', '1', '-1', 'x']) {
      writeFileSync(join(folder, 'records', name), 'another-boot 12345\n');
    }
    mkdirSync(join(folder, 'records', '7'));
    expect(records.endLeftOver()).toBe(0);
    expect(lives(pid)).toBe(true);
  });
});

test('many turns at once leave no process and no listener behind', async () => {
  const listeners = process.listenerCount('exit');
  const backend = execCommand(script(CAT));
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const asked = turn({ segments: [{ type: 'text', text: `n${i}` }] });
      return plainText(segmentsOf(await piecesOf(backend, asked)));
    }),
  );
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `n${i}`));
  await waitUntil('the listener to go', () => process.listenerCount('exit') === listeners);
});

test('what is far longer than any answer is refused before it is cleaned, however much may be printed', async () => {
  const source = 'process.stdout.write("a".repeat(1_000_001))';
  expect((await failureOf(script(source, { maxOutputBytes: 64 * 1_048_576 }))).code).toBe('backend.too_long');
});
