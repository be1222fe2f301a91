/** A secret that somebody repeats to us is shown by no command, in text and in JSON. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, LoongHome } from '../support/loong-process.js';
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

/** What every one of these commands prints, in text and in JSON. */
async function shown(...commands: string[][]): Promise<string> {
  const ended = await Promise.all(commands.flatMap((args) => [home.run(args), home.run([...args, '--json'])]));
  return ended.map(({ stdout, stderr }) => stdout + stderr).join('\n');
}

test('in the words of the platform', async () => {
  home.writeConfig(configFor(sandbox));
  const message = `unknown: the secret ${sandbox.clientSecret}`;
  sandbox.platform.fault({ kind: 'rest', path: '/gateway/bot', status: 400, code: 4242, message, times: 'always' });
  home.start(['gateway', 'run']);
  const status = await waitUntil('the platform’s words', async () => {
    const text = await shown(['gateway', 'status']);
    return text.includes('4242') && text;
  });
  const all = status + (await shown(['channels', 'status'], ['channels'], ['doctor', '--offline']));
  expect(all).toContain('the secret ***');
  expect(all).not.toContain(sandbox.clientSecret);
});

test('in the complaint of a backend', async () => {
  const source = `console.error('cannot log in with ${sandbox.clientSecret}'); process.exit(1);`;
  home.writeConfig(
    configFor(
      sandbox,
      'allowed_peer_ids = ["openid_alice"]\nbackend = "mine"',
      `[backends.mine]\ntype = "exec"\ncommand = ${JSON.stringify([process.execPath, '-e', source])}\n`,
    ),
  );
  const daemon = home.start(['gateway', 'run']);
  await daemon.logs('connected to the QQ gateway');
  sandbox.platform.say({ from: 'openid_alice', text: 'hi' });
  const queue = await waitUntil('the row', async () => {
    const text = await shown(['queue']);
    return text.includes('backend.failed') && text;
  });
  expect(queue).toContain('cannot log in with ***');
  expect(queue + daemon.stderr).not.toContain(sandbox.clientSecret);
});
