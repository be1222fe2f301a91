/** Why a call of an implementation's API came to nothing, and how far it had come. */
import { DeliveryError, LoongError } from '../../model/errors.js';

/**
 * `unsent`: it never left us · `refused`: the implementation answered that it failed · `unknown`: nobody answered, or the answer leaves
 * open whether it was carried out.
 */
type Outcome = 'unsent' | 'refused' | 'unknown';

export class CallError extends LoongError {
  readonly outcome: Outcome;
  /** The implementation's own number, where it answered with one. */
  readonly retcode: number | undefined;
  /** It has too much to do: the same call may succeed later. */
  readonly isBusy: boolean;
  /** Nothing came within the time allowed. */
  readonly timedOut: boolean;

  constructor(
    code: string,
    message: string,
    facts: {
      readonly outcome: Outcome;
      readonly retcode?: number | undefined;
      readonly isBusy?: boolean;
      readonly timedOut?: boolean;
      readonly remedy?: string | undefined;
    },
  ) {
    super(code, message, facts.remedy === undefined ? {} : { remedy: facts.remedy });
    this.outcome = facts.outcome;
    this.retcode = facts.retcode;
    this.isBusy = facts.isBusy ?? false;
    this.timedOut = facts.timedOut ?? false;
  }

  /** The same, in the words that delivery acts on. */
  asDelivery(): DeliveryError {
    return new DeliveryError(this.code, this.message, {
      failure: this.outcome === 'refused' && !this.isBusy ? 'refused' : 'unavailable',
      certainty: this.outcome === 'unknown' ? 'unknown' : 'not-delivered',
      platformCode: this.retcode,
      remedy: this.remedy,
      cause: this,
    });
  }
}
