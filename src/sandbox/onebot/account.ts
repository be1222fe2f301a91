/** One QQ that an implementation is logged in to: what it remembers, and the port by which its events go out. */
import type { FlavourFacts, MessageFormat } from './flavours.js';
import type { Note, OneBotScene } from './happenings.js';
import { MessageLog } from './message-log.js';
import type { Place } from './place.js';
import { Requests } from './requests.js';
import type { Segment } from './segment.js';
import type { World } from './world.js';

export interface EventFields {
  readonly post_type: string;
  readonly [key: string]: unknown;
}

/** A message inside a forwarded record. */
export interface ForwardNode {
  readonly from: string;
  readonly name: string;
  readonly time: number;
  readonly segments: readonly Segment[];
}

export interface AccountSetup {
  readonly selfId: string;
  readonly facts: FlavourFacts;
  readonly format: MessageFormat;
  readonly reportSelf: boolean;
  readonly debug: boolean;
}

const KEPT_FORWARDS = 200;

export class Account {
  readonly selfId: string;
  readonly facts: FlavourFacts;
  readonly world: World;
  readonly log: MessageLog;
  readonly requests: Requests;
  readonly forwards = new Map<string, readonly ForwardNode[]>();
  readonly note: Note;
  /** What a heartbeat tells: false when QQ has logged the account out. */
  online = true;
  /** What it says of itself as a whole. */
  good = true;
  format: MessageFormat;
  /** The bot's own messages come back as `message_sent`. */
  reportSelf: boolean;
  /** NapCat's `debug`: message events carry a large `raw`. */
  debug: boolean;
  /** Where a file can be fetched. */
  readonly fileUrl: (id: string) => string;
  /** @returns how many lines the event went out on. */
  readonly emit: (event: EventFields) => number;

  constructor(setup: AccountSetup, world: World, ports: Pick<Account, 'note' | 'emit' | 'fileUrl'>) {
    this.selfId = setup.selfId;
    this.facts = setup.facts;
    this.format = setup.format;
    this.reportSelf = setup.reportSelf;
    this.debug = setup.debug;
    this.world = world;
    this.log = new MessageLog(setup.facts);
    this.requests = new Requests(setup.facts.flavour);
    this.note = ports.note;
    this.emit = ports.emit;
    this.fileUrl = ports.fileUrl;
  }

  /** Sends a notice or a request, and tells the transcript of it. @returns how many lines it went out on. */
  tell(event: EventFields, place?: Place): number {
    const lines = this.emit(event);
    this.note({
      kind: 'onebot.event',
      self_id: this.selfId,
      ...(place === undefined ? {} : { scene: this.scene(place) }),
      type: typeOf(event),
      lines,
    });
    return lines;
  }

  scene({ kind, id }: Place): OneBotScene {
    return { kind, id, self_id: this.selfId };
  }

  keepForward(id: string, nodes: readonly ForwardNode[]): void {
    this.forwards.set(id, nodes);
    const [oldest] = this.forwards.keys();
    if (this.forwards.size > KEPT_FORWARDS && oldest !== undefined) this.forwards.delete(oldest);
  }
}

/** `notify.poke`, `group_increase`, `request.friend`. */
function typeOf(event: EventFields): string {
  if (event.post_type === 'request') return `request.${String(event.request_type)}`;
  return event.notice_type === 'notify' ? `notify.${String(event.sub_type)}` : String(event.notice_type);
}
