/** The platform tells the time of Beijing: RFC 3339 with `+08:00`, to the second. */
const BEIJING_OFFSET_MS = 8 * 60 * 60 * 1000;

/** @param ms milliseconds since 1970 */
export function beijingTime(ms: number): string {
  return `${new Date(ms + BEIJING_OFFSET_MS).toISOString().slice(0, 19)}+08:00`;
}

/** The date in Beijing, `2026-10-02`. */
export const beijingDay = (ms: number): string => beijingTime(ms).slice(0, 10);
