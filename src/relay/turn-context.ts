/** What a backend is told beside a message: as the account and its group are configured, and what was said before. */
import { ruleOf } from '../access/group-rule.js';
import type { HistoryEntry, TurnContext } from '../backends/backend.js';
import type { AccountBasics } from '../config/config.js';
import { mediaLabel, plainText } from '../model/message.js';
import { shortPeer } from '../model/target.js';
import type { History, Said, WaitingMessage } from '../store/store.js';

type ContextKeys = Pick<AccountBasics, 'systemPrompt' | 'groups' | 'historyLimit' | 'historyChars'>;

/** `history`: absent where nothing is told of it. */
export function contextOf(
  account: ContextKeys,
  { id, message }: WaitingMessage,
  history: History | undefined,
): TurnContext {
  const { conversation } = message;
  const rule = ruleOf(account, conversation);
  const { historyLimit, historyChars } = account;
  const isShared = conversation.kind === 'group' || conversation.kind === 'channel';
  return {
    systemPrompt: rule.systemPrompt ?? account.systemPrompt,
    skills: rule.skills ?? [],
    tools: rule.tools ?? { allow: [], deny: [] },
    history: told(history?.before(conversation, id, historyLimit) ?? [], isShared, historyChars),
  };
}

/** The newest that have so many characters together; of the oldest of them perhaps only its end. */
function told(all: readonly Said[], isShared: boolean, mostChars: number): readonly HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  let room = mostChars;
  for (const { from, sender, segments, at } of all.toReversed()) {
    const written = [plainText(segments), ...segments.flatMap((segment) => mediaLabel(segment) ?? [])]
      .filter((part) => part.trim() !== '')
      .join('\n');
    if (written === '') continue;
    if (room < 2) break;
    const text = written.length <= room ? written : `…${written.slice(1 - room).replace(/^[\udc00-\udfff]/, '')}`;
    room -= text.length;
    entries.push({
      from,
      ...(isShared && sender !== undefined ? { sender: sender.name ?? shortPeer(sender.id) } : {}),
      text,
      at,
    });
  }
  return entries.reverse();
}
