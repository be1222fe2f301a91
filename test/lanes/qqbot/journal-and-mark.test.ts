import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { SequenceMark } from '../../../src/lanes/qqbot/sequence-mark.js';
import { plainText } from '../../../src/model/message.js';
import { c2c, HostilePlatform, ready } from './support/hostile-platform.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox, step } from './support/lane-under-test.js';

describe('the mark passes only what is journalled', () => {
  test('it waits for a commit, and for all that came before it', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    const commits: (() => void)[] = [];
    loong.sink.journal = () => new Promise((resolve) => commits.push(resolve));
    for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });
    await until('three commits under way', () => commits.length === 3);
    commits[2]?.();
    commits[1]?.();
    sandbox.platform.fault({ kind: 'gateway.heartbeat' });
    await until('a heartbeat', () => sandbox.platform.transcript.counters().heartbeats > 0);
    expect(loong.memory.point?.seq).toBe(1);
    commits[0]?.();
    await until('the mark', () => loong.memory.point?.seq === 4);
  });

  test('a refused commit ends the connection; the resume asks for the event again, and it arrives again', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    let refusals = 1;
    loong.sink.journal = async (what) => {
      if (typeof what === 'object' && 'segments' in what && plainText(what.segments) === 'two' && refusals-- > 0)
        throw new Error('disk full');
    };
    const after = sandbox.platform.transcript.last;
    for (const text of ['one', 'two', 'three']) sandbox.platform.say({ from: 'openid_alice', text });
    expect(await step(sandbox, 'resume', after)).toMatchObject({ seq: 2 });
    await until('the replay', () => loong.sink.texts.filter((text) => text === 'three').length === 2);
    expect(loong.sink.texts).toEqual(['one', 'two', 'three', 'two', 'three']);
    await until('the mark', () => (loong.memory.point?.seq ?? 0) >= 5);
  });

  test('a disk that stays full costs no session', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    let full = true;
    loong.sink.journal = async () => {
      if (full) throw new Error('disk full');
    };
    sandbox.platform.say({ from: 'openid_alice', text: 'hello' });
    await until('several replays', () => loong.sink.texts.length >= 5);
    full = false;
    await until('the mark', () => (loong.memory.point?.seq ?? 0) >= 3);
    expect(sandbox.platform.transcript.counters().identifies).toBe(1);
    expect(loong.memory.points.size).toBe(1);
  });

  test('commits that come after the end write nothing', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    const commits: (() => void)[] = [];
    loong.sink.journal = () => new Promise((resolve) => commits.push(resolve));
    sandbox.platform.say({ from: 'openid_alice', text: 'one' });
    await until('a commit under way', () => commits.length === 1);
    sandbox.platform.fault({ kind: 'gateway.close', code: 4006 });
    await loong.ready(2);
    const second = await until('the new session', () => loong.memory.written.at(-1));
    const writes = loong.memory.written.length;
    commits[0]?.();
    sandbox.platform.fault({ kind: 'gateway.heartbeat' });
    await until('a heartbeat', () => sandbox.platform.transcript.counters().heartbeats > 0);
    expect(loong.memory.written.length).toBe(writes);
    expect(loong.memory.point).toEqual(second);
  });

  test('writes the mark down once for all that was journalled meanwhile', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    const writes: (() => void)[] = [];
    loong.memory.write = () => new Promise((resolve) => writes.push(resolve));
    for (let n = 0; n < 50; n++) sandbox.platform.say({ from: 'openid_alice', text: `${n}` });
    await until('all messages', () => loong.sink.texts.length === 50);
    await until('the mark', () => {
      writes.shift()?.();
      return loong.memory.point?.seq === 51;
    });
    expect(loong.memory.written.length).toBeLessThan(20);
  });

  test('a new session in answer to a resume counts anew, and the old one counts as lost', async () => {
    const platform = await HostilePlatform.open();
    let first: WebSocket | undefined;
    platform.onIdentify = (socket, { op }) => {
      first ??= socket;
      ready(socket, op === 2 ? 'session-1' : 'session-2', op === 2 ? 500 : 1);
    };
    const loong = await new LaneUnderTest(platform).connect();
    expect(loong.memory.point).toEqual({ sessionId: 'session-1', seq: 500 });
    first?.close(4009);
    await until('the new session', () => loong.memory.point?.sessionId === 'session-2');
    expect(loong.memory.point).toEqual({ sessionId: 'session-2', seq: 1 });
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1 });
  });

  test('events that come before READY do not stop the mark', async () => {
    const platform = await HostilePlatform.open();
    platform.onIdentify = (socket) => {
      socket.send(c2c(1));
      ready(socket, 'session-1', 2);
      socket.send(c2c(3));
    };
    const loong = new LaneUnderTest(platform);
    void loong.run();
    await until('the mark', () => loong.memory.point?.seq === 3);
    expect(loong.sink.texts).toEqual(['text 1', 'text 3']);
  });

  test('it never goes back, and forgets a session that is over', async () => {
    const moves: number[] = [];
    const mark = new SequenceMark(5, (seq) => moves.push(seq));
    await mark.pass(7, 10, () => undefined);
    await mark.pass(6, 10, () => undefined);
    expect([mark.journalled, moves]).toEqual([7, [7]]);
    let commit = () => {};
    const late = mark.pass(
      8,
      40_000,
      () =>
        new Promise<void>((resolve) => {
          commit = resolve;
        }),
    );
    expect(mark.pending).toBe(3);
    mark.restart();
    commit();
    await late;
    expect([mark.journalled, mark.pending]).toEqual([undefined, 0]);
    await mark.pass(1, 0, () => undefined);
    expect(moves).toEqual([7, 1]);
  });
});

describe('a journal that cannot keep up', () => {
  const FLOOD = 3000;

  test('stops the reading, not the heartbeats; and the reading goes on', async () => {
    hurry(2);
    const sandbox = await openSandbox({ heartbeatIntervalMs: 400 });
    const loong = await new LaneUnderTest(sandbox).connect();
    const commits: (() => void)[] = [];
    loong.sink.journal = () => new Promise((resolve) => commits.push(resolve));
    const text = 'x'.repeat(4000);
    for (let n = 0; n < FLOOD; n++) sandbox.platform.say({ from: 'openid_alice', text });
    await until('the reading to stop', () => loong.sink.messages.length > 2000);
    const { heartbeats } = sandbox.platform.transcript.counters();
    await until(
      'heartbeats beyond the patience of the gateway',
      () => sandbox.platform.transcript.counters().heartbeats > heartbeats + 6,
    );
    expect(loong.sink.messages.length).toBeLessThan(FLOOD);
    await until('all of them', () => {
      for (const commit of commits.splice(0)) commit();
      return loong.memory.point?.seq === FLOOD + 1;
    });
    expect(loong.sink.messages.length).toBe(FLOOD);
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 0 });
  });

  test('does not break off a replay', async () => {
    hurry(20);
    const sandbox = await openSandbox();
    const first = await new LaneUnderTest(sandbox).connect();
    await first.stop();
    const text = 'x'.repeat(4000);
    for (let n = 0; n < FLOOD; n++) sandbox.platform.say({ from: 'openid_alice', text });
    const loong = new LaneUnderTest(sandbox, first.memory);
    const commits: (() => void)[] = [];
    loong.sink.journal = () => new Promise((resolve) => commits.push(resolve));
    void loong.run();
    await until('the reading to stop', () => loong.sink.messages.length > 2000);
    const stoppedAt = Date.now();
    await until('a minute', () => Date.now() - stoppedAt > 60_000);
    await until('all of them', () => {
      for (const commit of commits.splice(0)) commit();
      return loong.sink.messages.length === FLOOD && loong.sink.states.at(-1)?.state === 'ready';
    });
    expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 1 });
  });
});
