/** Sends to guilds that wait for their review: answered with HTTP 202, and told about later by MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT. */
import { newAuditId } from './ids.js';
import { SandboxError } from './sandbox-error.js';
import type { Scene } from './transcript.js';

export interface HeldSend {
  readonly id: string;
  readonly scene: Scene;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

const KEPT_SENDS = 1000;

export class Audits {
  readonly #held = new Map<string, HeldSend>();

  hold(scene: Scene, text: string, at: number): HeldSend {
    const held: HeldSend = { id: newAuditId(), scene, text, createdAt: at };
    this.#held.set(held.id, held);
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= KEPT_SENDS) break;
      this.#held.delete(oldest);
    }
    return held;
  }

  /** Ends the wait. @throws SandboxError `audit.unknown` */
  settle(id: string): HeldSend {
    const held = this.#held.get(id);
    if (held === undefined) throw new SandboxError('audit.unknown', `no send waits under ${id}`, 404);
    this.#held.delete(id);
    return held;
  }

  list() {
    return [...this.#held.values()].map(({ id, scene, text }) => ({ audit_id: id, scene, text }));
  }
}
