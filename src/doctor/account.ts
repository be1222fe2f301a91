/** What is asked of every account, whatever its channel: what it was given, whom it may talk with, and how the daemon says it is doing. */
import { describeReading, mayMeanGroups } from '../access/admission.js';
import { identityChange } from '../access/identity.js';
import { unservable } from '../access/servable.js';
import type { Account, Resolved } from '../config/config.js';
import type { AccountStatus, DaemonStatus } from '../control/api.js';
import type { ProbeStep } from '../lanes/lane.js';
import { laneId } from '../model/target.js';
import type { PairingList } from '../store/pairing-reader.js';
import type { Finding } from './finding.js';

/** What to do where the daemon or the platform did not say it. */
export interface Advice {
  /** About a refusal that was not explained. */
  readonly unexplained: string;
  /** About an account that works, but not as it was meant to. */
  readonly limited: string;
  /** About one that waits for somebody. */
  readonly waiting?: string;
}

/** The account as the running daemon has it; undefined when it does not serve it. */
export function liveStatus(account: Account, daemon: DaemonStatus | undefined): AccountStatus | undefined {
  return daemon?.accounts.find((status) => status.channel === account.channel && status.account === account.id);
}

/** Nothing to say of one that is whom it was, or was nobody's. */
export function checkIdentity(name: string, account: Account, before: string | undefined): readonly Finding[] {
  const change = identityChange(account, before);
  if (change === undefined) return [];
  return [{ name: `${name} identity`, level: 'fail', detail: change.message, ...remedyOf(change) }];
}

function remedyOf({ remedy }: { readonly remedy?: string | undefined }): { readonly remedy?: string } {
  return remedy === undefined ? {} : { remedy };
}

/** A daemon may have been given what this shell was not. */
export function checkCredential(name: string, found: Resolved, served: boolean, remedy: string): Finding {
  if (found.ok) return { name, level: 'ok', detail: 'found' };
  if (served) return { name, level: 'warn', detail: `the running daemon has it, but not this shell: ${found.why}` };
  return { name, level: 'fail', detail: found.why, remedy };
}

/** In the words with which such an account is refused when it is to run. */
export function checkPeers(name: string, account: Account, { pending, approved }: PairingList): Finding {
  const problem = unservable(account);
  if (problem !== undefined) return { name, level: 'fail', detail: problem.message, remedy: problem.remedy };
  const { channel, id, allowedPeerIds, groups, dmPolicy, groupPolicy } = account;
  const lane = laneId({ channel, account: id });
  const countOf = (all: PairingList['pending'] | PairingList['approved']) =>
    all.filter((one) => one.account === lane).length;
  const admitted = [...groups.values()].filter(({ enabled }) => enabled).length;
  return {
    name,
    level: 'ok',
    detail: [
      `entries: ${allowedPeerIds.length}`,
      ...(admitted === 0 ? [] : [`groups: ${admitted}`]),
      `dm_policy: ${dmPolicy}`,
      ...(countOf(approved) === 0 ? [] : [`paired: ${countOf(approved)}`]),
      ...(countOf(pending) === 0 ? [] : [`waiting to be approved: ${countOf(pending)} (\`loong pairing list\`)`]),
      ...(groupPolicy === 'allowlist' ? [] : [`group_policy: ${groupPolicy}`]),
    ].join(', '),
  };
}

const MOST_VALUES = 10;

/** How each value of `group_allow_from` was read; nothing where there is none. */
export function checkGroupSenders(name: string, account: Account): readonly Finding[] {
  const values = describeReading(account);
  if (values.length === 0) return [];
  const more = values.length > MOST_VALUES ? [`and ${values.length - MOST_VALUES} more`] : [];
  const detail = [...values.slice(0, MOST_VALUES), ...more].join(' · ');
  if (!mayMeanGroups(account)) return [{ name, level: 'ok', detail }];
  const remedy = `no group is named: if groups are meant, write "group:ID", or a table [${account.channel}.groups.ID] for each`;
  return [{ name, level: 'warn', detail, remedy }];
}

/** An account that is ready has a detail only where something limits it. */
export function liveFinding(name: string, { state, detail, remedy }: AccountStatus, advice: Advice): Finding {
  if (state === 'ready' && detail === undefined) return { name: `${name} live`, level: 'ok', detail: state };
  const level = state === 'failed' ? 'fail' : 'warn';
  const toDo = remedy ?? (level === 'fail' ? advice.unexplained : adviceFor(state, advice));
  return {
    name: `${name} live`,
    level,
    detail: detail === undefined ? state : `${state}: ${detail}`,
    ...(toDo === undefined ? {} : { remedy: toDo }),
  };
}

function adviceFor(state: AccountStatus['state'], { limited, waiting }: Advice): string | undefined {
  if (state === 'ready') return limited;
  return state === 'waiting' ? waiting : undefined;
}

/** What was asked over the network, as checks of this account. */
export function findingsOf(name: string, steps: readonly ProbeStep[], { unexplained }: Advice): readonly Finding[] {
  return steps.map(({ unreached: _unreached, ...step }) => ({
    ...step,
    name: `${name} ${step.name}`,
    ...(step.level === 'fail' ? { remedy: step.remedy ?? unexplained } : {}),
  }));
}
