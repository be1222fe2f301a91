/** Writes to the store that must not be given up: a full disk or another program's lock delays them, nothing more. */
import { pause } from '../model/backoff.js';
import { describeError, StoreError } from '../model/errors.js';
import type { Log } from '../telemetry/log.js';

const RETRY_MS = 1000;

/**
 * Asks again until the store has committed.
 * @throws what `write` throws when it is no StoreError, and the StoreError itself once `signal` aborts.
 */
export async function untilWritten<T>(write: () => Promise<T>, log: Log, signal: AbortSignal): Promise<T> {
  try {
    return await write();
  } catch (error) {
    return againUntilWritten(error, write, log, signal);
  }
}

/** The same where `write` has failed with `error` already. */
export async function againUntilWritten<T>(
  error: unknown,
  write: () => Promise<T>,
  log: Log,
  signal: AbortSignal,
): Promise<T> {
  if (!(error instanceof StoreError) || signal.aborted) throw error;
  log.error({ error: describeError(error), remedy: error.remedy }, 'the store cannot be written; tried again');
  await pause(RETRY_MS, signal);
  return untilWritten(write, log, signal);
}
