/** How the platform signs what it pushes. Source: Bot API v2 "事件订阅与通知", webhook: Ed25519 over the timestamp and the body, its seed the client secret. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** In a PKCS#8 key the seed stands behind: version 0, algorithm 1.3.101.112, an octet string of an octet string of 32. */
const BEFORE_SEED = '302e020100300506032b657004220420';
const HEX_OF_SEED = 64;

/** The secret doubled until it is long enough, then cut, as the platform's own example does. */
function platformKey(clientSecret: string): KeyObject {
  let seed = Buffer.from(clientSecret).toString('hex');
  while (seed.length < HEX_OF_SEED) seed += seed;
  const der = Buffer.from(BEFORE_SEED + seed.slice(0, HEX_OF_SEED), 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** `X-Signature-Ed25519` of a body pushed at `timestamp` (unix seconds, as text). */
export function signatureOf(clientSecret: string, timestamp: string, body: string): string {
  return sign(null, Buffer.from(`${timestamp}${body}`), platformKey(clientSecret)).toString('hex');
}

/** Whether a bot signed the word of a challenge, and so has the secret. */
export function isAnswered(clientSecret: string, eventTs: string, plainToken: string, signature: string): boolean {
  const key = createPublicKey(platformKey(clientSecret));
  return verify(null, Buffer.from(eventTs + plainToken), key, Buffer.from(signature, 'hex'));
}
