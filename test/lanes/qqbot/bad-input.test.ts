import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { MAX_FRAME_CHARS } from '../../../src/lanes/qqbot/dispatch-frame.js';
import { answer, c2c, HostilePlatform, ready } from './support/hostile-platform.js';
import { hurry, until } from './support/hurried-clock.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const AUTHOR = { user_openid: 'openid_alice' };
const C2C = (d: unknown) => JSON.stringify({ op: 0, s: '$S', t: 'C2C_MESSAGE_CREATE', d }).replace('"$S"', '$S');
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** Frame, and what the reason has to say. `$S` stands for the sequence number. */
const BAD_FRAMES: readonly (readonly [name: string, frame: string, reason: string])[] = [
  ['malformed JSON', '{"op":0,', 'JSON'],
  ['a JSON text', '"hello"', 'JSON object'],
  ['JSON null', 'null', 'JSON object'],
  ['a JSON array', '[]', 'op'],
  ['an unknown op', '{"op":42}', 'op'],
  ['an op that is a text', '{"op":"0","s":$S,"t":"READY"}', 'op'],
  ['a second HELLO', '{"op":10,"d":{"heartbeat_interval":1}}', 'HELLO'],
  ['a second READY', '{"op":0,"s":$S,"t":"READY","d":{"session_id":"another"}}', 'once'],
  ['a RESUMED that nobody asked for', '{"op":0,"s":$S,"t":"RESUMED","d":""}', 'once'],
  ['a dispatch without t', '{"op":0,"s":$S,"d":{}}', 'event name'],
  ['a dispatch whose t is no name', '{"op":0,"s":$S,"t":"A\\nB","d":{}}', 'event name'],
  ['a message without anything', C2C(undefined), 'd.author'],
  ['a message that is a text', C2C('hello'), 'd.author'],
  ['a message without an author', C2C({ id: 'm', content: 'x' }), 'd.author'],
  ['a message without an id', C2C({ content: 'x', author: AUTHOR }), 'd.id'],
  ['a message with an empty id', C2C({ id: '', content: 'x', author: AUTHOR }), 'd.id'],
  ['a message with line breaks in its id', C2C({ id: 'a\r\nb', content: 'x', author: AUTHOR }), 'd.id'],
  ['a message with a content of the wrong type', C2C({ id: 'm', content: { text: 'x' }, author: AUTHOR }), 'd.content'],
  ['a message without an openid', C2C({ id: 'm', content: 'x', author: { id: 'a' } }), 'user_openid'],
  [
    'an openid that leads elsewhere',
    C2C({ id: 'm', content: 'x', author: { user_openid: '../groups/x' } }),
    'user_openid',
  ],
  ['an openid of dots', C2C({ id: 'm', content: 'x', author: { user_openid: '..' } }), 'user_openid'],
  ['an openid that is a number', C2C({ id: 'm', content: 'x', author: { user_openid: 1 } }), 'user_openid'],
  [
    'a frame over the limit',
    C2C({ id: 'm', content: 'x'.repeat(MAX_FRAME_CHARS), author: AUTHOR }),
    `${MAX_FRAME_CHARS}`,
  ],
  ['a frame without end in depth', `{"op":0,"s":$S,"t":"GUILD_CREATE","d":${deep(50_000)}}`, 'levels'],
];

describe('a frame that cannot be read', () => {
  test.for(BAD_FRAMES)(
    '%s is reported once, and costs neither its neighbours nor the connection',
    async ([, frame, reason]) => {
      const sandbox = await openSandbox();
      const loong = await new LaneUnderTest(sandbox).connect();
      sandbox.platform.say({ from: 'openid_alice', text: 'before' });
      sandbox.platform.sendRaw(frame);
      sandbox.platform.say({ from: 'openid_alice', text: 'behind' });
      const last = frame.includes('$S') ? 4 : 3;
      await until('the mark to pass', () => loong.memory.point?.seq === last);
      expect(loong.sink.texts).toEqual(['before', 'behind']);
      expect(loong.sink.undecodables).toEqual([
        { raw: frame.replace('$S', '3'), reason: expect.stringContaining(reason) },
      ]);
      expect(sandbox.platform.transcript.counters()).toMatchObject({ identifies: 1, resumes: 0 });
      expect(loong.memory.point?.sessionId).toBe(sandbox.platform.state().sessions[0]?.session_id);
    },
  );

  test('an event that nobody knows becomes a notice', async () => {
    const sandbox = await openSandbox();
    const loong = await new LaneUnderTest(sandbox).connect();
    sandbox.platform.emit({ t: 'SOMETHING_NEW', d: { a: [1, null] } });
    await until('the notice', () => loong.sink.notices.length === 1);
    expect(loong.sink.notices).toEqual([{ name: 'SOMETHING_NEW', data: { a: [1, null] } }]);
    expect(loong.sink.undecodables).toEqual([]);
  });
});

describe('a gateway on its worst day', () => {
  /** A lane on it, and the socket that the gateway holds. */
  async function meet(platform: HostilePlatform) {
    let socket: WebSocket | undefined;
    platform.onIdentify = (ws) => {
      socket = ws;
      ready(ws);
    };
    const loong = await new LaneUnderTest(platform).connect();
    return { loong, socket: socket as unknown as WebSocket };
  }

  test('a binary frame is reported, and its neighbours are heard', async () => {
    const platform = await HostilePlatform.open();
    const { loong, socket } = await meet(platform);
    socket.send(c2c(2));
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(c2c(3));
    await until('the mark', () => loong.memory.point?.seq === 3);
    expect(loong.sink.texts).toEqual(['text 2', 'text 3']);
    expect(loong.sink.undecodables).toMatchObject([{ reason: expect.stringContaining('binary') }]);
  });

  test('a wrong byte in a text costs a character, not the connection', async () => {
    const platform = await HostilePlatform.open();
    const { loong, socket } = await meet(platform);
    const frame = Buffer.from(c2c(2, 'a@b'));
    frame[frame.indexOf('@')] = 0xff;
    socket.send(frame, { binary: false });
    await until('the message', () => loong.sink.texts.length === 1);
    expect(loong.sink.texts).toEqual(['a\ufffdb']);
    expect(platform.connections).toBe(1);
  });

  test.for(['1e999', '-1', '1.5', '"7"', 'null'])('a sequence number of %s is none', async (s) => {
    const platform = await HostilePlatform.open();
    const { loong, socket } = await meet(platform);
    socket.send(c2c(2));
    socket.send(c2c(777).replace('"s":777', `"s":${s}`));
    await until('both', () => loong.sink.texts.length === 2);
    await until('the mark', () => loong.memory.point?.seq === 2);
    const before = platform.heard.length;
    socket.send(JSON.stringify({ op: 1 }));
    const beat = await until('a heartbeat', () => platform.heard.slice(before).find(({ op }) => op === 1));
    expect(beat.d).toBe(2);
    expect(loong.memory.point?.seq).toBe(2);
  });

  test.for([0, 1, 1e12, -5, 'soon', null])(
    'a heartbeat interval of %j neither floods nor falls silent',
    async (heartbeat_interval) => {
      hurry(100);
      const platform = await HostilePlatform.open();
      platform.hello = { op: 10, d: { heartbeat_interval } };
      await new LaneUnderTest(platform).connect();
      const readyAt = Date.now();
      await until('two heartbeats', () => platform.heard.filter(({ op }) => op === 1).length >= 2);
      expect(Date.now() - readyAt).toBeGreaterThan(30_000);
      expect(Date.now() - readyAt).toBeLessThan(100_000);
    },
  );

  test.for([null, '', 7, 'a\nb', 'x'.repeat(600)])('READY with a session id of %j is no READY', async (id) => {
    hurry(20);
    const platform = await HostilePlatform.open();
    platform.onIdentify = (socket) => ready(socket, platform.connections === 1 ? id : 'session-2');
    const loong = await new LaneUnderTest(platform).connect();
    expect(loong.memory.point?.sessionId).toBe('session-2');
    expect(platform.connections).toBe(2);
  });

  test.for([
    [
      '503',
      (socket: import('node:net').Socket) =>
        socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['a connection that breaks', (socket: import('node:net').Socket) => socket.destroy()],
    ['nonsense', (socket: import('node:net').Socket) => socket.end('hello\r\n\r\n')],
  ] as const)('an upgrade answered with %s is tried again', async ([, onUpgrade]) => {
    hurry(10);
    const platform = await HostilePlatform.open();
    platform.onUpgrade = (socket) => {
      platform.onUpgrade = undefined;
      onUpgrade(socket);
    };
    const loong = await new LaneUnderTest(platform).connect();
    expect(loong.sink.states.map(({ state }) => state)).toEqual(['connecting', 'waiting', 'connecting', 'ready']);
  });

  test('an upgrade that is never answered is given up in time', async () => {
    hurry(40);
    const platform = await HostilePlatform.open();
    platform.onUpgrade = () => {
      platform.onUpgrade = undefined;
    };
    const startedAt = Date.now();
    await new LaneUnderTest(platform).connect();
    expect(Date.now() - startedAt).toBeLessThan(20_000);
  });

  test('a gateway that closes before it says anything is tried again', async () => {
    hurry(20);
    const platform = await HostilePlatform.open();
    platform.onIdentify = (socket) => (platform.connections === 1 ? socket.terminate() : ready(socket));
    await new LaneUnderTest(platform).connect();
  });

  test('a frame that even the socket refuses costs the session at worst, never the lane', async () => {
    hurry(20);
    const platform = await HostilePlatform.open();
    const giant = c2c(2, 'x'.repeat(17 * 1_048_576));
    platform.onIdentify = (socket, { op }) => {
      if (op === 2) ready(socket, `session-${platform.connections}`);
      if (platform.connections < 4) socket.send(giant);
    };
    const loong = new LaneUnderTest(platform);
    void loong.run();
    await until('a session without the giant', () => loong.memory.point?.sessionId === 'session-4');
    expect(loong.counters.snapshot()).toMatchObject({ 'gateway.sessions_lost': 1 });
  });

  test.for([
    'http://127.0.0.1/',
    'wss://user:password@127.0.0.1/',
    'wss://127.0.0.1/#x',
    'wss://',
    'nonsense',
    '',
    7,
    null,
    { href: 'wss://127.0.0.1/' },
  ])('an address of %j is not called', async (url) => {
    const platform = await HostilePlatform.open();
    platform.onRequest = (_request, response) => answer(response, 200, { url });
    const loong = new LaneUnderTest(platform);
    void loong.run();
    const waiting = await until('the wait', () => loong.sink.states.find(({ state }) => state === 'waiting'));
    expect(waiting.detail).toContain('no usable url');
    expect(platform.connections).toBe(0);
  });

  test('a reason with control characters is logged as one short line', async () => {
    const platform = await HostilePlatform.open();
    const { loong, socket } = await meet(platform);
    socket.close(4777, 'a\r\n\u001b[31mb\u2028c');
    await until('the log line', () => loong.log.includes('connection closed (4777: a [31mb c)'));
  });
});

describe('an abort', () => {
  const stages: readonly (readonly [
    string,
    (platform: HostilePlatform) => void,
    (platform: HostilePlatform) => boolean,
  ])[] = [
    [
      'while the token is fetched',
      (p) => {
        p.onToken = () => undefined;
      },
      (p) => p.tokenRequests === 1,
    ],
    [
      'while the address is asked for',
      (p) => {
        p.onRequest = () => undefined;
      },
      (p) => p.requests === 1,
    ],
    [
      'while the upgrade is not answered',
      (p) => {
        p.onUpgrade = () => undefined;
      },
      (p) => p.connections === 1,
    ],
    [
      'while HELLO is waited for',
      (p) => {
        p.hello = undefined;
      },
      (p) => p.connections === 1,
    ],
    [
      'while READY is waited for',
      (p) => {
        p.onIdentify = () => undefined;
      },
      (p) => p.heard.length === 1,
    ],
    [
      'while it waits to try again',
      (p) => {
        p.onRequest = (_, response) => answer(response, 429, '<html>', { 'retry-after': '3000' });
      },
      (p) => p.requests === 1,
    ],
    [
      'while no session starts are left',
      (p) => {
        p.onRequest = (_, response) =>
          answer(response, 200, { url: p.gatewayUrl, session_start_limit: { remaining: 0, reset_after: 9e6 } });
      },
      (p) => p.requests === 1,
    ],
    ['while connected', () => undefined, (p) => p.heard.length === 1],
  ];

  test.for(stages)('%s ends the lane at once, and leaves nothing behind', async ([, prepare, reached]) => {
    const platform = await HostilePlatform.open();
    const before = process
      .getActiveResourcesInfo()
      .filter((kind) => kind === 'Timeout' || kind === 'TCPSocketWrap').length;
    prepare(platform);
    const loong = new LaneUnderTest(platform);
    const end = loong.run();
    await until('the stage', () => reached(platform));
    const stoppedAt = performance.now();
    await loong.stop();
    expect(await end).toBeUndefined();
    expect(performance.now() - stoppedAt).toBeLessThan(1000);
    await platform.close();
    await until('the last handle to go', () => {
      return (
        process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind === 'TCPSocketWrap').length <=
        before + 1
      );
    });
  });
});
