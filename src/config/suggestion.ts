/** "Did you mean …": the known word that a mistyped one was most likely meant to be. */

/** The nearest of `known`, if it is near enough to be worth saying. Case counts for nothing. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const typed = word.trim().toLowerCase();
  let best: string | undefined;
  let bestDistance = (typed.length < 4 ? 1 : Math.max(2, Math.floor(typed.length / 3))) + 1;
  for (const candidate of known) {
    const distance = typed.length > 64 ? Number.POSITIVE_INFINITY : editDistance(typed, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? known.find((candidate) => hasPartsOf(typed, candidate.toLowerCase()));
}

/** `require_mention` is meant to be `default_require_mention`. */
function hasPartsOf(typed: string, candidate: string): boolean {
  const parts = candidate.split('_');
  return typed.split('_').every((part) => parts.includes(part));
}

/** Levenshtein distance: insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, fromA] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, fromB] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (fromA === fromB ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
