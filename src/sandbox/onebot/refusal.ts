/** Why a call fails. Each implementation tells it with a number of its own. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: 'failed' | 'parameter' | 'unknown';
  /** What go-cqhttp says in `msg`. */
  readonly word: string;

  constructor(message: string, word = 'FAILED', kind: Refusal['kind'] = 'failed') {
    super(message);
    this.kind = kind;
    this.word = word;
  }
}
