/** One call of the application, while it is acted on. */
import type { Account } from './account.js';
import type { Flavour } from './flavours.js';
import type { Params } from './params.js';

export interface Call {
  readonly account: Account;
  /** As it is listed, without a meaningless ending. */
  readonly action: string;
  readonly params: Params;
  /** Sends one answer more under the same echo, before the last. */
  readonly stream: (data: unknown) => void;
}

/** @returns `data` of the answer. @throws Refusal */
export interface Action {
  readonly run: (call: Call) => unknown;
  /** Missing: every implementation has it. */
  readonly only?: readonly Flavour[];
}

export interface Actions {
  readonly [name: string]: Action;
}
