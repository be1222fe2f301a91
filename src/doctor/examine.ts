/** The doctor's round: config, machine, owner, then every account, first from here and then over the network. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount, Resolved } from '../config/config.js';
import type { DaemonStatus } from '../control/api.js';
import type { ProbeStep } from '../lanes/lane.js';
import { laneId } from '../model/target.js';
import type { Finding } from './finding.js';
import { checkStateDir } from './machine.js';

export interface DoctorParts {
  readonly config: Config;
  /** What the running daemon says; undefined when none runs. */
  readonly daemon: DaemonStatus | undefined;
  /** Asks the platform; undefined for an offline round. */
  readonly probe: ((account: QqbotAccount) => Promise<readonly ProbeStep[]>) | undefined;
}

export async function examine({ config, daemon, probe }: DoctorParts): Promise<readonly Finding[]> {
  const { accounts, enabled } = config.qqbot;
  const findings: Finding[] = [
    { name: 'config', level: 'ok', detail: config.path },
    ...config.warnings.map((detail, i): Finding => ({ name: `config warning ${i + 1}`, level: 'warn', detail })),
    ...(await checkStateDir(config.gateway.stateDir)),
    daemon === undefined
      ? { name: 'owner', level: 'ok', detail: 'no daemon runs on this state directory' }
      : { name: 'owner', level: 'ok', detail: `the daemon of pid ${daemon.pid} (version ${daemon.version})` },
  ];
  if (!enabled)
    findings.push({
      name: 'qqbot',
      level: 'warn',
      detail: 'the channel is not enabled',
      remedy: 'add [qqbot] with enabled = true',
    });
  for (const account of accounts.filter((candidate) => candidate.enabled)) {
    const name = laneId({ channel: account.channel, account: account.id });
    const here = checkAccount(name, account, daemon);
    findings.push(...here);
    const reachable = account.appId.ok && account.clientSecret.ok;
    if (probe !== undefined && reachable)
      findings.push(...(await probe(account)).map((step) => ({ ...step, name: `${name} ${step.name}` })));
  }
  return findings;
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

function liveFinding(name: string, { state, detail, remedy }: DaemonStatus['accounts'][number]): Finding {
  const level = state === 'ready' ? 'ok' : state === 'failed' ? 'fail' : 'warn';
  return {
    name: `${name} live`,
    level,
    detail: detail === undefined ? state : `${state}: ${detail}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}
