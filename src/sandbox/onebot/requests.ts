/** Who asks to be a friend or to join a group, each under the flag by which it is answered. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Flavour } from './flavours.js';

export interface PendingRequest {
  readonly flag: string;
  readonly type: 'friend' | 'group';
  readonly subType?: 'add' | 'invite';
  readonly user: string;
  readonly group?: string;
  readonly comment: string;
}

const KEPT = 200;

export class Requests {
  readonly #flavour: Flavour;
  readonly #pending = new Map<string, PendingRequest>();

  constructor(flavour: Flavour) {
    this.#flavour = flavour;
  }

  add(request: Omit<PendingRequest, 'flag'>, seconds: number): PendingRequest {
    const made = { ...request, flag: this.#newFlag(request, seconds) };
    this.#pending.set(made.flag, made);
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > KEPT && oldest !== undefined) this.#pending.delete(oldest);
    return made;
  }

  take(flag: string, type: PendingRequest['type']): PendingRequest | undefined {
    const found = this.#pending.get(flag);
    if (found?.type !== type) return undefined;
    this.#pending.delete(flag);
    return found;
  }

  list(): readonly PendingRequest[] {
    return [...this.#pending.values()];
  }

  /** Opaque to a bot; some have more digits than a number can hold. */
  #newFlag({ type, group, subType }: Omit<PendingRequest, 'flag'>, seconds: number): string {
    const seq = `17${seconds}${String(randomInt(1e6)).padStart(6, '0')}`;
    if (this.#flavour === 'lagrange')
      return type === 'friend'
        ? `u_${randomBytes(16).toString('base64url')}`
        : `${seq}-${group}-${subType === 'invite' ? 2 : 1}`;
    if (this.#flavour === 'napcat' && type === 'friend' && !this.#pending.has(String(seconds))) return String(seconds);
    return seq;
  }
}
