/** Servers that several hold together, one for each address: who comes first opens it, who goes last closes it. */

export interface OpenPort {
  close(): Promise<void>;
}

/** One server, and how many hold it or are about to. */
interface Held<P> {
  readonly opening: Promise<P>;
  holders: number;
}

export class SharedPorts<P extends OpenPort> {
  readonly #open: (host: string, port: number) => Promise<P>;
  readonly #held = new Map<string, Held<P>>();
  /** What has to be over before the same address can be bound again. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(open: (host: string, port: number) => Promise<P>) {
    this.#open = open;
  }

  /** @throws what `open` rejects with */
  async hold(host: string, port: number): Promise<{ readonly port: P; readonly release: () => Promise<void> }> {
    const key = `${host} ${port}`;
    const held = this.#held.get(key) ?? this.#bind(key, host, port);
    held.holders++;
    const opened = await held.opening;
    let released = false;
    return {
      port: opened,
      release: async () => {
        if (released) return;
        released = true;
        if (--held.holders > 0) return;
        this.#held.delete(key);
        const closing = opened.close().finally(() => this.#closing.delete(key));
        this.#closing.set(key, closing);
        return closing;
      },
    };
  }

  #bind(key: string, host: string, port: number): Held<P> {
    const free = this.#closing.get(key) ?? Promise.resolve();
    const held = { opening: free.then(() => this.#open(host, port)), holders: 0 };
    this.#held.set(key, held);
    held.opening.catch(() => this.#held.delete(key));
    return held;
  }
}
