/** What a probe asks the implementation that is connected, and how it judges the answers. */
import { expect, test } from 'vitest';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';

const NEVER = new AbortController().signal;

test('without anybody connected it says where somebody would have to dial in', async () => {
  const home = await new OnebotLaneUnderTest().serve();
  expect(await home.lane.probe(NEVER)).toEqual([
    {
      name: 'connection',
      level: 'fail',
      detail: expect.stringContaining(home.url),
      remedy: expect.stringContaining('reverse WebSocket'),
      unreached: true,
    },
  ]);
});

test('of a sound implementation everything is fine', async () => {
  const home = new OnebotLaneUnderTest();
  await home.connect();
  expect(await home.lane.probe(NEVER)).toEqual([
    { name: 'connection', level: 'ok', detail: expect.stringMatching(/^connected from 127\.0\.0\.1:\d+$/) },
    { name: 'account', level: 'ok', detail: 'QQ 10001 (bot)' },
    { name: 'status', level: 'ok', detail: 'online' },
    { name: 'version', level: 'ok', detail: 'raw 1.0' },
  ]);
});

test.each([
  [{ online: false, good: true }, 'fail', /logged out/],
  [{ online: true, good: false }, 'warn', /not all is well/],
  [{ online: null, good: true }, 'warn', /does not tell whether/],
  [null, 'warn', /does not tell whether/],
])('a status of %o is a %s', async (data, level, detail) => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = (call) => (call.action === 'get_status' ? { data } : raw.usual(call));
  const status = (await home.lane.probe(NEVER)).find(({ name }) => name === 'status');
  expect(status).toMatchObject({ level, detail: expect.stringMatching(detail) });
});

test('an implementation that knows no such calls, or does not answer, fails each for itself', async () => {
  const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 300 } });
  const raw = await home.connect();
  raw.onCall = (call) => (call.action === 'get_status' ? undefined : { status: 'failed', retcode: 1404 });
  const steps = await home.lane.probe(NEVER);
  expect(steps.map(({ name, level, unreached }) => [name, level, unreached])).toEqual([
    ['connection', 'ok', undefined],
    ['account', 'fail', undefined],
    ['status', 'fail', true],
    ['version', 'fail', undefined],
  ]);
});
