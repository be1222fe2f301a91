/** Calls of the implementation's API: each gets its own answer, whenever and however that comes, or an error that says how far it came. */
import { describe, expect, test } from 'vitest';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';
import type { Answer, Heard } from './support/raw-implementation.js';

const NO_ANSWER = () => undefined;

test('answers that come out of order reach those who asked', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = NO_ANSWER;
  const asked = ['a', 'b', 'c'].map((name) => home.lane.call('get_group_info', { name }));
  await raw.call('get_group_info', 2);
  for (const call of [...raw.calls('get_group_info')].reverse()) {
    raw.send({ status: 'ok', retcode: 0, data: call.params.name, echo: call.echo });
  }
  expect(await Promise.all(asked)).toEqual(['a', 'b', 'c']);
});

test('answers with an echo that is a number, an object, a foreign word or __proto__ harm nobody', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  for (const echo of [1, { seq: 1 }, 'c1', '__proto__', 'constructor', '', null]) {
    raw.send({ status: 'ok', retcode: 0, data: { polluted: true }, echo });
  }
  raw.raw('{"status":"failed","retcode":1400,"data":null,"__proto__":{"echo":"x"}}');
  await home.counted('onebot.answers_unasked', 8);
  expect(await home.lane.call('get_status', {})).toEqual({ online: true, good: true });
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('an answer that comes after its time is ignored and counted', async () => {
  const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 30 } });
  const raw = await home.connect();
  raw.onCall = NO_ANSWER;
  await expect(home.lane.call('get_group_list', {})).rejects.toMatchObject({
    code: 'onebot.no_answer',
    outcome: 'unknown',
    message: 'no answer to get_group_list within 0 s',
  });
  const { echo } = await raw.call('get_group_list');
  raw.send({ status: 'ok', retcode: 0, data: [], echo });
  await home.counted('onebot.answers_late');
});

test('while nothing is read, because the journal cannot keep up, no answer is late', async () => {
  const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 30 } });
  const raw = await home.connect();
  let free = () => {};
  const jam = new Promise<void>((resolve) => {
    free = resolve;
  });
  home.sink.journal = () => jam;
  for (let i = 0; i < 1000; i++) raw.privateMessage('x', i);
  await home.until('the jam', () => home.sink.messages.length === 1000);
  let outcome: unknown = 'none';
  void home.lane.call('get_group_list', {}).then(
    (data) => {
      outcome = data;
    },
    (error) => {
      outcome = error;
    },
  );
  await raw.call('get_group_list'); // it is answered at once, and the time for that passes unread
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(outcome).toBe('none');
  free();
  await home.until('the answer', () => outcome !== 'none');
  expect(outcome).toBeNull();
});

test('heartbeat.timeout is the time for an answer: what is too slow for one account is fine for another', async () => {
  const slowly = (home: OnebotLaneUnderTest) =>
    home.connect().then((raw) => {
      raw.onCall = (call: Heard) => {
        setTimeout(() => raw.send({ status: 'ok', retcode: 0, data: [], echo: call.echo }), 200);
        return undefined;
      };
    });
  const [hasty, patient] = [20, 10_000].map((timeoutMs) => new OnebotLaneUnderTest({ heartbeat: { timeoutMs } }));
  if (hasty === undefined || patient === undefined) throw new Error('two lanes');
  await slowly(hasty);
  await slowly(patient);
  await expect(hasty.lane.call('get_friend_list', {})).rejects.toMatchObject({ code: 'onebot.no_answer' });
  expect(await patient.lane.call('get_friend_list', {})).toEqual([]);
});

test('an answer in several parts is put together', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = NO_ANSWER;
  const asked = home.lane.call('download_file_stream', { file: 'x' });
  const { echo } = await raw.call('download_file_stream');
  const part = (data: object) => raw.send({ status: 'ok', retcode: 0, data, echo, stream: 'stream-action' });
  const info = { type: 'stream', data_type: 'file_info', file_name: 'x', file_size: 6 };
  const chunks = [0, 1].map((index) => ({ type: 'stream', data_type: 'file_chunk', index, data: 'YWJj' }));
  part(info);
  raw.privateMessage('in between', 1);
  for (const chunk of chunks) part(chunk);
  part({ type: 'response', data_type: 'file_complete', total_chunks: 2 });
  expect(await asked).toEqual({
    type: 'response',
    data_type: 'file_complete',
    total_chunks: 2,
    parts: [info, ...chunks],
  });
  expect(home.sink.texts).toEqual(['in between']);
});

test('an answer in several parts that ends in an error is an error', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = NO_ANSWER;
  const asked = home.lane.call('download_file_stream', { file: 'x' });
  const { echo } = await raw.call('download_file_stream');
  const stream = 'stream-action';
  raw.send({ status: 'ok', retcode: 0, data: { type: 'stream', data_type: 'file_info' }, echo, stream });
  raw.send({ status: 'failed', retcode: 1200, data: { type: 'error' }, message: 'gone', echo, stream });
  await expect(asked).rejects.toMatchObject({ code: 'onebot.retcode_1200', outcome: 'refused' });
});

test('each chunk of an upload is answered by itself, though the answer calls itself a stream', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  const data = { type: 'stream', stream_id: 's', status: 'chunk_received', received_chunks: 1, total_chunks: 2 };
  raw.onCall = () => ({ data, stream: 'stream-action' });
  expect(await home.lane.call('upload_file_stream', { stream_id: 's', chunk_index: 0 })).toEqual(data);
});

describe('an answer that is a failure', () => {
  const failures: readonly [what: string, answer: Answer, error: object][] = [
    [
      'of NapCat',
      { status: 'failed', retcode: 1200, message: 'ERR_NOT_GROUP_ADMIN', wording: 'ERR_NOT_GROUP_ADMIN' },
      { code: 'onebot.retcode_1200', message: expect.stringContaining('(retcode 1200: ERR_NOT_GROUP_ADMIN)') },
    ],
    [
      'of go-cqhttp, with a code of its own',
      { status: 'failed', retcode: 100, msg: 'GROUP_NOT_FOUND', wording: '群聊不存在' },
      { message: expect.stringContaining('GROUP_NOT_FOUND: 群聊不存在') },
    ],
    [
      'of one who is muted: nothing was sent',
      { status: 'failed', retcode: 100, msg: 'SEND_MSG_API_ERROR', wording: '发送失败，你已被禁言' },
      { message: expect.stringContaining('禁言') },
    ],
    [
      'of Lagrange, without a word',
      { status: 'failed', retcode: 404 },
      { message: expect.stringContaining('(retcode 404)') },
    ],
    ['that says ok with a strange number', { status: 'ok', retcode: 1404 }, { code: 'onebot.retcode_1404' }],
    ['without a number', { status: 'failed', retcode: undefined }, { code: 'onebot.call_failed' }],
    [
      'with lines and signs in its text',
      { status: 'failed', retcode: 1200, message: 'a\u0007\nb' },
      { message: expect.stringContaining('a b') },
    ],
  ];
  const doubtful: readonly [what: string, answer: Answer][] = [
    ['that says nothing at all', { status: undefined, retcode: undefined }],
    ['that contradicts itself in its words', { status: 'done', retcode: 0 }],
  ];
  test.each(doubtful)('%s leaves open what became of it', async (_what, answer) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => answer;
    await expect(home.lane.call('set_group_ban', {})).rejects.toMatchObject({ outcome: 'unknown' });
  });

  test.each([
    { status: 'OK', retcode: 0 },
    { status: 'ok', retcode: '0' },
  ])('%j is none', async (answer) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ ...(answer as Answer), data: { done: true } });
    expect(await home.lane.call('set_group_ban', {})).toEqual({ done: true });
  });

  test.each(failures)('%s', async (_what, answer, error) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => answer;
    await expect(home.lane.call('set_group_ban', {})).rejects.toMatchObject({ outcome: 'refused', ...error });
  });

  test.each([
    { status: 'ok', retcode: 0 },
    { status: 'async', retcode: 1 },
    { status: 'ok', retcode: undefined },
    { status: undefined, retcode: 0 },
  ])('is none when it says %o', async (answer) => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.onCall = () => ({ ...answer, data: 'done' });
    expect(await home.lane.call('set_group_ban', {})).toBe('done');
  });
});

test('a call to nobody says where somebody would have to dial in', async () => {
  const home = await new OnebotLaneUnderTest().serve();
  await expect(home.lane.call('get_status', {})).rejects.toMatchObject({
    code: 'onebot.not_connected',
    outcome: 'unsent',
    message: expect.stringContaining(home.url),
  });
});

test('a call that is not waited for any more ends at once, and its answer is ignored', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = NO_ANSWER;
  const stop = new AbortController();
  const asked = home.lane.call('get_group_list', {}, stop.signal);
  const { echo } = await raw.call('get_group_list');
  stop.abort();
  await expect(asked).rejects.toMatchObject({ code: 'onebot.call_stopped', outcome: 'unknown' });
  await expect(home.lane.call('get_group_list', {}, stop.signal)).rejects.toMatchObject({ outcome: 'unsent' });
  raw.send({ status: 'ok', retcode: 0, data: [], echo });
  await home.counted('onebot.answers_late');
  expect(raw.calls('get_group_list')).toHaveLength(1);
});

test('more calls than can wait are refused at once, and answered ones make room', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  await raw.call('get_version_info');
  await home.until('the facts', () => home.log.includes('told what it is'));
  raw.onCall = NO_ANSWER;
  const asked = Array.from({ length: 512 }, () => home.lane.call('get_status', {}));
  await expect(home.lane.call('get_status', {})).rejects.toMatchObject({
    code: 'onebot.too_many_calls',
    outcome: 'unsent',
  });
  await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
    failure: 'unavailable',
    certainty: 'not-delivered',
  });
  await raw.call('get_status', 511);
  for (const { echo } of raw.calls('get_status')) raw.send({ status: 'ok', retcode: 0, data: 1, echo });
  expect(new Set(await Promise.all(asked))).toEqual(new Set([1]));
  raw.onCall = (call) => raw.usual(call);
  await home.send('private:20002', 'x');
});

test('ends with the connection, knowing that nobody knows', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = (call) => {
    if (call.action === 'get_group_list') raw.socket.terminate();
    return undefined;
  };
  await expect(home.lane.call('get_group_list', {})).rejects.toMatchObject({
    code: 'onebot.connection_lost',
    outcome: 'unknown',
    message: expect.stringContaining('the connection broke'),
  });
});

describe('of an implementation that', () => {
  test('does not read what it is sent, no more is asked', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.socket.pause();
    const file = 'x'.repeat(30_000_000);
    const asked = Array.from({ length: 4 }, () =>
      home.lane.call('upload_group_file', { file }).catch((error: unknown) => error),
    );
    await expect(home.lane.call('get_status', {})).rejects.toMatchObject({
      code: 'onebot.peer_slow',
      outcome: 'unsent',
    });
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
      failure: 'unavailable',
      certainty: 'not-delivered',
    });
    raw.socket.terminate();
    await Promise.all(asked);
  });

  test('would close the connection at a frame of 50 MiB, nothing so large is asked', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    const file = 'x'.repeat(48 * 1_048_576);
    await expect(home.lane.call('upload_group_file', { file })).rejects.toMatchObject({
      code: 'onebot.frame_too_large',
      outcome: 'refused',
    });
    expect(raw.calls('upload_group_file')).toEqual([]);
    expect(await home.lane.call('get_status', {})).toEqual({ online: true, good: true });
  });

  test('has just dialled in, it is asked who and what it is, once', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    await home.until('what it told', () => home.log.includes('"program":"raw 1.0","nickname":"bot","dialect":"other"'));
    raw.lifecycle();
    await home.until('its first event', () => home.sink.notices.length === 1);
    expect(raw.heard.map(({ action }) => action)).toEqual(['get_login_info', 'get_version_info']);
  });

  test('does not say what it is, what is sent goes out all the same', async () => {
    const home = new OnebotLaneUnderTest({ heartbeat: { timeoutMs: 30 } });
    await home.serve();
    const raw = await home.dial();
    raw.onCall = (call) => (call.action === 'get_version_info' ? undefined : { status: 'failed', retcode: 1404 });
    await home.until('its silence', () => home.log.includes('told what it is'));
    raw.onCall = (call) => raw.usual(call);
    await home.send('private:20002', [{ type: 'markdown', markdown: '# hello' }]);
    expect(raw.calls('send_msg')).toHaveLength(1);
  });
});
