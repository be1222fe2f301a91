/** How this command was called, so that a printed line can be copied. */
import { basename, relative } from 'node:path';

/** `loong`, or `node bin/loong.js` in a checkout. */
export function ownName(): string {
  const script = process.argv[1] ?? 'loong';
  return basename(script) === 'loong' ? 'loong' : `node ${relative(process.cwd(), script)}`;
}
