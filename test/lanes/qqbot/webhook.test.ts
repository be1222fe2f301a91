/** Callbacks over real sockets: who is believed, what is signed, what is answered, and what is refused. */
import { readdirSync } from 'node:fs';
import { type OutgoingHttpHeaders, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CallbackKey } from '../../../src/lanes/qqbot/callback-signature.js';
import type { DispatchFrame } from '../../../src/lanes/qqbot/dispatch-frame.js';
import { type WebhookLimits, WebhookPorts } from '../../../src/lanes/qqbot/webhook-ports.js';
import { type Refusal, WebhookReceiver } from '../../../src/lanes/qqbot/webhook-receiver.js';
import type { Push } from '../../../src/model/message.js';
import { type Answer, c2cEvent, post, publicHex, seconds, signature, signed } from '../../support/callbacks.js';
import { waitUntil } from '../../support/wait-until.js';

const SECRET = 'emulator-Secret_01';
const PATH = '/qq-official-webhook';
const ACK = '{"op":12,"d":0}';

interface AccountOptions {
  readonly account?: string;
  readonly appId?: string;
  readonly secret?: string;
  readonly path?: string;
  readonly port?: number;
}

class Accounts {
  readonly lines: string[] = [];
  readonly ports: WebhookPorts;
  /** Unix ms that all accounts go by. */
  now = Date.now();

  constructor(limits: Partial<WebhookLimits> = {}) {
    this.ports = new WebhookPorts(pino({ level: 'trace' }, { write: (line: string) => this.lines.push(line) }), limits);
  }

  async open({ account = 'main', appId = '102000001', secret = SECRET, path = PATH, port = 0 }: AccountOptions = {}) {
    const frames: { readonly frame: DispatchFrame; readonly push: Push }[] = [];
    const kept: { readonly raw: string; readonly reason: string }[] = [];
    const refusals: Refusal[] = [];
    const opened = {
      frames,
      kept,
      refusals,
      url: '',
      port: 0,
      /** What a commit waits for, and whether it fails. */
      journal: (): void | Promise<void> => undefined,
      close: async () => {},
    };
    const receiver = new WebhookReceiver({
      key: new CallbackKey(secret),
      now: () => this.now,
      dispatch: (frame, push) => {
        frames.push({ frame, push });
        return opened.journal();
      },
      undecodable: (raw, reason) => {
        kept.push({ raw, reason });
        return opened.journal();
      },
    });
    const taking = await this.ports.take(
      { host: '127.0.0.1', port, path },
      {
        account,
        appId,
        receive: (callback) => receiver.receive(callback),
        refused: (refusal) => refusals.push(refusal),
      },
    );
    opened.url = `http://127.0.0.1:${taking.port}${path}`;
    opened.port = taking.port;
    opened.close = () => taking.close();
    onTestFinished(() => taking.close());
    return opened;
  }
}

const BODY_4 = '{"op":0,"id":"GROUP_AT_MESSAGE_CREATE:demo1","t":"GROUP_AT_MESSAGE_CREATE","d":{"content":" hi"}}';
const BODY_C =
  '{"id":"ROBOT1.0_veoihSEXDc8Q.g-6eLpNIa11bH8MisOjn-m-LKxCPntMk6exUXgcWCGpVO7L2QKTNZzjZzFFDSbiOFcqAPWyVA!!","content":"哦一下","timestamp":"2024-10-15T16:33:15+08:00","author":{"id":"675860273","user_openid":"675860273"}}';

/** Of the platform's pages and of its own client, and ours, recomputed: secret, what was signed, the signature. */
const VECTORS = [
  [
    'DG5g3B4j9X2KOErG',
    '1725442341Arq0D5A61EgUu4OxUvOp',
    '87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706',
  ],
  [
    'emulator-Secret_01',
    '1767225600PlainTok3nAbCdEf',
    '4f9c75de01166765ddc8ffbb764fa78c7ff0932a1f2ebe36207ddff6333f97c98d5129aa460e2e5a591911c0a485dbf162e697bdaf9e9ac59dd5f6c2f4443a05',
  ],
  [
    's3cr3t',
    '1767225600PlainTok3nAbCdEf',
    '00e290daf16a139811d70b5e9e8e334af89356d77410b52db9f55ea266934c3a29adc7b1862adf0da36bb8e3c352c7cf58344e6e7ae7b0b956000679bb95a808',
  ],
  [
    '0123456789abcdef0123456789abcdefEXTRA',
    '1767225600PlainTok3nAbCdEf',
    'd0f6bc1502adc0472800f4d40f4329f8800534df48ec618130c07f3fe7969c64f0ff5a93c1fd012cc4e56ef68d397ee179cf14238aa95794eea1b201d15fb10e',
  ],
  [
    'emulator-Secret_01',
    `1767225600${BODY_4}`,
    '1d9dc582a5cac898377fca9872f07bbc4a732b6ff2817cfd0af393d53a77e8ac2019cd0ea0c966a71728607849c34ff632b0f2867c522f7cd8d1d3135e9dae00',
  ],
  [
    '123456abcdef',
    `1728981195${BODY_C}`,
    'e949b5b94ef4103df903fb031d1d16e358db3db83e79e117edd404c8508be3ce8a76d7bad1bed353194c126a1a5915b4ad8b5288c1191cc53a12acffccd82004',
  ],
] as const;

describe('the key of a secret', () => {
  test.each(VECTORS)('%s signs and verifies as published', (secret, text, expected) => {
    const key = new CallbackKey(secret);
    expect(key.sign(text)).toBe(expected);
    expect(key.verifies(Buffer.from(text), expected)).toBe(true);
    expect(key.verifies(Buffer.from(text), expected.toUpperCase())).toBe(true);
    expect(key.verifies(Buffer.from(`${text} `), expected)).toBe(false);
  });

  test.each([6, 16, 32, 40, 1, 31, 33, 64])('of %i characters signs as the specification says', (length) => {
    const secret = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF-_fGhIjKlMnOpQrStUvWxYz0123456789'.slice(0, length);
    expect(new CallbackKey(secret).sign('1725442341x')).toBe(signature(secret, '1725442341x'));
  });

  test('the published public keys are those of the published secrets', () => {
    expect(publicHex('DG5g3B4j9X2KOErG')).toBe('8b28ded5630f9051c205dd04c6ec56ad0b08b8812b2fe30ee9aece0ab41926f3');
    expect(publicHex('s3cr3t')).toBe('579a7b58a0c6f3599764f9fd1e67b40e1dd8d3c53f38488925b70e491e5dc7dc');
  });

  test('what is no signature verifies nothing', () => {
    const key = new CallbackKey(SECRET);
    const [, , good] = VECTORS[1];
    const text = Buffer.from(VECTORS[1][1]);
    const withTopBits = `${good.slice(0, 126)}e${good.slice(127)}`;
    for (const wrong of ['', '0', good.slice(2), `${good}00`, good.replace('4', 'g'), ` ${good.slice(1)}`, withTopBits])
      expect(key.verifies(text, wrong)).toBe(false);
    expect(() => new CallbackKey('')).toThrow(RangeError);
  });
});

function challenge(plainToken: unknown, eventTs: unknown): string {
  return JSON.stringify({ op: 13, d: { plain_token: plainToken, event_ts: eventTs } });
}

const NOW = 1_767_225_600_000;

describe('a challenge', () => {
  test('is answered with the word signed, whether it was signed itself or not', async () => {
    const { url } = await new Accounts().open();
    const at = seconds();
    const body = challenge('PlainTok3nAbCdEf', at);
    const expected = { plain_token: 'PlainTok3nAbCdEf', signature: signature(SECRET, `${at}PlainTok3nAbCdEf`) };
    for (const headers of [{}, signed(SECRET, body)]) {
      const answer = await post(url, body, headers);
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, expected]);
      expect(answer.headers['content-type']).toBe('application/json');
    }
  });

  test('of the platform’s own page is answered as it prints it', async () => {
    const accounts = new Accounts();
    accounts.now = 1_725_442_341_000;
    const { url } = await accounts.open({ secret: 'DG5g3B4j9X2KOErG' });
    const answer = await post(url, challenge('Arq0D5A61EgUu4OxUvOp', '1725442341'));
    expect(JSON.parse(answer.body).signature).toBe(VECTORS[0][2]);
  });

  test('with a signature that does not verify is not answered', async () => {
    const { url } = await new Accounts().open();
    const body = challenge('PlainTok3nAbCdEf', seconds());
    const forged = await post(url, body, signed('another secret', body));
    expect([forged.status, forged.body]).toEqual([401, '']);
    const { 'x-signature-ed25519': alone } = signed(SECRET, body);
    expect((await post(url, body, { 'x-signature-ed25519': alone ?? '' })).status).toBe(401);
    expect((await post(url, body, { 'x-signature-ed25519': '', 'x-signature-timestamp': seconds() })).status).toBe(401);
  });

  test.each([
    ['braces', '{"op":0}'],
    ['a closing brace', 'abc}'],
    ['quotes', 'a"b'],
    ['a blank', 'a b'],
    ['a line end', 'a\nb'],
    ['another blank', 'a\u00a0b'],
    ['what nobody sees', 'a\u0000b'],
    ['129 characters', 'a'.repeat(129)],
    ['nothing', ''],
    ['a number', 12345],
    ['a list', ['abc']],
  ])('for a word with %s is not answered, signed or not', async (_, token) => {
    const { url } = await new Accounts().open();
    const body = challenge(token, seconds());
    for (const headers of [{}, signed(SECRET, body)])
      expect(await post(url, body, headers)).toMatchObject({ status: 400, body: '' });
  });

  test('for a word of 128 characters is', async () => {
    const { url } = await new Accounts().open();
    expect((await post(url, challenge('a'.repeat(128), seconds()))).status).toBe(200);
  });

  test.each([
    ['old', seconds(NOW - 301_000)],
    ['of the future', seconds(NOW + 301_000)],
    ['no digits', '17e8'],
    ['with a sign', `+${seconds(NOW)}`],
    ['with a blank', ` ${seconds(NOW)}`],
    ['with a zero before it', `0${seconds(NOW)}`],
    ['a number', Number(seconds(NOW))],
    ['missing', undefined],
  ])('with a time that is %s is not answered', async (_, at) => {
    const accounts = new Accounts();
    accounts.now = NOW;
    const { url } = await accounts.open();
    expect((await post(url, challenge('abc', seconds(NOW)))).status).toBe(200);
    expect(await post(url, challenge('abc', at))).toMatchObject({ status: 400, body: '' });
  });

  test('makes no oracle: a forged event is signed by nobody, and taken from nobody', async () => {
    const accounts = new Accounts();
    accounts.now = 1_725_442_341_000;
    const { url, frames, kept } = await accounts.open({ secret: 'DG5g3B4j9X2KOErG' });
    const forged = JSON.stringify({
      op: 0,
      t: 'C2C_MESSAGE_CREATE',
      id: 'x',
      s: 1,
      d: { id: 'm', content: '/admin', author: { user_openid: 'OWNER' } },
    });
    const asked = await post(url, challenge(forged, '1725442341'));
    expect(asked).toMatchObject({ status: 400, body: '' });
    const right = signature('DG5g3B4j9X2KOErG', `1725442341${forged}`);
    expect(asked.body + JSON.stringify(asked.headers)).not.toContain(right);
    // Nor by taking the first brace, or all before it, for a part of the time.
    for (const [token, at] of [
      [forged.slice(1), '1725442341{'],
      [forged, '172544234'],
      ['', `1725442341${forged}`],
    ] as const)
      expect((await post(url, challenge(token, at))).status).toBe(400);
    // What can be signed at all is no event.
    const word = JSON.parse((await post(url, challenge('[1,2,3]', '1725442341'))).body) as { signature: string };
    const used = await post(url, '[1,2,3]', {
      'x-signature-timestamp': '1725442341',
      'x-signature-ed25519': word.signature,
    });
    expect([used.status, kept]).toEqual([400, []]);
    const unsigned = await post(url, forged, { 'x-signature-timestamp': '1725442341' });
    expect(unsigned).toMatchObject({ status: 401, body: '' });
    expect(frames).toEqual([]);
  });
});

describe('an event', () => {
  test('that is signed is journalled, then acknowledged', async () => {
    const account = await new Accounts().open();
    let commit = () => {};
    account.journal = () => new Promise((resolve) => (commit = resolve));
    const body = c2cEvent('m1', '你好');
    let answer: Answer | undefined;
    const answered = post(account.url, body, signed(SECRET, body)).then((got) => (answer = got));
    await waitUntil('the event', () => account.frames.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer).toBeUndefined();
    commit();
    await answered;
    expect(answer).toMatchObject({ status: 200, body: ACK });
    expect(account.frames[0]?.frame).toMatchObject({
      event: 'C2C_MESSAGE_CREATE',
      id: 'C2C_MESSAGE_CREATE:m1',
      data: { id: 'm1', content: '你好' },
      raw: body,
    });
  });

  test('that cannot be journalled is told so, with nothing of the reason', async () => {
    const accounts = new Accounts();
    const account = await accounts.open();
    account.journal = () => Promise.reject(new Error('database or disk is full'));
    const body = c2cEvent('m1', 'hello');
    expect(await post(account.url, body, signed(SECRET, body))).toMatchObject({ status: 200, body: '{"op":12,"d":1}' });
    expect(accounts.lines.join('')).toContain('database or disk is full');
    account.journal = () => undefined;
    expect((await post(account.url, body, signed(SECRET, body))).body).toBe(ACK);
  });

  test('that is forged, unsigned or changed is refused', async () => {
    const accounts = new Accounts();
    const { url, frames } = await accounts.open();
    const body = c2cEvent('m1', '/admin');
    const right = signed(SECRET, body);
    const cases = [
      signed('another secret', body),
      {},
      { 'x-signature-timestamp': seconds() },
      { 'x-signature-ed25519': right['x-signature-ed25519'] ?? '' },
      { ...right, 'x-signature-timestamp': String(Number(right['x-signature-timestamp']) + 1) },
      { ...right, 'x-signature-timestamp': `0${right['x-signature-timestamp']}` },
      { ...right, 'x-signature-ed25519': '00'.repeat(64) },
      { ...right, 'x-signature-ed25519': [String(right['x-signature-ed25519']), String(right['x-signature-ed25519'])] },
    ];
    for (const headers of cases) expect(await post(url, body, headers)).toMatchObject({ status: 401, body: '' });
    expect((await post(url, `${body} `, right)).status).toBe(401);
    expect((await post(url, body.replace('/admin', '/ADMIN'), right)).status).toBe(401);
    expect(frames).toEqual([]);
    expect(accounts.lines.join('')).toContain('correct `client_secret`');
  });

  test.each([
    ['23 h 59 min old', -86_340, 200],
    ['a day and a minute old', -86_460, 401],
    ['4 min ahead', 240, 200],
    ['6 min ahead', 360, 401],
  ])('%s', async (_, ahead, status) => {
    const accounts = new Accounts();
    const { url, frames } = await accounts.open();
    const body = c2cEvent('m1', 'hello');
    const answer = await post(url, body, signed(SECRET, body, seconds(accounts.now + ahead * 1000)));
    expect([answer.status, frames.length]).toEqual([status, status === 200 ? 1 : 0]);
  });

  test('is named by the digest of its time and its bytes: a copy has the same, anything else another one', async () => {
    const { url, frames } = await new Accounts().open();
    const body = c2cEvent('m1', 'hello');
    const at = seconds();
    await post(url, body, signed(SECRET, body, at));
    await post(url, body, signed(SECRET, body, at));
    await post(url, body, signed(SECRET, body, String(Number(at) + 1)));
    await post(url, body.replace('hello', 'hallo'), signed(SECRET, body.replace('hello', 'hallo'), at));
    const digests = frames.map(({ push }) => push.digest.toString('hex'));
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
    expect(new Set(digests).size).toBe(3);
    expect(frames.map(({ push }) => push.signedAt - Number(at))).toEqual([0, 0, 1, 0]);
  });

  test('with a byte that is no UTF-8 is an event all the same: what was signed are bytes', async () => {
    const { url, frames } = await new Accounts().open();
    const [before = '', after = ''] = c2cEvent('m1', 'a@b').split('@');
    const body = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]);
    expect((await post(url, body, signed(SECRET, body))).body).toBe(ACK);
    expect(frames[0]?.frame.data).toMatchObject({ content: 'a\ufffdb' });
  });
});

describe('what is signed and no event', () => {
  test.each([
    ['an object cut short', '{"op":0'],
    ['a list with an object', '[{}]'],
    ['an object without an op', '{}'],
    ['an op of the gateway', '{"op":10,"d":{"heartbeat_interval":1}}'],
    ['an event without a name', '{"op":0,"d":{}}'],
    ['a name that is none', '{"op":0,"t":"a b","d":{}}'],
    ['too deep', `{"op":0,"t":"X","d":${'['.repeat(200)}${']'.repeat(200)}}`],
  ])('%s: kept, and refused', async (_, body) => {
    const account = await new Accounts().open();
    expect(await post(account.url, body, signed(SECRET, body))).toMatchObject({ status: 400, body: '' });
    expect(account.kept).toHaveLength(1);
    expect(account.frames).toEqual([]);
  });

  test.each(['hello', '', '[]', '5', 'null'])(
    'what a challenge could have had signed is refused, and leaves nothing behind: %j',
    async (body) => {
      const account = await new Accounts().open();
      expect(await post(account.url, body, signed(SECRET, body))).toMatchObject({ status: 400, body: '' });
      expect([account.kept, account.frames]).toEqual([[], []]);
    },
  );

  test('a heartbeat is answered', async () => {
    const { url, kept } = await new Accounts().open();
    const body = '{"op":1,"d":42}';
    expect(await post(url, body, signed(SECRET, body))).toMatchObject({ status: 200, body: '{"op":11,"d":42}' });
    expect((await post(url, body)).status).toBe(401);
    expect(kept).toEqual([]);
  });
});

test('10,000 random bodies, with no, random and borrowed signatures: nothing but 4xx, and the next event is taken', async () => {
  const { url, frames, kept } = await new Accounts().open();
  let seed = 0x2545f491;
  const random = (below: number) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
  const pieces = [
    '{',
    '}',
    '"',
    'op',
    ':',
    '0',
    '13',
    ',',
    '[',
    'd',
    'plain_token',
    'event_ts',
    '\\',
    'é',
    '\u0000',
    ' ',
    '1e999',
  ];
  const bodyOf = () =>
    random(2) === 0
      ? Buffer.from(Array.from({ length: random(200) }, () => random(256)))
      : Buffer.from(Array.from({ length: random(40) }, () => pieces[random(pieces.length)]).join(''));
  const headersOf = (body: Buffer) => {
    switch (random(4)) {
      case 0:
        return {};
      case 1:
        return {
          'x-signature-timestamp': seconds(),
          'x-signature-ed25519': Buffer.from(Array.from({ length: 64 }, () => random(256))).toString('hex'),
        };
      case 2:
        return {
          ...signed('another secret', body),
          'x-bot-appid': random(2) === 0 ? '102000001' : String(random(1e9)),
        };
      default:
        return random(10) === 0
          ? signed(SECRET, body)
          : { 'x-signature-timestamp': String(random(1e10)), 'x-signature-ed25519': 'zz' };
    }
  };
  const statuses = new Map<number, number>();
  for (let round = 0; round < 200; round++) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => {
        const body = bodyOf();
        return post(url, body, headersOf(body));
      }),
    );
    for (const { status, body } of answers) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(body).toBe('');
    }
  }
  expect([...statuses.keys()].filter((status) => status < 400 || status > 499)).toEqual([]);
  expect([...statuses.values()].reduce((a, b) => a + b, 0)).toBe(10_000);
  expect([frames.length, kept.length > 0]).toEqual([0, true]);
  const body = c2cEvent('m1', 'still there?');
  expect((await post(url, body, signed(SECRET, body))).body).toBe(ACK);
}, 240_000);

describe('a request', () => {
  test('is for POST alone', async () => {
    const { url, frames } = await new Accounts().open();
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await post(url, '', {}, method);
      expect([method, answer.status, answer.headers.allow, answer.body]).toEqual([method, 405, 'POST', '']);
    }
    expect(frames).toEqual([]);
  });

  test('at any other path finds nothing; slashes and a query do not matter', async () => {
    const { url, port } = await new Accounts().open();
    const body = c2cEvent('m1', 'hello');
    for (const path of ['/', '/qq', `${PATH}/more`, `/x${PATH}`, PATH.toUpperCase(), `/%71${PATH.slice(2)}`])
      expect((await post(`http://127.0.0.1:${port}${path}`, body, signed(SECRET, body))).status, path).toBe(404);
    expect((await post(`http://127.0.0.1:${port}/`, '', {}, 'GET')).status).toBe(404);
    expect((await post(`${url}/?a=1`, body, signed(SECRET, body))).status).toBe(200);
    expect((await post(`${url}//`, body, signed(SECRET, body))).status).toBe(200);
  });

  test('of more than 1 MiB is refused, announced or in chunks; of 1 MiB it is read', async () => {
    const { url } = await new Accounts().open();
    const most = `{"op":0,"t":"X","d":"${'x'.repeat(1_048_576 - 23)}"}`;
    expect(Buffer.byteLength(most)).toBe(1_048_576);
    expect((await post(url, most, signed(SECRET, most))).status).toBe(200);
    const announced = await post(url, `${most} `, signed(SECRET, `${most} `)).catch(() => undefined);
    expect(announced?.status).toBe(413);
    const status = await new Promise<number | undefined>((resolve) => {
      const call = request(url, { method: 'POST', headers: signed(SECRET, most) as OutgoingHttpHeaders }, (answer) =>
        resolve(answer.statusCode),
      );
      call.on('error', () => resolve(undefined));
      for (let i = 0; i < 18; i++) call.write(Buffer.alloc(65_536, 'x'));
      call.end();
    });
    expect(status).toBe(413);
  });

  test('that does not come in whole in its time is ended with 408, and leaves its place', async () => {
    const accounts = new Accounts({ requestMs: 100, mostOfAccount: 1 });
    const { port, url } = await accounts.open();
    for (const start of [
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"op"`,
      `POST ${PATH} HTTP/1.1\r\nHost:`,
    ]) {
      const told = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(start));
        socket.on('data', (data) => (text += data.toString()));
        socket.on('close', () => resolve(text));
      });
      expect(told).toMatch(/^HTTP\/1\.1 408 /);
      expect(told.split('\r\n\r\n')[1]).toBe('');
    }
    const body = c2cEvent('m1', 'hello');
    await waitUntil('the place', async () => (await post(url, body, signed(SECRET, body))).status === 200);
    expect(accounts.lines.join('')).toContain('did not come in whole');
  });

  test('that is no HTTP is ended with 400; headers without end with 431', async () => {
    const { port } = await new Accounts().open();
    const told = (text: string) =>
      new Promise<string>((resolve) => {
        let got = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (data) => (got += data.toString()));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(got));
      });
    expect(await told('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*\r\n\r\n$/s);
    expect(await told(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  test('with an expectation, or without a Host, is one like any other: its path and its signature count', async () => {
    const { port } = await new Accounts().open();
    const body = c2cEvent('m1', 'hello');
    const told = (path: string, header: string) =>
      new Promise<string>((resolve) => {
        const headers = Object.entries(signed(SECRET, body)).map(([name, value]) => `${name}: ${value}\r\n`);
        const head = `POST ${path} HTTP/1.1\r\n${headers.join('')}${header}Content-Length: ${Buffer.byteLength(body)}\r\n`;
        let got = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(`${head}Connection: close\r\n\r\n${body}`));
        socket.on('data', (data) => (got += data.toString()));
        socket.on('close', () => resolve(got));
      });
    for (const header of ['', 'Host: x\r\nExpect: a miracle\r\n', 'Host: x\r\nExpect: 100-continue\r\n']) {
      expect(await told(PATH, header)).toContain(ACK);
      expect(await told('/elsewhere', header)).toContain('HTTP/1.1 404 ');
    }
  });

  test('beyond those in work is told to come again; of one account or of all', async () => {
    const accounts = new Accounts({ mostOfAccount: 2, mostOfPort: 3 });
    const a = await accounts.open({ account: 'a', appId: '1' });
    const b = await accounts.open({ account: 'b', appId: '2' });
    const commits: (() => void)[] = [];
    a.journal = b.journal = () => new Promise((resolve) => commits.push(resolve));
    const push = (appId: string, id: string) => {
      const body = c2cEvent(id, 'hello');
      return post(a.url, body, { ...signed(SECRET, body), 'x-bot-appid': appId });
    };
    const taken = [push('1', 'm1'), push('1', 'm2')];
    await waitUntil('two in work', () => commits.length === 2);
    const tooMany = await push('1', 'm3');
    expect([tooMany.status, tooMany.headers['retry-after'], tooMany.body]).toEqual([429, '1', '']);
    taken.push(push('2', 'm4'));
    await waitUntil('three in work', () => commits.length === 3);
    expect((await push('2', 'm5')).status).toBe(429);
    for (const commit of commits.splice(0)) commit();
    expect((await Promise.all(taken)).map(({ body }) => body)).toEqual([ACK, ACK, ACK]);
    const next = push('1', 'm3');
    await waitUntil('a free place', () => commits.length === 1);
    commits[0]?.();
    expect((await next).body).toBe(ACK);
  });
});

test('callers who dawdle make place for those who do not', async () => {
  const accounts = new Accounts({ mostOfAccount: 2 });
  const { port, url } = await accounts.open();
  const told = [0, 0, 0].map(() => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`),
    );
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    return () => text;
  });
  const isTurnedAway = (text: () => string) => text().startsWith('HTTP/1.1 429 ');
  await waitUntil('the third to displace one', () => told.filter(isTurnedAway).length === 1);
  const body = c2cEvent('m1', 'hello');
  for (let i = 0; i < 5; i++) expect((await post(url, body, signed(SECRET, body))).body).toBe(ACK);
  await waitUntil('one more to make place', () => told.filter(isTurnedAway).length === 2);
});

test('a caller who leaves before the answer, and one who breaks off, harm nobody', async () => {
  const account = await new Accounts({ mostOfAccount: 2 }).open();
  const commits: (() => void)[] = [];
  account.journal = () => new Promise((resolve) => commits.push(resolve));
  const body = c2cEvent('m1', 'hello');
  const headers = Object.entries(signed(SECRET, body)).map(([name, value]) => `${name}: ${value}`);
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const whole = connect(account.port, '127.0.0.1', () => whole.write(head + body));
  await waitUntil('the event', () => commits.length === 1);
  whole.destroy();
  const half = connect(account.port, '127.0.0.1', () => half.write(head + body.slice(0, 20), () => half.destroy()));
  await new Promise((resolve) => half.once('close', resolve));
  commits[0]?.();
  account.journal = () => undefined;
  await waitUntil('both places', async () => {
    const answers = await Promise.all([1, 2].map(() => post(account.url, body, signed(SECRET, body))));
    return answers.every((answer) => answer.body === ACK);
  });
});

test('a fault of ours is told to nobody but the log', async () => {
  const accounts = new Accounts();
  const taking = await accounts.ports.take(
    { host: '127.0.0.1', port: 0, path: PATH },
    { account: 'a', appId: '1', receive: () => Promise.reject(new Error('a bug')), refused: () => undefined },
  );
  onTestFinished(() => taking.close());
  await expect(post(`http://127.0.0.1:${taking.port}${PATH}`, '{}')).rejects.toThrow();
  expect(accounts.lines.join('')).toContain('a bug');
});

describe('several accounts', () => {
  test('on one path are told apart by the app id; without one nobody is meant', async () => {
    const accounts = new Accounts();
    const a = await accounts.open({ account: 'a', appId: '1', secret: 'secret-of-a' });
    const b = await accounts.open({ account: 'b', appId: '2', secret: 'secret-of-b' });
    const body = c2cEvent('m1', 'hello');
    expect((await post(a.url, body, { ...signed('secret-of-a', body), 'x-bot-appid': '1' })).body).toBe(ACK);
    expect((await post(a.url, body, { ...signed('secret-of-b', body), 'x-bot-appid': '2' })).body).toBe(ACK);
    expect((await post(a.url, body, { ...signed('secret-of-b', body), 'x-bot-appid': '1' })).status).toBe(401);
    expect((await post(a.url, body, signed('secret-of-a', body))).status).toBe(400);
    expect((await post(a.url, body, { ...signed('secret-of-a', body), 'x-bot-appid': '3' })).status).toBe(404);
    expect([a.frames.length, b.frames.length]).toEqual([1, 1]);
  });

  test('on paths of their own need no app id, and one that is given must be right', async () => {
    const accounts = new Accounts();
    const a = await accounts.open({ account: 'a', appId: '1', path: '/a' });
    const b = await accounts.open({ account: 'b', appId: '2', path: '/b' });
    const body = c2cEvent('m1', 'hello');
    expect((await post(a.url, body, signed(SECRET, body))).body).toBe(ACK);
    expect((await post(b.url, body, { ...signed(SECRET, body), 'x-bot-appid': '2' })).body).toBe(ACK);
    expect((await post(b.url, body, { ...signed(SECRET, body), 'x-bot-appid': '1' })).status).toBe(404);
    expect([a.frames.length, b.frames.length]).toEqual([1, 1]);
  });

  test('keep the port until the last one goes; what is under way is answered first', async () => {
    const accounts = new Accounts();
    const a = await accounts.open({ account: 'a', appId: '1', path: '/a' });
    const b = await accounts.open({ account: 'b', appId: '2', path: '/b' });
    let commit = () => {};
    a.journal = () => new Promise((resolve) => (commit = resolve));
    const body = c2cEvent('m1', 'hello');
    const underWay = post(a.url, body, signed(SECRET, body));
    await waitUntil('the event', () => a.frames.length === 1);
    const closed = a.close();
    expect((await post(a.url, body, signed(SECRET, body))).status).toBe(404);
    commit();
    await closed;
    expect((await underWay).body).toBe(ACK);
    expect((await post(b.url, body, signed(SECRET, body))).body).toBe(ACK);
    await b.close();
    await expect(post(b.url, body, signed(SECRET, body))).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    const again = await accounts.open({ port: a.port });
    expect((await post(again.url, body, signed(SECRET, body))).body).toBe(ACK);
  });
});

test('a port that is taken is told with who has it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await expect(new Accounts().open({ port })).rejects.toMatchObject({
    code: 'webhook.port_taken',
    message: expect.stringContaining(readdirSync('/proc').length > 0 ? `pid ${process.pid}` : 'taken'),
    remedy: expect.stringContaining('webhook_listen'),
  });
});

test('the log tells a refusal once a minute and counts the others, and tells no secret', async () => {
  const accounts = new Accounts();
  const { url, refusals } = await accounts.open();
  const body = c2cEvent('m1', 'hello');
  for (let i = 0; i < 20; i++)
    await post(url, body, { ...signed('another secret', body), 'x-tps-trace-id': `trace-${i}` });
  expect(refusals).toHaveLength(20);
  expect(accounts.lines).toHaveLength(1);
  expect(JSON.parse(accounts.lines[0] ?? '')).toMatchObject({
    account: 'main',
    status: 401,
    remote: '127.0.0.1',
    trace: 'trace-0',
  });
  expect(accounts.lines.join('')).not.toContain(SECRET);
});
