/** A log line of a length that a log can bear: long texts in it are cut, and it stays one line of JSON. */

const MAX_CHARS = 8192;
const MAX_TEXT_CHARS = 1000;
/** Entries of an array or object that are shown, and levels. */
const MAX_ENTRIES = 30;
const MAX_DEPTH = 4;

/** `line` as it came while it is short enough; else the same line of JSON with its texts cut, ending in a line break. */
export function boundedLine(line: string): string {
  if (line.length <= MAX_CHARS) return line;
  const whole: unknown = JSON.parse(line);
  const cut = JSON.stringify(bounded(whole, 0));
  if (cut.length < MAX_CHARS) return `${cut}\n`;
  const { level, time, lane, msg } = whole as { readonly [key: string]: unknown };
  return `${JSON.stringify(bounded({ level, time, lane, msg, cut: `${line.length} characters` }, 0))}\n`;
}

function bounded(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return boundedText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ENTRIES).map((item) => bounded(item, depth + 1));
    return value.length <= MAX_ENTRIES ? shown : [...shown, `… (${value.length} in all)`];
  }
  const entries = Object.entries(value).slice(0, MAX_ENTRIES);
  return Object.fromEntries(entries.map(([key, item]) => [boundedText(key), bounded(item, depth + 1)]));
}

function boundedText(text: string): string {
  return text.length <= MAX_TEXT_CHARS ? text : `${text.slice(0, MAX_TEXT_CHARS)}… (${text.length} characters)`;
}
