/** What became of each key of an imported config. */

/**
 * `kept`: as it was. `renamed`: another name, the same meaning. `changed`: what it means here differs, and the note says how.
 * `ambiguous`: it can be read in two ways, and the narrower one was taken. `dead`: nothing of it was taken.
 */
export type KeyStatus = 'kept' | 'renamed' | 'changed' | 'ambiguous' | 'dead';

export interface KeyReport {
  /** As people write it: `channels.qq.groups.ID.tools`. */
  readonly key: string;
  readonly status: KeyStatus;
  /** Where it is now: `qqbot.groups.ID.tools`. */
  readonly to?: string;
  readonly note?: string;
}

/** So many keys are told one by one: no config of a person has more. */
const LIMIT = 1000;

export class ImportReport {
  readonly #keys = new Map<string, KeyReport>();
  #untold = 0;

  /** Of a key that several accounts inherit, the first word counts. */
  tell(
    path: readonly string[],
    status: KeyStatus,
    facts: { readonly to?: readonly string[]; readonly note?: string } = {},
  ): void {
    const key = shownPath(path);
    if (this.#keys.has(key)) return;
    if (this.#keys.size >= LIMIT) {
      this.#untold++;
      return;
    }
    const { to, note } = facts;
    this.#keys.set(key, {
      key,
      status,
      ...(to === undefined ? {} : { to: shownPath(to) }),
      ...(note === undefined ? {} : { note }),
    });
  }

  /** In the order in which they were met. */
  get keys(): readonly KeyReport[] {
    return [...this.#keys.values()];
  }

  /** How many more there were than are told. */
  get untold(): number {
    return this.#untold;
  }
}

/** Names in the file are anybody's: what is no plain word is quoted, cut, and without what a terminal would obey. */
function shownPath(path: readonly string[]): string {
  return path
    .map((name) => {
      if (/^[\w*-]{1,80}$/.test(name)) return name;
      const clean = name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�');
      return JSON.stringify(clean.length <= 80 ? clean : `${clean.slice(0, 79)}…`);
    })
    .join('.');
}
