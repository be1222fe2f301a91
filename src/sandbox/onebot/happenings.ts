/** What the OneBot side adds to the sandbox's transcript. */
import type { Place } from './place.js';
import type { Segment } from './segment.js';

/** A conversation of one account with a person or a group. */
export interface OneBotScene extends Place {
  readonly self_id: string;
}

export interface OneBotMessage {
  readonly kind: 'onebot.message';
  readonly scene: OneBotScene;
  readonly from: { readonly user_id: string; readonly name: string };
  readonly message_id: number;
  readonly sub_type: string;
  readonly segments: readonly Segment[];
  readonly text: string;
  /** Lines that the event went out on; 0: nobody heard it. */
  readonly lines: number;
}

export interface OneBotSend {
  readonly kind: 'onebot.send';
  readonly scene: OneBotScene;
  readonly action: string;
  readonly accepted: boolean;
  /** As the call gave them, decoded; long base64 is cut, see `media`. */
  readonly segments: readonly Segment[];
  /** What people see: without what this implementation drops. */
  readonly seen: readonly Segment[];
  readonly text: string;
  /** Types of segments that vanished. */
  readonly dropped: readonly string[];
  /** Files that came inside the call, in the order of their segments. */
  readonly media: readonly { readonly type: string; readonly bytes: number; readonly sha256: string }[];
  readonly message_id?: number;
  /** The id of the message that it quotes, and its text where it is known. */
  readonly quote?: { readonly id: string; readonly text?: string };
  readonly reason?: string;
}

/** Somebody is shown that the account is about to write. */
export interface OneBotTyping {
  readonly kind: 'onebot.typing';
  readonly scene: OneBotScene;
  /** 1: it types. */
  readonly event_type: number;
}

/** Every call, those that send too, when its answer is made. */
export interface OneBotCall {
  readonly kind: 'onebot.call';
  readonly self_id: string;
  readonly action: string;
  readonly params: unknown;
  readonly status: string;
  readonly retcode: number;
  readonly reason?: string;
  /** False: a fault kept the answer back. */
  readonly answered: boolean;
  /** The frame, cut after 4000 characters, and how long it was. */
  readonly raw: string;
  readonly raw_length: number;
}

export interface OneBotEvent {
  readonly kind: 'onebot.event';
  readonly self_id: string;
  readonly scene?: OneBotScene;
  /** e.g. `notify.poke`, `request.friend`, `flood`, `raw frame`. */
  readonly type: string;
  readonly lines: number;
}

export interface OneBotLine {
  readonly kind: 'onebot.line';
  readonly self_id: string;
  readonly step: 'opened' | 'refused' | 'closed';
  readonly line: number;
  readonly role: string;
  readonly code?: number;
  readonly reason?: string;
}

export interface OneBotFault {
  readonly kind: 'onebot.fault';
  readonly self_id: string;
  readonly fault: string;
  readonly what: string;
}

export type OneBotHappening =
  | OneBotMessage
  | OneBotSend
  | OneBotTyping
  | OneBotCall
  | OneBotEvent
  | OneBotLine
  | OneBotFault;
export type Note = (happening: OneBotHappening) => void;
