/** How long a message waits for an implementation to dial in again, by `reconnect.*` of the account. */

export interface Reconnect {
  readonly enabled: boolean;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly backoffMultiplier: number;
  readonly maxDelayMs: number;
}

/** Milliseconds until attempt `attempts + 1`; undefined when there is none: the message is parked until somebody is connected. */
export function retryAfter(reconnect: Reconnect, attempts: number): number | undefined {
  if (!reconnect.enabled || attempts > reconnect.maxRetries) return undefined;
  return Math.min(
    reconnect.maxDelayMs,
    reconnect.retryDelayMs * reconnect.backoffMultiplier ** Math.max(0, attempts - 1),
  );
}
