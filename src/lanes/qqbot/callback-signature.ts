/**
 * The signatures of callbacks. The platform signs what it pushes, and wants its challenges signed, with one and the same Ed25519 key,
 * made of the client secret. Source: Bot API v2 "事件订阅与通知", webhook.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

const SEED_BYTES = 32;
/** What stands before the seed in a private key of PKCS#8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SIGNATURE = /^[0-9a-f]{128}$/i;
/** Of the last byte of a signature: a scalar below the order of the group never has them. */
const TOP_BITS = 0xe0;

export class CallbackKey {
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  /** @throws RangeError for an empty secret */
  constructor(clientSecret: string) {
    const secret = Buffer.from(clientSecret, 'utf8');
    if (secret.length === 0) throw new RangeError('an empty secret makes no key');
    const seed = Buffer.alloc(SEED_BYTES, secret); // repeated, or cut off, to its length
    this.#private = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
    this.#public = createPublicKey(this.#private);
  }

  /** `signature`: as hex, from whoever sent it. */
  verifies(signed: Buffer, signature: string): boolean {
    if (!SIGNATURE.test(signature)) return false;
    const bytes = Buffer.from(signature, 'hex');
    if (((bytes[63] ?? TOP_BITS) & TOP_BITS) !== 0) return false;
    return verify(null, signed, this.#public, bytes);
  }

  /** As lower-case hex. */
  sign(text: string | Buffer): string {
    return sign(null, Buffer.from(text), this.#private).toString('hex');
  }
}
