/** A person writes: to the bot alone or in a group; the account hears it as its implementation tells it. */
import { randomBytes } from 'node:crypto';
import { SandboxError } from '../sandbox-error.js';
import type { Account } from './account.js';
import { readCqText } from './cq-code.js';
import type { OneBotMessage } from './happenings.js';
import { messageEvent } from './message-event.js';
import { notice } from './notices.js';
import type { CompleteSay } from './orders.js';
import type { Place } from './place.js';
import { readableText, type Segment } from './segment.js';

/** @throws SandboxError for who or what is not there. @returns what the transcript got. */
export function sayMessage(account: Account, say: CompleteSay): OneBotMessage {
  const { world } = account;
  const place = placeOf(account, say);
  const from = say.own ? account.selfId : say.from;
  const known = account.log.add({
    time: world.seconds(),
    place,
    subType: say.sub_type ?? (place.kind === 'group' ? 'normal' : say.temp_group === undefined ? 'friend' : 'group'),
    from,
    segments: segmentsOf(account, say),
    messageId: say.message_id,
    ...(say.temp_group === undefined ? {} : { tempGroup: say.temp_group }),
  });
  tellNewCard(account, place, from);
  const event = messageEvent(account, known);
  let lines = 0;
  if (!say.own || account.reportSelf) for (let time = 0; time <= say.duplicate; time += 1) lines = account.emit(event);
  const message: OneBotMessage = {
    kind: 'onebot.message',
    scene: account.scene(place),
    from: { user_id: from, name: world.nameOf(from) },
    message_id: known.messageId,
    sub_type: known.subType,
    segments: known.segments,
    text: readableText(known.segments),
    lines,
  };
  account.note(message);
  return message;
}

function placeOf({ world }: Account, { from, group, temp_group }: CompleteSay): Place {
  if (group === undefined) {
    const person = world.person(from);
    if (temp_group !== undefined) world.member(world.group(temp_group), from);
    else if (!person.friend) throw new SandboxError('user.no_friend', `${from} is no friend: name a temp_group`);
    return { kind: 'private', id: from };
  }
  const member = world.member(world.group(group), from);
  member.lastSpoke = world.seconds();
  return { kind: 'group', id: group };
}

function segmentsOf(account: Account, say: CompleteSay): readonly Segment[] {
  const { text, message, mention, quote, records } = say;
  const written = typeof message === 'string' ? readCqText(message) : (message ?? []);
  const spoken = text === undefined || text === '' ? [] : [textSegment(mention ? ` ${text}` : text)];
  return [
    ...(quote === undefined ? [] : [quoteSegment(account, quote)]),
    ...(mention ? [{ type: 'at', data: { qq: account.selfId } }] : []),
    ...spoken,
    ...written,
    ...(records === undefined ? [] : [forwardSegment(account, records)]),
  ];
}

const textSegment = (text: string): Segment => ({ type: 'text', data: { text } });

function quoteSegment({ log }: Account, id: number): Segment {
  if (log.find(id) === undefined) throw new SandboxError('quote.unknown', `there is no message ${id}`, 404);
  return { type: 'reply', data: { id: String(id) } };
}

function forwardSegment(account: Account, records: NonNullable<CompleteSay['records']>): Segment {
  const id =
    account.facts.flavour === 'napcat'
      ? `7${Date.now()}${account.forwards.size + 10_000}`
      : randomBytes(32).toString('base64url');
  account.keepForward(
    id,
    records.map(({ from, text }) => ({
      from,
      name: account.world.nameOf(from),
      time: account.world.seconds(),
      segments: [textSegment(text)],
    })),
  );
  return { type: 'forward', data: { id } };
}

/** A changed card is seen only when that member speaks. */
function tellNewCard(account: Account, place: Place, from: string): void {
  if (place.kind !== 'group') return;
  const member = account.world.groups.get(place.id)?.members.get(from);
  if (member === undefined || member.card === member.shownCard) return;
  const fields = { group_id: place.id, user_id: from, card_new: member.card, card_old: member.shownCard };
  member.shownCard = member.card;
  const { flavour } = account.facts;
  if (flavour === 'napcat' || flavour === 'go-cqhttp') account.tell(notice(account, 'group_card', fields), place);
}
