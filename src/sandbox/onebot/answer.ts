/** The frame that answers a call, in the keys of each implementation. */
import type { FlavourFacts } from './flavours.js';
import type { Refusal } from './refusal.js';

/** What the call gave as `echo`; undefined: nothing. Kept with its JSON type. */
export type Echo = unknown;

export interface AnswerFrame {
  readonly status: string;
  readonly retcode: number;
  readonly data: unknown;
  readonly [key: string]: unknown;
}

export function okAnswer({ flavour }: FlavourFacts, data: unknown, echo: Echo, streamed = false): AnswerFrame {
  const base = { status: 'ok', retcode: 0, data: data ?? null };
  if (flavour === 'lagrange') return { ...base, ...given(echo) };
  if (flavour === 'go-cqhttp') return { data: base.data, ...given(echo), message: '', retcode: 0, status: 'ok' };
  const told = { ...base, message: '', wording: '', echo: echo === undefined ? '' : echo };
  return flavour === 'napcat' ? { ...told, stream: streamed ? 'stream-action' : 'normal-action' } : told;
}

export function failedAnswer(facts: FlavourFacts, refusal: Refusal, echo: Echo): AnswerFrame {
  const { flavour } = facts;
  const base = { status: 'failed', retcode: facts.retcodes[refusal.kind], data: null };
  const { message } = refusal;
  if (flavour === 'lagrange') return { ...base, ...given(echo) };
  if (flavour === 'go-cqhttp')
    return {
      data: null,
      ...given(echo),
      message,
      msg: refusal.word,
      retcode: base.retcode,
      status: 'failed',
      wording: message,
    };
  const lost = facts.forgetsEchoOfBadParameters && refusal.kind === 'parameter';
  const told = { ...base, message, wording: message, ...(lost ? {} : { echo: echo === undefined ? '' : echo }) };
  return flavour === 'napcat' ? { ...told, stream: 'normal-action' } : told;
}

const given = (echo: Echo) => (echo === undefined ? {} : { echo });
