/** A short number that stands for a message in an index: a small index stays in few pages, however many messages there are. */

/** 32 bits (FNV-1a). Two messages may share it, so whoever finds one compares the rest. */
export function messageDigest(conversation: string, messageId: string): number {
  return mixed(messageId, mixed(conversation, 0x811c9dc5));
}

function mixed(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
