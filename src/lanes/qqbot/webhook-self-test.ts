/** Calls an account's own address as the platform would: a forged event, a challenge, a signed event that goes no further than the journal. */
import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { describeError } from '../../model/errors.js';
import { OP } from '../../protocol/qqbot/gateway-codes.js';
import type { ProbeStep } from '../lane.js';
import { oneLine } from '../one-line.js';
import { CallbackKey } from './callback-signature.js';
import { addressOf, type WebhookPlace } from './webhook-ports.js';
import { fields } from './wire-fields.js';

const LIMIT_MS = 5000;
const MAX_ANSWER_BYTES = 65_536;
/** The platform calls no other ports. Source: Bot API v2 "事件订阅与通知", webhook. */
const PORTS_OF_PLATFORM: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);
/** What listens on all addresses of the machine is called on one of them. */
const NEAR: { readonly [host: string]: string } = { '0.0.0.0': '127.0.0.1', '::': '::1' };
/** In the event log, such an event was no doing of QQ. */
const TEST_EVENT = 'LOONG_SELF_TEST';

const OTHER_CONFIG = 'start the daemon anew if the config was changed; else end the program that has this port';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Never rejects: what is wrong is the step's detail. */
export async function testWebhook(
  place: WebhookPlace,
  appId: string,
  clientSecret: string,
  signal: AbortSignal,
): Promise<ProbeStep> {
  if (place.port === 0) {
    return step('warn', 'the daemon takes a free port, so nobody knows the address', 'name a port in `webhook_listen`');
  }
  const near = { ...place, host: NEAR[place.host] ?? place.host };
  const address = addressOf(near, place.port);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(2 * LIMIT_MS)]);
  const key = new CallbackKey(clientSecret);
  const push = (frame: object, by = key) => pushTo(address, appId, by, frame, limited);
  try {
    const forged = await push(testEvent(), new CallbackKey(randomUUID()));
    if (forged.status === 404) return step('fail', `nobody at ${address} knows this path and app id`, OTHER_CONFIG);
    if (forged.status !== 401)
      return step('fail', `a forged event was answered at ${address} with HTTP ${forged.status}`, OTHER_CONFIG);
    const at = String(Math.floor(Date.now() / 1000));
    const token = randomUUID();
    const challenge = await push({ op: OP.callbackValidation, d: { plain_token: token, event_ts: at } });
    if (signatureIn(challenge) !== key.sign(at + token)) {
      const why =
        challenge.status === 401 ? 'does not know this client secret' : `answers it with HTTP ${challenge.status}`;
      return step('fail', `who listens at ${address} is asked to prove itself, and ${why}`, OTHER_CONFIG);
    }
    const event = await push(testEvent());
    if (event.status !== 200 || event.body !== '{"op":12,"d":0}')
      return step(
        'fail',
        'a signed event was not journalled',
        'look at the log of the daemon, and for space on the disk',
      );
    return step('ok', `${address} answers what is signed and refuses what is forged${behind(place.port)}`);
  } catch (error) {
    if (isRefused(error))
      return step('warn', `nobody listens at ${address}`, 'start the daemon with `loong gateway run`');
    return step('fail', `${address} does not answer: ${oneLine(describeError(error))}`, OTHER_CONFIG);
  }
}

function behind(port: number): string {
  const other = PORTS_OF_PLATFORM.has(port) ? '' : `; port ${port} is none that QQ calls (80, 443, 8080, 8443)`;
  return `${other}; QQ speaks HTTPS, so a reverse proxy passes its calls on to here`;
}

function testEvent(): object {
  return { op: OP.dispatch, id: `${TEST_EVENT}:${randomUUID()}`, t: TEST_EVENT, d: {} };
}

async function pushTo(
  address: string,
  appId: string,
  key: CallbackKey,
  frame: object,
  signal: AbortSignal,
): Promise<Answer> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = JSON.stringify(frame);
  const answer = await request(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'loong-self-test',
      'x-bot-appid': appId,
      'x-signature-timestamp': timestamp,
      'x-signature-ed25519': key.sign(timestamp + body),
    },
    body,
    headersTimeout: LIMIT_MS,
    bodyTimeout: LIMIT_MS,
    signal,
  });
  let text = '';
  for await (const chunk of answer.body) {
    text += String(chunk);
    if (text.length > MAX_ANSWER_BYTES) break;
  }
  return { status: answer.statusCode, body: text };
}

function signatureIn({ status, body }: Answer): unknown {
  if (status !== 200) return undefined;
  try {
    return fields(JSON.parse(body))?.signature;
  } catch {
    return undefined;
  }
}

function isRefused(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
}

function step(level: ProbeStep['level'], detail: string, remedy?: string): ProbeStep {
  return { name: 'webhook', level, detail, ...(remedy === undefined ? {} : { remedy }) };
}
