/** What can go wrong, sorted by who must act. A plain `Error` anywhere in the product is our own bug. */

interface LoongErrorOptions {
  /** One sentence: what the reader can do about it. */
  readonly remedy?: string;
  /** Tells a supervisor whether trying again by itself can help. Default `later`. */
  readonly retry?: 'never' | 'later';
  readonly cause?: unknown;
}

/** Base of every expected failure. `code` is stable and dotted (`access.peer_not_allowed`); scripts may match on it. */
export class LoongError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly retry: 'never' | 'later';

  constructor(code: string, message: string, options: LoongErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = options.remedy;
    this.retry = options.retry ?? 'later';
  }
}

/** One thing wrong with the configuration: the key path it concerns (`qqbot.accounts.main.app_id`), and what to do. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
  readonly remedy?: string;
}

/** The operator must edit the config (exit 78). Carries every problem that was found, not just the first. */
export class ConfigError extends LoongError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], code = 'config.invalid') {
    const lines = problems.map(
      (p) => `${p.path === '' ? '' : `${p.path}: `}${p.message}${p.remedy ? ` (${p.remedy})` : ''}`,
    );
    super(code, lines.join('\n'), { retry: 'never' });
    this.problems = problems;
  }
}

/** The caller mistyped something (exit 64). */
export class UsageError extends LoongError {
  constructor(code: string, message: string, remedy?: string) {
    super(code, message, { retry: 'never', ...(remedy === undefined ? {} : { remedy }) });
  }
}

/** Access control said no (exit 77). */
export class AccessDenied extends LoongError {
  constructor(code: string, message: string, remedy?: string) {
    super(code, message, { retry: 'never', ...(remedy === undefined ? {} : { remedy }) });
  }
}

/**
 * Why one delivery attempt failed, in the words that delivery acts on:
 * `unavailable` platform or peer could not be reached or is overloaded · `rate` too fast · `auth` only an operator can help (secret, whitelist) ·
 * `window` the reply right is used up or over · `duplicate` this (msg_id, msg_seq) was taken before ·
 * `active` active messages are not permitted to this target · `crowd` too many messages to this target · `markdown` it would be taken as plain
 * text · `links` it would be taken without addresses of pages · `away` nobody is connected who could take it: tried again after
 * `retryAfterMs`, without one it waits until somebody is · `refused` the platform will never take this message.
 */
export type DeliveryFailure =
  | 'unavailable'
  | 'rate'
  | 'crowd'
  | 'auth'
  | 'window'
  | 'duplicate'
  | 'active'
  | 'markdown'
  | 'links'
  | 'away'
  | 'refused';

/** One delivery attempt failed. `certainty` says whether the message may have arrived all the same. */
export class DeliveryError extends LoongError {
  readonly failure: DeliveryFailure;
  readonly certainty: 'not-delivered' | 'unknown';
  /** The platform's own number, where it gave one. */
  readonly platformCode: number | undefined;
  readonly traceId: string | undefined;
  /** Milliseconds the platform asked us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    facts: {
      failure: DeliveryFailure;
      certainty: 'not-delivered' | 'unknown';
      remedy?: string | undefined;
      platformCode?: number | undefined;
      traceId?: string | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    },
  ) {
    super(code, message, {
      cause: facts.cause,
      retry: facts.failure === 'auth' ? 'never' : 'later',
      ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }),
    });
    this.failure = facts.failure;
    this.certainty = facts.certainty;
    this.platformCode = facts.platformCode;
    this.traceId = facts.traceId;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The backend could not answer a turn. */
export class BackendError extends LoongError {}

/** The store could not write: what was asked for did not happen, and may be asked for again. */
export class StoreError extends LoongError {}

/** The text of anything thrown, for a log line or a row; never a stack. */
export function describeError(error: unknown): string {
  // What Node throws when every address of a host failed has no text of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeError).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
