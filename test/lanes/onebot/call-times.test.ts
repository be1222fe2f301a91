/** How long an answer may take, by what is asked. */
import { expect, test } from 'vitest';
import { answerTime } from '../../../src/lanes/onebot/call-times.js';

const TIMES = { callMs: 10_000 };
const send = (...message: readonly object[]) => answerTime('send_msg', { message }, TIMES);

test('any call: heartbeat.timeout', () => {
  expect(answerTime('get_friend_list', {}, TIMES)).toBe(10_000);
  expect(answerTime('set_group_ban', { duration: 600 }, { callMs: 3000 })).toBe(3000);
});

test('a message: half a minute, or longer where every call may take longer', () => {
  expect(send({ type: 'text', data: { text: 'https://example.org/' } })).toBe(30_000);
  expect(answerTime('send_msg', {}, { callMs: 45_000 })).toBe(45_000);
});

test('media: 20 s, and 5 s for each megabyte', () => {
  const base64 = `base64://${'A'.repeat(4_000_000)}`;
  expect(send({ type: 'image', data: { file: base64 } })).toBe(35_001);
  expect(send({ type: 'image', data: { file: base64 } }, { type: 'image', data: { file: base64 } })).toBe(50_001);
  expect(answerTime('upload_group_file', { file: base64 }, TIMES)).toBe(35_001);
});

test('media behind an address: as if they had 10 MiB each', () => {
  expect(send({ type: 'video', data: { file: 'https://example.org/a.mp4' } })).toBe(72_429);
  const node = { type: 'node', data: { content: [{ type: 'image', data: { file: 'http://example.org/a.png' } }] } };
  expect(answerTime('send_group_forward_msg', { messages: [node, node] }, TIMES)).toBe(124_858);
});

test('what the implementation itself fetches: a minute', () => {
  for (const action of ['get_file', 'get_image', 'download_file', 'download_file_stream', 'ocr_image']) {
    expect(answerTime(action, { file: 'x' }, TIMES)).toBe(60_000);
  }
});
