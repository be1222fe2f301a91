/** Asks the connected implementation, step by step, whether the account could be used. */
import { describeError, LoongError } from '../../model/errors.js';
import type { ProbeStep } from '../lane.js';
import { oneLine } from '../one-line.js';
import { CallError } from './call-error.js';
import type { PeerSocket } from './peer-socket.js';
import { type Fields, fields } from './wire-fields.js';

const LOG_IN = 'log the QQ in again in the OneBot implementation';

/** `peer`: where calls go; undefined when nobody is there, and `waiting` says for whom. */
export async function probeOnebot(
  peer: PeerSocket | undefined,
  waiting: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly ProbeStep[]> {
  if (peer === undefined) {
    const remedy = 'start the implementation, and give it this address and the access token as a reverse WebSocket';
    return [{ name: 'connection', level: 'fail', detail: waiting, remedy, unreached: true }];
  }
  const ask = async (name: string, action: string, judge: (data: Fields) => ProbeStep): Promise<ProbeStep> => {
    try {
      return judge(fields(await peer.call(action, {}, { timeoutMs, signal })) ?? {});
    } catch (error) {
      return failed(name, error);
    }
  };
  return [
    { name: 'connection', level: 'ok', detail: `connected from ${peer.caller.remote}` },
    ...(await Promise.all([
      ask('account', 'get_login_info', accountStep),
      ask('status', 'get_status', statusStep),
      ask('version', 'get_version_info', versionStep),
    ])),
  ];
}

function accountStep({ user_id: id, nickname }: Fields): ProbeStep {
  const name = oneLine(String(nickname ?? ''), 64);
  return { name: 'account', level: 'ok', detail: `QQ ${oneLine(String(id), 32)}${name === '' ? '' : ` (${name})`}` };
}

function statusStep({ online, good }: Fields): ProbeStep {
  if (online === false) return { name: 'status', level: 'fail', detail: 'its QQ is logged out', remedy: LOG_IN };
  if (good === false) {
    const remedy = 'look at the log of the OneBot implementation';
    return { name: 'status', level: 'warn', detail: 'it says of itself that not all is well', remedy };
  }
  if (online !== true) return { name: 'status', level: 'warn', detail: 'it does not tell whether its QQ is logged in' };
  return { name: 'status', level: 'ok', detail: 'online' };
}

function versionStep({ app_name: name, app_version: version }: Fields): ProbeStep {
  const told = [name, version].filter((part) => typeof part === 'string').join(' ');
  return told === ''
    ? { name: 'version', level: 'warn', detail: 'it does not tell which program it is' }
    : { name: 'version', level: 'ok', detail: oneLine(told, 120) };
}

function failed(name: string, error: unknown): ProbeStep {
  const remedy = error instanceof LoongError ? error.remedy : undefined;
  return {
    name,
    level: 'fail',
    detail: oneLine(describeError(error), 300),
    ...(remedy === undefined ? {} : { remedy }),
    ...(error instanceof CallError && error.outcome !== 'refused' ? { unreached: true } : {}),
  };
}
