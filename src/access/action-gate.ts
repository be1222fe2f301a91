/** Actions that reach people are gated like messages: what is sent goes through the outbox, and files go only to whom the account may write to. */
import { UsageError } from '../model/errors.js';
import { type AccountId, isPeerId, type TargetKind } from '../model/target.js';
import { type AllowedPeers, assertPeerAllowed } from './allowed-peers.js';

const SENDS =
  /^(send_(private_|group_)?(msg|forward_msg)|forward_(friend|group)_single_msg|send_group_ai_record|send_flash_msg)$/;
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
  const plain = action.replace(/_(async|rate_limited)$/, '');
  if (SENDS.test(plain) || plain === '.handle_quick_operation') {
    throw new UsageError(
      'onebot.send_through_outbox',
      `\`${action}\` would pass the journal and \`allowed_peer_ids\` by`,
      'send with `loong channels send onebot`, or POST /v1/messages',
    );
  }
  const upload = Object.hasOwn(UPLOADS, plain) ? UPLOADS[plain] : undefined;
  if (upload === undefined) return;
  const peer = String(params[upload.to] ?? '');
  if (!isPeerId(peer)) throw new UsageError('onebot.bad_argument', `\`${action}\` needs \`${upload.to}\``);
  assertPeerAllowed({ channel: 'onebot', account, kind: upload.kind, peer }, allowed);
}
