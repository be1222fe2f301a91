/** Frames that no implementation should send, one way of being wrong each. */
import { clientFrame } from './client-frame.js';
import type { MALFORMED } from './orders.js';

export type MalformedKind = (typeof MALFORMED)[number];

/** `bytes`: to be written as they are; else a frame to be sent. */
export type MalformedFrame = { readonly frame: string | Buffer } | { readonly bytes: Buffer };

const DEPTH = 100_000;
const OPCODE = { text: 1, reserved: 3 } as const;

export function malformedFrame(what: MalformedKind, selfId: string, size: number): MalformedFrame {
  const event = (change: object) => JSON.stringify({ ...proper(selfId), ...change });
  switch (what) {
    case 'null':
      return { frame: 'null' };
    case 'number':
      return { frame: '5' };
    case 'string':
      return { frame: '"x"' };
    case 'array':
      return { frame: '[]' };
    case 'bad_json':
      return { frame: '{"post_type":"message",' };
    case 'deep':
      return { frame: '['.repeat(DEPTH) + ']'.repeat(DEPTH) };
    case 'bad_utf8':
      return { bytes: clientFrame(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { opcode: OPCODE.text }) };
    case 'binary':
      return { frame: Buffer.from([0xff, 0xfe, 0x00]) };
    case 'reserved_opcode':
      return { bytes: clientFrame(Buffer.from('{}'), { opcode: OPCODE.reserved }) };
    case 'unmasked':
      return { bytes: clientFrame(Buffer.from('{}'), { opcode: OPCODE.text, masked: false }) };
    case 'oversized':
      return { frame: event({ raw_message: 'x'.repeat(size) }) };
    case 'no_message':
      return { frame: event({ message: undefined, raw_message: undefined }) };
    case 'no_data':
      return { frame: event({ message: [{ type: 'text' }, { type: 'at', data: null }, null, 5] }) };
    case 'empty_message':
      return { frame: event({ message: [], raw_message: '' }) };
    case 'no_self_id':
      return { frame: event({ self_id: undefined }) };
    case 'unknown_event':
      return { frame: event({ post_type: 'weather', message: undefined }) };
    case 'answer_to_nobody':
      return { frame: JSON.stringify({ status: 'ok', retcode: 0, data: null, echo: 'nobody asked' }) };
    case 'proto_echo':
      return { frame: JSON.stringify({ status: 'ok', retcode: 0, data: null, echo: '__proto__' }) };
  }
}

const proper = (selfId: string) => ({
  self_id: Number(selfId),
  user_id: 20002,
  time: 1_760_000_000,
  message_id: 1,
  message_type: 'private',
  sub_type: 'friend',
  sender: { user_id: 20002, nickname: 'Alice', card: '' },
  raw_message: 'x',
  font: 14,
  message: [{ type: 'text', data: { text: 'x' } }],
  message_format: 'array',
  post_type: 'message',
});
