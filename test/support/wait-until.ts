/** Waits for a condition instead of for a time. */

/** Resolves with the first value of `look` that is neither undefined, false nor an empty text, which a file is before it is written; rejects after `limitMs` with what was waited for. */
export async function waitUntil<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false && seen !== '') return seen;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
