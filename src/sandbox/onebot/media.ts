/** The file that a segment or an upload brings: base64 inside the call, a path or an address, as an implementation looks at it. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Segment } from './segment.js';
import type { World } from './world.js';

export interface BroughtFile {
  /** undefined: it lies behind an address, which is never fetched. */
  readonly bytes: number | undefined;
  readonly content?: Buffer;
}

const MEDIA = new Set(['image', 'record', 'video', 'file']);
const SHOWN_CHARS = 80;

export const isMedia = ({ type }: Segment): boolean => MEDIA.has(type);

/** The first of `url`, `file` and `path` that says something. */
export const uriOf = ({ data }: Segment): string =>
  [data.url, data.file, data.path].map((value) => (typeof value === 'string' ? value.trim() : '')).find(Boolean) ?? '';

/** @returns undefined when there is no such file. */
export function bringFile(uri: string, world: World): BroughtFile | undefined {
  const inline = /^base64:\/\//.test(uri)
    ? uri.slice('base64://'.length)
    : /^data:[^,]*;base64,/.exec(uri)
      ? uri.slice(uri.indexOf(',') + 1)
      : undefined;
  if (inline !== undefined) {
    const content = Buffer.from(inline, 'base64');
    return { bytes: content.length, content };
  }
  if (/^https?:\/\//.test(uri)) return { bytes: undefined };
  const known = world.files.get(uri);
  if (known !== undefined)
    return { bytes: known.bytes, ...(known.content === undefined ? {} : { content: known.content }) };
  try {
    const found = statSync(uri.startsWith('file:') ? fileURLToPath(uri) : uri);
    return found.isFile() ? { bytes: found.size } : undefined;
  } catch {
    return undefined;
  }
}

/** Segments as a transcript shows them: a file inside them is cut. */
export function cutSegments(segments: readonly Segment[]): readonly Segment[] {
  return segments.map(({ type, data }) => ({
    type,
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, isInline(value) ? `${value.slice(0, SHOWN_CHARS)}…` : value]),
    ),
  }));
}

const isInline = (value: unknown): value is string =>
  typeof value === 'string' && value.length > SHOWN_CHARS && /^(base64:\/\/|data:)/.test(value);

export function inlineMedia(segments: readonly Segment[]) {
  return segments.filter(isMedia).flatMap((segment) => {
    const uri = uriOf(segment);
    if (!/^(base64:\/\/|data:)/.test(uri)) return [];
    const content = Buffer.from(
      uri.slice(uri.startsWith('data:') ? uri.indexOf(',') + 1 : 'base64://'.length),
      'base64',
    );
    return [{ type: segment.type, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }];
  });
}
