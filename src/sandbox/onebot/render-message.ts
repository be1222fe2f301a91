/** What people see of a message that a bot sends: segments sent, dropped, replaced or refused as the implementation does it. */
import { randomInt } from 'node:crypto';
import type { Account } from './account.js';
import { bringFile, isMedia, uriOf } from './media.js';
import type { Place } from './place.js';
import { Refusal } from './refusal.js';
import type { Segment } from './segment.js';
import { verdictOn } from './verdicts.js';

export interface Rendered {
  readonly seen: readonly Segment[];
  readonly dropped: readonly string[];
}

/** Faces beyond this are in no table. */
const LAST_FACE = 500;
const SIDES = { dice: 6, rps: 3 } as const;
const LOCATION_STUB: Segment = { type: 'location', data: { lat: '0', lon: '0', title: '位置', content: '' } };

/** @throws Refusal when a segment fails the whole message, or none is left */
export function renderMessage(account: Account, place: Place, segments: readonly Segment[]): Rendered {
  const seen: Segment[] = [];
  const dropped: string[] = [];
  for (const segment of segments) {
    const shown = render(account, place, segment);
    if (shown === undefined) dropped.push(segment.type);
    else seen.push(shown);
  }
  if (seen.length === 0) throw new Refusal('消息体无法解析, 请检查是否发送了不支持的消息类型', 'EMPTY_MSG_ERROR');
  return { seen, dropped };
}

function render(account: Account, place: Place, segment: Segment): Segment | undefined {
  const verdict = verdictOn(account.facts.flavour, segment.type);
  if (verdict === 'refused') throw new Refusal(`未知的消息类型：${segment.type}`, 'SEND_MSG_API_ERROR');
  if (verdict === 'dropped') return undefined;
  if (verdict === 'stub') return LOCATION_STUB;
  if (verdict === 'random') return drawn(segment);
  if (segment.type === 'dice' || segment.type === 'rps')
    return segment.data.result === undefined ? drawn(segment) : segment;
  if (segment.type === 'text') return { type: 'text', data: { text: String(segment.data.text ?? '') } };
  if (segment.type === 'at') return renderAt(account, place, segment);
  if (segment.type === 'reply') return renderReply(account, segment);
  if (segment.type === 'face') return Number(segment.data.id) <= LAST_FACE ? segment : undefined;
  return isMedia(segment) ? renderMedia(account, segment) : segment;
}

function drawn({ type }: Segment): Segment {
  const sides = type === 'rps' ? SIDES.rps : SIDES.dice;
  return { type, data: { result: String(randomInt(sides) + 1) } };
}

/** In private chats there is nobody to call. */
function renderAt(account: Account, place: Place, segment: Segment): Segment | undefined {
  const { flavour } = account.facts;
  if (place.kind === 'private') return flavour === 'napcat' ? undefined : segment;
  const qq = String(segment.data.qq ?? '');
  const isThere = qq === 'all' || account.world.groups.get(place.id)?.members.has(qq) === true;
  if (!isThere && flavour === 'napcat') throw new Refusal('Get Uid Error');
  return { type: 'at', data: { ...segment.data, qq } };
}

/** To a message that is not known the answer goes out without its quote. */
function renderReply(account: Account, { data }: Segment): Segment | undefined {
  const quoted = account.log.find(Number(data.id));
  return quoted === undefined ? undefined : { type: 'reply', data: { id: String(quoted.messageId) } };
}

function renderMedia(account: Account, segment: Segment): Segment | undefined {
  const uri = uriOf(segment);
  const file = bringFile(uri, account.world);
  if (file !== undefined && file.bytes !== 0) return segment;
  if (account.facts.flavour !== 'napcat' && account.facts.flavour !== 'llonebot') return undefined;
  throw new Refusal(
    file === undefined ? `识别URL失败, uri= ${uri.slice(0, 200)}` : '文件异常，大小为0',
    'SEND_MSG_API_ERROR',
  );
}
