/** What one check found: one line for the operator, with the one thing to do when it is not well. */

export type FindingLevel = 'ok' | 'warn' | 'fail';

export interface Finding {
  /** Unique in a report: `config`, `qqbot:main token`. */
  readonly name: string;
  readonly level: FindingLevel;
  readonly detail: string;
  readonly remedy?: string;
}
