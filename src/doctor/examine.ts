/** The doctor's round: config, machine, owner, then every account, first from here and then over the network. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount, Resolved } from '../config/config.js';
import type { DaemonStatus } from '../control/api.js';
import type { ProbeStep } from '../lanes/lane.js';
import { laneId } from '../model/target.js';
import { checkBackend } from './backends.js';
import type { Finding } from './finding.js';
import { checkHosts } from './hosts.js';
import { checkLogFile, checkStateDir } from './machine.js';

export interface DoctorParts {
  readonly config: Config;
  /**
   * What the running daemon says; undefined when none runs; why it says nothing, when something is there that does not answer, or
   * when it must be one of another state directory.
   */
  readonly daemon:
    | DaemonStatus
    | { readonly fault: string; readonly remedy: string }
    | { readonly elsewhere: string; readonly remedy: string }
    | undefined;
  /** Asks the platform; undefined for an offline round. */
  readonly probe: ((account: QqbotAccount) => Promise<readonly ProbeStep[]>) | undefined;
}

/** What to do about a refusal that the platform did not explain. */
const UNEXPLAINED = 'look at `detail`, and at the bot in the QQ open platform console (q.qq.com)';

/** What to do about an account that works, but not as it was meant to. */
const LIMITED =
  'have what is missing granted to the bot in the QQ open platform console (q.qq.com), or take it out of `intents`; let no other program use this AppID';

export async function examine({ config, daemon, probe }: DoctorParts): Promise<readonly Finding[]> {
  const { accounts, enabled } = config.qqbot;
  const status = daemon !== undefined && 'pid' in daemon ? daemon : undefined;
  const served = accounts.filter((account) => account.enabled);
  const findings: Finding[] = [
    { name: 'config', level: 'ok', detail: config.path },
    ...config.warnings.map((detail, i): Finding => ({ name: `config warning ${i + 1}`, level: 'warn', detail })),
    ...(await checkStateDir(config.gateway.stateDir)),
    ...(config.log.file === undefined ? [] : [await checkLogFile(config.log.file)]),
    ownerFinding(daemon),
  ];
  if (!enabled || served.length === 0)
    findings.push({
      name: 'qqbot',
      level: 'warn',
      detail: enabled ? 'no account is enabled' : 'the channel is not enabled',
      remedy: 'add [qqbot] with enabled = true',
    });
  for (const name of new Set(served.map((account) => account.backend))) {
    const backend = config.backends.get(name);
    if (backend !== undefined) findings.push(await checkBackend(backend));
  }
  for (const account of served) {
    const name = laneId({ channel: account.channel, account: account.id });
    findings.push(...checkAccount(name, account, status));
    const known = account.appId.ok && account.clientSecret.ok;
    if (probe !== undefined && known) findings.push(...(await askPlatform(name, account, probe)));
  }
  return findings;
}

function ownerFinding(daemon: DoctorParts['daemon']): Finding {
  if (daemon === undefined) return { name: 'owner', level: 'ok', detail: 'no daemon runs on this state directory' };
  if ('fault' in daemon) return { name: 'owner', level: 'fail', detail: daemon.fault, remedy: daemon.remedy };
  if ('elsewhere' in daemon) return { name: 'owner', level: 'warn', detail: daemon.elsewhere, remedy: daemon.remedy };
  return { name: 'owner', level: 'ok', detail: `the daemon of pid ${daemon.pid} (version ${daemon.version})` };
}

async function askPlatform(
  name: string,
  account: QqbotAccount,
  probe: NonNullable<DoctorParts['probe']>,
): Promise<readonly Finding[]> {
  const hosts = await checkHosts(`${name} dns`, [account.apiBaseUrl, account.tokenUrl]);
  const steps = (await probe(account)).map(({ unreached: _unreached, ...step }) => ({
    ...step,
    name: `${name} ${step.name}`,
    ...(step.level === 'fail' ? { remedy: step.remedy ?? UNEXPLAINED } : {}),
  }));
  return hosts === undefined ? steps : [hosts, ...steps];
}

function checkAccount(name: string, account: QqbotAccount, daemon: DaemonStatus | undefined): readonly Finding[] {
  const { appId, clientSecret, allowedPeerIds } = account;
  const live = daemon?.accounts.find((status) => status.account === account.id);
  return [
    checkCredential(`${name} app id`, appId, live !== undefined, 'set app_id, app_id_env or app_id_file'),
    checkCredential(
      `${name} client secret`,
      clientSecret,
      live !== undefined,
      'set client_secret_env or client_secret_file',
    ),
    allowedPeers(allowedPeerIds).isEmpty
      ? {
          name: `${name} allowed peers`,
          level: 'fail',
          detail: 'allowed_peer_ids is empty: nobody is answered, and nobody can be sent to',
          remedy: 'add the openid of at least one peer, e.g. allowed_peer_ids = ["openid_alice"]',
        }
      : { name: `${name} allowed peers`, level: 'ok', detail: `entries: ${allowedPeerIds.length}` },
    ...(live === undefined ? [] : [liveFinding(name, live)]),
  ];
}

/** A daemon may have been given what this shell was not. */
function checkCredential(name: string, found: Resolved, served: boolean, remedy: string): Finding {
  if (found.ok) return { name, level: 'ok', detail: 'found' };
  if (served) return { name, level: 'warn', detail: `the running daemon has it, but not this shell: ${found.why}` };
  return { name, level: 'fail', detail: found.why, remedy };
}

/** An account that is ready has a detail only where something limits it. */
function liveFinding(name: string, { state, detail, remedy }: DaemonStatus['accounts'][number]): Finding {
  if (state === 'ready' && detail === undefined) return { name: `${name} live`, level: 'ok', detail: state };
  const level = state === 'failed' ? 'fail' : 'warn';
  const advice = remedy ?? (level === 'fail' ? UNEXPLAINED : state === 'ready' ? LIMITED : undefined);
  return {
    name: `${name} live`,
    level,
    detail: detail === undefined ? state : `${state}: ${detail}`,
    ...(advice === undefined ? {} : { remedy: advice }),
  };
}
