/** What `loong init` says at its end: what would be written, or was, how the accounts are doing, and what to type next. */
import { resolve } from 'node:path';
import type { BackendConfig, Config, QqbotAccount } from '../config/config.js';
import { tomlLine } from '../config/edit-toml.js';
import { type Setup, type Standing, standingBot } from '../config/setup.js';
import { channelStatus, documentOf, type ProbeStep, printChannelStatus } from './channels-status.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { ownName } from './own-name.js';

/** What was found out and agreed on. */
export interface Agreed {
  readonly setup: Setup;
  /** Undefined: QQ was not asked. */
  readonly probe: readonly ProbeStep[] | undefined;
  /** The backend that was tried, and what it said or why it did not. */
  readonly trial: Trial | undefined;
}

export interface Trial {
  readonly backend: string;
  readonly type: BackendConfig['type'];
  readonly answer?: string;
  readonly fault?: string;
}

function changesOf({ edits }: Setup): readonly string[] {
  return edits.map(({ table, key, value }) =>
    value === undefined ? `[${table.join('.')}] without ${key}` : `[${table.join('.')}] ${tomlLine(key, value)}`,
  );
}

export function reportDryRun({ setup, probe, trial }: Agreed, options: GlobalOptions): void {
  const { draft } = setup;
  const changes = changesOf(setup);
  if (options.json) {
    return printJson({
      config: draft.path,
      dry_run: true,
      written: false,
      changes,
      secret_files: draft.secretFiles.map(({ path }) => path),
      probe: probe ?? null,
      backend: trial ?? null,
    });
  }
  if (changes.length === 0) console.log(`${draft.path} would stay as it is`);
  else if (draft.replaces === undefined) console.log(`would write ${draft.path} (0600):\n\n${draft.text}`);
  else console.log(`would change ${draft.path}, after a backup:\n${changes.map((line) => `  ${line}`).join('\n')}`);
  for (const { path } of draft.secretFiles) console.log(`would write ${path} (0600): ***`);
}

export async function reportDone(
  { setup, probe, trial }: Agreed,
  backup: string | undefined,
  there: Standing,
  options: GlobalOptions,
): Promise<void> {
  const { draft, config } = setup;
  const { path } = draft;
  const isWritten = draft.text !== draft.replaces;
  const status = probe === undefined ? undefined : await channelStatus({ ...options, config: path, probe: true });
  const next = nextCommands(setup, there, status?.daemon !== undefined, options);
  process.exitCode = EXIT.done; // whatever QQ said: the config is there
  if (options.json) {
    return printJson({
      config: path,
      dry_run: false,
      written: isWritten,
      backup: backup ?? null,
      changes: changesOf(setup),
      secret_files: draft.secretFiles.map((file) => file.path),
      probe: probe ?? null,
      backend: trial ?? null,
      status: status === undefined ? null : documentOf(status),
      warnings: config.warnings,
      next,
    });
  }
  console.log(isWritten ? `已写入 / written: ${path}` : `无需改动 / nothing to change: ${path}`);
  for (const file of draft.secretFiles) console.log(`已写入 / written: ${file.path} (0600)`);
  if (backup !== undefined) console.log(`原文件 / the former one: ${backup}`);
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
  if (status !== undefined) {
    console.log('');
    printChannelStatus(status);
  }
  console.log('\n下一步 / next:');
  for (const { command, why } of next) console.log(`  ${command.padEnd(44)}  # ${why}`);
}

function nextCommands(
  { config }: Setup,
  there: Standing,
  isRunning: boolean,
  options: GlobalOptions,
): readonly { readonly command: string; readonly why: string }[] {
  const named = options.config === undefined ? '' : ` --config ${quotedForShell(resolve(options.config))}`;
  const loong = `${ownName()}${named}`;
  const account = onlyAccount(config.qqbot.accounts);
  const old = standingBot(there).appId;
  const isOther = old !== '' && account.appId.ok && account.appId.value !== old;
  return [
    ...(isRunning ? [{ command: `${loong} gateway stop`, why: '停下正在运行的 / the one that runs' }] : []),
    ...(isOther
      ? [{ command: `${loong} account rebind qqbot ${account.id}`, why: '换了应用 / it is another app now' }]
      : []),
    { command: `${loong} gateway run`, why: '开始回答，Ctrl-C 结束 / answer on QQ until Ctrl-C' },
    ...(account.dmPolicy === 'pairing'
      ? [
          {
            command: `${loong} pairing approve qqbot CODE`,
            why: '给机器人发消息，用它回的配对码放行 / let in whoever it told this code',
          },
        ]
      : []),
  ];
}

function quotedForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The bot that is set up: a config with more of them is not changed. */
export function onlyAccount(accounts: readonly QqbotAccount[]): QqbotAccount {
  const [account] = accounts;
  if (account === undefined) throw new Error('a config without an account');
  return account;
}

export function backendOf({ qqbot, backends }: Config): BackendConfig {
  const backend = backends.get(onlyAccount(qqbot.accounts).backend);
  if (backend === undefined) throw new Error('the config reader let an unknown backend through');
  return backend;
}
