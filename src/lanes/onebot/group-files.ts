/** By what a file put into a group is known again: NapCat tells of it twice, as a message and as the notice `group_upload`. */
import type { InboundMessage } from '../../model/message.js';
import { fileName } from './decode-segments.js';
import { type Fields, fields, peerIn } from './wire-fields.js';

/** Keys of the files in a message to a group; for others none. Also of those that came without an address. */
export function filesInMessage({ conversation, sender, segments }: InboundMessage): readonly string[] {
  if (conversation.kind !== 'group') return [];
  return segments.flatMap((part) => {
    if (part.type === 'media') return part.kind === 'file' ? [keyOf(conversation.peer, sender.id, part.name)] : [];
    if (part.type !== 'native' || part.kind !== 'file') return [];
    return [keyOf(conversation.peer, sender.id, fileName(part.data.name) ?? fileName(part.data.file))];
  });
}

/** The key of the file in a `group_upload`; the two of one file are equal. */
export function fileInNotice(frame: Fields): string {
  return keyOf(peerIn(frame.group_id), peerIn(frame.user_id), fileName(fields(frame.file)?.name));
}

function keyOf(group: string | undefined, user: string | undefined, name: string | undefined): string {
  return `${group ?? ''} ${user ?? ''} ${name ?? ''}`;
}
