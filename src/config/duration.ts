/** Lengths of time as people write them: `500ms`, `90s`, `15m`, `24h`, `7d`. */

const UNIT_MS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds; undefined when it is not a whole number directly followed by its unit. */
export function parseDuration(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const size = UNIT_MS[unit];
  return size === undefined ? undefined : Number(digits) * size;
}
