/** The OneBot side of the sandbox: one small world, and the implementations that are logged in to it. The API, the page and tests act through these verbs. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../sandbox-error.js';
import type { Account, EventFields } from './account.js';
import { FACTS } from './flavours.js';
import { happen } from './happen.js';
import type { Note, OneBotMessage } from './happenings.js';
import { Implementation } from './implementation.js';
import { messageEvent } from './message-event.js';
import * as orders from './orders.js';
import type { Place } from './place.js';
import { sayMessage } from './say-message.js';
import { World } from './world.js';

const MAX_IMPLEMENTATIONS = 20;
/** A flood lets its messages leave before it makes more. */
const FLOOD_BATCH = 200;
const DRAIN_PATIENCE_MS = 10_000;

export class OneBotPlatform {
  readonly world: World;
  readonly #note: Note;
  readonly #implementations = new Map<string, Implementation>();
  /** Where the sandbox itself can be reached; set once its port is known. */
  origin = '';

  /** @param now milliseconds since 1970 */
  constructor(now: () => number, note: Note) {
    this.world = new World(now);
    this.#note = note;
  }

  get implementations(): readonly Implementation[] {
    return [...this.#implementations.values()];
  }

  /** Logs in and dials. @throws SandboxError when this account has one already, ZodError for an order that is not well-formed. */
  connect(order: orders.ImplementationOrder): Implementation {
    const plan = orders.implementationOrder.parse(order);
    if (this.#implementations.has(plan.self_id))
      throw new SandboxError('implementation.exists', `${plan.self_id} is logged in already`);
    if (plan.role === 'split' && !FACTS[plan.flavour].splits)
      throw new SandboxError('implementation.one_line', `${plan.flavour} has one line for calls and events`);
    if (this.#implementations.size >= MAX_IMPLEMENTATIONS)
      throw new SandboxError('implementations.limit', `there are ${MAX_IMPLEMENTATIONS} implementations at most`);
    if (!this.world.people.has(plan.self_id)) this.world.addPerson(plan.self_id, `bot ${plan.self_id}`, false);
    this.world.admitBot(plan.self_id, [...this.#implementations.keys()]);
    const made = new Implementation(plan, this.world, {
      note: this.#note,
      fileUrl: (id) => `${this.origin}/sandbox/v1/onebot/files/${encodeURIComponent(id)}`,
    });
    this.#implementations.set(plan.self_id, made);
    made.connect();
    return made;
  }

  /** Logs out for good. @throws SandboxError */
  async disconnect(selfId?: string): Promise<void> {
    const gone = this.implementation(selfId);
    this.#implementations.delete(gone.account.selfId);
    await gone.disconnect();
  }

  async close(): Promise<void> {
    await Promise.all(this.implementations.map((each) => each.disconnect()));
    this.#implementations.clear();
  }

  /** The first where none is named. @throws SandboxError */
  implementation(selfId?: string): Implementation {
    const found = selfId === undefined ? this.implementations[0] : this.#implementations.get(selfId);
    if (found !== undefined) return found;
    throw new SandboxError(
      'implementation.unknown',
      selfId === undefined ? 'no implementation is logged in' : `no implementation is logged in as ${selfId}`,
      404,
    );
  }

  /** @throws SandboxError, ZodError */
  say(say: orders.Say): OneBotMessage {
    const complete = orders.sayOrder.parse(say);
    return sayMessage(this.#account(complete.self_id), complete);
  }

  /** @returns the events that went out. @throws SandboxError, ZodError */
  happen(order: orders.EventOrder): readonly EventFields[] {
    const complete = orders.eventOrder.parse(order);
    return happen(this.#account(complete.self_id), complete);
  }

  /** @returns the listed fault, or undefined for what happened at once. @throws SandboxError, ZodError */
  async fault(order: orders.FaultOrder) {
    const complete = orders.faultOrder.parse(order);
    const implementation = this.implementation(complete.self_id);
    this.#note({
      kind: 'onebot.fault',
      self_id: implementation.account.selfId,
      fault: complete.kind,
      what: JSON.stringify(complete),
    });
    if (isStanding(complete)) return implementation.spoilers.add(complete);
    if (complete.kind === 'flood') await this.#flood(implementation, complete);
    else implementation.strike(complete);
    return undefined;
  }

  /** @returns how many lines it went out on. */
  sendRaw(order: orders.RawOrder): number {
    const implementation = this.implementation(order.self_id);
    const { selfId } = implementation.account;
    const lines = rawLines(implementation, order);
    this.#note({ kind: 'onebot.event', self_id: selfId, type: 'raw frame', lines });
    return lines;
  }

  state() {
    return { implementations: this.implementations.map((each) => each.shown()), ...this.world.shown() };
  }

  #account(selfId: string | undefined): Account {
    return this.implementation(selfId).account;
  }

  /** Not a word of each in the transcript: one entry for all. */
  async #flood(
    implementation: Implementation,
    { count, from, group, mention, text }: Extract<orders.ImmediateFault, { kind: 'flood' }>,
  ): Promise<void> {
    const { account } = implementation;
    if (group !== undefined) this.world.member(this.world.group(group), from);
    const place: Place = group === undefined ? { kind: 'private', id: from } : { kind: 'group', id: group };
    const at = mention ? [{ type: 'at', data: { qq: account.selfId } }] : [];
    let lines = 0;
    for (let number = 1; number <= count; number += 1) {
      const segments = [...at, { type: 'text', data: { text: text.replaceAll('$N', String(number)) } }];
      const subType = group === undefined ? 'friend' : 'normal';
      const known = account.log.add({
        time: this.world.seconds(),
        place,
        subType,
        from,
        segments,
        messageId: randomInt(1, 0x7fffffff),
      });
      lines = account.emit(messageEvent(account, known));
      if (number % FLOOD_BATCH === 0)
        await Promise.race([implementation.drained(), delay(DRAIN_PATIENCE_MS, undefined, { ref: false })]);
    }
    account.note({
      kind: 'onebot.event',
      self_id: account.selfId,
      scene: account.scene(place),
      type: `flood of ${count}`,
      lines,
    });
  }
}

function rawLines(implementation: Implementation, order: orders.RawOrder): number {
  if ('frame' in order) return implementation.send(order.frame);
  if ('event' in order) return implementation.send(JSON.stringify(order.event));
  return implementation.sendFrame(Buffer.from(order.base64, 'base64'), order.opcode);
}

const STANDING: ReadonlySet<string> = new Set<orders.StandingFault['kind']>([
  'slow',
  'reorder',
  'swallow',
  'lose',
  'refuse',
  'echo',
  'no_heartbeats',
]);

const isStanding = (order: { readonly kind: string }): order is orders.StandingFault => STANDING.has(order.kind);
