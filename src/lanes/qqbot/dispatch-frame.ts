/** The frame that brings an event, whichever way it came. */

export const MAX_FRAME_CHARS = 1_048_576;
/** Levels of arrays and objects in an event: whoever writes it down again must not run out of stack. */
const MAX_DEPTH = 100;
const EVENT_NAME = /^[\w.:-]{1,100}$/;

/** A frame as it was parsed: anything may stand in it. */
export interface Frame {
  readonly op?: unknown;
  readonly s?: unknown;
  readonly t?: unknown;
  readonly id?: unknown;
  readonly d?: unknown;
}

/** A dispatch frame, its event still as the wire has it. */
export interface DispatchFrame {
  readonly event: string;
  /** Envelope id, where there is one. */
  readonly id: string | undefined;
  readonly data: unknown;
  readonly raw: string;
}

/** The event in a frame, or what was expected instead. `raw`: the frame as it came. */
export function readDispatch(frame: Frame, raw: string): DispatchFrame | { readonly expected: string } {
  const { t: event, id, d: data } = frame;
  if (typeof event !== 'string' || !EVENT_NAME.test(event)) {
    return { expected: 'expected a dispatch frame with an event name' };
  }
  if (raw.length > MAX_FRAME_CHARS) return { expected: `expected at most ${MAX_FRAME_CHARS} characters` };
  if (isDeeperThan(MAX_DEPTH, data)) return { expected: `expected at most ${MAX_DEPTH} levels` };
  return { event, id: typeof id === 'string' ? id : undefined, data, raw };
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) if (isDeeperThan(levels - 1, (value as { [key: string]: unknown })[key])) return true;
  return false;
}
