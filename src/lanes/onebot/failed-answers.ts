/** What a failed answer means: by its status and retcode, and by the few texts that say more than these. */
import { retcodeMeaning, textMeaning } from '../../protocol/onebot/retcodes.js';
import { oneLine } from '../one-line.js';
import { CallError } from './call-error.js';
import type { Fields } from './wire-fields.js';

/** 0: done; 1: taken, and done later. */
const GOOD_RETCODES: ReadonlySet<unknown> = new Set([0, 1]);
/** NapCat or go-cqhttp waited in vain for QQ itself: what was asked may have been done all the same. */
const OUTCOME_UNKNOWN = /Timeout: NTEvent|^(?:Error: )?Timeout\b|SEND_MSG_API_ERROR/i;

/** undefined for an answer that tells of success. */
export function failureOf(action: string, answer: Fields): CallError | undefined {
  const status = typeof answer.status === 'string' ? answer.status.toLowerCase() : undefined;
  const retcode = /^-?\d{1,9}$/.test(String(answer.retcode)) ? Number(answer.retcode) : undefined;
  const saysGood = status === 'ok' || status === 'async';
  const isGood = retcode === undefined ? saysGood : GOOD_RETCODES.has(retcode) && (saysGood || status === undefined);
  if (isGood) return undefined;
  // Who says neither yes nor no, or both, may have done it.
  const saysNo = status === 'failed' || (retcode !== undefined && !GOOD_RETCODES.has(retcode));
  const said = oneLine(textOf(answer), 300);
  const number = retcode;
  const meaning = textMeaning(said) ?? (number === undefined ? undefined : retcodeMeaning(number));
  const facts = [number === undefined ? '' : `retcode ${number}`, said].filter((part) => part !== '').join(': ');
  return new CallError(
    number === undefined ? 'onebot.call_failed' : `onebot.retcode_${number}`,
    `${action} failed: ${meaning?.cause ?? 'the implementation did not carry it out'}${facts === '' ? '' : ` (${facts})`}`,
    {
      outcome: !saysNo || (OUTCOME_UNKNOWN.test(said) && meaning?.class !== 'permission') ? 'unknown' : 'refused',
      retcode: number,
      isBusy: meaning?.class === 'busy',
      remedy: meaning?.remedy,
    },
  );
}

/** NapCat and LLOneBot write `message` and `wording`, go-cqhttp a code in `msg` beside them; Lagrange nothing at all. */
function textOf({ message, wording, msg }: Fields): string {
  const texts = [msg, wording, message].filter((text) => typeof text === 'string' && text !== '');
  return [...new Set(texts)].join(': ');
}
