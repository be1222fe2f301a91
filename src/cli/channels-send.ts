/** `loong channels send`: one message, through the running daemon or, without one, by this process. */
import { type AllowedPeers, allowedPeers, assertPeerAllowed } from '../access/allowed-peers.js';
import type { Account, Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { Receipt, SendRequest } from '../control/api.js';
import { ControlClient, NoAnswer } from '../control/control-client.js';
import { segmentsOf } from '../control/given-segment.js';
import { LoongError, UsageError } from '../model/errors.js';
import type { Segment } from '../model/message.js';
import { formatTarget, laneId, parseTarget, type Target } from '../model/target.js';
import { assertIdempotencyKey, assertSendable } from '../relay/outbound.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { type Content, type ContentOptions, contentOf, quoting, writtenIn } from './message-content.js';
import { pairingsIn } from './pairings-in.js';
import { accountsOf, assertEnabled, requireAccount, requireChannel } from './require-channel.js';
import { findDaemon } from './running-daemon.js';

export interface SendOptions extends GlobalOptions, ContentOptions {
  readonly target: string;
  readonly replyTo?: string;
  readonly account?: string;
  readonly idempotencyKey?: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly dryRun?: true;
  /** Commander's negation of `--no-wait`. */
  readonly wait: boolean;
}

/** What is to be sent, checked as far as it can be here. */
interface OutgoingMessage {
  readonly target: Target;
  readonly content: Content;
  readonly replyTo: string | undefined;
  readonly key: string | undefined;
}

/** Longer is waited for by no timer of Node: 23 days. */
const LONGEST_TIMEOUT_MS = 2_000_000_000;
/** A dry run waits so long for the OneBot program to say which it is. */
const PROGRAM_LIMIT_MS = 5000;

export async function sendMessage(channelName: string, options: SendOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const config = await readConfig({
    env: process.env,
    secrets: 'optional',
    path: options.config,
  });
  const accounts = accountsOf(config, channel);
  const selected = options.account === undefined ? undefined : requireAccount(accounts, options.account);
  const target = parseTarget(options.target, { channel, account: selected?.id ?? config[channel].defaultAccount });
  if (selected !== undefined && target.account !== selected.id) {
    throw new UsageError(
      'target.account_mismatch',
      `${channel} target resolved account \`${target.account}\`, but the selected configured account is \`${selected.id}\``,
    );
  }
  const account = requireAccount(accounts, target.account);
  assertEnabled(account);
  const content = await contentOf(options, channel);
  assertWorthSending(target, content, allowedNow(config, account, target));
  const { replyTo, idempotencyKey: key } = options;
  if (key !== undefined) assertIdempotencyKey(key);
  const message = { target, content, replyTo, key };
  if (options.dryRun === true) return tryDry(config, account, message, options);
  printReceipt(await deliver(config, account, message, options), options);
}

/** What can be said without asking anybody. Segments may be without a word: what each of them needs, the daemon knows. */
function assertWorthSending(target: Target, content: Content, allowed: AllowedPeers): void {
  if ('segments' in content) assertPeerAllowed(target, allowed);
  else assertSendable(target, [segmentOf(content)], allowed);
}

/** By the config, else by the pairings that were approved. */
function allowedNow({ gateway }: Config, account: Account, target: Target): AllowedPeers {
  const listed = allowedPeers(account);
  if (listed.has(target.kind, target.peer)) return listed;
  const lane = laneId({ channel: account.channel, account: account.id });
  const { approved } = pairingsIn(gateway.stateDir);
  return allowedPeers(account, new Set(approved.filter((one) => one.account === lane).map(({ peer }) => peer)));
}

function segmentOf(content: Exclude<Content, { readonly segments: unknown }>): Segment {
  return 'text' in content ? { type: 'text', text: content.text } : { type: 'markdown', markdown: content.markdown };
}

/** Everything that comes before the sending. @throws DeliveryError for what would not be sent */
async function tryDry(
  config: Config,
  account: Account,
  message: OutgoingMessage,
  { json }: SendOptions,
): Promise<void> {
  const { target, content } = message;
  const segments = segmentsOf(requestOf(message), target.channel);
  assertSendable(target, segments, allowedNow(config, account, target));
  const { dryRun } = await import('../daemon/dry-run.js');
  const asks = account.channel === 'onebot' && segments.some(({ type }) => type !== 'text');
  const { parts, program } = await dryRun(
    account,
    target,
    segments,
    asks ? await programOf(config, account) : undefined,
  );
  const { length } = writtenIn(content);
  const count = 'segments' in content ? content.segments.length : undefined;
  if (json) {
    return printJson({
      dry_run: true,
      target: formatTarget(target),
      characters: length,
      ...(count === undefined ? {} : { segments: count }),
      parts,
      ...(program === undefined ? {} : { program }),
    });
  }
  const shown = count === undefined ? '' : ` in ${count} segment${count === 1 ? '' : 's'}`;
  console.log(`dry run: ${length} characters${shown} would go to ${formatTarget(target)}; nothing was sent`);
  for (const [i, { kinds, characters, warning }] of parts.entries()) {
    console.log(`  part ${i + 1} of ${parts.length}: ${kinds.join(', ')} (${characters} characters)`);
    if (warning !== undefined) console.error(`  warning: ${warning}`);
  }
  if (program !== undefined) console.log(`  encoded for ${program}, which is connected`);
  else if (asks) console.log('  no OneBot program is connected: what it would leave out or fake is not known');
}

/** What the connected OneBot program calls itself; undefined when none is there, or it does not tell. */
async function programOf({ gateway }: Config, { id }: Account): Promise<string | undefined> {
  // Nothing is sent: without a daemon, or beside one that cannot be asked, the receipt just tells less.
  const daemon = await findDaemon(gateway.stateDir).catch(() => undefined);
  try {
    const told = await daemon?.onebot(id, 'get_version_info', {}, PROGRAM_LIMIT_MS);
    const name = typeof told === 'object' && told !== null && 'app_name' in told ? told.app_name : undefined;
    return typeof name === 'string' ? name.slice(0, 64) : undefined;
  } catch {
    return undefined;
  } finally {
    await daemon?.close();
  }
}

async function deliver(
  config: Config,
  account: Account,
  message: OutgoingMessage,
  options: SendOptions,
): Promise<Receipt> {
  const deadline = Date.now() + Math.min(options.timeout, LONGEST_TIMEOUT_MS);
  const sent = await throughDaemon(config, message, options, deadline);
  if (sent !== undefined) return sent;
  const remedy = `start it with \`loong channels serve ${account.channel}\``;
  if (account.channel !== 'qqbot') {
    const what = `${account.channel} messages go out through the daemon, with which NapCat & co. connect, and none is running`;
    throw new LoongError('daemon.not_running', what, { remedy: `${remedy}, or everything with \`loong gateway run\`` });
  }
  if (!options.wait) {
    throw new LoongError('daemon.not_running', '--no-wait leaves the delivery to the daemon, and none is running', {
      remedy: `${remedy}, or send without --no-wait`,
    });
  }
  return withoutDaemon(config, account, message, options, deadline);
}

async function withoutDaemon(
  config: Config,
  account: QqbotAccount,
  message: OutgoingMessage,
  options: SendOptions,
  deadline: number,
): Promise<Receipt> {
  const { target, content, replyTo, key } = message;
  if ('segments' in content) throw new Error('segments are for the daemon');
  const [{ sendOnce }, { openLog, Secrets }] = await Promise.all([
    import('../daemon/send-once.js'),
    import('../telemetry/log.js'),
  ]);
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? 'warn', format: config.log.format }, secrets);
  const around = { log, secrets, runtimeDir: process.env.XDG_RUNTIME_DIR, proxy: config.gateway.proxy };
  try {
    return await sendOnce(config, account, { target, content: segmentOf(content), replyTo, key }, deadline, around);
  } catch (error) {
    if (!(error instanceof LoongError) || error.code !== 'owner.taken_by_daemon') throw error;
    const sentAfterAll = await throughDaemon(config, message, options, deadline); // it was only just starting
    if (sentAfterAll === undefined) throw error;
    return sentAfterAll;
  }
}

/** undefined when no daemon runs. */
async function throughDaemon(
  config: Config,
  message: OutgoingMessage,
  { wait }: SendOptions,
  deadline: number,
): Promise<Receipt | undefined> {
  const daemon = await ControlClient.find(config.gateway.stateDir, deadline);
  if (daemon === undefined) return undefined;
  try {
    const stored = await daemon.send(requestOf(message), deadline, message.key);
    if (!wait) return stored;
    const { receipt, silence } = await daemon.settled(stored, deadline);
    return silence === undefined ? receipt : lost(receipt, silence === 'late', message);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (error.silence === 'refused') return undefined; // it ended before it was asked
    const hangs = error.silence === 'late';
    throw new LoongError(
      hangs ? 'daemon.silent' : 'daemon.lost',
      `${hangs ? 'the daemon did not say within --timeout' : 'the daemon ended before it said'} whether it stored the message; it may have arrived, or be stored and go out when the daemon runs again`,
      { cause: error, remedy: lostRemedy(message) },
    );
  } finally {
    await daemon.close();
  }
}

function lostRemedy({ key }: OutgoingMessage): string {
  const repeat =
    key === undefined
      ? 'do not simply repeat it'
      : 'repeat it with the same --idempotency-key, which sends nothing twice';
  return `${repeat}: look with \`loong gateway status\`, and start the daemon if none runs (one that hangs is ended with \`kill -9\`)`;
}

/** A stored message of which the daemon says no more: what went out only waits is known, of all else it is not known whether it arrived. */
function lost(receipt: Receipt, hangs: boolean, message: OutgoingMessage): Receipt {
  const who = hangs ? 'the daemon stopped answering' : 'the daemon ended';
  const waits = receipt.status === 'queued';
  return {
    ...receipt,
    status: waits ? 'queued' : 'uncertain',
    error: {
      code: hangs ? 'daemon.silent' : 'daemon.lost',
      message: `${who} while the message was under way; ${
        waits ? 'it is stored and goes out when the daemon runs again' : 'it may have arrived'
      }`,
      remedy: lostRemedy(message),
    },
  };
}

/** A reply over OneBot is a part of the message; elsewhere it is the right to answer. */
function requestOf({ target, content, replyTo }: OutgoingMessage): SendRequest {
  const isQuote = target.channel === 'onebot' && replyTo !== undefined;
  return {
    target: formatTarget(target),
    ...(isQuote ? quoting(replyTo, content) : content),
    ...(isQuote || replyTo === undefined ? {} : { reply_to: replyTo }),
  };
}

function printReceipt(receipt: Receipt, { json, wait }: SendOptions): void {
  process.exitCode = wait ? exitCodeOfReceipt(receipt) : EXIT.done;
  if (json) return printJson(receipt);
  const { status, target, id, mode, message_ids, parts, parts_delivered: arrived, warnings = [], error } = receipt;
  const how = mode === undefined ? '' : ` as ${mode}`;
  const shownParts = arrived === 0 || arrived === parts ? parts : `${arrived}/${parts}`;
  const platformIds = message_ids.length === 0 ? '' : ` message_id=${message_ids.join(',')}`;
  console.log(`${status} ${target} id=${id}${platformIds}${how} parts=${shownParts}`);
  for (const warning of warnings) console.error(`  warning: ${warning}`);
  if (error !== undefined)
    console.error(`  ${error.code}: ${error.message}${error.remedy === undefined ? '' : `\n  → ${error.remedy}`}`);
  if (status === 'parked') console.error(`  → the message waits, and goes out when ${comesBack(target)}`);
  if (status === 'queued' && wait && !/^(daemon|store)\./.test(error?.code ?? ''))
    console.error('  → the daemon keeps trying; this command only stopped waiting');
}

function comesBack(target: string): string {
  return target.startsWith('onebot:')
    ? 'the OneBot program (NapCat & co.) connects with the daemon again'
    : 'the peer writes to the bot while the daemon runs';
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'platform.unreachable',
  'platform.token_unreachable',
  'send.too_late',
]);

function exitCodeOfReceipt({ status, error }: Receipt): number {
  switch (status) {
    case 'delivered':
      return EXIT.done;
    case 'failed':
      return UNREACHABLE.has(error?.code ?? '') ? EXIT.unreachable : EXIT.failed;
    case 'uncertain':
      return EXIT.uncertain;
    case 'queued':
    case 'sending':
    case 'parked':
      return EXIT.notFinished;
  }
}
