/** `loong why`: which rule decided about a message that came in, or decides about a target, under the config as it is now. */
import { join } from 'node:path';
import { admit, policyOf, type RefusalReason, type Verdict } from '../access/admission.js';
import { backendNameOf } from '../access/group-rule.js';
import type { Account, Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { LoongError, UsageError } from '../model/errors.js';
import type { InboundMessage } from '../model/message.js';
import {
  channelIn,
  formatTarget,
  kindName,
  laneId,
  type MessageId,
  normaliseAccountId,
  type PeerId,
  parseTarget,
  type Target,
} from '../model/target.js';
import { readQueue } from '../store/queue-reader.js';
import { findReceived, type Received } from '../store/received-reader.js';
import type { PairingStep } from '../store/store.js';
import {
  admittingRule,
  backendKey,
  type DecidingRule,
  keyOf,
  mentionKey,
  refusingRule,
  sendersIn,
} from './deciding-rule.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { OWN_CODES } from './own-codes.js';
import { pairingsIn } from './pairings-in.js';
import { accountsOf, requireAccount } from './require-channel.js';
import { visible } from './visible-text.js';

/** A message that came in, as it was decided about, and as it would be now. */
interface MessageWhy {
  readonly id: string;
  readonly message_id: string;
  readonly target: string;
  readonly sender: string;
  /** Unix ms. */
  readonly at: number;
  readonly status: Received['status'];
  /** Why it was not answered. */
  readonly reason?: string;
  readonly decided: DecidingRule;
  /** What would become of it under the config as it is. Absent where its account is configured no more. */
  readonly now?: { readonly verdict: 'answer' | 'ignore'; readonly reason?: string };
  readonly error?: Received['error'];
}

interface TargetWhy {
  readonly target: string;
  readonly account_enabled: boolean;
  readonly inbound: DecidingRule & {
    /** `by_sender`: the conversation alone does not tell. */
    readonly verdict: 'answer' | 'ignore' | 'by_sender';
    readonly reason?: string;
    readonly needs_mention?: boolean;
    readonly mention_key?: string;
    /** Absent: everybody there. */
    readonly senders?: readonly string[];
    readonly backend?: string;
    readonly backend_key?: string;
  };
  readonly outbound: DecidingRule & { readonly allowed: boolean };
}

export async function explainWhy(what: string, options: GlobalOptions): Promise<void> {
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const name = what.trim();
  const pairings = pairingsOf(config);
  const database = join(config.gateway.stateDir, 'loong.db');
  const find = () => readQueue(database, [], (read) => findReceived(read, name));
  if (name.includes(':') && (isTarget(name) || find().length === 0)) {
    return tellTarget(targetWhy(config, pairings, name), options);
  }
  if (/^out-\d+$/.test(name)) {
    throw new UsageError(
      'why.outgoing',
      `\`${name}\` is a message that went out`,
      `\`loong queue show ${name}\` says what became of it; \`loong why\` with its target says whether it may be written to`,
    );
  }
  const found = find();
  if (found.length === 0) {
    throw new LoongError('why.unknown', `no message \`${name}\` came in`, {
      remedy:
        'give a number of `loong queue list` such as in-7, the platform’s id of a message, or a target such as c2c:OPENID',
    });
  }
  const messages = found.map((received) => messageWhy(config, pairings, received));
  if (options.json) return printJson({ messages });
  for (const message of messages) printMessage(message);
}

/** Numbers of messages may have colons, too. */
function isTarget(name: string): boolean {
  try {
    const channel = channelIn(name) ?? 'qqbot';
    parseTarget(name, { channel, account: normaliseAccountId('') });
    return true;
  } catch {
    return false;
  }
}

/** Who was approved in an account, and who waits for that. */
type PairingsOf = (account: Account) => { readonly paired: ReadonlySet<string>; readonly waiting: ReadonlySet<string> };

function pairingsOf({ gateway }: Config): PairingsOf {
  const { approved, pending } = pairingsIn(gateway.stateDir);
  return ({ channel, id }) => {
    const lane = laneId({ channel, account: id });
    const peersOf = (all: readonly { readonly account: string; readonly peer: string }[]) =>
      new Set(all.filter(({ account }) => account === lane).map(({ peer }) => peer));
    return { paired: peersOf(approved), waiting: peersOf(pending) };
  };
}

// ---------------------------------------------------------------- a message

function messageWhy(config: Config, pairings: PairingsOf, received: Received): MessageWhy {
  const { id, message, status, refusal, error, at } = received;
  const { conversation, sender } = message;
  const account = accountsOf(config).find((one) => laneId({ ...one, account: one.id }) === received.account);
  const verdict = account === undefined ? undefined : admit(message, policyOf(account, pairings(account).paired));
  return {
    id,
    message_id: message.id,
    target: formatTarget(conversation),
    sender: sender.id,
    at,
    status,
    ...(refusal === undefined ? {} : { reason: refusal }),
    decided: decidedBy(account, pairings, message, refusal),
    ...(verdict === undefined ? {} : { now: shown(verdict) }),
    ...(error === undefined ? {} : { error }),
  };
}

function decidedBy(
  account: Account | undefined,
  pairings: PairingsOf,
  message: InboundMessage,
  refusal: string | undefined,
): DecidingRule {
  const { conversation, sender } = message;
  if (account === undefined) return { rule: 'its account is configured no more' };
  if (refusal !== undefined) {
    const waits = pairings(account).waiting.has(sender.id);
    if (isReason(refusal)) return refusingRule(refusal, account, conversation, sender.id, waits);
    return { rule: `it was refused as ${refusal}` };
  }
  const admitting = admittingRule(account, conversation, sender.id, pairings(account).paired);
  return admitting ?? { rule: 'a rule that holds no more admitted it' };
}

/** What is stored may be of another version. */
function isReason(text: string): text is RefusalReason | PairingStep {
  return OWN_CODES[text] !== undefined && !text.includes('.');
}

function shown(verdict: Verdict): { readonly verdict: 'answer' | 'ignore'; readonly reason?: string } {
  return verdict.do === 'answer' ? { verdict: 'answer' } : { verdict: 'ignore', reason: reasonOf(verdict) };
}

/** Who is unknown is asked to pair, at least at first. */
function reasonOf(verdict: Exclude<Verdict, { readonly do: 'answer' }>): RefusalReason | PairingStep {
  return verdict.do === 'ignore' ? verdict.because : 'pairing_offered';
}

function printMessage({
  id,
  message_id: messageId,
  target,
  sender,
  at,
  status,
  reason,
  decided,
  now,
  error,
}: MessageWhy): void {
  console.log(`${id}  ${status}  ${target}  from ${sender}  ${new Date(at).toISOString()}  ${messageId}`);
  printRule(reason, decided);
  if (error !== undefined) console.log(`  then it failed: ${error.code}: ${visible(error.message)}`);
  if (now === undefined) return;
  // Whoever is unknown is asked to pair at first, and has been asked after that.
  const alike = (why: string | undefined) => (why?.startsWith('pairing_') === true ? 'pairing' : why);
  if (alike(now.reason) === alike(reason)) return;
  const today = now.reason === undefined ? 'answered' : `refused (${now.reason})`;
  console.log(`  now, under the config as it is, it would be ${today}`);
}

// ---------------------------------------------------------------- a target

function targetWhy(config: Config, pairings: PairingsOf, text: string): TargetWhy {
  const channel = channelIn(text) ?? 'qqbot';
  const target = parseTarget(text, { channel, account: config[channel].defaultAccount });
  const account = requireAccount<Account>(config[channel].accounts, target.account);
  return {
    target: formatTarget(target),
    account_enabled: account.enabled,
    inbound: inboundWhy(account, pairings(account), target),
    outbound: outboundWhy(account, pairings(account).paired, target),
  };
}

/** Of a group everybody is asked for who may write there, and messages that mention the bot. */
function inboundWhy(
  account: Account,
  { paired, waiting }: ReturnType<PairingsOf>,
  target: Target,
): TargetWhy['inbound'] {
  if (target.kind === 'dm') {
    return {
      verdict: 'by_sender',
      rule: 'a guild’s direct message is judged by its author, not by its session',
      key: keyOf(account, 'allowed_peer_ids'),
      change: 'ask `loong why c2c:AUTHOR`',
    };
  }
  const { channel } = target;
  const isGroup = target.kind === 'group' || target.kind === 'channel';
  const senders = isGroup ? sendersIn(account, target) : undefined;
  const sender = isGroup ? (senders?.[0]?.replace(/^c2c:/, '') ?? 'anybody') : target.peer;
  const policy = policyOf(account, paired);
  const verdictOn = (mentionsBot: boolean) => admit(messageOf(target, sender, mentionsBot), policy);
  const verdict = verdictOn(true);
  if (verdict.do !== 'answer')
    return { ...shown(verdict), ...refusingRule(reasonOf(verdict), account, target, sender, waiting.has(sender)) };
  return {
    verdict: 'answer',
    ...(admittingRule(account, target, sender, paired) ?? { rule: 'it is admitted' }),
    ...(isGroup
      ? { needs_mention: verdictOn(false).do !== 'answer', mention_key: mentionKey(account, target.peer) }
      : {}),
    ...(senders === undefined
      ? {}
      : { senders: senders.map((one) => one.replace(/^c2c(?=:)/, kindName(channel, 'c2c'))) }),
    backend: backendNameOf(account, target),
    backend_key: backendKey(account, target),
  };
}

function messageOf(conversation: Target, sender: string, mentionsBot: boolean): InboundMessage {
  return {
    id: 'why' as MessageId,
    conversation,
    sender: { id: sender as PeerId, isBot: false },
    segments: [],
    mentionsBot,
    sentAt: 0,
  };
}

function outboundWhy(account: Account, paired: ReadonlySet<string>, target: Target): TargetWhy['outbound'] {
  const { kind, peer } = target;
  const isGroup = kind === 'group' || kind === 'channel';
  if (policyOf(account, paired).allowed.has(kind, peer)) {
    return { allowed: true, ...(admittingRule(account, target, peer, paired) ?? { rule: 'it is allowed' }) };
  }
  const key = isGroup ? keyOf(account, 'groups', peer) : keyOf(account, 'allowed_peer_ids');
  if (isGroup && account.groups.get(peer)?.enabled === false) {
    const off = keyOf(account, 'groups', peer, 'enabled');
    return { allowed: false, rule: `this ${kind} is switched off`, key: off, change: 'set it to true' };
  }
  const entry = kind === 'c2c' ? peer : `${kind}:${peer}`;
  const change = isGroup
    ? `add the table [${key}], or "${entry}" to \`${keyOf(account, 'allowed_peer_ids')}\``
    : `add "${entry}" to it`;
  return { allowed: false, rule: 'it is not in the allowed set of the account', key, change };
}

const INBOUND_WORDS = {
  answer: 'what is written there is answered',
  ignore: 'nothing is answered',
  by_sender: 'it depends on who writes',
} as const;

function tellTarget(why: TargetWhy, { json }: GlobalOptions): void {
  if (json) return printJson(why);
  const { target, account_enabled: isEnabled, inbound, outbound } = why;
  console.log(`${target}${isEnabled ? '' : '  (the account is switched off)'}`);
  console.log(`in: ${INBOUND_WORDS[inbound.verdict]}`);
  printRule(inbound.reason, inbound);
  if (inbound.needs_mention !== undefined) {
    console.log(`  a mention of the bot is ${inbound.needs_mention ? 'needed' : 'not needed'}: ${inbound.mention_key}`);
  }
  if (inbound.senders !== undefined) console.log(`  only these may use it: ${inbound.senders.join(', ')}`);
  if (inbound.backend !== undefined) console.log(`  backend \`${inbound.backend}\`: ${inbound.backend_key}`);
  console.log(`out: ${outbound.allowed ? 'may be written to' : 'is refused'}`);
  printRule(outbound.allowed ? undefined : 'access.peer_not_allowed', outbound);
}

function printRule(reason: string | undefined, { rule, key, change }: DecidingRule): void {
  console.log(`  ${reason === undefined ? '' : `${reason}: `}${rule}`);
  if (key === undefined) return;
  console.log(`  → ${key}${change === undefined ? '' : `: ${change}`}`);
}
