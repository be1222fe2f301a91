/** The account's own messages of the last while: who quotes one of them talks to the bot. */
import type { Target } from '../../model/target.js';

type Conversation = Pick<Target, 'kind' | 'peer'>;

interface Word {
  readonly conversation: Conversation;
  readonly id: string;
}

/** Every message is written down here and hardly any is looked for, so writing is what has to be quick. */
export class OwnWords {
  readonly #kept: number;
  /** In the order in which they were said, round and round. */
  readonly #ring: Word[] = [];
  #next = 0;

  constructor(kept: number) {
    this.#kept = kept;
  }

  said(conversation: Conversation, id: string): void {
    this.#ring[this.#next] = { conversation, id };
    this.#next = (this.#next + 1) % this.#kept;
  }

  /** `id` may have a mark behind a dot that tells two messages of one number apart. */
  has({ kind, peer }: Conversation, id: string): boolean {
    const [number] = id.split('.', 1);
    return this.#ring.some(
      ({ conversation, id: own }) => own === number && conversation.kind === kind && conversation.peer === peer,
    );
  }
}
