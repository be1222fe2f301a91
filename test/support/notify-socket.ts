/** The socket on which systemd hears its services: a datagram socket, which Node cannot open, so a line of Perl does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { waitUntil } from './wait-until.js';

const LISTEN = `use Socket; $| = 1;
socket(S, PF_UNIX, SOCK_DGRAM, 0) or die $!; bind(S, sockaddr_un($ARGV[0])) or die $!; print "listening\\n";
while (defined recv(S, $_, 65536, 0)) { s/\\n/ /g; print "$_\\n" }`;

export class NotifySocket {
  readonly path: string;
  readonly #listener: ChildProcess;
  #heard = '';

  private constructor(path: string) {
    this.path = path;
    this.#listener = spawn('perl', ['-e', LISTEN, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#listener.stdout?.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString();
    });
  }

  static async open(path: string): Promise<NotifySocket> {
    const socket = new NotifySocket(path);
    await waitUntil('the notify socket', () => socket.#heard.startsWith('listening\n'));
    return socket;
  }

  /** Every message, in order; what has no content (a barrier) is left out. */
  get heard(): readonly string[] {
    return this.#heard
      .split('\n')
      .slice(1, -1)
      .filter((line) => line !== '' && line !== 'BARRIER=1');
  }

  async hears(what: string, times = 1): Promise<void> {
    await waitUntil(
      `${times} × ${what}, heard: ${this.heard}`,
      () => this.heard.filter((one) => one === what).length >= times,
    );
  }

  close(): void {
    this.#listener.kill('SIGKILL');
  }
}
