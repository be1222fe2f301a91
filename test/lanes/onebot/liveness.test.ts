/** Whether somebody is still there, and whether the QQ behind it is of use. */
import { describe, expect, test } from 'vitest';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';

const QUICK = { endpoint: { selfId: '10001' }, heartbeat: { intervalMs: 40 } } as const;

describe('our pings', () => {
  test('end a connection on which nothing comes back any more', async () => {
    const home = new OnebotLaneUnderTest(QUICK);
    const raw = await home.connect({ mute: true });
    await home.until('its end', () => home.sink.last?.state === 'waiting');
    expect(home.log).toContain('it answers no pings');
    await raw.end();
    await home.connect();
  });

  test('leave a connection alone that answers them, or that has other things to say', async () => {
    const home = new OnebotLaneUnderTest(QUICK);
    const raw = await home.connect();
    await home.until('five pings', () => raw.pings >= 5);
    const talker = await home.dial({ mute: true });
    const talk = setInterval(() => talker.heartbeat(60_000), 10);
    await home.until('five pings', () => talker.pings >= 5);
    clearInterval(talk);
    expect(talker.closed).toBeUndefined();
    expect(home.sink.states.filter(({ state }) => state === 'waiting')).toHaveLength(1);
  });

  test('are not sent on an Event connection, which may never be read', async () => {
    const home = await new OnebotLaneUnderTest(QUICK).serve();
    const api = await home.dial({ role: 'API' });
    const event = await home.dial({ role: 'Event', mute: true });
    await home.until('five pings', () => api.pings >= 5);
    expect(event.pings).toBe(0);
    expect(event.closed).toBeUndefined();
  });

  test('heartbeat.interval is how often they come, heartbeat.enabled whether', async () => {
    const often = new OnebotLaneUnderTest(QUICK);
    const seldom = new OnebotLaneUnderTest({ ...QUICK, heartbeat: { intervalMs: 60_000 } });
    const never = new OnebotLaneUnderTest({ ...QUICK, heartbeat: { intervalMs: 40, enabled: false } });
    const [a, b, c] = [await often.connect(), await seldom.connect(), await never.connect({ mute: true })];
    await often.until('five pings', () => a.pings >= 5);
    expect([b.pings, c.pings]).toEqual([0, 0]);
    expect(c.closed).toBeUndefined();
  });
});

describe('heartbeats', () => {
  const TIMES = { ...QUICK, heartbeat: { intervalMs: 60_000 }, times: { heartbeatSlackMs: 50 } } as const;

  test('that stop end the connection', async () => {
    const home = new OnebotLaneUnderTest(TIMES);
    const raw = await home.connect();
    raw.heartbeat(10);
    raw.heartbeat(10);
    await home.until('its end', () => home.sink.last?.state === 'waiting');
    expect(home.log).toContain('its heartbeats stopped');
  });

  test('that stop end an Event connection too', async () => {
    const home = await new OnebotLaneUnderTest(TIMES).serve();
    await home.dial({ role: 'API' });
    const event = await home.dial({ role: 'Event' });
    event.heartbeat(10);
    event.heartbeat(10);
    await home.until('its end', () => home.sink.last?.detail?.includes('the Event connection'));
  });

  test('of which there was only one are not waited for', async () => {
    const home = new OnebotLaneUnderTest({ ...TIMES, heartbeat: { intervalMs: 40 } });
    const raw = await home.connect();
    raw.heartbeat(1);
    await home.until('ten pings', () => raw.pings >= 10);
    expect(raw.closed).toBeUndefined();
  });

  test('are not missed while other frames come', async () => {
    const home = new OnebotLaneUnderTest({ ...QUICK, times: { heartbeatSlackMs: 250 } });
    const raw = await home.connect();
    raw.heartbeat(1);
    raw.heartbeat(1);
    let id = 0;
    const talk = setInterval(() => raw.privateMessage('talk', ++id), 5);
    await home.until('ten pings', () => raw.pings >= 10);
    clearInterval(talk);
    expect(raw.closed).toBeUndefined();
  });

  test('are told as signs of life, and counted', async () => {
    const home = new OnebotLaneUnderTest();
    const raw = await home.connect();
    raw.heartbeat();
    raw.heartbeat(Number.NaN, null);
    raw.event({ post_type: 'meta_event', meta_event_type: 'heartbeat' });
    await home.counted('onebot.heartbeats', 3);
    expect(home.sink.acknowledgements).toHaveLength(3);
    expect(home.sink.notices).toEqual([]);
  });
});

describe('an account is limited', () => {
  const HOME = { endpoint: { selfId: '10001' }, reconnect: { retryDelayMs: 70 } } as const;

  test('while online is false: nothing is sent, and it waits as for a connection', async () => {
    const home = new OnebotLaneUnderTest(HOME);
    const raw = await home.connect();
    let online = false;
    raw.onCall = (call) => (call.action === 'get_status' ? { data: { online, good: true } } : raw.usual(call));
    raw.heartbeat(5000, false);
    await home.until('the limit', () => home.sink.last?.detail?.includes('logged out'));
    expect(home.sink.last?.state).toBe('ready');
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({ failure: 'away', retryAfterMs: 70 });
    expect(raw.calls('send_msg')).toEqual([]);
    online = true;
    // What waits longer goes first.
    await expect(home.send('private:20002', 'x')).rejects.toMatchObject({ failure: 'away', retryAfterMs: 0 });
    expect(home.sink.last).toEqual({ state: 'ready', detail: undefined });
    await home.send('private:20002', 'x');
    expect(raw.calls('send_msg')).toHaveLength(1);
  });

  test('until a heartbeat says that it is online again; null says nothing', async () => {
    const home = new OnebotLaneUnderTest(HOME);
    const raw = await home.connect();
    raw.heartbeat(5000, null);
    raw.heartbeat(5000, false);
    raw.heartbeat(5000, null);
    await home.counted('onebot.heartbeats', 3);
    expect(home.sink.last?.detail).toMatch(/logged out/);
    raw.heartbeat(5000, true);
    await home.until('all well', () => home.sink.last?.detail === undefined);
    expect(home.sink.states.map(({ state }) => state)).toEqual(['connecting', 'waiting', 'ready', 'ready', 'ready']);
  });

  test('from bot_offline on, until somebody writes to it', async () => {
    const home = new OnebotLaneUnderTest(HOME);
    const raw = await home.connect();
    raw.event({ post_type: 'notice', notice_type: 'bot_offline', user_id: 10001, tag: 'kick', message: '被踢\n下线' });
    await home.until('the limit', () => home.sink.last?.detail?.includes('went offline (被踢 下线)'));
    raw.privateMessage('hello', 1);
    await home.until('all well', () => home.sink.last?.detail === undefined);
  });

  test('after three sends in a row that nobody answered, until one is answered', async () => {
    const home = new OnebotLaneUnderTest({ ...HOME, heartbeat: { timeoutMs: 150 }, times: { sendMs: 150 } });
    const raw = await home.connect();
    raw.onCall = () => undefined;
    for (let i = 0; i < 3; i++) {
      expect(home.sink.last?.detail).toBeUndefined();
      await expect(home.send('private:20002', 'x')).rejects.toMatchObject({
        failure: 'unavailable',
        certainty: 'unknown',
      });
    }
    expect(home.sink.last).toMatchObject({
      state: 'ready',
      detail: expect.stringMatching(/last 3 sends were not answered/),
    });
    raw.onCall = (call) => raw.usual(call);
    await home.send('private:20002', 'x');
    expect(home.sink.last).toEqual({ state: 'ready', detail: undefined });
  });
});
