/** The way of an event to the sessions, or to the callback address: at once, or late, behind others or repeated where a fault was ordered. */
import type { PlatformEvent } from './events.js';
import type { Fault, Faults } from './faults.js';
import type { GatewaySessions, Given } from './gateway-sessions.js';
import type { Scene, Transcript } from './transcript.js';
import type { Webhook } from './webhook.js';

interface Parts {
  readonly faults: Faults;
  readonly sessions: GatewaySessions;
  readonly webhook: Webhook;
  readonly transcript: Transcript;
}

/** An event, and what the transcript tells of it. */
interface Pushed {
  readonly event: PlatformEvent;
  readonly fault: string;
  readonly scene: Scene | undefined;
  /** The id of the message that it brings. */
  readonly message: string | undefined;
}

interface Late extends Pushed {
  /** Events that pass before it. */
  behind: number;
  readonly timer: NodeJS.Timeout;
}

const LONGEST_WAIT_MS = 1000;

export class Pushes {
  readonly #parts: Parts;
  readonly #late = new Set<Late>();
  #afterResume: Pushed[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Gives the event to the sessions; one that a fault makes late goes to none for now. It gets its sequence number when it goes out.
   * `message`: the id of the message that it brings.
   */
  push(event: PlatformEvent, scene?: Scene, message?: string): Given & { readonly fault?: string } {
    const fault = this.#parts.faults.takeEvent(event.t);
    if (fault === undefined) return this.#give(event);
    const pushed: Pushed = { event, fault: fault.id, scene, message };
    this.#parts.transcript.add({ kind: 'fault', fault: fault.id, what: `event ${event.t}` });
    const again = Array.from({ length: fault.repeat }, () => pushed);
    if (fault.repeat_after_resume) this.#afterResume.push(pushed);
    if (fault.behind !== undefined || fault.delay_ms !== undefined) {
      for (const one of [pushed, ...again]) this.#holdBack(one, fault);
      return { sessions: 0, fault: fault.id };
    }
    const given = this.#give(event);
    for (const one of again) this.#tell(one);
    return { ...given, fault: fault.id };
  }

  /** A session was resumed: what was ordered to come again comes. */
  resumed(): void {
    const due = this.#afterResume;
    this.#afterResume = [];
    for (const pushed of due) this.#tell(pushed);
  }

  #holdBack(pushed: Pushed, { behind = Number.POSITIVE_INFINITY, delay_ms = LONGEST_WAIT_MS }: Fault<'event'>): void {
    const late: Late = { ...pushed, behind, timer: setTimeout(() => this.#release(late), delay_ms).unref() };
    this.#late.add(late);
  }

  #release(late: Late): void {
    clearTimeout(late.timer);
    if (this.#late.delete(late)) this.#tell(late);
  }

  #tell({ event, fault, scene, message }: Pushed): void {
    const { transcript } = this.#parts;
    const given = this.#give(event);
    const about = { ...(scene === undefined ? {} : { scene }), ...(message === undefined ? {} : { message }) };
    const envelope = event.id === undefined ? {} : { id: event.id };
    transcript.add({ kind: 'event', type: event.t, ...envelope, ...about, ...given, fault });
  }

  #give(event: PlatformEvent): Given {
    const { sessions, webhook } = this.#parts;
    if (webhook.isOn) webhook.push(event);
    const given = webhook.isOn ? { sessions: 1 } : sessions.dispatch(event);
    for (const late of [...this.#late]) {
      late.behind -= 1;
      if (late.behind <= 0) this.#release(late);
    }
    return given;
  }
}
