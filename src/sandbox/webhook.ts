/**
 * The other way of events to a bot: pushed to an address of its own, which a switch in the console chooses instead of the gateway. The
 * address has to prove first that it knows the secret. A push that is not acknowledged comes again, signed anew.
 */
import { Agent } from 'node:http';
import { OP } from '../protocol/qqbot/gateway-codes.js';
import type { PlatformEvent } from './events.js';
import type { Fault, Faults } from './faults.js';
import { newTraceId } from './ids.js';
import { SandboxError } from './sandbox-error.js';
import type { Transcript } from './transcript.js';
import { callWebhook, type WebhookAnswer, type WebhookCall } from './webhook-request.js';
import { isAnswered, signatureOf } from './webhook-signature.js';

/** Waits before a push comes again (ms). The platform's own are not documented. */
const COMES_AGAIN_AFTER: readonly number[] = [1000, 5000, 25_000];
const LOOK_AGAIN_MS = 1000;
const CONNECTIONS = 64;
const NO_KEY = 'not the secret of any bot';

interface Parts {
  readonly setup: { readonly appId: string; readonly clientSecret: string; readonly now: () => number };
  readonly faults: Faults;
  readonly transcript: Transcript;
}

export class Webhook {
  readonly #parts: Parts;
  readonly #timers = new Set<NodeJS.Timeout>();
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #url: URL | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Events go to the address, and to no session of the gateway. */
  get isOn(): boolean {
    return this.#url !== undefined;
  }

  shown() {
    return this.#url === undefined ? null : { url: this.#url.href };
  }

  /**
   * What the console's button does: the address is challenged, and taken when it signs the word.
   * @throws SandboxError `webhook.refused` otherwise; the address before stays.
   */
  async save(url: string): Promise<void> {
    const { clientSecret, now } = this.#parts.setup;
    const eventTs = String(Math.floor(now() / 1000));
    const plainToken = newTraceId();
    const body = JSON.stringify({ op: OP.callbackValidation, d: { plain_token: plainToken, event_ts: eventTs } });
    const to = new URL(url);
    const answer = await callWebhook(to, this.#signed(body, eventTs), this.#agentFor(to));
    const signature = signatureIn(answer);
    const validated = signature !== undefined && isAnswered(clientSecret, eventTs, plainToken, signature);
    this.#parts.transcript.add({ kind: 'webhook', step: validated ? 'validated' : 'refused', status: answer.status });
    if (!validated)
      throw new SandboxError(
        'webhook.refused',
        `${url} did not sign the word: ${answer.status} ${answer.body.slice(0, 200)}`,
      );
    this.#url = to;
  }

  /** Saves it as soon as somebody there proves to be the bot: tried every second, until the signal aborts. */
  async saveOnceThere(url: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const saved = await this.save(url).then(
        () => true,
        () => false, // the transcript tells of it
      );
      if (saved) return;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, LOOK_AGAIN_MS).unref();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Events go to the gateway again. */
  remove(): void {
    this.#url = undefined;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  close(): void {
    this.remove();
    this.#agent.destroy();
  }

  push(event: PlatformEvent): void {
    void this.#push(event, 1);
  }

  /** Never rejects. */
  async #push(event: PlatformEvent, attempt: number): Promise<void> {
    const to = this.#url;
    if (to === undefined) return;
    const fault = attempt === 1 ? this.#parts.faults.takeWebhook(event.t) : undefined;
    const { t, id, d } = event;
    if (fault !== undefined) this.#parts.transcript.add({ kind: 'fault', fault: fault.id, what: `push of ${t}` });
    const body = JSON.stringify({ op: OP.dispatch, ...(id === undefined ? {} : { id }), t, d });
    const call = this.#spoilt(body, fault);
    const answer = await callWebhook(to, call, this.#agentFor(to));
    this.#tell(event, attempt, answer, fault);
    for (let i = 0; i < (fault?.replay ?? 0); i++)
      this.#tell(event, attempt, await callWebhook(to, call, this.#agentFor(to)), fault);
    const wait = COMES_AGAIN_AFTER[attempt - 1];
    if (isTaken(answer) || wait === undefined || this.#url !== to) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#push(event, attempt + 1);
    }, wait).unref();
    this.#timers.add(timer);
  }

  /** What goes wrong by order. */
  #spoilt(body: string, fault: Fault<'webhook'> | undefined): WebhookCall {
    const timestamp = String(Math.floor(this.#parts.setup.now() / 1000) - (fault?.late_s ?? 0));
    const call = this.#signed(body, timestamp, fault?.forged === true ? NO_KEY : undefined);
    if (fault === undefined) return call;
    const { 'X-Signature-Ed25519': _signature, ...unsigned } = call.headers;
    return {
      headers: fault.unsigned ? unsigned : call.headers,
      body: fault.truncate === undefined ? body : body.slice(0, -fault.truncate),
      cut: fault.cut,
    };
  }

  #signed(body: string, timestamp: string, secret = this.#parts.setup.clientSecret): WebhookCall {
    return {
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'QQBot-Callback',
        'X-Bot-Appid': this.#parts.setup.appId,
        'X-Signature-Method': 'Ed25519',
        'X-Signature-Timestamp': timestamp,
        'X-Signature-Ed25519': signatureOf(secret, timestamp, body),
        'X-Tps-trace-ID': newTraceId(),
      },
      body,
    };
  }

  #tell(event: PlatformEvent, attempt: number, answer: WebhookAnswer, fault: Fault<'webhook'> | undefined): void {
    this.#parts.transcript.add({
      kind: 'webhook',
      step: 'pushed',
      type: event.t,
      ...(event.id === undefined ? {} : { id: event.id }),
      attempt,
      status: answer.status,
      taken: isTaken(answer),
      ...(fault === undefined ? {} : { fault: fault.id }),
    });
  }

  /** Connections are kept; to an address of TLS none are. */
  #agentFor({ protocol }: URL): Agent | undefined {
    return protocol === 'http:' ? this.#agent : undefined;
  }
}

/** A bare 200 is in use, too. */
function isTaken({ status, body }: WebhookAnswer): boolean {
  if (status !== 200) return false;
  try {
    return (JSON.parse(body) as { d?: unknown }).d !== 1;
  } catch {
    return true;
  }
}

function signatureIn({ status, body }: WebhookAnswer): string | undefined {
  if (status !== 200) return undefined;
  try {
    const { signature } = JSON.parse(body) as { signature?: unknown };
    return typeof signature === 'string' && /^[0-9a-f]{128}$/.test(signature) ? signature : undefined;
  } catch {
    return undefined;
  }
}
