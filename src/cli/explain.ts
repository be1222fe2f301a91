/** `loong explain`: the numbers of the QQ platform and of OneBot, and loong's own codes, in words: what loong does about them, and what you can do. */
import { nearest } from '../config/suggestion.js';
import { LoongError, UsageError } from '../model/errors.js';
import { type RetcodeClass, retcodeMeaning } from '../protocol/onebot/retcodes.js';
import {
  meaningOfCode,
  type PlatformErrorClass,
  type PlatformErrorMeaning,
  STATUS_ERRORS,
  TAKEN_FOR_REVIEW,
  TOKEN_ENDPOINT_ERRORS,
} from '../protocol/qqbot/error-codes.js';
import { CLOSE_REACTIONS, type CloseReaction } from '../protocol/qqbot/gateway-codes.js';
import { printJson, reportError } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { OWN_CODES } from './own-codes.js';

/** One number at one place of the platform, or one of our own codes. */
interface Explanation {
  readonly code: number | string;
  readonly where: 'api' | 'token endpoint' | 'gateway' | 'http status' | 'onebot' | 'loong';
  readonly class: string;
  readonly cause: string;
  /** What loong does by itself; absent where it is loong that says it. */
  readonly reaction?: string;
  readonly remedy: string;
  /** Whether the same message can arrive twice when it is sent once more; absent where no message is concerned. */
  readonly repeat?: string;
}

interface Words {
  readonly reaction: string;
  readonly repeat: string;
}

const NOT_TAKEN = 'cannot double: the platform did not take it';

const WORDS: { readonly [C in PlatformErrorClass | 'review']: Words } = {
  token: {
    reaction: 'fetches a new access token and repeats the call once; then tries again with growing pauses',
    repeat: NOT_TAKEN,
  },
  whitelist: {
    reaction: 'answers wait, notices from CLI or API fail; the account is tried again after 5 min, doubling to 6 h',
    repeat: NOT_TAKEN,
  },
  credentials: {
    reaction: 'answers wait, notices from CLI or API fail; the account is tried again after 5 min, doubling to 6 h',
    repeat: NOT_TAKEN,
  },
  window: {
    reaction:
      'uses this reply window no more: takes another one that is open, else sends an active message where that is permitted, else parks',
    repeat: NOT_TAKEN,
  },
  duplicate: {
    reaction:
      'after an attempt whose outcome was unknown the message counts as delivered; else it is sent once more with a new msg_seq',
    repeat: 'can double with a new msg_seq: look first whether the message is there',
  },
  active: {
    reaction: 'parks the message: it goes out when the peer writes, or fails when it grows too old (park_ttl)',
    repeat: NOT_TAKEN,
  },
  rate: {
    reaction: 'waits (as long as the platform says, else 3 s and growing to 60 s) and tries again',
    repeat: NOT_TAKEN,
  },
  crowd: {
    reaction: 'slows down for this one target and tries again; other targets are not held up',
    repeat: NOT_TAKEN,
  },
  transient: {
    reaction:
      'tries again with growing pauses up to 30 s; after HTTP 5xx a reply is repeated with the same msg_seq, an active message is called uncertain',
    repeat:
      'after HTTP 5xx an active message can double, for nobody knows whether it arrived; a reply with the same msg_seq cannot',
  },
  markdown: { reaction: 'sends it once more as plain text', repeat: NOT_TAKEN },
  links: { reaction: 'sends it once more with its addresses broken up, so that they are no links', repeat: NOT_TAKEN },
  refused: { reaction: 'fails the message; its later parts are not sent', repeat: NOT_TAKEN },
  review: {
    reaction: 'waits for what the review says (MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT)',
    repeat: 'doubles: the message was taken and is only held back',
  },
};

const CLOSE_WORDS: { readonly [N in CloseReaction['next']]: string } = {
  resume: 'connects again and resumes the session: nothing is lost',
  identify: 'connects again and begins a new session',
  stop: 'stops this account, and tries it again after 5 min, doubling to 6 h; other accounts go on',
};

/** Closes that are not of QQ's own table: the session is resumed. */
const PLAIN_CLOSES: { readonly [code: number]: CloseReaction } = {
  1000: { next: 'resume', meaning: 'the platform closed the connection normally' },
  1001: { next: 'resume', meaning: 'the platform is going away' },
  1006: { next: 'resume', meaning: 'the connection broke' },
  1011: { next: 'resume', meaning: 'internal error of the platform' },
  1012: { next: 'resume', meaning: 'the platform restarts' },
  4000: { next: 'resume', meaning: 'an error that the platform does not name' },
};

const RETCODE_REACTIONS: { readonly [C in RetcodeClass]: string } = {
  ok: 'counts it as done',
  busy: 'tries a message again with growing pauses; a call fails',
  refused: 'fails the message or call',
  permission: 'fails the message or call',
  'unknown-action': 'fails the message or call',
  auth: 'fails the message or call',
  failed: 'fails the message or call; where QQ itself did not answer in time a message is called uncertain',
};

export async function explain(codes: readonly string[], { json }: GlobalOptions): Promise<void> {
  const read = codes.map(readCode);
  const found = read.flatMap(explanationsOf);
  const unknown = read.filter((code) => explanationsOf(code).length === 0);
  const error = unknown.length === 0 ? undefined : unknownCodes(unknown);
  if (json) {
    if (error === undefined) return printJson({ codes: found });
    if (found.length === 0) throw error;
    process.exitCode = 1;
    return printJson({ codes: found, error: { code: error.code, message: error.message, remedy: error.remedy } });
  }
  for (const [i, one] of found.entries()) print(one, i > 0);
  if (error !== undefined) reportError(error, false);
}

/** A number, or a code of our own. @throws UsageError */
function readCode(text: string): number | string {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  if (Object.hasOwn(OWN_CODES, text) || /^[a-z_]+\.[a-z0-9_-]+$/.test(text)) return text;
  throw new UsageError(
    'explain.not_a_code',
    `\`${text}\` is no error code`,
    'write a number such as 40054010, or a code of loong such as onebot.not_connected',
  );
}

function unknownCodes(codes: readonly (number | string)[]): LoongError {
  const [own] = codes.filter((code) => typeof code === 'string');
  const meant = own === undefined ? undefined : nearest(own, Object.keys(OWN_CODES));
  return new LoongError('explain.unknown', `nothing is known of ${codes.join(', ')}`, {
    remedy:
      meant !== undefined
        ? `did you mean \`${meant}\`?`
        : own !== undefined
          ? 'check it for a typo'
          : 'look at the page 错误码 of the QQ Bot API (bot.q.qq.com/wiki), and at what the platform says beside the number',
  });
}

/** A number can mean something else at another place. */
function explanationsOf(code: number | string): readonly Explanation[] {
  if (typeof code === 'string') return ofOwn(code);
  const close = CLOSE_REACTIONS[code] ?? PLAIN_CLOSES[code];
  const said: readonly (Explanation | undefined)[] = [
    ofApi(code, 'api', meaningOfCode(code)),
    TAKEN_FOR_REVIEW.has(code) ? underReview(code) : undefined,
    ofApi(code, 'token endpoint', TOKEN_ENDPOINT_ERRORS[code]),
    ofApi(code, 'http status', STATUS_ERRORS[code]),
    close === undefined ? undefined : ofClose(code, close),
    ofOnebot(code),
  ];
  return said.filter((one) => one !== undefined);
}

function ofOwn(code: string): readonly Explanation[] {
  const retcode = /^onebot\.retcode_(-?\d{1,9})$/.exec(code)?.[1];
  const meaning = Object.hasOwn(OWN_CODES, code) ? OWN_CODES[code] : undefined;
  if (meaning !== undefined) {
    const [family = ''] = code.split('.');
    return [{ code, where: 'loong', class: family, cause: meaning.meaning, remedy: meaning.remedy }];
  }
  const found = retcode === undefined ? undefined : ofOnebot(Number(retcode));
  return found === undefined ? [] : [found];
}

function ofOnebot(code: number): Explanation | undefined {
  const meaning = retcodeMeaning(code);
  if (meaning === undefined) return undefined;
  const { class: kind, cause, remedy = 'nothing: it is no error' } = meaning;
  return { code, where: 'onebot', class: kind, cause, reaction: RETCODE_REACTIONS[kind], remedy };
}

function ofApi(
  code: number,
  where: Explanation['where'],
  meaning: PlatformErrorMeaning | undefined,
): Explanation | undefined {
  if (meaning === undefined) return undefined;
  const { reaction, repeat } = WORDS[meaning.class];
  return { code, where, class: meaning.class, cause: meaning.cause, reaction, remedy: meaning.remedy, repeat };
}

function underReview(code: number): Explanation {
  const remedy = 'wait for the review; do not send it again';
  return {
    code,
    where: 'api',
    class: 'review',
    cause: 'the message was taken and is reviewed first',
    ...WORDS.review,
    remedy,
  };
}

function ofClose(code: number, { next, meaning, remedy, waitMs, refreshToken }: CloseReaction): Explanation {
  const first = refreshToken === true ? 'fetches a new access token, ' : '';
  const later = waitMs === undefined ? '' : `waits ${waitMs / 1000} s, `;
  return {
    code,
    where: 'gateway',
    class: next,
    cause: meaning,
    reaction: `${first}${later}${CLOSE_WORDS[next]}`,
    remedy: remedy ?? 'nothing: loong comes back by itself',
  };
}

function print({ code, where, cause, reaction, remedy, repeat, ...rest }: Explanation, isLater: boolean): void {
  if (isLater) console.log('');
  console.log(`${code} (${where}, ${rest.class}): ${cause}`);
  if (reaction !== undefined) console.log(`  loong   ${reaction}`);
  if (repeat !== undefined) console.log(`  repeat  ${repeat}`);
  console.log(`  → ${remedy}`);
}
