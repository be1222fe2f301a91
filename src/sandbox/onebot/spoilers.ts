/** The faults that wait for calls of one implementation, each listed until it is spent. */
import type { StandingFault } from './orders.js';

interface Waiting {
  readonly id: string;
  readonly order: StandingFault;
  left: number | 'always';
}

/** What happens to one call. */
export interface Spoiled {
  readonly delayMs: number;
  readonly isLost: boolean;
  readonly isSwallowed: boolean;
  readonly refusal?: { readonly retcode: number | undefined; readonly message: string };
  readonly echo?: Extract<StandingFault, { kind: 'echo' }>['as'];
}

export class Spoilers {
  readonly #waiting: Waiting[] = [];
  readonly #owner: string;
  #made = 0;

  constructor(owner: string) {
    this.#owner = owner;
  }

  add(order: StandingFault) {
    this.#made += 1;
    const left = order.kind === 'reorder' ? order.count : order.times;
    const waiting: Waiting = { id: `${this.#owner}-${this.#made}`, order, left };
    this.#waiting.push(waiting);
    return shown(waiting);
  }

  list() {
    return this.#waiting.map(shown);
  }

  /** @returns how many went. */
  remove(id?: string): number {
    const before = this.#waiting.length;
    const kept = id === undefined ? [] : this.#waiting.filter((waiting) => waiting.id !== id);
    this.#waiting.splice(0, before, ...kept);
    return before - kept.length;
  }

  forCall(action: string): Spoiled {
    const of = <K extends 'slow' | 'swallow' | 'lose' | 'refuse' | 'echo'>(kind: K) => this.#take(kind, action);
    const lost = of('lose') !== undefined;
    const refuse = lost ? undefined : of('refuse');
    const echo = lost ? undefined : of('echo');
    return {
      isLost: lost,
      delayMs: lost ? 0 : (of('slow')?.delay_ms ?? 0),
      isSwallowed: !lost && of('swallow') !== undefined,
      ...(refuse === undefined ? {} : { refusal: { retcode: refuse.retcode, message: refuse.message } }),
      ...(echo === undefined ? {} : { echo: echo.as }),
    };
  }

  /** How many answers of a batch are still to come, this one among them; undefined: they go out as they are made. */
  reordered(): number | undefined {
    const found = this.#waiting.find(({ order }) => order.kind === 'reorder');
    if (found === undefined) return undefined;
    const left = Number(found.left);
    this.#spend(found);
    return left;
  }

  skipsHeartbeat(): boolean {
    return this.#take('no_heartbeats', '') !== undefined;
  }

  #take<K extends StandingFault['kind']>(kind: K, action: string): Extract<StandingFault, { kind: K }> | undefined {
    const found = this.#waiting.find(
      ({ order }) =>
        order.kind === kind && (!('action' in order) || order.action === undefined || order.action === action),
    );
    if (found === undefined) return undefined;
    this.#spend(found);
    return found.order as Extract<StandingFault, { kind: K }>;
  }

  #spend(waiting: Waiting): void {
    if (waiting.left === 'always') return;
    waiting.left -= 1;
    if (waiting.left <= 0) this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
  }
}

const shown = ({ id, left, order }: Waiting) => ({ id, left, order });
