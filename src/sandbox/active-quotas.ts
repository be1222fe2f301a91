/** How many active messages the guilds take from the bot in a day of Beijing. Source: Bot API v2 "发送子频道消息" and "频道私信". */
import { beijingDay } from './platform-time.js';
import type { Scene } from './transcript.js';

export interface QuotaRules {
  readonly per_channel: number;
  readonly channels_per_guild: number;
  readonly per_dm: number;
  readonly dms_in_all: number;
}

const DEFAULT_QUOTAS: QuotaRules = { per_channel: 20, channels_per_guild: 2, per_dm: 2, dms_in_all: 200 };

const CODES = { per_channel: 304035, channels_per_guild: 304047, per_dm: 304049, dms_in_all: 304050 } as const;

export class ActiveQuotas {
  readonly #now: () => number;
  #day = '';
  /** Place → messages of today. */
  readonly #channels = new Map<string, number>();
  readonly #dms = new Map<string, number>();
  rules: QuotaRules = DEFAULT_QUOTAS;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param siblings the channels of the same guild. @returns the code that refuses one more, or undefined. Takes nothing. */
  check({ kind, openid }: Scene, siblings: readonly string[]): number | undefined {
    this.#roll();
    if (kind === 'dm') {
      if ((this.#dms.get(openid) ?? 0) >= this.rules.per_dm) return CODES.per_dm;
      const all = [...this.#dms.values()].reduce((sum, count) => sum + count, 0);
      return all >= this.rules.dms_in_all ? CODES.dms_in_all : undefined;
    }
    if ((this.#channels.get(openid) ?? 0) >= this.rules.per_channel) return CODES.per_channel;
    const others = siblings.filter((id) => id !== openid && this.#channels.has(id));
    return others.length >= this.rules.channels_per_guild ? CODES.channels_per_guild : undefined;
  }

  take({ kind, openid }: Scene): void {
    this.#roll();
    const counts = kind === 'dm' ? this.#dms : this.#channels;
    counts.set(openid, (counts.get(openid) ?? 0) + 1);
  }

  #roll(): void {
    const today = beijingDay(this.#now());
    if (today === this.#day) return;
    this.#day = today;
    this.#channels.clear();
    this.#dms.clear();
  }
}
