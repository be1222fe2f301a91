/** The `message` of a call: an array of segments, one segment alone, or text in which CQ codes count unless it is escaped. */
import { readCqText } from './cq-code.js';
import { Refusal } from './refusal.js';
import type { Segment } from './segment.js';

/** @throws Refusal for what is no message */
export function readMessage(value: unknown, autoEscape: boolean): readonly Segment[] {
  if (typeof value === 'string') return autoEscape ? [{ type: 'text', data: { text: value } }] : readCqText(value);
  const list = Array.isArray(value) ? value : [value];
  return list.map(readSegment);
}

function readSegment(value: unknown): Segment {
  const { type, data } = isObject(value) ? value : {};
  if (typeof type !== 'string' || !isObject(data))
    throw new Refusal('消息体无法解析, 请检查是否发送了不支持的消息类型', 'EMPTY_MSG_ERROR');
  return { type, data };
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
