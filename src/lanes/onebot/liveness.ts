/** Whether the other side of one connection still lives: by what it sends, by its heartbeats, and by our pings. */

/** So many pings without a pong, or any other frame, and nobody is there. */
const MISSED_PINGS = 2;
/** Heartbeats are believed in once so many came. */
const HEARTBEATS_SEEN = 2;
/** So many times the interval of its heartbeats, and so much more, may pass in silence. */
const SILENT_INTERVALS = 3;
const SLACK_MS = 10_000;
/** The gaps from which the interval is measured: Gensokyo announces another one than it keeps. */
const GAPS_KEPT = 5;
const MAX_INTERVAL_MS = 3_600_000;

export interface LivenessOptions {
  /** undefined: no pings, because they are switched off, or because nobody would answer them. */
  readonly pingEveryMs: number | undefined;
  /** Whether it answers pings at all: who holds an Event connection need not read it. */
  readonly answersPings: boolean;
  /** For tests. */
  readonly slackMs?: number | undefined;
  readonly ping: () => void;
  readonly onDead: (why: string) => void;
}

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #pings: NodeJS.Timeout | undefined;
  /** On the monotonic clock: the last frame, and the last sign of any sort. */
  #frameAt = performance.now();
  #signAt = performance.now();
  #missed = 0;
  #signSincePing = true;
  #announcedMs = 0;
  #beatAt: number | undefined;
  #beats = 0;
  #gaps: readonly number[] = [];
  #deadline: NodeJS.Timeout | undefined;
  #proofs: NodeJS.Timeout | undefined;
  #provesUntil = 0;
  #paused = false;
  #ended = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    const { pingEveryMs } = options;
    if (pingEveryMs !== undefined && options.answersPings) this.#pings = setInterval(() => this.#ping(), pingEveryMs);
  }

  /** A frame of any sort came. */
  frame(): void {
    this.#frameAt = performance.now();
    this.#signAt = this.#frameAt;
    this.#signSincePing = true;
  }

  /** A ping or pong came. */
  sign(): void {
    this.#signAt = performance.now();
    this.#signSincePing = true;
  }

  /** A heartbeat event came, which announces the next for so many ms later. */
  heartbeat(announcedMs: number): void {
    const now = performance.now();
    if (this.#beatAt !== undefined) this.#gaps = [...this.#gaps, now - this.#beatAt].slice(-GAPS_KEPT);
    this.#beatAt = now;
    this.#beats++;
    this.#announcedMs = announcedMs > 0 && announcedMs <= MAX_INTERVAL_MS ? announcedMs : 0;
    if (this.#beats >= HEARTBEATS_SEEN && this.#deadline === undefined && !this.#ended)
      this.#awaitFrame(this.#silenceAllowedMs());
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** While we do not read, its silence is ours. */
  set paused(paused: boolean) {
    if (this.#paused && !paused) this.frame();
    this.#paused = paused;
  }

  showedLifeWithin(ms: number): boolean {
    return performance.now() - this.#signAt <= ms;
  }

  /** Somebody else claims the same QQ: keeps asking for signs of life, for so long from now on. */
  prove(forMs: number, everyMs: number): void {
    this.#provesUntil = performance.now() + forMs;
    if (this.#proofs !== undefined || this.#ended || !this.#options.answersPings) return;
    this.#options.ping();
    this.#proofs = setInterval(() => {
      if (performance.now() < this.#provesUntil) return this.#options.ping();
      clearInterval(this.#proofs);
      this.#proofs = undefined;
    }, everyMs);
  }

  end(): void {
    this.#ended = true;
    clearInterval(this.#pings);
    clearInterval(this.#proofs);
    clearTimeout(this.#deadline);
  }

  #ping(): void {
    if (this.#paused) return;
    this.#missed = this.#signSincePing ? 0 : this.#missed + 1;
    if (this.#missed >= MISSED_PINGS) {
      this.#believe('it answers no pings', () => !this.#signSincePing);
      return;
    }
    this.#signSincePing = false;
    this.#options.ping();
  }

  #awaitFrame(ms: number): void {
    this.#deadline = setTimeout(() => {
      const left = () => this.#frameAt + this.#silenceAllowedMs() - performance.now();
      if (this.#paused) this.#awaitFrame(this.#silenceAllowedMs());
      else if (left() > 0) this.#awaitFrame(left());
      else {
        this.#believe('its heartbeats stopped', () => left() <= 0);
        this.#awaitFrame(this.#silenceAllowedMs());
      }
    }, ms);
  }

  #silenceAllowedMs(): number {
    const sorted = [...this.#gaps].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return SILENT_INTERVALS * Math.max(this.#announcedMs, median) + (this.#options.slackMs ?? SLACK_MS);
  }

  /** When this process was busy, what it waits for may already lie in the socket: it is read once more first. */
  #believe(why: string, isStillSo: () => boolean): void {
    setImmediate(() => {
      if (!this.#ended && !this.#paused && isStillSo()) this.#options.onDead(why);
    });
  }
}
