/** What the measured figures come to: rows with ratios and bars, as a table for people. */
import { median } from './statistics.mjs';

/** @typedef {import('./round.mjs').Figures} Figures */
/** @typedef {{ readonly loong: readonly Figures[], readonly bare: readonly Figures[], readonly old: readonly Figures[] }} Rounds `old`: loong with an old journal */
/** @typedef {{ readonly messages: number, readonly figures: readonly Figures[] }} OldJournal */
/** @typedef {{ readonly loongMs: number, readonly nodeMs: number } | { readonly failed: string }} Versions */
/** @typedef {{ readonly text: string, readonly isMet: (ratio: number) => boolean }} Bar */
/**
 * A figure as it is shown, and the bar that the project sets for its ratio.
 * @typedef {object} Kind
 * @property {string} label
 * @property {keyof Figures} key
 * @property {(value: number) => string} show
 * @property {Bar} [bar]
 * @property {true} [isAdded] what it is more than the bare client's is told too
 * @property {number} [mostAddedMs] the bar for that
 * @property {true} [isLimitable] the sandbox may be what limits it
 * @property {true} [isDisturbance] its being large, and not its ratio, tells something
 */

/** Cores of the sandbox process above which it, and not the client, is what was measured. */
export const SANDBOX_LIMIT = 0.8;
/** Cores that others used during a flood above which a run is not to be trusted. */
const DISTURBANCE_LIMIT = 0.25;
const MEBIBYTE = 1_048_576;

/** @type {(ratio: number) => Bar} */
const atLeast = (least) => ({ text: `≥ ${least}`, isMet: (ratio) => ratio >= least });
/** @type {(ratio: number) => Bar} */
const atMost = (most) => ({ text: `≤ ${most}`, isMet: (ratio) => ratio <= most });
const VERSION_BAR = { text: '< 1.5', isMet: (/** @type {number} */ ratio) => ratio < 1.5 };

/** @type {(value: number) => string} */
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
/** @type {(value: number) => string} */
const mebibytes = (value) => `${(value / MEBIBYTE).toFixed(1)} MiB`;
/** @type {(value: number) => string} */
const cores = (value) => `${value.toFixed(2)} cores`;

/** @type {readonly Kind[]} */
const KINDS = [
  {
    label: 'messages a second',
    key: 'messagesPerSecond',
    show: (n) => n.toFixed(0),
    bar: atLeast(0.7),
    isLimitable: true,
  },
  { label: 'CPU per message', key: 'cpuMicrosPerMessage', show: (n) => `${n.toFixed(0)} µs`, bar: atMost(2.2) },
  { label: 'latency p50', key: 'p50Ms', show: ms, isAdded: true },
  { label: 'latency p99', key: 'p99Ms', show: ms, isAdded: true, mostAddedMs: 5 },
  { label: 'memory at rest', key: 'idleBytes', show: mebibytes, bar: atMost(1.5) },
  { label: 'memory after a long flood', key: 'floodBytes', show: mebibytes, bar: atMost(1.5) },
  { label: 'start to READY', key: 'startMs', show: ms },
  { label: "client's CPU in the flood", key: 'cores', show: cores },
  { label: "sandbox's CPU in the flood", key: 'sandboxCores', show: cores },
  { label: "other programs' CPU meanwhile", key: 'otherCores', show: cores, isDisturbance: true },
];

const HEAD = ['', 'loong', 'bare client', 'ratio', 'bar', ''];
const NOT_MEASURED = 'not measured';

/**
 * The medians of all rounds, with their ratios.
 * @param {Rounds} rounds
 * @param {Versions} versions
 * @returns {string} lines of a Markdown table
 */
export function resultTable(rounds, versions) {
  const limited = limitedBySandbox(rounds);
  const rows = KINDS.map((kind) => resultRow(kind, rounds, limited));
  return markdownTable(HEAD, [...rows, versionRow(versions)]);
}

/**
 * @param {Kind} kind
 * @param {Rounds} rounds
 * @param {string | undefined} limited
 */
function resultRow(kind, rounds, limited) {
  const [loong, bare] = [middle(rounds.loong, kind.key), middle(rounds.bare, kind.key)];
  const shown = [loong, bare].map((value) => (value === undefined ? NOT_MEASURED : kind.show(value)));
  if (loong === undefined || bare === undefined) return [kind.label, ...shown, '', kind.bar?.text ?? '', ''];
  const remarks = [
    kind.bar === undefined ? undefined : mark(kind.bar, loong / bare),
    kind.isAdded ? `${loong < bare ? '−' : '+'}${ms(Math.abs(loong - bare))} added` : undefined,
    kind.mostAddedMs === undefined ? undefined : markOf(loong - bare < kind.mostAddedMs),
    kind.isLimitable ? limited : undefined,
    kind.isDisturbance && Math.max(loong, bare) > DISTURBANCE_LIMIT
      ? 'disturbed: run it again on a quiet machine'
      : undefined,
  ];
  return [
    kind.label,
    ...shown,
    kind.isDisturbance ? '' : (loong / bare).toFixed(2),
    kind.bar?.text ?? (kind.mostAddedMs === undefined ? '' : `< ${kind.mostAddedMs} ms added`),
    remarks.filter(Boolean).join(', '),
  ];
}

/** @param {Versions} versions */
function versionRow(versions) {
  const label = '`loong --version`, against `node -e 0`';
  if ('failed' in versions) return [label, NOT_MEASURED, NOT_MEASURED, '', VERSION_BAR.text, versions.failed];
  const { loongMs, nodeMs } = versions;
  const ratio = loongMs / nodeMs;
  return [label, ms(loongMs), ms(nodeMs), ratio.toFixed(2), VERSION_BAR.text, mark(VERSION_BAR, ratio)];
}

/**
 * @param {Bar} bar
 * @param {number} ratio
 */
const mark = (bar, ratio) => markOf(bar.isMet(ratio));

/** @param {boolean} isMet */
const markOf = (isMet) => (isMet ? '✓ met' : '✗ missed');

/** What old messages in the journal may cost. */
const AGE_BAR = atMost(1.05);

/**
 * CPU per message with an old journal against a new one.
 * @param {readonly Figures[]} fresh
 * @param {readonly OldJournal[]} old
 */
export function ageTable(fresh, old) {
  const base = middle(fresh, 'cpuMicrosPerMessage');
  const rows = old.map(({ messages, figures }) => {
    const cpu = middle(figures, 'cpuMicrosPerMessage');
    const label = `${messages.toLocaleString('en')} settled messages, ${figures.length === 1 ? 'once' : `${figures.length} rounds`}`;
    if (base === undefined || cpu === undefined) return [label, NOT_MEASURED, '', AGE_BAR.text, ''];
    const ratio = cpu / base;
    return [label, `${cpu.toFixed(0)} µs`, ratio.toFixed(2), AGE_BAR.text, mark(AGE_BAR, ratio)];
  });
  return markdownTable(['CPU per message with', 'loong', 'against a new journal', 'bar', ''], rows);
}

/**
 * Whose throughput was really the sandbox's.
 * @param {Rounds} rounds
 * @returns {string | undefined}
 */
function limitedBySandbox(rounds) {
  const [loong, bare] = [middle(rounds.loong, 'sandboxCores') ?? 0, middle(rounds.bare, 'sandboxCores') ?? 0];
  if (loong <= SANDBOX_LIMIT && bare <= SANDBOX_LIMIT) return undefined;
  if (loong > SANDBOX_LIMIT && bare > SANDBOX_LIMIT) return 'both limited by sandbox';
  return `${loong > SANDBOX_LIMIT ? 'loong' : 'bare client'} limited by sandbox`;
}

/**
 * What each round gave, in the order in which they ran.
 * @param {Rounds} rounds
 * @returns {string} lines of a Markdown table
 */
export function roundsTable(rounds) {
  const rows = KINDS.map(({ label, key, show }) => {
    /** @param {readonly Figures[]} all */
    const each = (all) => all.map((figures) => (figures[key] === undefined ? '–' : show(figures[key]))).join(' · ');
    return [label, each(rounds.loong), each(rounds.bare), each(rounds.old)];
  });
  return markdownTable(['', 'loong', 'bare client', 'loong, old journal'], rows);
}

/**
 * One line about one round, for who waits.
 * @param {Figures} figures
 */
export function roundLine(figures) {
  const show = (/** @type {Kind} */ { label, key, show }) => {
    const value = figures[key];
    return `${label} ${value === undefined ? NOT_MEASURED : show(value)}`;
  };
  return KINDS.map(show).join(' · ');
}

/**
 * @param {readonly Figures[]} all
 * @param {keyof Figures} key
 * @returns {number | undefined} unless every round has it
 */
function middle(all, key) {
  const values = all.map((figures) => figures[key]).filter((value) => value !== undefined);
  return values.length === all.length && values.length > 0 ? median(values) : undefined;
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function markdownTable(head, rows) {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
