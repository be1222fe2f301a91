/** A bot that is called back, by the specification: it proves itself, notes what is pushed, and answers as a test says. */
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { keyOf, signature } from '../../support/callbacks.js';

const SECRET = 'emulator-Secret_01';

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly verifies: boolean;
}

/** A bot that is called back: it answers challenges with the key of `secret`, and events with what `answer` says. */
export async function calledBot(secret = SECRET) {
  const got: Got[] = [];
  const challenges: Got[] = [];
  let answer = (_n: number): [status: number, body: string] => [200, '{"op":12,"d":0}'];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('error', () => undefined);
    request.on('end', () => {
      const signed = Buffer.from(`${request.headers['x-signature-timestamp']}${body}`);
      const bytes = Buffer.from(String(request.headers['x-signature-ed25519']), 'hex');
      const one = {
        headers: request.headers,
        body,
        verifies: verify(null, signed, createPublicKey(keyOf(SECRET)), bytes),
      };
      const frame = JSON.parse(one.verifies ? body : '{}') as {
        op?: number;
        d: { plain_token: string; event_ts: string };
      };
      if (frame.op === 13) {
        challenges.push(one);
        const { plain_token, event_ts } = frame.d;
        response.end(JSON.stringify({ plain_token, signature: signature(secret, event_ts + plain_token) }));
        return;
      }
      got.push(one);
      const [status, told] = answer(got.length);
      response.writeHead(status).end(told);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/qq`;
  return { url, got, challenges, answers: (how: typeof answer) => (answer = how) };
}
