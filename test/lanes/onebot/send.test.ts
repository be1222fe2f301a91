/** What goes over the wire for a message, and what is made of the answer. */

import { describe, expect, test } from 'vitest';
import type { Segment } from '../../../src/model/message.js';
import type { AccountId, PeerId } from '../../../src/model/target.js';
import { storedTarget } from '../../../src/model/target.js';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';

const HELLO = [{ type: 'text', data: { text: 'hello' } }];
const MARKDOWN: readonly Segment[] = [{ type: 'markdown', markdown: '# hello' }];

test('a private message says every parameter, with numbers as numbers', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  expect(await home.send('private:20002', 'hello')).toEqual({ platformMessageId: '7654321' });
  expect(raw.calls('send_msg').map(({ params }) => params)).toEqual([
    { message_type: 'private', user_id: 20002, message: HELLO, auto_escape: false },
  ]);
});

test('a group message says every parameter', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  await home.send('group:30003', 'hello');
  expect(raw.calls('send_msg').map(({ params }) => params)).toEqual([
    { message_type: 'group', group_id: 30003, message: HELLO, auto_escape: false },
  ]);
});

test('ids that no number can hold, or that are none, go out as they are', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  // Nobody may be named so in a target, but who wrote in from a bridge is answered.
  for (const id of ['9007199254740993', 'virtual-1', '007']) {
    const delivery = {
      target: storedTarget(`onebot:home:private:${id}`),
      segments: [{ type: 'text', text: 'hello' }],
    } as const;
    await home.lane.send(delivery, new AbortController().signal);
  }
  expect(raw.calls('send_msg').map(({ params }) => params.user_id)).toEqual(['9007199254740993', 'virtual-1', '007']);
});

test('message ids may be negative, long, or missing', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  const given: unknown[] = [
    { message_id: -5 },
    { message_id: '9007199254740993' },
    {},
    null,
    'x',
    { message_id: null },
  ];
  raw.onCall = () => ({ data: given.shift() });
  const taken = [];
  for (let i = 0; i < 6; i++) taken.push(await home.send('private:20002', 'hello'));
  expect(taken).toEqual([{ platformMessageId: '-5' }, { platformMessageId: '9007199254740993' }, {}, {}, {}, {}]);
});

test('who wrote through a group without being a friend is answered through that group, until the two are friends', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.privateMessage('hi', 1, { sub_type: 'group', group_id: 30003 });
  await home.until('the message', () => home.sink.messages.length === 1);
  await home.send('private:20002', 'hello');
  expect(raw.calls('send_private_msg').map(({ params }) => params)).toEqual([
    { user_id: 20002, group_id: 30003, message: HELLO, auto_escape: false },
  ]);
  raw.privateMessage('hi', 2);
  await home.until('the message', () => home.sink.messages.length === 2);
  await home.send('private:20002', 'hello');
  expect(raw.calls('send_msg')).toHaveLength(1);
});

test('messages to one peer keep their order', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  await Promise.all(Array.from({ length: 50 }, (_, i) => home.send('private:20002', `${i}`)));
  const texts = raw.calls('send_msg').map(({ params }) => (params.message as typeof HELLO)[0]?.data.text);
  expect(texts).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
});

describe('without anybody connected', () => {
  test('a send waits by the ladder of reconnect, then until somebody is', async () => {
    const home = await new OnebotLaneUnderTest({
      reconnect: { maxRetries: 4, retryDelayMs: 100, backoffMultiplier: 3, maxDelayMs: 1000 },
    }).serve();
    const waits = [];
    for (let attempt = 1; attempt <= 6; attempt++) {
      waits.push(
        await home.send('private:20002', 'x', attempt).catch((error: { retryAfterMs?: number }) => error.retryAfterMs),
      );
    }
    expect(waits).toEqual([100, 300, 900, 1000, undefined, undefined]);
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      code: 'onebot.not_connected',
      failure: 'away',
      certainty: 'not-delivered',
      message: expect.stringContaining('waiting for a OneBot implementation'),
    });
  });

  test.each([
    [{ enabled: false }, [undefined, undefined, undefined]],
    [{ maxRetries: 1 }, [5000, undefined, undefined]],
    [{ maxRetries: 2 }, [5000, 10_000, undefined]],
    [{ retryDelayMs: 200 }, [200, 400, 800]],
    [{ backoffMultiplier: 1 }, [5000, 5000, 5000]],
    [{ maxDelayMs: 6000 }, [5000, 6000, 6000]],
  ])('reconnect %o makes it wait %o', async (reconnect, expected) => {
    const home = await new OnebotLaneUnderTest({ reconnect }).serve();
    const waits = [];
    for (const attempt of [1, 2, 3]) {
      waits.push(
        await home.send('group:30003', 'x', attempt).catch((error: { retryAfterMs?: number }) => error.retryAfterMs),
      );
    }
    expect(waits).toEqual(expected);
  });
});

describe('a send that failed', () => {
  test('because it was refused is certain', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ status: 'failed', retcode: 1200, message: '消息体无法解析' });
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'refused',
      certainty: 'not-delivered',
      platformCode: 1200,
      message: expect.stringContaining('消息体无法解析'),
    });
  });

  test('because the implementation is busy may be tried again', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ status: 'failed', retcode: 202 });
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'unavailable',
      certainty: 'not-delivered',
    });
  });

  test('because QQ did not answer the implementation may have arrived', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ status: 'failed', retcode: 1200, message: 'Timeout: NTEvent serviceAndMethod:x' });
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'unavailable',
      certainty: 'unknown',
    });
  });

  test('because nobody answered in time, or the connection ended, may have arrived', async () => {
    const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 20 }, times: { sendMs: 20 } });
    const raw = await home.connect();
    raw.onCall = () => undefined;
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'unavailable',
      certainty: 'unknown',
    });
    raw.onCall = () => {
      raw.socket.terminate();
      return undefined;
    };
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'unavailable',
      certainty: 'unknown',
    });
  });

  test('and its answer comes late after all, what it says is told', async () => {
    const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 20 }, times: { sendMs: 20 } });
    const raw = await home.connect();
    raw.onCall = () => undefined;
    const target = { channel: 'onebot', account: 'home' as AccountId, kind: 'c2c', peer: '20002' as PeerId } as const;
    const segments = [{ type: 'text', text: 'x' }] as const;
    for (const id of [7, 8, 9]) {
      const sent = home.lane.send({ id, target, segments }, new AbortController().signal);
      await expect(sent).rejects.toMatchObject({ certainty: 'unknown' });
    }
    const [first, second, third] = raw.calls('send_msg');
    raw.send({ status: 'failed', retcode: 1200, message: 'Timeout: NTEvent', echo: third?.echo });
    raw.send({ status: 'failed', retcode: 100, message: 'no', echo: second?.echo });
    raw.send({ status: 'ok', retcode: 0, data: { message_id: 77 }, echo: first?.echo });
    raw.send({ status: 'ok', retcode: 0, data: { message_id: 78 }, echo: first?.echo });
    await home.counted('onebot.answers_late', 4);
    expect(home.sink.late).toMatchObject([
      { delivery: 8, outcome: { delivered: false, error: { code: 'onebot.retcode_100' } } },
      { delivery: 7, outcome: { delivered: true, platformMessageId: '77' } },
    ]);
  });

  test('because it was broken off before it went out was not delivered; afterwards nobody knows', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => undefined;
    const stop = new AbortController();
    const sending = home.send('private:20002', 'x', 1, stop.signal);
    await raw.call('send_msg');
    stop.abort();
    await expect(sending).rejects.toMatchObject({ certainty: 'unknown' });
    await expect(home.send('private:20002', 'x', 1, stop.signal)).rejects.toMatchObject({ certainty: 'not-delivered' });
  });
});

describe('markdown', () => {
  const texts = (home: OnebotLaneUnderTest) => home.lane.plainerForm(MARKDOWN, 'markdown', {});

  test('that is refused goes out again as text, unless it may not', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = (call) =>
      JSON.stringify(call.params).includes('markdown') ? { status: 'failed', retcode: 1200 } : raw.usual(call);
    await expect(home.send('private:20002', MARKDOWN)).rejects.toMatchObject({
      failure: 'markdown',
      certainty: 'not-delivered',
    });
    expect(texts(home)).toEqual({ markdown: true });
    expect(home.lane.plainerForm(MARKDOWN, 'markdown', { markdown: true })).toBeUndefined();
    expect(home.lane.plainerForm(MARKDOWN, 'links', {})).toBeUndefined();
  });

  test('`always` is never sent as text, `never` always is', async () => {
    const always = new OnebotLaneUnderTest({ markdown: 'always' });
    const never = new OnebotLaneUnderTest({ markdown: 'never' });
    const [a, n] = [await always.connect(), await never.connect()];
    a.onCall = () => ({ status: 'failed', retcode: 1200 });
    await expect(always.send('private:20002', MARKDOWN)).rejects.toMatchObject({ failure: 'refused' });
    expect(texts(always)).toBeUndefined();
    await never.send('private:20002', MARKDOWN);
    expect(n.calls('send_msg')[0]?.params.message).toEqual([{ type: 'text', data: { text: '# hello' } }]);
  });
});

test('messages are still delivered while the daemon stops, until the lane is closed', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  await home.drain();
  expect(await home.send('private:20002', 'last words')).toEqual({ platformMessageId: '7654321' });
  await home.lane.close();
  expect(await raw.end()).toMatchObject({ code: 1001 });
  await expect(home.send('private:20002', 'too late')).rejects.toMatchObject({ certainty: 'not-delivered' });
});

test.each([
  ['NapCat.Onebot', [{ user_id: 20002, event_type: 1 }]],
  ['LLOneBot', [{ user_id: 20002, event_type: 1 }]],
  ['go-cqhttp', []],
  ['Lagrange.OneBot', []],
])(
  '%s is asked to show that the account types only where it can, and never to take it back',
  async (program, asked) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect({ program });
    const conversation = storedTarget('onebot:home:private:20002');
    for (const isOn of [true, false]) {
      await home.lane.showTyping({ conversation, isOn }, new AbortController().signal);
    }
    expect(raw.calls('set_input_status').map(({ params }) => params)).toEqual(asked);
  },
);
