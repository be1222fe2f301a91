/** What reading the configuration brought to light, gathered until all of it can be told at once. */
import type { ConfigProblem } from '../model/errors.js';

export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];

  /** The same problem met twice (say, by two accounts that inherit it) is told once. */
  problem(path: string, message: string, remedy?: string): void {
    if (this.problems.some((known) => known.path === path && known.message === message)) return;
    this.problems.push({ path, message, ...(remedy === undefined ? {} : { remedy }) });
  }

  warn(sentence: string): void {
    if (!this.warnings.includes(sentence)) this.warnings.push(sentence);
  }
}

/** Something wrong with one value, before it is known under which key it stands. */
export interface Fault {
  readonly message: string;
  readonly remedy?: string;
}

/** A key path as it would be written in TOML: `qqbot.accounts."Ops Bot".app_id`, `qqbot.allowed_peer_ids[2]`. */
export function keyPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else {
      const key = /^[A-Za-z0-9_-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part));
      text += text === '' ? key : `.${key}`;
    }
  }
  return text;
}
