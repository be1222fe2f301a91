/** Two connections of one QQ: the newest wins, unless that never ends. */
import { expect, test } from 'vitest';
import { DeliveryError } from '../../../src/model/errors.js';
import { waitUntil } from '../../support/wait-until.js';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';
import { type Dialling, type RawImplementation, refusalOf } from './support/raw-implementation.js';

test('the newest connection wins: the old one is closed with 1008, and its pending calls end', async () => {
  const home = new OnebotLaneUnderTest();
  const old = await home.connect();
  old.onCall = () => undefined;
  const pending = home.lane.call('get_group_list', {}).catch((error: unknown) => error);
  const sending = home.send('private:20002', 'hello').catch((error: unknown) => error);
  await old.call('send_msg');
  const young = await home.dial();
  expect(await old.end()).toEqual({ code: 1008, reason: 'a newer connection of this QQ took its place' });
  expect(await pending).toMatchObject({ code: 'onebot.connection_lost', outcome: 'unknown' });
  expect(await sending).toBeInstanceOf(DeliveryError);
  expect(await sending).toMatchObject({ failure: 'unavailable', certainty: 'unknown' });
  await home.send('private:20002', 'to the new one');
  expect(young.calls('send_msg')).toHaveLength(1);
  expect(home.sink.last?.state).toBe('ready');
});

test('the late end of the old connection does not harm the new one', async () => {
  const home = new OnebotLaneUnderTest();
  const old = await home.connect();
  const young = await home.dial();
  await old.end();
  old.socket.terminate();
  young.privateMessage('first words', 2);
  await home.until('the message', () => home.sink.texts.includes('first words'));
  expect(home.sink.states.filter(({ state }) => state === 'waiting')).toHaveLength(1);
  await home.send('private:20002', 'answer');
  expect(young.calls('send_msg')).toHaveLength(1);
});

test('what the old connection had already sent is still read', async () => {
  const home = new OnebotLaneUnderTest();
  const old = await home.connect();
  const dialling = home.dial();
  for (let i = 0; i < 2000; i++) old.privateMessage(`${i}`, i);
  old.heartbeat(1);
  old.heartbeat(1);
  await Promise.all([dialling, old.end()]);
  await home.until('all of it', () => home.sink.messages.length === 2000);
});

test('an answer to a call of the old connection that comes on the new one is ignored and counted', async () => {
  const home = new OnebotLaneUnderTest();
  const old = await home.connect();
  old.onCall = () => undefined;
  const pending = home.lane.call('get_group_list', {}).catch((error: unknown) => error);
  const { echo } = await old.call('get_group_list');
  const young = await home.dial();
  await pending;
  young.send({ status: 'ok', retcode: 0, data: [], echo });
  await home.counted('onebot.answers_unasked');
});

/** Three times within a minute is no reconnect of one program. */
async function quarrel(home: OnebotLaneUnderTest, dialling: Dialling = {}): Promise<RawImplementation> {
  await home.connect(dialling);
  for (let i = 0; i < 2; i++) await home.dial(dialling);
  const last = await home.dial(dialling);
  await home.counted('onebot.takeovers', 3);
  return last;
}

test('two programs that take each other’s place again and again: who lives stays, the other gets 403, and the state tells', async () => {
  const home = new OnebotLaneUnderTest();
  const kept = await quarrel(home);
  expect(await refusalOf(home.url)).toMatchObject({ status: 403, body: expect.stringMatching(/keeps its place/) });
  expect(await refusalOf(home.url, { role: 'API' })).toMatchObject({ status: 403 });
  expect(home.sink.last).toMatchObject({
    state: 'ready',
    detail: expect.stringMatching(/two programs dial in as this QQ/),
  });
  await home.send('private:20002', 'still served');
  expect(kept.calls('send_msg')).toHaveLength(1);
});

test('who keeps its place has to prove all the while that it lives', async () => {
  const home = new OnebotLaneUnderTest({ heartbeat: { enabled: false }, times: { takeovers: { lifeMs: 1000 } } });
  const kept = await quarrel(home);
  await home.until('pings', () => kept.pings >= 4);
  expect(await refusalOf(home.url)).toMatchObject({ status: 403 });
  expect(kept.closed).toBeUndefined();
});

test('a connection that shows no life gives its place up even then', async () => {
  const home = new OnebotLaneUnderTest({ times: { takeovers: { lifeMs: 100 } } });
  const dead = await quarrel(home, { mute: true });
  await waitUntil('a newcomer that is let in', () =>
    home.dial().then(
      () => true,
      () => false,
    ),
  );
  expect(await dead.end()).toMatchObject({ code: 1008 });
});

test('once the other program stays away, the state says nothing of it any more', async () => {
  const times = { takeovers: { windowMs: 1000 } };
  const home = new OnebotLaneUnderTest({ endpoint: { selfId: '10001' }, times });
  await quarrel(home);
  expect(home.sink.states.map(({ detail }) => detail)).toContainEqual(expect.stringMatching(/two programs/));
  await home.until('peace', () => home.sink.last?.detail === undefined);
  await home.dial();
});

test('an API and an Event connection stand beside each other: calls go to one, events come from the other', async () => {
  const home = await new OnebotLaneUnderTest({ endpoint: { selfId: '10001' } }).serve();
  const api = await home.dial({ role: 'Api' });
  await home.until('half of it', () => home.sink.last?.detail?.includes('the Event connection'));
  expect(home.sink.last?.state).toBe('waiting');
  const event = await home.dial({ role: 'Event' });
  await home.ready();
  expect(home.sink.last).toEqual({ state: 'ready', detail: undefined });
  event.privateMessage('hello', 1);
  await home.until('the message', () => home.sink.texts.includes('hello'));
  await home.send('private:20002', 'answer');
  expect(api.calls('send_msg')).toHaveLength(1);
  expect(event.heard).toEqual([]);
});

test('a new API connection ends the old API connection, and leaves the Event connection alone', async () => {
  const home = await new OnebotLaneUnderTest().serve();
  const [api, event] = [await home.dial({ role: 'API' }), await home.dial({ role: 'EVENT' })];
  const newer = await home.dial({ role: 'api' });
  expect(await api.end()).toMatchObject({ code: 1008 });
  event.privateMessage('hello', 1);
  await home.until('the message', () => home.sink.texts.includes('hello'));
  await home.send('private:20002', 'answer');
  expect(newer.calls('send_msg')).toHaveLength(1);
  newer.socket.close();
  await home.until('half of it', () => home.sink.last?.detail?.includes('the API connection'));
  await expect(home.send('private:20002', 'answer')).rejects.toMatchObject({ failure: 'away' });
});

test('a Universal connection takes the place of an API and an Event connection', async () => {
  const home = await new OnebotLaneUnderTest().serve();
  const [api, event] = [await home.dial({ role: 'API' }), await home.dial({ role: 'Event' })];
  await home.dial();
  expect([await api.end(), await event.end()]).toMatchObject([{ code: 1008 }, { code: 1008 }]);
  expect(home.sink.last?.state).toBe('ready');
});
