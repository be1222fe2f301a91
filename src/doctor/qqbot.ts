/** An account of the official bot: its credentials, its peers, and what the platform says of it. */
import type { ProxyConfig, QqbotAccount } from '../config/config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import { proxyFor } from '../http/proxied.js';
import { NOT_GRANTED, type ProbeStep } from '../lanes/lane.js';
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
  proxy: ProxyConfig,
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
    ...(account.transport === 'webhook' ? [] : intentFindings(name, account, live)),
    ...(served ? [liveFinding(name, withoutIntents(live), ADVICE)] : []),
    ...(daemon === 'silent'
      ? []
      : await checkCallbackPort(`${name} port`, account, status && { pid: status.pid, serves: served })),
  ];
  if (probe === undefined || !appId.ok || !clientSecret.ok) return findings;
  // Whoever is reached through a proxy is resolved there.
  const direct = [account.apiBaseUrl, account.tokenUrl].filter((url) => proxyFor(new URL(url), proxy) === undefined);
  const hosts = await checkHosts(`${name} dns`, direct);
  const steps = findingsOf(name, await probe(account), ADVICE);
  return [...findings, ...(hosts === undefined ? [] : [hosts]), ...steps];
}

/** Whether an intent is granted is told when a session begins, and only then: to begin one would end that of a daemon elsewhere. */
function intentFindings(name: string, { intents }: QqbotAccount, live: AccountStatus | undefined): readonly Finding[] {
  const about = { name: `${name} intents`, level: 'ok' } as const;
  const asked = intents.join(', ');
  if (live?.state !== 'ready') {
    const when = live === undefined ? 'once a daemon has begun a session' : 'once it is ready';
    return [{ ...about, detail: `asks for ${asked}; whether QQ grants them is known ${when}` }];
  }
  const refused = toldOf(live).find((part) => part.startsWith(NOT_GRANTED));
  if (refused === undefined) return [{ ...about, detail: `granted: ${asked}` }];
  return [
    {
      ...about,
      level: 'warn',
      detail: refused,
      remedy: `take them out of \`intents\` of this account, or apply for them in the QQ open platform console (q.qq.com)`,
    },
  ];
}

/** What has a line of its own is not told twice. */
function withoutIntents(live: AccountStatus): AccountStatus {
  if (live.state !== 'ready') return live;
  const { detail: _told, ...rest } = live;
  const others = toldOf(live).filter((part) => !part.startsWith(NOT_GRANTED));
  return others.length === 0 ? rest : { ...rest, detail: others.join(' · ') };
}

function toldOf({ detail }: { readonly detail?: string | undefined }): readonly string[] {
  return detail?.split(' · ') ?? [];
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
