/** The commands of `loong`: its table of contents. What a command does stands in the file of its name, loaded when it is used. */
import { Argument, Command, CommanderError, Help, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../model/errors.js';
import { VERSION } from '../model/version.js';
import { EXIT, reportError } from './exit.js';
import { addOnebotCommands } from './onebot-commands.js';
import { addPairingCommands } from './pairing-commands.js';
import { refuseRepeats, refuseUnknown } from './strictness.js';

const usualHelp = new Help();

const program = new Command('loong')
  .description('The QQ gateway daemon: one durable road between QQ and whatever answers on QQ.')
  .version(VERSION, '-V, --version', 'print the version')
  .option(
    '--config <path>',
    'config file (default: $LOONG_CONFIG, else $LOONG_HOME/config.toml, else ~/.loong/config.toml)',
  )
  .addOption(
    new Option('--log-level <level>', 'overrides log.level').choices(['trace', 'debug', 'info', 'warn', 'error']),
  )
  .option('--json', 'print one JSON document, errors included')
  .configureHelp({
    showGlobalOptions: true,
    // Of what can be repeated the default is nothing, which goes without saying.
    optionDescription: (option) =>
      Array.isArray(option.defaultValue) ? option.description : usualHelp.optionDescription(option),
  })
  .configureOutput({ writeErr: (text) => (wantsJson() ? undefined : process.stderr.write(text)) })
  .exitOverride()
  .addHelpText(
    'after',
    `
First steps:
  $ loong sandbox --with-gateway                  try it without a QQ account: a local platform, the daemon and a chat page
  $ loong init                                    connect your bot: asks, tries, writes the config
  $ loong config check                            is my config right?
  $ loong channels                                what is there, and what is missing?
  $ loong doctor                                  is everything ready, and does QQ agree?
  $ loong channels send qqbot --target c2c:OPENID --text "hello"
  $ loong channels serve qqbot                    answer on QQ until Ctrl-C
  $ loong gateway run                             all channels at once: the official bot, and NapCat & co. over OneBot

Exit codes: 0 done · 1 failed · 64 usage · 69 unreachable · 70 fault in loong · 75 not finished · 76 may have arrived · 77 not allowed · 78 config`,
  );

program
  .command('init')
  .description('first setup: asks for AppID, secret and who answers, tries all of it, and writes the config')
  .option('--env-file <path>', 'read this file of NAME=value lines instead of .env.qq; .env is read beneath it')
  .option('--yes', 'ask nothing: take what the environment, the env files and the config say')
  .option('--dry-run', 'show what would be written, and write nothing')
  .option('--skip-api-probe', 'do not ask QQ whether it takes the credentials')
  .addHelpText(
    'after',
    `
Examples:
  $ loong init
  $ loong init --yes --env-file .env.qq.local
  $ loong init --dry-run --skip-api-probe

Names that are read: QQ_BOT_APP_ID, QQ_BOT_APP_SECRET, QQ_BOT_API_BASE_URL, QQ_OFFICIAL_WEBHOOK_PATH, QQ_DM_POLICY, QQ_ALLOW_FROM; also QQBOT_APP_ID, QQBOT_CLIENT_SECRET, QQ_APP_SECRET, QQBOT_TOKEN_URL. The environment counts more than .env.qq, and that more than .env.
A config that is there keeps its comments and all other keys, and a backup of it is made. Secrets go into files of their own beside it, which only you may read.`,
  )
  .action(async (_options, self: Command) => (await import('./init.js')).initialise(self.optsWithGlobals()));

const channels = program
  .command('channels')
  .description('list channels and accounts and what each needs; serve one; send a message')
  .addHelpText('after', '\nExamples:\n  $ loong channels\n  $ loong channels --json')
  .allowExcessArguments()
  .allowUnknownOption()
  .action(async (_options, self: Command) => {
    refuseUnknown(self);
    await (await import('./channels-list.js')).listChannels(self.optsWithGlobals());
  });

channels
  .command('status')
  .description('how every account is doing; exit 69 when no daemon runs')
  .option(
    '--probe',
    'really ask QQ: token, gateway, profile, socket, or what is connected over OneBot; exit 1 when it refuses, 69 when it is not reached',
  )
  .addHelpText('after', '\nExamples:\n  $ loong channels status\n  $ loong channels status --probe --json')
  .action(async (_options, self: Command) =>
    (await import('./channels-status.js')).showChannelStatus(self.optsWithGlobals()),
  );

channels
  .command('serve <channel>')
  .description('run the daemon for one channel in the foreground, until Ctrl-C')
  .option('--account <id>', 'only this account (repeatable)', collect, [])
  .addHelpText(
    'after',
    '\nExamples:\n  $ loong channels serve qqbot\n  $ loong channels serve qqbot --account main --account ops\n  $ loong channels serve onebot',
  )
  .action(async (channel: string, _options, self: Command) =>
    (await import('./channels-serve.js')).serveChannel(channel, self.optsWithGlobals()),
  );

channels
  .command('send <channel>')
  .description('send one message and say what became of it')
  .requiredOption(
    '--target <target>',
    '<channel>:<account>:<kind>:<id>, <account>:<kind>:<id> or <kind>:<id>; kinds of qqbot: c2c, group, channel, dm; of onebot: private, group',
  )
  .option('--text <text>', 'what to send; - reads it from stdin')
  .option('--markdown', 'the text is markdown')
  .option('--image <file>', 'onebot: a picture, as path or URL (repeatable)', collect, [])
  .option('--voice <file>', 'onebot: a voice message, as path or URL (repeatable)', collect, [])
  .option('--video <file>', 'onebot: a video, as path or URL (repeatable)', collect, [])
  .option('--file <file>', 'onebot: any file, as path or URL (repeatable)', collect, [])
  .option(
    '--segments <json>',
    'onebot: the whole message as OneBot writes it, instead of --text; - reads it from stdin',
  )
  .option(
    '--reply-to <message-id>',
    'qqbot: use the reply window of this message of the conversation, while it is open; onebot: quote it',
  )
  .option('--account <id>', 'send as this account')
  .option('--idempotency-key <key>', 'with the same key the same message is sent only once, within 24 hours')
  .option('--dry-run', 'check everything that can be checked here, send nothing')
  .option('--no-wait', 'end as soon as the daemon has stored the message')
  .addOption(
    new Option('--timeout <duration>', 'how long to wait for the outcome').default(30_000, '30s').argParser(durationMs),
  )
  .addHelpText(
    'after',
    `
Examples:
  $ loong channels send qqbot --target c2c:OPENID --text "hello from loong"
  $ uptime | loong channels send qqbot --target ops:group:GROUP_OPENID --text -
  $ loong channels send qqbot --target c2c:OPENID --markdown --text "**done**" --reply-to MESSAGE_ID
  $ loong channels send qqbot --target c2c:OPENID --text "backup done" --idempotency-key backup-2026-11-20
  $ loong channels send qqbot --target c2c:OPENID --text hi --json
  $ loong channels send onebot --target private:20002 --text "look" --image ./cat.png
  $ loong channels send onebot --target group:30003 --segments '[{"type":"dice","data":{}}]'

Long text goes out in several parts. The receipt says delivered, failed, uncertain (may have arrived), queued or parked (waits until the peer writes).`,
  )
  .action(async (channel: string, _options, self: Command) =>
    (await import('./channels-send.js')).sendMessage(channel, self.optsWithGlobals()),
  );

const gateway = program
  .command('gateway')
  .description('the daemon with all enabled accounts: run it, look at it, stop it')
  .addHelpText('after', '\nExamples:\n  $ loong gateway run\n  $ loong gateway status\n  $ loong gateway stop');
gateway
  .command('run')
  .description('run all enabled accounts in the foreground, until Ctrl-C, SIGTERM or `loong gateway stop`')
  .addHelpText('after', '\nExample:\n  $ loong gateway run --config /etc/loong/config.toml')
  .action(async (_options, self: Command) => (await import('./gateway.js')).runGateway(self.optsWithGlobals()));
gateway
  .command('status')
  .description('how every account is doing; exit 69 when no daemon runs')
  .addHelpText('after', '\nExamples:\n  $ loong gateway status\n  $ loong gateway status --json')
  .action(async (_options, self: Command) => (await import('./gateway.js')).showGatewayStatus(self.optsWithGlobals()));
gateway
  .command('stop')
  .description('let the daemon finish what runs, and end')
  .addHelpText('after', '\nExample:\n  $ loong gateway stop')
  .action(async (_options, self: Command) => (await import('./gateway.js')).stopGateway(self.optsWithGlobals()));

const config = program
  .command('config')
  .description('check the configuration, show it, or import one of OpenClaw')
  .addHelpText(
    'after',
    '\nExamples:\n  $ loong config check\n  $ loong config show\n  $ loong config import ~/.openclaw/openclaw.json',
  );
config
  .command('check')
  .description('report every problem of the config at once; start nothing')
  .addHelpText('after', '\nExample:\n  $ loong config check --config ./config.toml')
  .action(async (_options, self: Command) => (await import('./config.js')).checkConfig(self.optsWithGlobals()));

config
  .command('import <openclaw.json>')
  .description('write a config from the QQ channels of an OpenClaw config, and tell what became of each key')
  .option('--dry-run', 'tell it, and write nothing')
  .addHelpText(
    'after',
    `
Examples:
  $ loong config import ~/.openclaw/openclaw.json --dry-run
  $ loong config import ~/.openclaw/openclaw.json
  $ loong config import openclaw.json --config ./imported.toml --json

Takes channels.napcatqq, channels.qq and channels.qqbot, as JSON or JSON5. kept, renamed: means the same; changed, ambiguous: read the note, nobody is let in who was not before; dead: not taken.`,
  )
  .action(async (file: string, _options, self: Command) =>
    (await import('./config-import.js')).importConfig(file, self.optsWithGlobals()),
  );

config
  .command('show')
  .description('print the config that is in force, defaults and environment included, secrets as ***')
  .addHelpText('after', '\nExamples:\n  $ loong config show\n  $ loong config show --json')
  .action(async (_options, self: Command) => (await import('./config.js')).showConfig(self.optsWithGlobals()));
config
  .command('schema')
  .description(
    'print a JSON Schema: of the config, for editors; of the turn that a backend is given; of the answer it may give as JSON',
  )
  .addArgument(new Argument('[document]').choices(['config', 'turn', 'answer']).default('config'))
  .addHelpText('after', '\nExamples:\n  $ loong config schema > config.schema.json\n  $ loong config schema turn')
  .action(async (document: 'config' | 'turn' | 'answer') => (await import('./config.js')).printSchema(document));

program
  .command('doctor')
  .description('is everything ready to send and to serve, and does QQ agree? exit 1 when a check fails')
  .option('--offline', 'ask nothing over the network')
  .addHelpText('after', '\nExamples:\n  $ loong doctor\n  $ loong doctor --offline --json')
  .action(async (_options, self: Command) => (await import('./doctor.js')).runDoctor(self.optsWithGlobals()));

const queue = program
  .command('queue')
  .description('messages that are not settled yet, and those settled last, in and out: look at them, retry, drop')
  .addHelpText('after', '\nExamples:\n  $ loong queue\n  $ loong queue show out-7\n  $ loong queue retry out-7');
queue
  .command('list', { isDefault: true })
  .description('all that is not settled, then what was settled last')
  .addHelpText('after', '\nExamples:\n  $ loong queue list\n  $ loong queue --json')
  .allowExcessArguments()
  .allowUnknownOption()
  .action(async (_options, self: Command) => {
    refuseUnknown(self, queue);
    await (await import('./queue.js')).listQueue(self.optsWithGlobals());
  });
queue
  .command('show <id>')
  .description('one message with its text, and what became of each part; exit 1 when there is none')
  .addHelpText('after', '\nExamples:\n  $ loong queue show out-7\n  $ loong queue show in-3 --json')
  .action(async (id: string, _options, self: Command) =>
    (await import('./queue.js')).showQueueItem(id, self.optsWithGlobals()),
  );
queue
  .command('retry <id>')
  .description('try what was not delivered again, or answer a message anew whose turn failed')
  .option('--yes', 'also what may have arrived already, so that it can arrive twice')
  .addHelpText(
    'after',
    '\nExamples:\n  $ loong queue retry out-7\n  $ loong queue retry out-8 --yes\n  $ loong queue retry in-3',
  )
  .action(async (id: string, _options, self: Command) =>
    (await import('./queue.js')).retryQueueItem(id, self.optsWithGlobals()),
  );
queue
  .command('drop <id>')
  .description('give up what waits, and the later parts of its message: it is not sent, or not answered')
  .addHelpText('after', '\nExamples:\n  $ loong queue drop out-7\n  $ loong queue drop in-3 --json')
  .action(async (id: string, _options, self: Command) =>
    (await import('./queue.js')).dropQueueItem(id, self.optsWithGlobals()),
  );

const account = program
  .command('account')
  .description('whose an account is: which app, or which QQ')
  .addHelpText('after', '\nExample:\n  $ loong account rebind qqbot main');
account
  .command('rebind <channel> <account>')
  .description('let it become another app or QQ, and give up all that belongs to the former one; stop the daemon first')
  .addHelpText(
    'after',
    `
Examples:
  $ loong account rebind qqbot main
  $ loong account rebind onebot home --json

Messages that wait are settled as failed (those that may have arrived as uncertain), incoming ones stay unanswered; reply windows and the gateway session are forgotten. Ids of peers are per app, so look at allowed_peer_ids afterwards.`,
  )
  .action(async (channel: string, id: string, _options, self: Command) =>
    (await import('./account.js')).rebindAccount(channel, id, self.optsWithGlobals()),
  );

program
  .command('why <message-or-target>')
  .description(
    'which rule decided about a message that came in, or decides about a target, and which key of the config changes it; exit 1 when there is no such message',
  )
  .addHelpText(
    'after',
    '\nExamples:\n  $ loong why in-7\n  $ loong why ROBOT1.0_abc\n  $ loong why group:GROUP_OPENID\n  $ loong why onebot:home:private:20002 --json',
  )
  .action(async (what: string, _options, self: Command) =>
    (await import('./why.js')).explainWhy(what, self.optsWithGlobals()),
  );

program
  .command('explain <code...>')
  .description(
    'what a number of the QQ platform or of OneBot, or a code of loong itself, means, what loong does about it, and what you can do; exit 1 when unknown',
  )
  .addHelpText(
    'after',
    '\nExamples:\n  $ loong explain 40054010\n  $ loong explain 4009 100016 11298\n  $ loong explain onebot.not_connected 1200\n  $ loong explain 40034102 --json',
  )
  .action(async (codes: string[], _options, self: Command) =>
    (await import('./explain.js')).explain(codes, self.optsWithGlobals()),
  );

addOnebotCommands(program);
addPairingCommands(program);

program
  .command('status')
  .description('one screen: the daemon, every account, who answers, what waits; exit 69 when no daemon runs')
  .addHelpText('after', '\nExamples:\n  $ loong status\n  $ loong status --json')
  .action(async (_options, self: Command) => (await import('./status.js')).showStatus(self.optsWithGlobals()));

program
  .command('logs')
  .description('what the daemon wrote: from log.file, else from the systemd journal')
  .option('-f, --follow', 'go on with what is added; a log file that is not there yet is waited for')
  .addOption(new Option('-n, --lines <count>', 'how many of the last lines').default(100).argParser(wholeNumber))
  .addHelpText('after', '\nExamples:\n  $ loong logs\n  $ loong logs --follow --lines 20')
  .action(async (_options, self: Command) => (await import('./logs.js')).showLogs(self.optsWithGlobals()));

program
  .command('sandbox')
  .description('a local QQ platform with a chat page: try and test without a QQ account')
  .addOption(
    new Option(
      '--port <port>',
      'port of page and platform; 0 takes any free one (default: 26380, or any when taken)',
    ).argParser(portNumber),
  )
  .option('--app-id <id>', 'app id that the platform knows')
  .option('--client-secret <secret>', 'its client secret')
  .option('--with-gateway', 'run a daemon with the echo backend beside it')
  .option('--webhook <url>', 'push events there, signed, instead of waiting for a bot at the gateway')
  .option(
    '--onebot <url>',
    'a pretended NapCat dials in here, such as ws://127.0.0.1:3001/onebot/v11/ws (repeatable)',
    collect,
    [],
  )
  .option('--onebot-token <token>', 'what it shows there')
  .option('--onebot-self-id <qq>', 'its QQ; those of further ones count on from it (default: 10001)')
  .addOption(
    new Option('--onebot-flavour <name>', 'which program it pretends to be (default: napcat)').choices([
      'napcat',
      'llonebot',
      'lagrange',
      'go-cqhttp',
    ]),
  )
  .addHelpText(
    'after',
    `
Examples:
  $ loong sandbox --with-gateway
  $ loong sandbox --webhook http://127.0.0.1:8080/qq-official-webhook
  $ loong sandbox --onebot ws://127.0.0.1:3001/onebot/v11/ws --onebot-token TOKEN
  $ loong sandbox --port 0 --json`,
  )
  .action(async (_options, self: Command) => (await import('./sandbox.js')).runSandbox(self.optsWithGlobals()));

const service = program
  .command('service')
  .description('run loong for good, under systemd')
  .addHelpText('after', '\nExamples:\n  $ loong service print\n  $ loong service print --user');

service
  .command('print')
  .description('the systemd unit, filled in for this machine: its paths, its secrets, and what the daemon may do')
  .option('--user', 'for you alone, without root (systemctl --user)')
  .addHelpText(
    'after',
    `
Examples:
  $ loong service print | sudo tee /etc/systemd/system/loong.service
  $ loong service print --config /etc/loong/config.toml
  $ loong service print --user > ~/.config/systemd/user/loong.service`,
  )
  .action(async (_options, self: Command) => (await import('./service.js')).printService(self.optsWithGlobals()));

refuseRepeats(program);

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function durationMs(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h)$/.exec(text.trim());
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new InvalidArgumentError('Write a number with a unit, such as 30s or 2m.');
  return Number(match[1]) * unit;
}

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number, such as 100.');
  return Number(text);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('Write a number from 0 to 65535.');
  return port;
}

function wantsJson(): boolean {
  return process.argv.includes('--json');
}

/** Where a command is missing commander prints the help and says nothing else. */
function inOurWords({ code, message }: CommanderError): UsageError {
  if (code === 'commander.help') return new UsageError('usage', 'a command is missing', '`loong --help` lists them');
  return new UsageError('usage', message.replace(/^error: /, ''), usageRemedy());
}

/** Where the command that was meant, as far as its words are known, says what it takes. */
function usageRemedy(): string {
  let command: Command = program;
  const names = [program.name()];
  for (const word of process.argv.slice(2)) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) continue;
    command = next;
    names.push(word);
  }
  return `\`${names.join(' ')} --help\` shows how it is used`;
}

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      if (error.exitCode === 0) return;
      if (wantsJson()) reportError(inOurWords(error), true);
      else if (error.code !== 'commander.help') console.error(`  → ${usageRemedy()}`);
      return;
    }
    reportError(error, wantsJson());
  }
}

// A reader that has enough (`| head`) closes the pipe: that is no error of ours, and changes nothing of how it went.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) =>
  code === 'EPIPE' ? process.exit() : process.exit(EXIT.bug),
);
process.stderr.on('error', () => undefined); // nobody is left to be told
await main();
// What was printed is handed over first. Then done is done: a question that nobody answered must not hold the command.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
);
process.exit();
