/** A backend that thinks long in one conversation is nobody else's problem. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { plainText } from '../../src/model/message.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { openRoad, type Road } from '../support/road.js';
import { answersTo, steps } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

let sandbox: Sandbox;
let road: Road | undefined;

beforeEach(async () => {
  sandbox = await startSandbox({ heartbeatIntervalMs: 50 });
});

afterEach(async () => {
  await road?.close();
  await sandbox.close();
});

test('neither heartbeats nor another conversation wait for a sleeping turn, and its own conversation keeps its order', async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const backend: Backend = {
    async *answer({ message }) {
      if (message.sender.id === 'openid_alice' && plainText(message.segments) === 'think') await released;
      yield* message.segments;
    },
  };
  road = await openRoad(sandbox, backend, ['openid_alice', 'openid_bob']);
  const slow = sandbox.platform.say({ from: 'openid_alice', text: 'think' });
  const behind = sandbox.platform.say({ from: 'openid_alice', text: 'and then' });
  const beats = sandbox.platform.transcript.counters().heartbeats;
  for (let i = 0; i < 20; i++) {
    const { id } = sandbox.platform.say({ from: 'openid_bob', text: `quick ${i}` });
    await waitUntil('bob’s answer', () => answersTo(sandbox, id).length === 1);
  }
  await waitUntil('five more heartbeats', () => sandbox.platform.transcript.counters().heartbeats >= beats + 5);
  expect(steps(sandbox, 'closed')).toEqual([]);
  expect(answersTo(sandbox, slow.id)).toEqual([]);
  expect(answersTo(sandbox, behind.id)).toEqual([]);

  release();
  await waitUntil('alice’s answers', () => answersTo(sandbox, behind.id).length === 1);
  expect(answersTo(sandbox, slow.id)).toHaveLength(1);
  const at = (id: string) => answersTo(sandbox, id)[0] as unknown as { n: number };
  expect(at(slow.id).n).toBeLessThan(at(behind.id).n);
});
