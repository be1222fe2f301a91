/** An account of the official bot: its credentials, its peers, and what the platform says of it. */
import type { QqbotAccount } from '../config/config.js';
import type { DaemonStatus } from '../control/api.js';
import type { ProbeStep } from '../lanes/lane.js';
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
import { checkHosts } from './hosts.js';
import { checkPort, type PortOwner, WEBHOOK_WORDS } from './port.js';

/** Asks the platform, without a daemon. */
export type PlatformProbe = (account: QqbotAccount) => Promise<readonly ProbeStep[]>;

const ADVICE: Advice = {
  unexplained: 'look at `detail`, and at the bot in the QQ open platform console (q.qq.com)',
  limited:
    'have what is missing granted to the bot in the QQ open platform console (q.qq.com), or take it out of `intents`; let no other program use this AppID',
};

/** `daemon`: `silent` when one is there that does not answer. `probe`: undefined for an offline round. */
export async function checkQqbotAccount(
  account: QqbotAccount,
  daemon: DaemonStatus | 'silent' | undefined,
  pairings: PairingList,
  probe: PlatformProbe | undefined,
): Promise<readonly Finding[]> {
  const { appId, clientSecret } = account;
  const name = laneId({ channel: account.channel, account: account.id });
  const status = daemon === 'silent' ? undefined : daemon;
  const live = liveStatus(account, status);
  const served = live !== undefined;
  const findings = [
    checkCredential(`${name} app id`, appId, served, 'set app_id, app_id_env or app_id_file'),
    checkCredential(`${name} client secret`, clientSecret, served, 'set client_secret_env or client_secret_file'),
    checkPeers(`${name} allowed peers`, account, pairings),
    ...checkGroupSenders(`${name} group_allow_from`, account),
    ...(served ? [liveFinding(name, live, ADVICE)] : []),
    ...(daemon === 'silent'
      ? []
      : await checkCallbackPort(`${name} port`, account, status && { pid: status.pid, serves: served })),
  ];
  if (probe === undefined || !appId.ok || !clientSecret.ok) return findings;
  const hosts = await checkHosts(`${name} dns`, [account.apiBaseUrl, account.tokenUrl]);
  const steps = findingsOf(name, await probe(account), ADVICE);
  return [...findings, ...(hosts === undefined ? [] : [hosts]), ...steps];
}

/** Nothing listens for an account that dials the gateway. */
async function checkCallbackPort(
  name: string,
  { transport, webhook }: QqbotAccount,
  owner: PortOwner | undefined,
): Promise<readonly Finding[]> {
  if (transport !== 'webhook') return [];
  return [await checkPort(name, { ...webhook, words: WEBHOOK_WORDS }, owner)];
}
