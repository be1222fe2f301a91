/** How fast an account may send: what the platform is known to take, and what it taught by complaining. */
import type { Rate, SendLimits } from '../lanes/lane.js';
import { formatTarget, type Target, type TargetKind } from '../model/target.js';

/** A complaint is forgotten after so long without another. */
const FORGOTTEN_AFTER_MS = 600_000;
/** Complaints that come together count as one. */
const SAME_COMPLAINT_MS = 1000;
/** How long nothing is sent after a complaint that names no time; doubled with each that follows. */
const PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 60_000;
/** Each complaint halves the speed, down to this part of it. */
const SLOWEST = 1 / 32;
/** Targets whose speed is remembered. */
const TARGETS_KEPT = 10_000;

const NOTHING: readonly Bucket[] = [];

export class Pace {
  readonly #limits: (kind: TargetKind) => SendLimits;
  readonly #now: () => number;
  /** By what they limit, the one used longest ago first. */
  readonly #buckets = new Map<string, Bucket[]>();
  #complaints = 0;
  #complainedAt = 0;
  #pausedUntil = 0;

  /** `now`: a clock in ms. */
  constructor(limits: (kind: TargetKind) => SendLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Counts a message that is sent now, or tells how many ms it has to wait first. */
  wait(target: Target, how: 'passive' | 'active'): number {
    const now = this.#now();
    if (this.#pausedUntil > now) return this.#pausedUntil - now;
    const speed = this.#speed(now);
    const concerned = this.#concerned(target, how, speed);
    if (concerned.length === 0) return 0;
    const ms = concerned.reduce((most, bucket) => Math.max(most, bucket.wait(now, speed)), 0);
    if (ms === 0) for (const bucket of concerned) bucket.take();
    return ms;
  }

  /** A reply that was counted is not sent after all. */
  takeBack(target: Target): void {
    for (const bucket of this.#concerned(target, 'passive', this.#speed(this.#now()))) bucket.giveBack();
  }

  #concerned(target: Target, how: 'passive' | 'active', speed: number): readonly Bucket[] {
    const limits = this.#limits(target.kind);
    if (how === 'passive' && speed === 1 && limits.perTarget.length === 0) return NOTHING;
    const concerned: Bucket[] = [];
    if (speed < 1) concerned.push(...this.#of(`all ${target.kind}`, limits.afterComplaint));
    if (limits.perTarget.length > 0) concerned.push(...this.#of(`to ${formatTarget(target)}`, limits.perTarget));
    if (how === 'active') {
      concerned.push(...this.#of(`active ${target.kind}`, limits.active));
      concerned.push(...this.#of(`active ${formatTarget(target)}`, limits.activePerTarget));
    }
    return concerned;
  }

  /** The platform said that this was too fast; it may have said for how long (ms). */
  complained(retryAfterMs: number | undefined): void {
    const now = this.#now();
    if (now - this.#complainedAt > FORGOTTEN_AFTER_MS) this.#complaints = 0;
    if (this.#complaints === 0 || now - this.#complainedAt > SAME_COMPLAINT_MS) {
      this.#complaints++;
      this.#complainedAt = now;
    }
    const pause = Math.min(PAUSE_MS * 2 ** (this.#complaints - 1), LONGEST_PAUSE_MS);
    this.#pausedUntil = Math.max(this.#pausedUntil, now + (retryAfterMs ?? pause));
  }

  /** 1 while nobody complains, and again in the end. */
  #speed(now: number): number {
    if (this.#complaints === 0) return 1;
    const quiet = now - this.#complainedAt;
    if (quiet > FORGOTTEN_AFTER_MS) {
      this.#complaints = 0;
      return 1;
    }
    const recovered = Math.floor((quiet / FORGOTTEN_AFTER_MS) * this.#complaints);
    return Math.max(2 ** (recovered - this.#complaints), SLOWEST);
  }

  #of(key: string, rates: readonly Rate[]): readonly Bucket[] {
    const known = this.#buckets.get(key);
    const buckets = known ?? rates.map((rate) => new Bucket(rate, this.#now()));
    if (known !== undefined) this.#buckets.delete(key);
    this.#buckets.set(key, buckets);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > TARGETS_KEPT && oldest !== undefined) this.#buckets.delete(oldest);
    return buckets;
  }
}

/** Holds as many messages as may be sent at once, and fills up again as time goes by. */
class Bucket {
  readonly #rate: Rate;
  #left: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#left = rate.count;
    this.#at = now;
  }

  /** How many ms until one more fits, where everything goes at `speed` times the rate. */
  wait(now: number, speed: number): number {
    const perMs = (this.#rate.count * speed) / this.#rate.perMs;
    const most = Math.max(1, this.#rate.count * speed);
    this.#left = Math.min(most, this.#left + Math.max(0, now - this.#at) * perMs);
    this.#at = now;
    return this.#left >= 1 ? 0 : Math.ceil((1 - this.#left) / perMs);
  }

  take(): void {
    this.#left--;
  }

  giveBack(): void {
    this.#left++;
  }
}
