// @ts-check
/** Copies of the built product with one mistake each: the run is worth something only if it finds them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ file: string, from: string, to: string, shows: RegExp, lane: 'qqbot' | 'onebot' }} Mistake `from` stands in the file exactly once; `shows`: how the run tells it */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @type {{ readonly [name: string]: Mistake }} */
export const MUTANTS = {
  'the sequence is stored before the inbox': {
    file: 'dist/lanes/qqbot/sequence-mark.js',
    from: 'const commit = journal();',
    // The pause is what makes two commits of them, as it would be with a journal that is slow.
    to: 'entry.done = true; this.#advance(); await new Promise((later) => setTimeout(later, 20)); const commit = journal();',
    shows: /never answered/,
    lane: 'qqbot',
  },
  'a new msg_seq on every retry': {
    file: 'dist/lanes/qqbot/encode-message.js',
    from: 'msg_seq: passive.seq',
    to: 'msg_seq: Math.floor(Math.random() * 1e9)',
    shows: /answered \d+ times/,
    lane: 'qqbot',
  },
  'a OneBot call that was not answered counts as not sent': {
    file: 'dist/lanes/onebot/call-error.js',
    from: "certainty: this.outcome === 'unknown' ? 'unknown' : 'not-delivered'",
    to: "certainty: 'not-delivered'",
    shows: /sent again, though it may have arrived/,
    lane: 'onebot',
  },
};

/**
 * @param {Mistake} mistake
 * @returns {{ root: string, remove: () => void }}
 * @throws Error when the product has changed so that the mistake cannot be made there
 */
export function mutant({ file, from, to }) {
  const root = mkdtempSync(join(tmpdir(), 'loong-mutant-'));
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const path = join(root, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2)
    throw new Error(`${file} holds \`${from}\` ${parts.length - 1} times: this mutant needs a new place`);
  writeFileSync(path, parts.join(to));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
