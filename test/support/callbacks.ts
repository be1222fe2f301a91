/** Callbacks as anybody could send them: signed by the specification and by no code of ours, over a plain socket client. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

/** Ed25519 key of a client secret: its bytes over and over, 32 of them. */
export function keyOf(secret: string): KeyObject {
  const known = KEYS.get(secret);
  if (known !== undefined) return known;
  const key = madeOf(secret);
  KEYS.set(secret, key);
  return key;
}

const KEYS = new Map<string, KeyObject>();

function madeOf(secret: string): KeyObject {
  const bytes = Buffer.from(secret);
  const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => bytes[i % bytes.length] ?? 0));
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
}

/** The raw public key, as hex. */
export function publicHex(secret: string): string {
  return createPublicKey(keyOf(secret)).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
}

export function signature(secret: string, text: string): string {
  return sign(null, Buffer.from(text), keyOf(secret)).toString('hex');
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Headers = { readonly [name: string]: string | readonly string[] };

export const seconds = (ms = Date.now()): string => String(Math.floor(ms / 1000));

/** The headers that the platform gives a body. */
export function signed(secret: string, body: string | Buffer, timestamp = seconds()): Headers {
  const bytes = Buffer.concat([Buffer.from(timestamp), Buffer.from(body)]);
  return {
    'x-signature-timestamp': timestamp,
    'x-signature-ed25519': sign(null, bytes, keyOf(secret)).toString('hex'),
  };
}

export function post(url: string, body: string | Buffer, headers: Headers = {}, method = 'POST'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method, headers: { 'content-length': Buffer.byteLength(body), ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
        answer.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** Somebody wrote to the bot alone. */
export function c2cEvent(
  id: string,
  content: string,
  openid = 'openid_alice',
  envelope = `C2C_MESSAGE_CREATE:${id}`,
): string {
  return JSON.stringify({
    op: 0,
    id: envelope,
    t: 'C2C_MESSAGE_CREATE',
    d: {
      id,
      content,
      timestamp: new Date().toISOString(),
      message_type: 0,
      author: { id: openid, user_openid: openid },
    },
  });
}
