/** The implementation that is connected: one Universal socket, or an API and an Event socket beside each other. */
import type { Role } from './admission-of-peers.js';
import type { PeerSocket } from './peer-socket.js';

/** Which sockets a new one of each role makes superfluous. */
const DISPLACES: { readonly [R in Role]: readonly Role[] } = {
  universal: ['universal', 'api', 'event'],
  api: ['universal', 'api'],
  event: ['universal', 'event'],
};

export class PeerConnection {
  readonly #seats = new Map<Role, PeerSocket>();

  /** Where calls go; undefined while nobody takes any. */
  get calls(): PeerSocket | undefined {
    return this.#openOne('universal') ?? this.#openOne('api');
  }

  /** Where events come from. */
  get events(): PeerSocket | undefined {
    return this.#openOne('universal') ?? this.#openOne('event');
  }

  get sockets(): readonly PeerSocket[] {
    return [...this.#seats.values()];
  }

  /** Whose place one of this role would take. */
  displacedBy(role: Role): readonly PeerSocket[] {
    return DISPLACES[role].map((other) => this.#openOne(other)).filter((socket) => socket !== undefined);
  }

  /** The newest wins. Returns those whose place it took; they are no part of this any more. */
  seat(socket: PeerSocket): readonly PeerSocket[] {
    const displaced = this.displacedBy(socket.role);
    for (const role of DISPLACES[socket.role]) this.#seats.delete(role);
    this.#seats.set(socket.role, socket);
    return displaced;
  }

  /** The end of one that was displaced before changes nothing. */
  leave(socket: PeerSocket): void {
    if (this.#seats.get(socket.role) === socket) this.#seats.delete(socket.role);
  }

  #openOne(role: Role): PeerSocket | undefined {
    const socket = this.#seats.get(role);
    return socket?.isOpen === true ? socket : undefined;
  }
}
