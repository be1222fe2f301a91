/** Why a message is not even tried: each tells what would go wrong, and what to do instead. */
import { DeliveryError } from '../../model/errors.js';
import { type Dialect, type Fate, implementationLabel } from '../../protocol/onebot/implementations.js';

export function refusal(code: string, message: string, remedy: string, cause?: unknown): DeliveryError {
  return new DeliveryError(code, message, { failure: 'refused', certainty: 'not-delivered', remedy, cause });
}

const UPLOAD = 'upload it instead: `loong onebot upload-group-file`, or `upload-private-file`';

/** What does the same there. */
const INSTEAD: { readonly [type: string]: string } = {
  file: UPLOAD,
  xml: 'send it as `json`, or as text',
  poke: 'call the action instead: `loong onebot call group_poke` or `friend_poke`',
  flashtransfer: 'call the action instead: `loong onebot call send_flash_msg`',
  onlinefile: 'call the action instead: `loong onebot call send_online_file`',
};

/** It would be left out without a word, or take the whole message with it. */
export function unsupported(dialect: Dialect, type: string, fate: Exclude<Fate, 'sent' | 'random'>): DeliveryError {
  const does =
    fate === 'fails' ? 'refuses a whole message that holds' : fate === 'stub' ? 'puts a placeholder for' : 'leaves out';
  return refusal(
    'message.segment_unsupported',
    `${implementationLabel(dialect)} ${does} a \`${type}\``,
    (Object.hasOwn(INSTEAD, type) ? INSTEAD[type] : undefined) ?? 'send it as text',
  );
}

export function malformed(type: string, needed: string): DeliveryError {
  return refusal('message.segment_invalid', `the segment \`${type}\` needs ${needed}`, 'correct its `data`');
}
