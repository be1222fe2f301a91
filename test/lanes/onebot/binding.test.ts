/** The first QQ that dials in gets the account, but no seat before that is written down: what waits must never go out as another QQ. */
import { expect, test } from 'vitest';
import type { AccountId } from '../../../src/model/target.js';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';
import { refusalOf } from './support/raw-implementation.js';

/** A binding whose next write ends when the test says. */
function memory(selfId?: string) {
  const bound: string[] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  const bind = (id: string) =>
    new Promise<void>((resolve, reject) => {
      bound.push(id);
      ends.push({ resolve, reject });
    });
  return { binding: { selfId, bind }, bound, ends };
}

test('nobody is there before it is stored whose the account is, and nothing that was said meanwhile is lost', async () => {
  const { binding, bound, ends } = memory();
  const home = await new OnebotLaneUnderTest({ binding }).serve();
  const api = await home.dial({ role: 'API' });
  const events = await home.dial({ role: 'Event' });
  events.privateMessage('early', 1);
  await home.until('the binding', () => bound.length > 0);
  expect(await refusalOf(home.url, { selfId: '10002' })).toMatchObject({ status: 403 });
  await expect(home.send('private:20002', 'too early')).rejects.toMatchObject({ code: 'onebot.not_connected' });
  expect([home.sink.last?.state, home.sink.texts, api.heard]).toEqual(['waiting', [], []]);
  ends[0]?.resolve();
  await home.ready();
  await home.until('the message', () => home.sink.texts.includes('early'));
  await home.send('private:20002', 'now');
  expect(bound).toEqual(['10001']);
});

test('who is named by its first event waits as well, and the event is kept', async () => {
  const { binding, bound, ends } = memory();
  const home = await new OnebotLaneUnderTest({ binding, endpoint: { token: 'secret' } }).serve();
  const raw = await home.dial({ selfId: null, authorization: 'Bearer secret' });
  raw.onCall = () => undefined;
  raw.privateMessage('I am 10001', 1);
  await home.until('the binding', () => bound.length > 0);
  expect([home.sink.last?.state, home.sink.texts]).toEqual(['waiting', []]);
  ends[0]?.resolve();
  await home.until('the message', () => home.sink.texts.includes('I am 10001'));
  expect(home.sink.last?.detail).toMatch(/^bound to QQ 10001\b/);
});

test('when it cannot be stored everybody has to come again, and the account is still nobody’s', async () => {
  const { binding, bound, ends } = memory();
  const home = await new OnebotLaneUnderTest({ binding }).serve();
  const first = await home.dial();
  await home.until('the binding', () => bound.length > 0);
  ends[0]?.reject(new Error('the disk is full'));
  expect(await first.end()).toMatchObject({ code: 1001 });
  expect(home.log).toContain('the disk is full');
  const second = home.connect({ selfId: '10002' });
  await home.until('the second binding', () => bound.length > 1);
  ends[1]?.resolve();
  await second;
  expect(bound).toEqual(['10001', '10002']);
});

test('one that is bound from before takes nobody else, named or not, and says how that is changed', async () => {
  const { binding, bound } = memory('10001');
  const account = 'other' as AccountId;
  const home = await new OnebotLaneUnderTest({ account, binding, endpoint: { token: 'secret' } }).serve();
  expect(home.sink.last?.detail).toMatch(/of QQ 10001 to dial in at/);
  const authorization = 'Bearer secret';
  expect(await refusalOf(home.url, { selfId: '10002', authorization })).toEqual({
    status: 403,
    body: 'X-Self-ID is not that of the account here\n',
    type: expect.stringContaining('text/plain'),
  });
  await home.until('the remedy', () => home.log.includes('loong account rebind onebot other'));
  const nameless = await home.dial({ selfId: null, authorization, role: 'Event' });
  nameless.event({ post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'connect', self_id: 10002 });
  expect(await nameless.end()).toMatchObject({ code: 1008 });
  await home.counted('onebot.refused', 2);
  await home.connect({ authorization });
  expect(bound).toEqual([]);
  expect(home.sink.last?.detail).toBe('bound to QQ 10001; `loong account rebind onebot other` frees it');
});
