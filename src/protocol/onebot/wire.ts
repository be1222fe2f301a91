/** What goes over a OneBot v11 connection: segments, calls and answers, in the words of the wire. Source: onebot-11. */

export interface Fields {
  readonly [key: string]: unknown;
}

/** One piece of a message. Source: message/segment.md. */
export interface WireSegment {
  readonly type: string;
  readonly data: Fields;
}

/** A call. Whatever `echo` is comes back with the answer as it was. Source: communication/ws.md. */
export interface ActionRequest {
  readonly action: string;
  readonly params: Fields;
  readonly echo: string;
}
