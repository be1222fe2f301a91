/** The doctor's findings for people and for programs. */
import type { Finding, FindingLevel } from './finding.js';

export interface Report {
  readonly ok: boolean;
  readonly summary: { readonly [L in FindingLevel]: number };
  readonly checks: readonly Finding[];
}

/** Every check has a name of its own, so that programs can ask for it, and stands on one line. */
export function reportOf(findings: readonly Finding[]): Report {
  const seen = new Map<string, number>();
  const checks = findings.map((finding): Finding => {
    const times = (seen.get(finding.name) ?? 0) + 1;
    seen.set(finding.name, times);
    const name = times === 1 ? finding.name : `${finding.name} (${times})`;
    return { ...finding, name, detail: finding.detail.replace(/\s*\n\s*/g, '; ') };
  });
  const count = (level: FindingLevel) => checks.filter((check) => check.level === level).length;
  const summary = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
  return { ok: summary.fail === 0, summary, checks };
}

const COLOURS: { readonly [L in FindingLevel]: number } = { ok: 32, warn: 33, fail: 31 };

/** One line a check and one a remedy, then the sum. */
export function renderReport({ summary, checks }: Report, colour: boolean): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ level, name, detail, remedy }) => {
    const mark = colour ? `\u001b[${COLOURS[level]}m${level.padEnd(4)}\u001b[0m` : level.padEnd(4);
    const line = `${mark}  ${name.padEnd(width)}  ${detail}`;
    return remedy === undefined ? [line] : [line, `${' '.repeat(width + 8)}→ ${remedy}`];
  });
  return [...lines, '', `${summary.ok} ok · ${summary.warn} warn · ${summary.fail} fail`].join('\n');
}
