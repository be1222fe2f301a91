/** Who has a port, called by a name that it chose itself. */
import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { portHolder } from '../../src/http/port-holder.js';

const LISTEN = `process.title = '\\u001b[2Jfoe\\u0007';
const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port));`;

test.runIf(process.platform === 'linux')('its name does nothing to a terminal', async () => {
  const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  expect(await portHolder(port)).toEqual({ pid: child.pid, command: '[2Jfoe' });
  child.kill('SIGKILL');
});
