/** Options that every command has. */
import type { LogOptions } from '../telemetry/log.js';

export interface GlobalOptions {
  readonly config?: string;
  readonly logLevel?: LogOptions['level'];
  readonly json?: true;
}
