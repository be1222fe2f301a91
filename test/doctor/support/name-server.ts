/** A DNS server that answers every question for an IPv4 address with the same one. */
import { createSocket, type Socket } from 'node:dgram';
import { onTestFinished } from 'vitest';

export class NameServer {
  address = '203.0.113.7';
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (question, from) => socket.send(this.#answer(question), from.port, from.address));
  }

  static async open(): Promise<NameServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => void socket.close());
    return new NameServer(socket);
  }

  get place(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** RFC 1035: the header with one answer, the question as it came, and a record that points back to its name. */
  #answer(question: Buffer): Buffer {
    let end = 12;
    while (question[end] !== 0) end += (question[end] ?? 0) + 1;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 6);
    header.fill(0, 8, 12);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...this.address.split('.').map(Number)]);
    return Buffer.concat([header, question.subarray(12, end + 5), record]);
  }
}
