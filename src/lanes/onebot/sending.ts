/** Where a message goes, what its files come from, and whom to tell what becomes of it. */
import type { Dialect } from '../../protocol/onebot/implementations.js';
import type { FileSource } from './file-source.js';

export interface Sending {
  readonly kind: 'c2c' | 'group';
  readonly dialect: Dialect;
  readonly files: FileSource;
  /** What is seen differs from what was meant. */
  readonly warn: (warning: string) => void;
}
