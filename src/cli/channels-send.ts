/** `loong channels send`: one message, through the running daemon or, without one, by this process. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { Receipt, SendRequest } from '../control/api.js';
import { ControlClient, NoAnswer } from '../control/control-client.js';
import type { DirectMessage } from '../daemon/send-once.js';
import { ConfigError, LoongError, UsageError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';
import { formatTarget, parseTarget, type Target } from '../model/target.js';
import { assertIdempotencyKey, assertSendable } from '../relay/outbound.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { requireAccount, requireChannel } from './require-channel.js';

export interface SendOptions extends GlobalOptions {
  readonly target: string;
  readonly text: string;
  readonly markdown?: true;
  readonly replyTo?: string;
  readonly account?: string;
  readonly idempotencyKey?: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly dryRun?: true;
  /** Commander's negation of `--no-wait`. */
  readonly wait: boolean;
}

/** Longest text read from stdin. */
const MAX_STDIN_BYTES = 1_048_576;
/** Longer is waited for by no timer of Node: 23 days. */
const LONGEST_TIMEOUT_MS = 2_000_000_000;

export async function sendMessage(channelName: string, options: SendOptions): Promise<void> {
  const channel = requireChannel(channelName);
  const config = await readConfig({
    env: process.env,
    secrets: 'optional',
    path: options.config,
  });
  const { accounts, defaultAccount } = config.qqbot;
  const selected = options.account === undefined ? undefined : requireAccount(accounts, options.account);
  const target = parseTarget(options.target, { channel, account: selected?.id ?? defaultAccount });
  if (selected !== undefined && target.account !== selected.id) {
    throw new UsageError(
      'target.account_mismatch',
      `${channel} target resolved account \`${target.account}\`, but the selected configured account is \`${selected.id}\``,
    );
  }
  const account = requireAccount(accounts, target.account);
  if (!account.enabled) {
    throw new ConfigError([
      {
        path: channel,
        message: `${channel} account \`${account.id}\` is disabled by configuration`,
        remedy: 'set enabled = true',
      },
    ]);
  }
  const text = options.text === '-' ? await readStdin() : options.text;
  const content: Segment = options.markdown === true ? { type: 'markdown', markdown: text } : { type: 'text', text };
  assertSendable(target, [content], allowedPeers(account.allowedPeerIds));
  const { replyTo, idempotencyKey: key } = options;
  if (key !== undefined) assertIdempotencyKey(key);
  if (options.dryRun === true) return printDryRun(target, text, options);
  printReceipt(await deliver(config, account, { target, content, replyTo, key }, options), options);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_STDIN_BYTES)
      throw new UsageError('message.too_long', `stdin has more than ${MAX_STDIN_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(
      'message.not_text',
      'what stdin holds is not UTF-8 text',
      'convert it first, for example with `iconv -f GBK -t UTF-8`',
    );
  }
}

function printDryRun(target: Target, text: string, { json }: SendOptions): void {
  if (json) printJson({ dry_run: true, target: formatTarget(target), characters: text.length });
  else console.log(`dry run: ${text.length} characters would go to ${formatTarget(target)}; nothing was sent`);
}

async function deliver(
  config: Config,
  account: QqbotAccount,
  message: DirectMessage,
  options: SendOptions,
): Promise<Receipt> {
  const deadline = Date.now() + Math.min(options.timeout, LONGEST_TIMEOUT_MS);
  const sent = await throughDaemon(config, message, options, deadline);
  if (sent !== undefined) return sent;
  if (!options.wait) {
    throw new LoongError('daemon.not_running', '--no-wait leaves the delivery to the daemon, and none is running', {
      remedy: 'start it with `loong channels serve qqbot`, or send without --no-wait',
    });
  }
  const [{ sendOnce }, { openLog, Secrets }] = await Promise.all([
    import('../daemon/send-once.js'),
    import('../telemetry/log.js'),
  ]);
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? 'warn', format: config.log.format }, secrets);
  const around = { log, secrets, runtimeDir: process.env.XDG_RUNTIME_DIR };
  try {
    return await sendOnce(config, account, message, deadline, around);
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
  message: DirectMessage,
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

function lostRemedy({ key }: DirectMessage): string {
  const repeat =
    key === undefined
      ? 'do not simply repeat it'
      : 'repeat it with the same --idempotency-key, which sends nothing twice';
  return `${repeat}: look with \`loong gateway status\`, and start the daemon if none runs (one that hangs is ended with \`kill -9\`)`;
}

/** A stored message of which the daemon says no more: what went out only waits is known, of all else it is not known whether it arrived. */
function lost(receipt: Receipt, hangs: boolean, message: DirectMessage): Receipt {
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

function requestOf({ target, content, replyTo }: DirectMessage): SendRequest {
  return {
    target: formatTarget(target),
    ...(content.type === 'markdown' ? { markdown: content.markdown } : { text: plainText([content]) }),
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
  };
}

function printReceipt(receipt: Receipt, { json, wait }: SendOptions): void {
  process.exitCode = wait ? exitCodeOfReceipt(receipt) : EXIT.done;
  if (json) return printJson(receipt);
  const { status, target, id, mode, message_ids, parts, parts_delivered: arrived, error } = receipt;
  const how = mode === undefined ? '' : ` as ${mode}`;
  const shownParts = arrived === 0 || arrived === parts ? parts : `${arrived}/${parts}`;
  const platformIds = message_ids.length === 0 ? '' : ` message_id=${message_ids.join(',')}`;
  console.log(`${status} ${target} id=${id}${platformIds}${how} parts=${shownParts}`);
  if (error !== undefined)
    console.error(`  ${error.code}: ${error.message}${error.remedy === undefined ? '' : `\n  → ${error.remedy}`}`);
  if (status === 'parked')
    console.error('  → the message waits, and goes out when the peer writes to the bot while the daemon runs');
  if (status === 'queued' && wait && !/^(daemon|store)\./.test(error?.code ?? ''))
    console.error('  → the daemon keeps trying; this command only stopped waiting');
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
