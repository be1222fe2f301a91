/** The text of the systemd unit. */
import { dirname } from 'node:path';
import { LoongError } from '../model/errors.js';

/** Where systemd makes the state directory of a system service called `loong`. */
export const SERVICE_STATE_DIR = '/var/lib/loong';
const LOG_DIR = '/var/log/loong';

/** Paths are absolute. */
export interface UnitFacts {
  readonly node: string;
  /** The script that is the command `loong`. */
  readonly loong: string;
  readonly config: string;
  /** Of the person whose service it is; undefined for the system's, which runs as a user of its own. */
  readonly home: string | undefined;
  /** Names of the secrets that systemd hands over. */
  readonly credentials: readonly string[];
  /** Where else than in `SERVICE_STATE_DIR` the daemon writes: its state directory, and the folder of its log file. */
  readonly writes: readonly string[];
}

/** @throws LoongError `service.odd_path` for what would end its line in the unit, and begin another setting */
export function unitText(facts: UnitFacts): string {
  const { node, loong, config, home = '', writes } = facts;
  const odd = [node, loong, config, home, ...writes].find((path) => /\p{Cc}/u.test(path));
  if (odd !== undefined) {
    throw new LoongError('service.odd_path', `no unit can hold the path ${JSON.stringify(odd)}`, {
      remedy: 'rename it: a path in a unit has no line ends, and nothing else that cannot be seen',
    });
  }
  return facts.home === undefined ? systemUnit(facts) : userUnit(facts, facts.home);
}

function systemUnit({ node, loong, config, credentials, writes }: UnitFacts): string {
  const folder = dirname(config);
  const logs = writes.some((path) => isBelow(path, LOG_DIR));
  const others = writes.filter((path) => !isBelow(path, LOG_DIR) && !isBelow(path, SERVICE_STATE_DIR));
  const isInHome = [node, loong, config].some((path) => /^\/(home|root|run\/user)\//.test(path));
  return `# systemd unit of loong, as \`loong service print\` wrote it for this machine. To install it:
#   sudo useradd --system --no-create-home loong
#   loong service print | sudo tee /etc/systemd/system/loong.service
#   sudo systemctl daemon-reload && sudo systemctl enable --now loong
# ${config} must be readable for that user: chown root:loong, chmod 0640. It must say where the state is, for
# StateDirectory= below tells it to the daemon alone, and every other command would look elsewhere:
#   [gateway]
#   state_dir = "${SERVICE_STATE_DIR}"
# Then ask it as its user: sudo -u loong loong --config ${config} gateway status
[Unit]
Description=loong, the QQ gateway daemon
Wants=network-online.target
After=network-online.target
# However often it ends, it is started again.
StartLimitIntervalSec=0

[Service]
${commonLines(commandLine([node, loong, 'gateway', 'run', '--config', config].map(escaped)))}
User=loong
StateDirectory=loong
StateDirectoryMode=0700
${logs ? 'LogsDirectory=loong\nLogsDirectoryMode=0700\n' : ''}${others.length === 0 ? '' : THEIR_OWN}${others.map((path) => `ReadWritePaths=${inQuotes(plain(path))}\n`).join('')}
# Secrets as files that only root can read: in the config write client_secret_file = "$CREDENTIALS_DIRECTORY/NAME".
${credentialLines(credentials, `${plain(folder)}/credentials`)}
# Or as variables: a file of lines NAME=value, mode 0600.
EnvironmentFile=-${plain(folder)}/secrets.env

# What the daemon does not need. The programs of backends of type exec live inside of it, too: should one need a home, more
# folders or a sandbox of its own, relax that with \`systemctl edit loong\` (ProtectHome=, ReadWritePaths=, RestrictNamespaces=,
# SystemCallFilter=). MemoryDenyWriteExecute= is not here: Node compiles while it runs.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
${isInHome ? '# node, loong or the config stand in a home: the user `loong` must be able to enter it.\nProtectHome=read-only' : 'ProtectHome=yes'}
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# @pkey: what the compiler of Node asks for first.
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

const THEIR_OWN = `# systemd makes none of these: make each before the first start, with sudo install -d -o loong -g loong -m 0700 FOLDER
`;

/** The manager of a person may not hide folders, so nothing is said of those; where the state is, \`loong\` knows by the home. */
function userUnit({ node, loong, config, credentials }: UnitFacts, home: string): string {
  const ofHome = (text: string, write: (part: string) => string) =>
    isBelow(text, home) ? `%h${write(text.slice(home.length))}` : write(text);
  const path = (text: string) => ofHome(text, escaped);
  const folder = dirname(config);
  const line = commandLine([path(node), path(loong), 'gateway', 'run', '--config', path(config)]);
  return `# systemd unit of loong for one person, as \`loong service print --user\` wrote it. To install it:
#   mkdir -p ~/.config/systemd/user && loong service print --user > ~/.config/systemd/user/loong.service
#   systemctl --user daemon-reload && systemctl --user enable --now loong
#   loginctl enable-linger        # or it ends when you log out
# The state stays where every command of yours looks for it (~/.loong/state, or state_dir of the config): so no StateDirectory=.
[Unit]
Description=loong, the QQ gateway daemon
StartLimitIntervalSec=0

[Service]
${commonLines(line)}

# Secrets as files: in the config write client_secret_file = "$CREDENTIALS_DIRECTORY/NAME".
${credentialLines(credentials, `${ofHome(folder, plain)}/credentials`)}
# Or as variables: a file of lines NAME=value, mode 0600.
EnvironmentFile=-${ofHome(folder, plain)}/secrets.env

# The manager of a person may forbid system calls, but not hide folders.
NoNewPrivileges=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

/** What both kinds have alike. */
function commonLines(command: string): string {
  return `# READY, STOPPING and the pings of the watchdog are sent by systemd-notify, a program that the daemon starts: hence NotifyAccess=all.
Type=notify
NotifyAccess=all
WatchdogSec=60
ExecStart=${command}
# \`loong gateway stop\` ends it for good; whatever else ends it, it is started again.
Restart=on-failure
RestartSec=2
# A wrong config is not mended by starting again.
RestartPreventExitStatus=78
# SIGTERM to the daemon alone: it finishes running answers (10 s), and ends the commands of its backends itself.
KillMode=mixed
TimeoutStopSec=20
UMask=0077`;
}

function credentialLines(names: readonly string[], folder: string): string {
  if (names.length === 0) return `#LoadCredential=qqbot-secret:${folder}/qqbot-secret`;
  return names.map((name) => `LoadCredential=${name}:${folder}/${name}`).join('\n');
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Escaped words. The program's own path may not have everything that others may, so an odd one is handed to `env`. */
function commandLine(words: readonly string[]): string {
  const [program = ''] = words;
  const isOdd = /["'\\$]/.test(program);
  return [...(isOdd ? ['/usr/bin/env'] : []), ...words.map(inQuotes)].join(' ');
}

/** systemd reads `%h` and the like everywhere, */
function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

/** and variables in commands. */
function escaped(text: string): string {
  return plain(text).replaceAll('$', '$$$$');
}

function inQuotes(text: string): string {
  return /^[\w./:=@%$+,-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
