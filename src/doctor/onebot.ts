/** An account over OneBot: its token, its peers, the port that NapCat & co. dial, and what answers there. */
import type { OnebotAccount } from '../config/config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { laneId } from '../model/target.js';
import type { PairingList } from '../store/pairing-reader.js';
import {
  type Advice,
  checkCredential,
  checkGroupSenders,
  checkPeers,
  findingsOf,
  liveFinding,
  liveStatus,
} from './account.js';
import type { Finding } from './finding.js';
import { askImplementation } from './onebot-connection.js';
import { checkPort, WS_WORDS } from './port.js';

/** Calls an action through the running daemon. */
export type OnebotCaller = (account: OnebotAccount, action: string) => Promise<unknown>;

const ADVICE: Advice = {
  unexplained: 'look at `detail`, and at the log of the OneBot program (NapCat & co.)',
  limited: 'look at the OneBot program (NapCat & co.): is QQ logged in there?',
  waiting: 'start the OneBot program (NapCat & co.), and give it this address and the token as a reverse WebSocket',
};

/** `daemon`: `silent` when one is there that does not answer. `call`: undefined for an offline round, and where no daemon runs. */
export async function checkOnebotAccount(
  account: OnebotAccount,
  daemon: DaemonStatus | 'silent' | undefined,
  pairings: PairingList,
  call: OnebotCaller | undefined,
): Promise<readonly Finding[]> {
  const name = laneId({ channel: account.channel, account: account.id });
  const status = daemon === 'silent' ? undefined : daemon;
  const live = liveStatus(account, status);
  const findings = [
    tokenFinding(`${name} access token`, account, live !== undefined),
    checkPeers(`${name} allowed peers`, account, pairings),
    ...checkGroupSenders(`${name} group_allow_from`, account),
  ];
  if (daemon === 'silent') return findings;
  const owner = status && { pid: status.pid, serves: live !== undefined };
  findings.push(
    await checkPort(`${name} port`, { host: account.wsHost, port: account.wsPort, words: WS_WORDS }, owner),
  );
  if (live === undefined) return [...findings, unservedFinding(`${name} connection`, status)];
  findings.push(
    isJustBound(live)
      ? { name: `${name} live`, level: 'ok', detail: `ready: ${live.detail}` }
      : liveFinding(name, live, ADVICE),
  );
  if (call === undefined) return findings;
  const steps = await askImplementation(account, (action) => call(account, action));
  return [...findings, ...findingsOf(name, steps, ADVICE)];
}

/** It is ready, and all there is to say is whose it is. */
function isJustBound(live: AccountStatus): boolean {
  return live.state === 'ready' && /^bound to QQ [^·]*$/.test(live.detail ?? '');
}

/** Where others can reach the port the config is refused without a token, so none at all means loopback. */
function tokenFinding(name: string, { accessToken, wsHost }: OnebotAccount, served: boolean): Finding {
  if (accessToken !== undefined)
    return checkCredential(name, accessToken, served, 'set access_token_env or access_token_file');
  return {
    name,
    level: 'warn',
    detail: `none: every program of this machine may connect on ${wsHost} as the bot's QQ`,
    remedy: 'set access_token_env, and give the OneBot program the same token',
  };
}

function unservedFinding(name: string, daemon: DaemonStatus | undefined): Finding {
  return {
    name,
    level: 'warn',
    detail:
      daemon === undefined
        ? 'no daemon runs on this state directory, so no OneBot program can connect, and nothing can be sent'
        : 'the running daemon does not serve this account',
    remedy: daemon === undefined ? 'start it with `loong gateway run`' : 'start it anew with `loong gateway run`',
  };
}
