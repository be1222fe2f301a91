/** A server as backend, over real sockets: what it is told, what its answer is, and that no server can do harm. */
import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { AnswerPiece } from '../../src/backends/backend.js';
import { type HttpOptions, httpWebhook } from '../../src/backends/http-webhook.js';
import { turnDocument } from '../../src/backends/turn-document.js';
import { BackendError } from '../../src/model/errors.js';
import { plainText } from '../../src/model/message.js';
import { piecesOf, segmentsOf, turnOf } from '../support/answers.js';
import { closedPort, type HttpPeer, httpPeer, listening, rawPeer } from '../support/http-peer.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

function options(url: string, more: Partial<HttpOptions> = {}): HttpOptions {
  return { url, secret: undefined, timeoutMs: 20_000, maxOutputBytes: 100_000, ...more };
}

function ask(
  { url }: Pick<HttpPeer, 'url'>,
  more: Partial<HttpOptions> = {},
  signal = new AbortController().signal,
): Promise<readonly AnswerPiece[]> {
  return piecesOf(httpWebhook(options(url, more)), turnOf(), { signal });
}

async function textOf(peer: Pick<HttpPeer, 'url'>, more: Partial<HttpOptions> = {}): Promise<string> {
  return plainText(segmentsOf(await ask(peer, more)));
}

/** Why there was no answer. */
async function failureOf(
  peer: Pick<HttpPeer, 'url'>,
  more: Partial<HttpOptions> = {},
  signal?: AbortSignal,
): Promise<BackendError> {
  const failure: unknown = await ask(peer, more, signal).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BackendError);
  return failure as BackendError;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const STREAM = { 'Content-Type': 'text/event-stream' };

function say(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, TEXT).end(text);
}

describe('what the server is told', () => {
  test('the whole turn, as JSON in one POST', async () => {
    const peer = await httpPeer((response) => say(response, 'hello'));
    expect(await textOf(peer)).toBe('hello');
    const [asked, ...more] = peer.asked;
    expect(more).toEqual([]);
    expect(asked).toMatchObject({ method: 'POST', path: '/turn' });
    expect(asked?.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      connection: 'close',
    });
    expect(asked?.headers['user-agent']).toMatch(/^loong\/\d/);
    expect(asked?.headers).not.toHaveProperty('x-loong-signature');
    const { message, ...rest } = turnOf();
    const sent = JSON.parse(asked?.body.toString('utf8') ?? '');
    expect(sent).toEqual(JSON.parse(JSON.stringify(turnDocument({ message, ...rest }))));
  });

  test('with a secret the body is signed, and once more together with the time', async () => {
    const peer = await httpPeer((response) => say(response, 'ok'));
    const secret = 'the-key-of-the-hook';
    await ask(peer, { secret });
    const { headers = {}, body = Buffer.alloc(0) } = peer.asked[0] ?? {};
    const time = String(headers['x-loong-timestamp']);
    const signed = (...parts: readonly (string | Buffer)[]) => {
      const hmac = createHmac('sha256', secret);
      for (const part of parts) hmac.update(part);
      return `sha256=${hmac.digest('hex')}`;
    };
    expect(headers['x-loong-signature']).toBe(signed(body));
    expect(headers['x-loong-timestamp-signature']).toBe(signed(time, '.', body));
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(30);
    expect(JSON.stringify(headers)).not.toContain(secret);
  });
});

describe('an answer', () => {
  test('is plain text, without colours, control characters and blank lines around it', async () => {
    const peer = await httpPeer((response) => say(response, '\n\r\n  \u001b[31mred\u001b[0m\u0007\r\nnext 🐉\n\n'));
    expect(await textOf(peer)).toBe('  red\nnext 🐉');
  });

  test('is a document of several messages', async () => {
    const answer = JSON.stringify({ messages: [{ text: 'see' }, { image: 'https://example.com/a.png' }] });
    const peer = await httpPeer((response) => response.writeHead(200, JSON_TYPE).end(answer));
    expect(await ask(peer)).toEqual([
      { type: 'text', text: 'see' },
      { type: 'end' },
      { type: 'media', kind: 'image', url: 'https://example.com/a.png' },
    ]);
  });

  test('may name files below media_dir, and no others', async () => {
    const folder = join(tempDir(), 'media');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.png'), 'picture');
    const naming = (path: string) =>
      httpPeer((response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify({ messages: [{ image: path }] })));
    expect(await ask(await naming('a.png'), { mediaDir: folder })).toMatchObject([{ type: 'media', kind: 'image' }]);
    expect((await failureOf(await naming('/etc/passwd'), { mediaDir: folder })).code).toBe('backend.media_refused');
    expect((await failureOf(await naming('/etc/passwd'))).code).toBe('backend.media_refused');
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['204', (response) => response.writeHead(204).end()],
    ['205', (response) => response.writeHead(205).end()],
    ['an empty text', (response) => say(response, '')],
    ['blank lines', (response) => say(response, '\n \n')],
    ['an empty document', (response) => response.writeHead(200, JSON_TYPE).end()],
    ['an empty body of any type', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end()],
    ['a list without messages', (response) => response.writeHead(200, JSON_TYPE).end('{"messages": []}')],
    ['a stream that says nothing', (response) => response.writeHead(200, STREAM).end('data: [DONE]\n\n')],
  ])('of %s is silence', async (_, answer) => {
    expect(await ask(await httpPeer(answer))).toEqual([]);
  });
});

describe('a stream of deltas', () => {
  /** Writes the parts one by one, each in a packet of its own. */
  function streaming(parts: readonly (string | Buffer)[], end = true): Promise<HttpPeer> {
    return httpPeer((response) => {
      response.writeHead(200, STREAM).flushHeaders();
      const rest = [...parts];
      const next = () => {
        const part = rest.shift();
        if (part !== undefined) response.write(part, () => setImmediate(next));
        else if (end) response.end();
      };
      next();
    });
  }
  const delta = (text: string) => `data: ${JSON.stringify({ delta: text })}\n\n`;

  test('comes piece by piece, before its end', async () => {
    let goOn = () => {};
    const peer = await httpPeer((response) => {
      response.writeHead(200, STREAM).write(delta('first '));
      goOn = () => void response.end(`${delta('second')}data: [DONE]\n\n`);
    });
    const seen: AnswerPiece[] = [];
    for await (const piece of httpWebhook(options(peer.url)).answer(turnOf(), new AbortController())) {
      seen.push(piece);
      if (seen.length === 1) goOn();
    }
    expect(seen).toEqual([
      { type: 'text', text: 'first' },
      { type: 'text', text: ' second' },
    ]);
  });

  test('is read wherever it is cut, with every line end, comments and other fields', async () => {
    const stream = [
      ': hello\r\n\r\nevent: message\r\nid: 1\r\ndata: {"delta": "你"}\r\n\r\n',
      'data:{"delta":\rdata: "好 🐉"}\r\rretry: 5\n',
      'data: {"delta": "\\n\\n"}\n\n: ping\n\ndata: {"delta": "end  "}\n\ndata: [DONE]\n\n',
    ].join('');
    const bytes = Buffer.from(stream);
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(await textOf(await streaming(parts)), `in pieces of ${size}`).toBe('你好 🐉\n\nend');
    }
  });

  test('of a great many blanks costs no more than their number', async () => {
    const blanks = delta(' ').repeat(200_000);
    const began = performance.now();
    expect(await textOf(await streaming([delta('a'), blanks, delta('b')]), { maxOutputBytes: 8_000_000 })).toBe(
      `a${' '.repeat(200_000)}b`,
    );
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('ends at [DONE], though the server keeps the connection open', async () => {
    const peer = await streaming([delta('all'), 'data: [DONE]\n\n'], false);
    expect(await textOf(peer)).toBe('all');
    await waitUntil('the end of the connection', () => peer.connections() === 0);
  });

  test('colours and line ends are taken out or read as one, however they are cut', async () => {
    const whole = [...'\u001b[1;31mred\u001b[0m\r\nnext\u001b'].map(delta);
    expect(await textOf(await streaming([...whole, 'data: [DONE]\n\n']))).toBe('red\nnext');
  });

  test('may end with its body, where HTTP tells that it is whole', async () => {
    expect(await textOf(await streaming([delta('one '), 'data: {"delta": "two"}']))).toBe('one two');
  });

  test('that ends with its connection is broken off, unless it said [DONE]', async () => {
    const until = (text: string) =>
      rawPeer((socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${text}`));
    expect(await textOf(await until(`${delta('all')}data: [DONE]\n\n`))).toBe('all');
    const failure = await failureOf(await until(delta('half of')));
    expect(failure.code).toBe('backend.broken_off');
    expect(failure.remedy).toContain('[DONE]');
  });

  test.each([
    ['no JSON', 'data: hello\n\n'],
    ['no delta', 'data: {"text": "hello"}\n\n'],
    ['a delta that is no text', 'data: {"delta": 1}\n\n'],
    ['null', 'data: null\n\n'],
    ['half an event', 'data: {"delta": "hel'],
  ])('with %s is a failure that says what an event looks like', async (_, text) => {
    const failure = await failureOf(await streaming([delta('good '), text]));
    expect(failure.code).toBe('backend.answer_invalid');
    expect(failure.remedy).toContain('data: {"delta": "…"}');
  });
});

describe('a server that cannot be relied on', () => {
  test.each<[string, (response: ServerResponse) => void, string]>([
    ['says 500', (response) => say(response, 'oops', 500), 'backend.http_status'],
    ['says 404', (response) => say(response, 'nothing here', 404), 'backend.http_status'],
    ['says 503 without a time', (response) => say(response, 'busy', 503), 'backend.http_status'],
    [
      'answers with HTML',
      (r) => r.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Log in'),
      'backend.answer_invalid',
    ],
    ['answers without a type', (response) => response.writeHead(200).end('hello'), 'backend.answer_invalid'],
    [
      'answers with JSON that is none',
      (r) => r.writeHead(200, JSON_TYPE).end('{"messages": ['),
      'backend.answer_invalid',
    ],
    ['answers with another JSON', (r) => r.writeHead(200, JSON_TYPE).end('{"text": "hi"}'), 'backend.answer_invalid'],
    [
      'answers with bytes that are no text',
      (r) => r.writeHead(200, TEXT).end(Buffer.from([0xc4, 0xe3])),
      'backend.not_text',
    ],
    [
      'streams bytes that are no text',
      (r) => r.writeHead(200, STREAM).end(Buffer.from([0xc4, 0xe3])),
      'backend.not_text',
    ],
    ['streams half a character', (r) => r.writeHead(200, STREAM).end(Buffer.from([0xe4, 0xbd])), 'backend.not_text'],
  ])('%s: one failure, and it is asked once', async (_, answer, code) => {
    const peer = await httpPeer(answer);
    expect((await failureOf(peer)).code).toBe(code);
    expect(peer.asked).toHaveLength(1);
    await waitUntil('the end of the connection', () => peer.connections() === 0);
  });

  test.each([301, 302, 307, 308])('status %i leads nowhere: what it names is not asked', async (status) => {
    const other = await httpPeer((response) => say(response, 'from elsewhere'));
    const peer = await httpPeer((response) => response.writeHead(status, { Location: other.url }).end());
    const failure = await failureOf(peer);
    expect(failure.code).toBe('backend.http_status');
    expect(failure.remedy).toContain('redirects are not followed');
    expect(other.asked).toEqual([]);
  });

  test('an answer that is longer than max_output is broken off, whatever its form', async () => {
    const flood = async (headers: object) => {
      let isOver = false;
      const peer = await httpPeer((response) => {
        response.writeHead(200, { ...headers });
        response.on('close', () => {
          isOver = true;
        });
        const more = () => {
          while (!isOver && response.write(`data: {"delta": "${'x'.repeat(60_000)}"}\n\n`));
        };
        response.on('drain', more);
        more();
      });
      const failure = await failureOf(peer);
      expect(failure.code).toBe('backend.output_too_long');
      expect(failure.remedy).toContain('max_output');
      await waitUntil('the end of the connection', () => isOver);
    };
    for (const headers of [TEXT, JSON_TYPE, STREAM, { 'Content-Type': 'text/html' }]) await flood(headers);
  });

  test('an answer of just max_output is whole, and one byte more is too long', async () => {
    const saying = (bytes: number) => httpPeer((response) => say(response, 'x'.repeat(bytes)));
    expect(await textOf(await saying(100_000))).toHaveLength(100_000);
    expect((await failureOf(await saying(100_001))).code).toBe('backend.output_too_long');
  });

  test('a compressed answer is refused and never unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const peer = await httpPeer((response) =>
      response.writeHead(200, { ...TEXT, 'Content-Encoding': 'gzip' }).end(bomb),
    );
    const failure = await failureOf(peer);
    expect(failure.code).toBe('backend.answer_invalid');
    expect(failure.message).toContain('compressed (gzip)');
    await waitUntil('the end of the connection', () => peer.connections() === 0);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'in the middle of a text',
      (r) => r.writeHead(200, { ...TEXT, 'Content-Length': '100' }).write('half', () => r.destroy()),
    ],
    ['in the middle of a document', (r) => r.writeHead(200, JSON_TYPE).write('{"messages": []}', () => r.destroy())],
    [
      'in the middle of a stream',
      (r) => r.writeHead(200, STREAM).write('data: {"delta": "half"}\n\n', () => r.destroy()),
    ],
    ['before it answers', (response) => response.destroy()],
  ])('a connection that ends %s is a failure, and the turn is not sent again', async (_, answer) => {
    const peer = await httpPeer(answer);
    const failure = await failureOf(peer, { secret: 'the-key-of-the-hook' });
    expect(failure.code).toBe('backend.broken_off');
    expect(failure.message).not.toContain('the-key');
    expect(peer.asked).toHaveLength(1);
  });

  test.each([
    ['no HTTP at all', '\u001b[31mSSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'X-Pad: y\r\n'.repeat(10_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: -1\r\n\r\nhi'],
  ])('%s is a failure in one clean line', async (_, bytes) => {
    const failure = await failureOf(await rawPeer((socket) => socket.end(bytes)));
    expect(failure.code).toBe('backend.broken_off');
    expect(failure.message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(failure.message.length).toBeLessThan(300);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['before its answer', () => undefined],
    ['within a text', (response) => void response.writeHead(200, TEXT).write('half')],
    ['within a stream', (response) => void response.writeHead(200, STREAM).write('data: {"delta": "half"}\n\n')],
    ['within a refusal that asks us to wait', (r) => void r.writeHead(503, { 'Retry-After': '15' }).write('wait')],
  ])('a server that stalls %s loses the connection when the time is up', async (_, answer) => {
    let isAnswered = () => {};
    const answered = new Promise<void>((resolve) => {
      isAnswered = resolve;
    });
    const peer = await httpPeer((response) => {
      answer(response);
      isAnswered();
    });
    const limit = new AbortController();
    const failing = failureOf(peer, {}, limit.signal);
    await answered;
    limit.abort();
    expect((await failing).code).toBe('backend.aborted');
    await waitUntil('the end of the connection', () => peer.connections() === 0);
  });

  test('a turn that is over before it begins asks nobody', async () => {
    const peer = await httpPeer((response) => say(response, 'hi'));
    expect((await failureOf(peer, {}, AbortSignal.abort())).code).toBe('backend.aborted');
    expect(peer.asked).toEqual([]);
  });
});

describe('a server is asked again', () => {
  test('while nobody listens there: nothing was sent yet', async () => {
    const port = await closedPort();
    const answer = textOf({ url: `http://127.0.0.1:${port}/turn` });
    const server = createServer((_request, response) => say(response, 'back again'));
    await listening(server, port);
    expect(await answer).toBe('back again');
  });

  test('but not for ever, and the remedy names the doctor', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/turn`;
    const failure = await failureOf({ url }, { timeoutMs: 700 });
    expect(failure.code).toBe('backend.unreachable');
    expect(failure.message).toContain('ECONNREFUSED');
    expect(failure.remedy).toContain('loong doctor');
    expect((await failureOf({ url: 'http://no-such-host.invalid/turn' }, { timeoutMs: 0 })).code).toBe(
      'backend.unreachable',
    );
  });

  test.each([429, 503])('when status %i says when, with the same turn and a fresh time', async (status) => {
    const peer = await httpPeer((response) => {
      if (peer.asked.length === 1) response.writeHead(status, { 'Retry-After': '1' }).end('later');
      else say(response, 'now');
    });
    expect(await textOf(peer, { secret: 'the-key-of-the-hook' })).toBe('now');
    const [first, second] = peer.asked;
    expect(second?.body).toEqual(first?.body);
    expect(Number(second?.headers['x-loong-timestamp'])).toBeGreaterThan(Number(first?.headers['x-loong-timestamp']));
  });

  test('at a date, too', async () => {
    const peer = await httpPeer((response) => {
      if (peer.asked.length > 1) return say(response, 'now');
      response.writeHead(503, { 'Retry-After': new Date(Date.now() - 1000).toUTCString() }).end();
    });
    expect(await textOf(peer)).toBe('now');
  });

  test('three times at most', async () => {
    const peer = await httpPeer((response) => response.writeHead(429, { 'Retry-After': '0' }).end());
    expect((await failureOf(peer)).code).toBe('backend.http_status');
    expect(peer.asked).toHaveLength(4);
  });

  test.each(['3600', '99999999999999', 'soon', '-1', '1.5'])(
    'not when it would be too late or at no time: %s',
    async (when) => {
      const peer = await httpPeer((response) => response.writeHead(503, { 'Retry-After': when }).end());
      expect((await failureOf(peer)).code).toBe('backend.http_status');
      expect(peer.asked).toHaveLength(1);
    },
  );
});

test('many turns at once leave no connection behind', async () => {
  const peer = await httpPeer((response, { body }) => say(response, JSON.parse(body.toString()).text));
  const backend = httpWebhook(options(peer.url));
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, i) =>
      plainText(segmentsOf(await piecesOf(backend, turnOf({ segments: [{ type: 'text', text: `n${i}` }] })))),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => `n${i}`));
  await waitUntil('the end of the connections', () => peer.connections() === 0);
});
