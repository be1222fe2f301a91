/** The door through which everything enters: verdict → journal → conversation. */
import { type AccountPolicy, admit, type Verdict } from '../access/admission.js';
import type { Lane, LaneSink, LaneState, LateOutcome, Past, StateFacts } from '../lanes/lane.js';
import type { InboundMessage, Notice, Push } from '../model/message.js';
import { formatTarget, kindName } from '../model/target.js';
import type { Admitted, Arrival, EventLog, Inbox, OutboxId, PairingOffer, PairingStep } from '../store/store.js';
import type { Counters } from '../telemetry/counters.js';
import { type Log, shownPeer } from '../telemetry/log.js';
import type { Answering } from './answering.js';
import { ownWord } from './own-word.js';

/** Raw frames are kept up to this many characters. */
const MAX_RAW_CHARS = 65_536;
/** A refused or unreadable thing is logged this often per reason; every one is counted. */
const LOG_EVERY_MS = 60_000;
/** Reasons that are told apart. Some are made of text from outside, so those beyond share one place. */
const REASONS_TOLD_APART = 100;

export interface InboundParts {
  readonly lane: Lane;
  readonly policy: AccountPolicy;
  readonly inbox: Inbox;
  readonly events: EventLog;
  readonly conversations: Answering;
  /** How an unknown sender is told to pair. */
  readonly offerFor: (message: InboundMessage) => PairingOffer;
  readonly counters: Counters;
  readonly log: Log;
  /** Parked messages of this account may be due again. */
  readonly wakeDelivery: () => void;
  /** The platform told what came of a message that it had held back. */
  readonly onReviewed: (message: OutboxId) => void;
  readonly onState: (state: LaneState, detail: string | undefined, more: StateFacts | undefined) => void;
  readonly past: Past;
  /** Something came in, whatever it was. */
  readonly onInbound: () => void;
  /** What became of a message whose outcome was unknown. */
  readonly onToldLate: (part: OutboxId, outcome: LateOutcome) => void;
  /** The platform acknowledged a heartbeat, at this time (unix ms). */
  readonly onAck: (at: number) => void;
}

/** The sink of one lane. Each call resolves once its message or notice is committed, and rejects when it is not. */
export class Inbound implements LaneSink {
  readonly #parts: InboundParts;
  readonly #loggedAt = new Map<string, number>();
  /** Per conversation: messages on their way into the journal that will be offered. */
  readonly #awaited = new Map<string, number>();

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  async message(message: InboundMessage, push?: Push): Promise<void> {
    const { lane, inbox, conversations, offerFor, counters, wakeDelivery, onInbound } = this.#parts;
    onInbound();
    const verdict = this.#verdict(message);
    const word = verdict.do === 'answer' ? ownWord(message) : undefined;
    const isFresh = word === 'fresh' && conversations.keepsHistory;
    // What a bot says, this one not excepted, is never answered, so it is no occasion to reply.
    const right = message.sender.isBot ? undefined : lane.replyRight(message.conversation);
    const arrival: { -readonly [K in keyof Arrival]: Arrival[K] } = { message };
    if (right !== undefined) arrival.right = { closesAt: Date.now() + right.ttlMs, count: right.count };
    if (verdict.do === 'ignore') {
      arrival.refusal = verdict.because;
      arrival.refusalIsLiftable = verdict.because === 'not_mentioned';
    }
    if (verdict.do === 'offer-pairing') arrival.pairing = offerFor(message);
    if (isFresh) arrival.startsAfresh = true;
    if (word === undefined && this.#isRemembered(message, verdict)) arrival.isRemembered = true;
    if (push !== undefined) arrival.push = push;
    const isNext = verdict.do === 'answer' && !this.#isAwaited(message);
    const atOnce =
      word === 'stop'
        ? conversations.stopTurn(arrival, this.#isAwaited(message))
        : isNext
          ? conversations.answerAtOnce(arrival)
          : undefined;
    const begins = isNext && atOnce === undefined && conversations.reserve(message.conversation);
    const key = verdict.do === 'answer' && atOnce === undefined ? formatTarget(message.conversation) : undefined;
    if (key !== undefined) this.#awaited.set(key, (this.#awaited.get(key) ?? 0) + 1);
    let admitted: Admitted | undefined;
    try {
      admitted = await (atOnce ?? inbox.admit({ ...arrival, begins }));
    } finally {
      if (key !== undefined) this.#arrived(key);
      if (begins && (admitted === undefined || admitted.outcome === 'duplicate')) {
        conversations.forgo(message.conversation);
      }
    }
    counters.count('inbound.messages');
    if (admitted.outcome === 'duplicate') return counters.count('inbound.duplicates');
    if (admitted.unparked > 0) wakeDelivery();
    if (verdict.do === 'ignore') {
      counters.count(`inbound.refused.${verdict.because}`);
      return this.#logNowAndThen(verdict.because, message);
    }
    if (admitted.pairing !== undefined) return this.#asked(admitted.pairing, message);
    if (admitted.answered !== undefined) return counters.count('turns.answered');
    const entry = { id: admitted.id, message };
    if (begins) conversations.begin(entry, admitted.attempt ?? 1);
    else conversations.offer(entry);
  }

  #verdict(message: InboundMessage): Verdict {
    const { policy, conversations } = this.#parts;
    const verdict = admit(message, policy);
    if (verdict.do !== 'answer' || !conversations.isTooMany(message)) return verdict;
    return { do: 'ignore', because: 'too_many_turns' };
  }

  /** In a group whoever may talk there is also heard beside the bot. What somebody asked with belongs to the talk once they are let in. */
  #isRemembered(message: InboundMessage, verdict: Verdict): boolean {
    const belongs =
      verdict.do === 'ignore'
        ? verdict.because === 'not_mentioned'
        : verdict.do === 'answer' || ownWord(message) === undefined;
    return belongs && this.#parts.conversations.remembers(message.conversation);
  }

  /** Somebody unknown wrote: for the first time, once more, or while too many others wait. */
  #asked(step: PairingStep, message: InboundMessage): void {
    const { lane, counters, log, wakeDelivery } = this.#parts;
    counters.count(`inbound.refused.${step}`);
    if (step === 'pairing_pending') return this.#logNowAndThen(step, message);
    const sender = shownPeer(log, message.sender.id);
    if (step === 'pairing_offered') {
      wakeDelivery();
      log.info({ sender }, 'somebody unknown asks to pair: `loong pairing list` shows who');
    } else if (this.#mayLog(step)) {
      log.warn(
        { sender, remedy: '`loong pairing list`, then approve or deny; or raise max_pending of [pairing]' },
        `somebody unknown could not ask to pair: too many others of ${lane.id} wait`,
      );
    }
  }

  /** A message of this conversation is not journalled yet, and will be answered in its turn: none may be answered before it. */
  #isAwaited({ conversation }: InboundMessage): boolean {
    return this.#awaited.size > 0 && this.#awaited.has(formatTarget(conversation));
  }

  #arrived(key: string): void {
    const left = (this.#awaited.get(key) ?? 0) - 1;
    if (left > 0) this.#awaited.set(key, left);
    else this.#awaited.delete(key);
  }

  #logNowAndThen(reason: string, message: InboundMessage): void {
    const { log } = this.#parts;
    if (this.#mayLog(reason)) {
      const { channel, kind, peer } = message.conversation;
      log.info(
        {
          reason,
          kind: kindName(channel, kind),
          peer: shownPeer(log, peer),
          sender: shownPeer(log, message.sender.id),
        },
        'message not answered',
      );
    }
  }

  #mayLog(reason: string): boolean {
    const known = this.#loggedAt.has(reason) || this.#loggedAt.size < REASONS_TOLD_APART;
    const key = known ? reason : 'other';
    const now = performance.now();
    if (now - (this.#loggedAt.get(key) ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return false;
    this.#loggedAt.set(key, now);
    return true;
  }

  async notice(notice: Notice, push?: Push): Promise<void> {
    const { lane, events, counters, onInbound, onReviewed, wakeDelivery } = this.#parts;
    onInbound();
    const now = Date.now();
    const right = notice.about === undefined ? undefined : lane.replyRight(notice.about);
    const opens = right === undefined ? undefined : { closesAt: now + right.ttlMs, count: right.count };
    const { isKnown, unparked, reviewed } = await events.append(this.#account, notice, now, opens, push);
    counters.count(isKnown ? 'inbound.duplicates' : 'inbound.notices');
    if (unparked > 0) wakeDelivery();
    if (reviewed !== undefined) onReviewed(reviewed);
  }

  async undecodable(raw: string, reason: string, push?: Push): Promise<void> {
    const { counters, events, log, onInbound } = this.#parts;
    onInbound();
    const isNew = await events.keepRaw(this.#account, raw.slice(0, MAX_RAW_CHARS), reason, Date.now(), push);
    if (!isNew) return counters.count('inbound.duplicates');
    counters.count('inbound.undecodable');
    if (this.#mayLog(reason.slice(0, 80))) log.warn({ reason }, 'a frame could not be read; it is kept');
  }

  state(state: LaneState, detail?: string, more?: StateFacts): void {
    this.#parts.onState(state, detail, more);
  }

  toldLate(part: OutboxId, outcome: LateOutcome): void {
    this.#parts.onToldLate(part, outcome);
  }

  get past(): Past {
    return this.#parts.past;
  }

  acknowledged(at: number): void {
    this.#parts.onAck(at);
  }

  get #account(): string {
    return this.#parts.lane.id;
  }
}
