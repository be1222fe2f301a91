/** From an event of the wire into the journal: what it is, what becomes of it, and how much of it may be under way at once. */
import { describeError } from '../../model/errors.js';
import type { InboundMessage, Notice, Segment } from '../../model/message.js';
import type { AccountId, PeerId, Target } from '../../model/target.js';
import type { Counters } from '../../telemetry/counters.js';
import { type Log, shownPeer } from '../../telemetry/log.js';
import type { LaneSink } from '../lane.js';
import { oneLine } from '../one-line.js';
import { decodeEvent } from './decode-event.js';
import { keptData } from './kept-data.js';
import { OwnWords } from './own-words.js';
import { RepeatedFiles } from './repeated-files.js';
import type { TemporarySessions } from './send-call.js';
import { type Fields, wordIn } from './wire-fields.js';

/** Events being journalled at which the sockets are no longer read, and at which they are again. */
const READ_STOPS_AT = 1000;
const READ_GOES_ON_AT = 250;
/** An event as a whole; with `debug` on NapCat adds objects of its own to it. */
const MAX_EVENT_CHARS = 4 * 1_048_576;
/** Own messages that are remembered, so that who quotes one is known to talk to the bot. */
const OWN_REMEMBERED = 10_000;
/** Of a message's id and its conversation's together. */
const MAX_KEY_CHARS = 200;
/** Events that are told in the log each minute; all are counted. */
const TOLD_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

export interface IntakeOptions {
  readonly account: AccountId;
  readonly sink: LaneSink;
  readonly log: Log;
  readonly counters: Counters;
  readonly temporary: TemporarySessions;
  /** The journal cannot keep up, or can again. */
  readonly onCrowded: (crowded: boolean) => void;
}

export class EventIntake {
  readonly #options: IntakeOptions;
  readonly #own = new OwnWords(OWN_REMEMBERED);
  readonly #files = new RepeatedFiles();
  #pending = 0;
  #crowded = false;
  #settled: (() => void) | undefined;
  #told = 0;
  #tellingSince = Number.NEGATIVE_INFINITY;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Events are handed over in the order in which they came, without waiting for one another. Never throws. */
  take(frame: Fields, raw: string): void {
    try {
      if (raw.length > MAX_EVENT_CHARS) return this.unreadable(raw, `expected at most ${MAX_EVENT_CHARS} characters`);
      this.#take(frame, raw);
    } catch (error) {
      this.#options.counters.count('onebot.frames_failed');
      this.unreadable(raw, `could not be worked on: ${describeError(error)}`);
    }
  }

  unreadable(raw: string, reason: string): void {
    this.#journal(() => this.#options.sink.undecodable(raw, reason));
  }

  #take(frame: Fields, raw: string): void {
    const decoded = decodeEvent(frame, this.#options.account, Date.now());
    switch (decoded.kind) {
      case 'message':
        return this.#message(decoded.message);
      case 'own':
        return this.#ownMessage(frame);
      case 'notice':
        return this.#notice(decoded.notice, frame);
      case 'meta':
        return this.#meta(frame);
      case 'undecodable':
        return this.unreadable(raw, decoded.reason);
    }
  }

  #message(message: InboundMessage): void {
    const { sink, counters, temporary } = this.#options;
    if (message.conversation.kind === 'c2c') temporary.note(message.sender.id, message.viaGroup);
    const repeated = this.#files.message(message);
    if (repeated > 0) counters.count('onebot.files_repeated', repeated);
    this.#journal(() => sink.message(this.#withOwnQuoted(message)));
  }

  /** Who quotes what the bot said talks to it. */
  #withOwnQuoted(message: InboundMessage): InboundMessage {
    const { conversation, segments } = message;
    const isOwn = (part: Segment) => part.type === 'quote' && this.#own.has(conversation, part.message);
    if (!segments.some(isOwn)) return message;
    const marked = segments.map((part) => (isOwn(part) ? { ...part, by: 'bot' as const } : part));
    return { ...message, segments: marked, mentionsBot: true };
  }

  /** It said this itself, here or on another of its devices: it is told, and never answered. */
  #ownMessage(frame: Fields): void {
    const { raw: _raw, ...data } = frame;
    const isGroup = frame.message_type === 'group';
    const peer = isGroup ? frame.group_id : (frame.target_id ?? frame.user_id);
    const id = wordIn(frame.message_id);
    const to = wordIn(peer);
    if (id !== undefined && to !== undefined && id.length + to.length <= MAX_KEY_CHARS) {
      this.#own.said({ kind: isGroup ? 'group' : 'c2c', peer: to as PeerId }, id);
    }
    this.#append({ name: 'message_sent', data: keptData(data) });
  }

  /** A message that was sent: who quotes it talks to the bot. */
  rememberOwn(conversation: Pick<Target, 'kind' | 'peer'>, messageId: string): void {
    this.#own.said(conversation, messageId);
  }

  #notice(notice: Notice, frame: Fields): void {
    const { counters } = this.#options;
    this.#tell(notice.name, frame);
    if (frame.notice_type !== 'group_upload') return this.#append(notice);
    if (this.#files.notice(frame)) return counters.count('onebot.files_repeated');
    this.#append(notice);
  }

  /** Heartbeats are too many for the event log: they are counted, and what they tell stands in the account's state. */
  #meta(frame: Fields): void {
    const { counters } = this.#options;
    if (frame.meta_event_type === 'heartbeat') return counters.count('onebot.heartbeats');
    const { raw: _raw, ...data } = frame;
    const name = `${oneLine(wordIn(frame.meta_event_type) ?? '', 64)}.${oneLine(wordIn(frame.sub_type) ?? '', 64)}`;
    this.#tell(name, frame);
    this.#append({ name, data: keptData(data) });
  }

  #append(notice: Notice): void {
    this.#journal(() => this.#options.sink.notice(notice));
  }

  #tell(name: string, { group_id: group, user_id: user }: Fields): void {
    const { log } = this.#options;
    const now = performance.now();
    if (now - this.#tellingSince >= MINUTE_MS) {
      if (this.#told > TOLD_PER_MINUTE) log.info({ events: this.#told - TOLD_PER_MINUTE }, 'more OneBot events came');
      this.#told = 0;
      this.#tellingSince = now;
    }
    if (++this.#told > TOLD_PER_MINUTE) return;
    const shown = (id: unknown) => {
      const told = wordIn(id);
      return told === undefined ? undefined : shownPeer(log, oneLine(told, 64));
    };
    log.info({ event: name, group: shown(group), user: shown(user) }, 'OneBot event');
  }

  /** OneBot knows no replay: what is not journalled is lost, and that must be seen. */
  #journal(write: () => void | Promise<void>): void {
    let written: void | Promise<void>;
    try {
      written = write();
    } catch (error) {
      return this.#lost(error);
    }
    if (written === undefined) return;
    if (++this.#pending >= READ_STOPS_AT) this.#setCrowded(true);
    written.then(this.#written, this.#notWritten);
  }

  readonly #written = (): void => {
    if (--this.#pending <= READ_GOES_ON_AT) this.#setCrowded(false);
    if (this.#pending === 0) this.#settled?.();
  };

  readonly #notWritten = (error: unknown): void => {
    this.#lost(error);
    this.#written();
  };

  #lost(error: unknown): void {
    const { log, counters } = this.#options;
    counters.count('onebot.events_lost');
    log.error(
      { error: describeError(error) },
      'an event could not be journalled; the implementation will not repeat it',
    );
  }

  #setCrowded(crowded: boolean): void {
    if (crowded === this.#crowded) return;
    this.#crowded = crowded;
    this.#options.onCrowded(crowded);
  }

  get isCrowded(): boolean {
    return this.#crowded;
  }

  /** Resolves once everything that came is journalled, at the latest after `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    if (this.#pending === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#settled = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
