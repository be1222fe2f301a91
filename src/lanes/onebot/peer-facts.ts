/** What a connected implementation tells of itself, asked once per connection. */
import { describeError } from '../../model/errors.js';
import { type Dialect, dialectOf } from '../../protocol/onebot/implementations.js';
import type { Log } from '../../telemetry/log.js';
import { oneLine } from '../one-line.js';
import type { PeerSocket } from './peer-socket.js';
import { type Fields, fields } from './wire-fields.js';

export interface PeerFacts {
  /** `NapCat.Onebot 4.17.0`; empty when it did not tell. */
  readonly program: string;
  readonly nickname: string;
  readonly dialect: Dialect;
}

/** Never rejects: an implementation that does not answer is one of which nothing is known. */
export async function askFacts(peer: PeerSocket, timeoutMs: number, log: Log): Promise<PeerFacts> {
  const [login, version] = await Promise.all([
    ask(peer, 'get_login_info', timeoutMs, log),
    ask(peer, 'get_version_info', timeoutMs, log),
  ]);
  const name = text(version.app_name);
  const facts: PeerFacts = {
    program: [name, text(version.app_version)].filter((part) => part !== '').join(' '),
    nickname: text(login.nickname),
    // Before it has told, its User-Agent may: `LLOneBot/4`, `CQHttp/4.15.0`.
    dialect: dialectOf(name === '' ? peer.caller.agent : name),
  };
  const { program, nickname, dialect } = facts;
  log.info({ program, nickname, dialect }, 'the OneBot implementation told what it is');
  return facts;
}

async function ask(peer: PeerSocket, action: string, timeoutMs: number, log: Log): Promise<Fields> {
  try {
    return fields(await peer.call(action, {}, { timeoutMs })) ?? {};
  } catch (error) {
    log.debug({ action, error: describeError(error) }, 'the OneBot implementation did not tell');
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? oneLine(value, 64) : '';
}
