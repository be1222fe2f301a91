/** `loong channels send`: one message, through the running daemon or, without one, by this process. */
import { allowedPeers } from '../access/allowed-peers.js';
import type { Config, QqbotAccount } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { Receipt, SendRequest } from '../control/api.js';
import { ControlClient } from '../control/control-client.js';
import type { DirectMessage } from '../daemon.js';
import { ConfigError, LoongError, UsageError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';
import { formatTarget, parseTarget, type Target } from '../model/target.js';
import { assertSendable } from '../relay/outbound.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { requireAccount, requireChannel } from './require-channel.js';

export interface SendOptions extends GlobalOptions {
  readonly target: string;
  readonly text: string;
  readonly markdown?: true;
  readonly replyTo?: string;
  readonly account?: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly dryRun?: true;
  /** Commander's negation of `--no-wait`. */
  readonly wait: boolean;
}

/** Longest text read from stdin. */
const MAX_STDIN_BYTES = 1_048_576;

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
  if (options.dryRun === true) return printDryRun(target, text, options);
  printReceipt(await deliver(config, account, { target, content, replyTo: options.replyTo }, options), options);
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
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
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
  const daemon = await ControlClient.find(config.gateway.stateDir);
  if (daemon !== undefined) {
    const deadline = Date.now() + options.timeout;
    try {
      const stored = await daemon.send(requestOf(message));
      return options.wait ? await daemon.settled(stored.id, deadline) : stored;
    } finally {
      await daemon.close();
    }
  }
  if (!options.wait) {
    throw new LoongError('daemon.not_running', '--no-wait leaves the delivery to the daemon, and none is running', {
      remedy: 'start it with `loong channels serve qqbot`, or send without --no-wait',
    });
  }
  const [{ sendOnce }, { openLog, Secrets }] = await Promise.all([
    import('../daemon.js'),
    import('../telemetry/log.js'),
  ]);
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? 'warn', format: config.log.format }, secrets);
  return sendOnce(config, account, message, options.timeout, {
    log,
    secrets,
    runtimeDir: process.env.XDG_RUNTIME_DIR,
  });
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
  const { status, target, id, mode, message_ids, parts, error } = receipt;
  const how = mode === undefined ? '' : ` as ${mode}`;
  const platformIds = message_ids.length === 0 ? '' : ` message_id=${message_ids.join(',')}`;
  console.log(`${status} ${target} id=${id}${platformIds}${how} parts=${parts}`);
  if (error !== undefined)
    console.error(`  ${error.code}: ${error.message}${error.remedy === undefined ? '' : `\n  → ${error.remedy}`}`);
  if (status === 'parked')
    console.error('  → the message waits, and goes out when the peer writes to the bot while the daemon runs');
  if (status === 'queued' && wait) console.error('  → the daemon keeps trying; this command only stopped waiting');
}

function exitCodeOfReceipt({ status, error }: Receipt): number {
  switch (status) {
    case 'delivered':
      return EXIT.done;
    case 'failed':
      return error?.code === 'platform.unreachable' || error?.code === 'platform.token_unreachable'
        ? EXIT.unreachable
        : EXIT.failed;
    case 'uncertain':
      return EXIT.uncertain;
    case 'queued':
    case 'sending':
    case 'parked':
      return EXIT.notFinished;
  }
}
