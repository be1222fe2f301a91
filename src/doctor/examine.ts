/** The doctor's round: config, machine, owner, then every account, first from here and then over the network. */
import { join } from 'node:path';
import { backendNamesOf } from '../access/group-rule.js';
import type { Config } from '../config/config.js';
import type { DaemonStatus } from '../control/api.js';
import { type ChannelId, laneId } from '../model/target.js';
import { readIdentities } from '../store/identity-reader.js';
import { NO_PAIRINGS, type PairingList } from '../store/pairing-reader.js';
import { checkIdentity } from './account.js';
import { checkBackend } from './backends.js';
import type { Finding } from './finding.js';
import { checkLogFile, checkStateDir } from './machine.js';
import { checkOnebotAccount, type OnebotCaller } from './onebot.js';
import { checkProxy } from './proxy.js';
import { checkQqbotAccount, type PlatformProbe } from './qqbot.js';

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
  readonly probe: PlatformProbe | undefined;
  /** Asks what is connected with the daemon; undefined for an offline round, and where no daemon runs. */
  readonly callOnebot?: OnebotCaller | undefined;
  /** Who was let in, and who asks to be. */
  readonly pairings?: PairingList;
}

export async function examine({
  config,
  daemon,
  probe,
  callOnebot,
  pairings = NO_PAIRINGS,
}: DoctorParts): Promise<readonly Finding[]> {
  const { qqbot, onebot } = config;
  const status = daemon !== undefined && 'pid' in daemon ? daemon : undefined;
  const bots = qqbot.accounts.filter((account) => account.enabled);
  const others = onebot.accounts.filter((account) => account.enabled);
  const findings: Finding[] = [
    { name: 'config', level: 'ok', detail: config.path },
    ...config.warnings.map((detail, i): Finding => ({ name: `config warning ${i + 1}`, level: 'warn', detail })),
    ...(await checkStateDir(config.gateway.stateDir)),
    ...(config.log.file === undefined ? [] : [await checkLogFile(config.log.file)]),
    ownerFinding(daemon),
  ];
  const isIdle = bots.length + others.length === 0;
  if (bots.length === 0 && (qqbot.enabled || others.length === 0)) findings.push(idleFinding('qqbot', qqbot, isIdle));
  if (others.length === 0 && onebot.enabled) findings.push(idleFinding('onebot', onebot, isIdle));
  for (const name of new Set([...bots, ...others].flatMap((account) => [...backendNamesOf(account)]))) {
    const backend = config.backends.get(name);
    if (backend !== undefined) findings.push(...(await checkBackend(backend, probe === undefined)));
  }
  if (bots.length > 0) {
    const urls = bots.flatMap(({ apiBaseUrl, tokenUrl }) => [apiBaseUrl, tokenUrl]);
    findings.push(await checkProxy(config.gateway.proxy, urls, probe === undefined));
  }
  const identities = readIdentities(join(config.gateway.stateDir, 'loong.db'));
  for (const account of [...bots, ...others]) {
    const name = laneId({ channel: account.channel, account: account.id });
    findings.push(...checkIdentity(name, account, identities.get(name)));
  }
  const { proxy } = config.gateway;
  const known = daemon !== undefined && 'fault' in daemon ? 'silent' : status;
  for (const account of bots) findings.push(...(await checkQqbotAccount(account, known, pairings, probe, proxy)));
  for (const account of others) findings.push(...(await checkOnebotAccount(account, known, pairings, callOnebot)));
  return findings;
}

/** `isIdle`: there is nothing at all to run. */
function idleFinding(name: ChannelId, { enabled }: Config[ChannelId], isIdle: boolean): Finding {
  return {
    name,
    level: isIdle ? 'fail' : 'warn',
    detail: enabled ? 'no account is enabled' : 'the channel is not enabled',
    remedy: `add [${name}] with enabled = true`,
  };
}

function ownerFinding(daemon: DoctorParts['daemon']): Finding {
  if (daemon === undefined) return { name: 'owner', level: 'ok', detail: 'no daemon runs on this state directory' };
  if ('fault' in daemon) return { name: 'owner', level: 'fail', detail: daemon.fault, remedy: daemon.remedy };
  if ('elsewhere' in daemon) return { name: 'owner', level: 'warn', detail: daemon.elsewhere, remedy: daemon.remedy };
  return { name: 'owner', level: 'ok', detail: `the daemon of pid ${daemon.pid} (version ${daemon.version})` };
}
