/** What went wrong, as the journal keeps it and everybody may read it: with nothing of a secret. */
import { describeError, LoongError } from '../model/errors.js';
import type { RowError } from '../store/store.js';
import type { Secrets } from '../telemetry/log.js';

/** Of a turn that could not be answered. */
export function rowErrorOf(error: unknown, secrets: Secrets): RowError {
  if (!(error instanceof LoongError)) return struckOut({ code: 'turn.failed', message: describeError(error) }, secrets);
  const { code, message, remedy } = error;
  return struckOut({ code, message, ...(remedy === undefined ? {} : { remedy }) }, secrets);
}

export function struckOut({ code, message, remedy }: RowError, secrets: Secrets): RowError {
  return {
    code,
    message: secrets.strikeOut(message),
    ...(remedy === undefined ? {} : { remedy: secrets.strikeOut(remedy) }),
  };
}
