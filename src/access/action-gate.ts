/** Actions that reach people are gated like messages: what is sent goes through the outbox, and files go only to whom the account may write to. */
import { UsageError } from '../model/errors.js';
import { type AccountId, isPeerId, type TargetKind } from '../model/target.js';
import { type AllowedPeers, assertPeerAllowed } from './allowed-peers.js';

/** Raw packets could be anything. */
const SENDS =
  /^(send_.*(msg|record|packet|pb)|send_packet|send_pb|forward_.*_msg|click_inline_keyboard_button|handle_quick_operation)$/;
/** What reaches somebody without being a message; who it is stands in the parameters. */
const REACHES = /(poke|notice|_like|album|ark_share|online_f|trans_group_file)/;
const UPLOADS: { readonly [action: string]: { readonly kind: TargetKind; readonly to: string } } = {
  upload_group_file: { kind: 'group', to: 'group_id' },
  upload_private_file: { kind: 'c2c', to: 'user_id' },
  send_online_file: { kind: 'c2c', to: 'user_id' },
  send_online_folder: { kind: 'c2c', to: 'user_id' },
};

/**
 * Whether an operator's call of an action may be made as it is.
 * @throws UsageError for an action that sends a message; AccessDenied for a file to somebody who is not allowed
 */
export function assertActionAllowed(
  account: AccountId,
  action: string,
  params: { readonly [key: string]: unknown },
  allowed: AllowedPeers,
): void {
  const plain = action.replace(/^[._]+/, '').replace(/(_(async|rate_limited))+$/, '');
  if (SENDS.test(plain)) {
    throw new UsageError(
      'onebot.send_through_outbox',
      `\`${action}\` would pass the journal and \`allowed_peer_ids\` by`,
      'send with `loong channels send onebot`, or POST /v1/messages',
    );
  }
  const assertReaches = ({ kind, to }: { readonly kind: TargetKind; readonly to: string }): void => {
    const peer = String(params[to] ?? '');
    if (!isPeerId(peer)) throw new UsageError('onebot.bad_argument', `\`${action}\` needs \`${to}\``);
    assertPeerAllowed({ channel: 'onebot', account, kind, peer }, allowed);
  };
  const upload = Object.hasOwn(UPLOADS, plain) ? UPLOADS[plain] : undefined;
  if (upload !== undefined) return assertReaches(upload);
  if (!REACHES.test(plain) || /^_?(get|fetch|del)/.test(plain)) return;
  if (params.group_id !== undefined) assertReaches({ kind: 'group', to: 'group_id' });
  else if (params.user_id !== undefined) assertReaches({ kind: 'c2c', to: 'user_id' });
}
