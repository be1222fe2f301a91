/** One request of the platform to a bot's callback address, as it goes over the wire. */
import { type Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const LIMIT_MS = 5000;
const MAX_ANSWER_CHARS = 65_536;

export interface WebhookCall {
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
  /** The connection ends in the middle of the body. */
  readonly cut?: boolean;
}

/** What came back; status 0: nothing did. */
export interface WebhookAnswer {
  readonly status: number;
  readonly body: string;
}

/** Never rejects. */
export function callWebhook(url: URL, call: WebhookCall, agent: Agent | undefined): Promise<WebhookAnswer> {
  const bytes = Buffer.from(call.body);
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      method: 'POST',
      headers: { ...call.headers, 'content-length': bytes.length },
      timeout: LIMIT_MS,
      ...(agent === undefined ? {} : { agent }),
    });
    const failed = (why: string) => resolve({ status: 0, body: why });
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body = (body + chunk).slice(0, MAX_ANSWER_CHARS);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', (error) => failed(error.message));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
    request.on('error', (error) => failed(error.message));
    if (call.cut === true)
      request.write(bytes.subarray(0, bytes.length / 2), () => request.destroy(new Error('cut off')));
    else request.end(bytes);
  });
}
