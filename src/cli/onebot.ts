/** `loong onebot`: actions of the OneBot program (NapCat & co.) that an account is connected with, through the daemon. */
import { readConfig } from '../config/read-config.js';
import { NoAnswer } from '../control/control-client.js';
import { LoongError, UsageError } from '../model/errors.js';
import type { ActionCall } from '../protocol/onebot/management.js';
import { printJson, Unanswered } from './exit.js';
import { isObject, readJson } from './given-json.js';
import type { GlobalOptions } from './global-options.js';
import type { OnebotVerb } from './onebot-verbs.js';
import { assertEnabled, requireAccount } from './require-channel.js';
import { withDaemon } from './running-daemon.js';

export interface OnebotOptions extends GlobalOptions {
  readonly account?: string;
}

export interface OnebotCallOptions extends OnebotOptions {
  readonly params?: string;
}

interface Call {
  readonly action: string;
  readonly params: { readonly [key: string]: unknown };
}

/** Any action at all; what it answers is printed. */
export async function callAction(action: string, options: OnebotCallOptions): Promise<void> {
  if (!/^[.A-Za-z_]\w{0,63}$/.test(action)) {
    throw new UsageError('usage', `\`${action}\` is no name of an action`, 'write it like get_group_list');
  }
  const params = options.params === undefined ? {} : await readJson('--params', options.params, EXAMPLE);
  if (!isObject(params)) {
    throw new UsageError('usage.bad_json', '--params is no JSON object', `write it like --params '${EXAMPLE}'`);
  }
  const data = await answerTo({ action, params }, options);
  printJson(options.json ? { data } : data);
}

const EXAMPLE = '{"group_id": 30003}';

export async function runVerb(verb: OnebotVerb, args: readonly string[], options: OnebotOptions): Promise<void> {
  const data = await answerTo(await callOf(verb, args), options);
  if (options.json) return printJson({ data });
  if (verb.done !== undefined) console.log(`done: ${verb.done(args)}`);
  else if (Array.isArray(data)) for (const person of data) console.log(friendLine(person));
  else printJson(data);
}

async function callOf(verb: OnebotVerb, args: readonly string[]): Promise<ActionCall> {
  try {
    return await verb.call(args);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError('onebot.bad_argument', error.message, `loong onebot ${verb.usage}`);
  }
}

async function answerTo({ action, params }: Call, { config: path, account: name }: OnebotOptions): Promise<unknown> {
  const { gateway, onebot } = await readConfig({ env: process.env, secrets: 'optional', path });
  const account = requireAccount(onebot.accounts, name ?? onebot.defaultAccount);
  assertEnabled(account);
  return withDaemon(gateway.stateDir, (daemon) => daemon.onebot(account.id, action, params)).catch((error: unknown) => {
    throw inWordsOf(action, error);
  });
}

/** A question that found no answer may be asked again; of anything else it is not known whether it was done. */
function inWordsOf(action: string, error: unknown): unknown {
  if (!(error instanceof LoongError)) return error;
  const { code, message, remedy } = error;
  const isLost = error instanceof NoAnswer && error.silence !== 'refused';
  if (isQuestion(action)) {
    const isUnanswered = isLost || /^onebot\.(no_answer|connection_lost|call_stopped)$/.test(code);
    return isUnanswered ? new Unanswered(code, message, { cause: error, ...(remedy && { remedy }) }) : error;
  }
  if (!isLost) return error;
  return new LoongError('daemon.lost', `the daemon did not say what came of ${action}; it may have been done`, {
    cause: error,
    remedy: 'look before you repeat it: `loong gateway status`',
  });
}

function isQuestion(action: string): boolean {
  return /^\.?_?(get_|can_|fetch_|check_|ocr_)/.test(action);
}

function friendLine(person: unknown): string {
  const { user_id: id, nickname, remark } = isObject(person) ? person : {};
  const note = typeof remark === 'string' && remark !== '' && remark !== nickname ? ` (${remark})` : '';
  return `${String(id).padEnd(12)} ${typeof nickname === 'string' ? nickname : ''}${note}`.replaceAll(/\p{Cc}/gu, ' ');
}
