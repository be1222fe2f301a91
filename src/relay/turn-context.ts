/** What a backend is told beside a message: as the account and its group are configured, and what was said before. */
import { ruleOf } from '../access/group-rule.js';
import type { HistoryEntry, TurnContext } from '../backends/backend.js';
import type { AccountBasics } from '../config/config.js';
import { mediaLabel, plainText } from '../model/message.js';
import { shortPeer } from '../model/target.js';
import type { History, Said, WaitingMessage } from '../store/store.js';
import { type Hears, withHeardQuotes } from './quoted-words.js';

type ContextKeys = Pick<AccountBasics, 'systemPrompt' | 'groups' | 'historyLimit' | 'historyChars'>;

/** `history`: absent where nothing is told of it. `hears`: what was said by somebody who may not talk any more is left out. */
export function contextOf(
  account: ContextKeys,
  { id, message }: WaitingMessage,
  history: History | undefined,
  hears: Hears,
): TurnContext {
  const { conversation } = message;
  const rule = ruleOf(account, conversation);
  const { historyLimit, historyChars } = account;
  const isShared = conversation.kind === 'group' || conversation.kind === 'channel';
  const said = (history?.before(conversation, id, historyLimit) ?? []).flatMap((one): readonly Said[] => {
    if (!isShared || one.sender === undefined) return [one];
    if (!hears({ conversation, sender: one.sender })) return [];
    return [{ ...one, segments: withHeardQuotes({ conversation, segments: one.segments }, hears).segments }];
  });
  return {
    systemPrompt: rule.systemPrompt ?? account.systemPrompt,
    skills: rule.skills ?? [],
    tools: rule.tools ?? { allow: [], deny: [] },
    history: told(said, isShared, historyChars),
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
