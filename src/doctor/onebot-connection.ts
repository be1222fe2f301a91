/** What the connected OneBot implementation says of itself: who is logged in, whether QQ is online, and which program it is. */
import type { OnebotAccount } from '../config/config.js';
import type { ProbeStep } from '../lanes/lane.js';
import { describeError, LoongError } from '../model/errors.js';

type Fields = { readonly [key: string]: unknown };

const LOG_IN = 'log in to QQ again in the OneBot program (NapCat & co.)';

/** `call` resolves with the `data` of an action. Where nobody is connected one step says so, and nothing more is asked. */
export async function askImplementation(
  { selfId }: Pick<OnebotAccount, 'selfId'>,
  call: (action: string) => Promise<unknown>,
): Promise<readonly ProbeStep[]> {
  const steps: ProbeStep[] = [];
  for (const { name, action, judge } of QUESTIONS) {
    const step = await asked(name, async () => judge(fieldsOf(await call(action)), selfId));
    steps.push(step);
    if (step.unreached) break;
  }
  return steps;
}

const QUESTIONS: readonly {
  readonly name: string;
  readonly action: string;
  readonly judge: (data: Fields, selfId: string | undefined) => Omit<ProbeStep, 'name'>;
}[] = [
  { name: 'connection', action: 'get_login_info', judge: judgeLogin },
  { name: 'status', action: 'get_status', judge: judgeStatus },
  { name: 'version', action: 'get_version_info', judge: judgeVersion },
];

function judgeLogin({ user_id: userId, nickname }: Fields, selfId: string | undefined): Omit<ProbeStep, 'name'> {
  const who = `QQ ${word(userId) ?? 'without a number'}${word(nickname) === undefined ? '' : ` (${word(nickname)})`}`;
  if (selfId === undefined || String(userId) === selfId) return { level: 'ok', detail: who };
  return {
    level: 'fail',
    detail: `${who} is logged in, and self_id names ${selfId}`,
    remedy: 'log in with the other QQ there, or correct self_id',
  };
}

function judgeStatus({ online, good }: Fields): Omit<ProbeStep, 'name'> {
  if (online === false) return { level: 'fail', detail: 'QQ is offline there', remedy: LOG_IN };
  if (good === false) return { level: 'fail', detail: 'online, but not good, as it says itself', remedy: LOG_IN };
  if (online === true) return { level: 'ok', detail: 'QQ is online' };
  return { level: 'warn', detail: 'it does not tell whether QQ is online' };
}

function judgeVersion({ app_name: name, app_version: version, protocol_version: protocol }: Fields) {
  const detail = [name, version, protocol].flatMap((part) => word(part) ?? []).join(' ');
  return detail === ''
    ? ({ level: 'warn', detail: 'it does not tell which program it is' } as const)
    : ({ level: 'ok', detail } as const);
}

async function asked(name: string, ask: () => Promise<Omit<ProbeStep, 'name'>>): Promise<ProbeStep> {
  try {
    return { name, ...(await ask()) };
  } catch (error) {
    if (!(error instanceof LoongError)) throw error;
    const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
    return {
      name,
      level: 'fail',
      detail: describeError(error),
      ...remedy,
      ...(wasAnswered(error) ? {} : { unreached: true }),
    };
  }
}

/** Refused by the implementation itself. */
function wasAnswered({ code }: LoongError): boolean {
  return /^onebot\.(retcode_|call_failed|refused)/.test(code);
}

function fieldsOf(data: unknown): Fields {
  return typeof data === 'object' && data !== null ? (data as Fields) : {};
}

/** On one line; what a stranger's program calls itself may be anything. */
function word(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const text = value.replaceAll(/[\s\p{C}]+/gu, ' ').trim();
  return text === '' ? undefined : text.slice(0, 80);
}
