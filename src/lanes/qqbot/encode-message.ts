/** Our words → the Bot API's bodies. Source: Bot API v2 pages "发送消息" (C2C and group) and "发送子频道消息". */
import { DeliveryError } from '../../model/errors.js';
import { plainText } from '../../model/message.js';
import type { TargetKind } from '../../model/target.js';
import type { Delivery } from '../lane.js';
import type { JsonObject } from './response-body.js';

const MSG_TYPE_TEXT = 0;

const PATHS: { readonly [K in TargetKind]: (peer: string) => string } = {
  c2c: (peer) => `/v2/users/${peer}/messages`,
  group: (peer) => `/v2/groups/${peer}/messages`,
  channel: (peer) => `/channels/${peer}/messages`,
  dm: (peer) => `/dms/${peer}/messages`,
};

export interface EncodedMessage {
  readonly path: string;
  readonly body: JsonObject;
}

/** Nothing but dots is read as "this folder" or "the one above" in a path, also when it is percent-encoded. */
export function isAddressable(peer: string): boolean {
  return !/^\.*$/.test(peer);
}

/**
 * Guild bodies have neither a `msg_type` nor a `msg_seq`.
 * @throws DeliveryError for a peer that no path can name.
 */
export function encodeMessage({ target, segments, passive }: Delivery): EncodedMessage {
  if (!isAddressable(target.peer)) {
    throw new DeliveryError('platform.peer_malformed', 'the conversation id consists of dots alone', {
      failure: 'refused',
      certainty: 'not-delivered',
    });
  }
  const guild = target.kind === 'channel' || target.kind === 'dm';
  const reply =
    passive === undefined
      ? {}
      : { [passive.token.kind]: passive.token.value, ...(guild ? {} : { msg_seq: passive.seq }) };
  return {
    path: PATHS[target.kind](encodeURIComponent(target.peer)),
    body: { content: plainText(segments), ...(guild ? {} : { msg_type: MSG_TYPE_TEXT }), ...reply },
  };
}
