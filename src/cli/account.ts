/** `loong account`: whose an account is. */
import { readConfig } from '../config/read-config.js';
import { laneId } from '../model/target.js';
import type { Rebound } from '../store/store.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { accountsOf, requireAccount, requireChannel } from './require-channel.js';

export async function rebindAccount(channelName: string, accountName: string, options: GlobalOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const account = requireAccount(accountsOf(config, channel), accountName);
  const { rebindAccount: rebind } = await import('../daemon/rebind-account.js');
  const done = await rebind(config, account);
  const lane = laneId({ channel, account: account.id });
  if (options.json) return printJson(documentOf(lane, done));
  const whose = channel === 'qqbot' ? 'app' : 'QQ';
  console.log(
    done.identity === undefined
      ? `${lane} belonged to nobody yet`
      : `${lane} does not belong to ${whose} ${done.identity} any more`,
  );
  console.log(`  ${done.failed} ${plural(done.failed, 'message')} failed: not sent any more`);
  console.log(`  ${done.uncertain} ${plural(done.uncertain, 'message')} uncertain: may have arrived`);
  console.log(`  ${done.unanswered} incoming ${plural(done.unanswered, 'message')} left unanswered`);
  console.log(`  ${done.windows} reply ${plural(done.windows, 'window')} closed`);
  console.log(`  ${done.sessions} gateway ${plural(done.sessions, 'session')} forgotten`);
  console.log(`  ${done.refusals} ${plural(done.refusals, 'refusal')} of active messages forgotten`);
  console.log(`  ${done.pairings} ${plural(done.pairings, 'pairing')} forgotten`);
  console.log(`  → ${NEXT[channel]}`);
}

const NEXT = {
  qqbot:
    'it belongs to the app of the config when it runs next; the ids of peers are others there: look at allowed_peer_ids',
  onebot: 'it belongs to the QQ of self_id when it runs next, or without one to the first that dials in',
} as const;

function documentOf(lane: string, done: Rebound) {
  const { identity = null, failed, uncertain, unanswered, windows, sessions, refusals, pairings } = done;
  return {
    account: lane,
    was: identity,
    messages_failed: failed,
    messages_uncertain: uncertain,
    messages_unanswered: unanswered,
    windows_closed: windows,
    sessions_forgotten: sessions,
    refusals_forgotten: refusals,
    pairings_forgotten: pairings,
  };
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
