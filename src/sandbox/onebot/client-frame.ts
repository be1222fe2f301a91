/** A WebSocket frame as a client writes it, made by hand so that it may be wrong. */
import { randomBytes } from 'node:crypto';

export interface FrameShape {
  readonly opcode: number;
  readonly masked?: boolean;
}

export function clientFrame(payload: Buffer, { opcode, masked = true }: FrameShape): Buffer {
  const length = lengthBytes(payload.length, masked);
  const head = Buffer.concat([Buffer.from([0x80 | opcode]), length]);
  if (!masked) return Buffer.concat([head, payload]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

function lengthBytes(length: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([bit | length]);
  const bytes = Buffer.alloc(length < 0x10000 ? 3 : 9);
  bytes[0] = bit | (length < 0x10000 ? 126 : 127);
  if (length < 0x10000) bytes.writeUInt16BE(length, 1);
  else bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}
