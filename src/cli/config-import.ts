/** `loong config import`: the QQ channels of an OpenClaw config as ours, and what became of each key. */
import { basename, dirname, resolve } from 'node:path';
import { stringify } from 'smol-toml';
import type { Config } from '../config/config.js';
import { type Imported, importOpenclaw } from '../config/openclaw/import-openclaw.js';
import { readOpenclaw } from '../config/openclaw/read-openclaw.js';
import { configPath } from '../config/paths.js';
import { configOf, readConfigText } from '../config/read-config.js';
import { channelTablesIn, freshConfig } from '../config/setup.js';
import { placeSecret, type SecretFile, writeConfig } from '../config/write-config.js';
import { ConfigError, LoongError } from '../model/errors.js';
import type { ChannelId } from '../model/target.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { ownName } from './own-name.js';

export interface ImportOptions extends GlobalOptions {
  readonly dryRun?: true;
}

interface Plan {
  readonly path: string;
  readonly replaces: string | undefined;
  readonly text: string;
  readonly secretFiles: readonly SecretFile[];
  readonly config: Config;
}

export async function importConfig(from: string, options: ImportOptions): Promise<void> {
  const source = resolve(from);
  const imported = importOpenclaw(await readOpenclaw(source), dirname(source));
  assertOneOfEach(imported, source);
  const plan = await planOf(imported, configPath({ path: options.config, env: process.env }));
  const backup = options.dryRun ? undefined : writeConfig(plan, new Date());
  const { path, config, secretFiles } = plan;
  if (options.json) {
    return printJson({
      source,
      config: path,
      dry_run: options.dryRun === true,
      written: options.dryRun !== true,
      backup: backup ?? null,
      secret_files: secretFiles.map((file) => file.path),
      keys: imported.report.keys,
      keys_untold: imported.report.untold,
      warnings: config.warnings,
    });
  }
  printReport(imported);
  console.log('');
  if (options.dryRun) console.log(`would write ${path} (0600):\n\n${added(plan)}`);
  else console.log(`written: ${path}`);
  for (const file of secretFiles)
    console.log(options.dryRun ? `would write ${file.path} (0600): ***` : `written: ${file.path} (0600)`);
  if (backup !== undefined) console.log(`the former one: ${backup}`);
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
  if (!options.dryRun)
    console.log(
      `\nnext:\n  ${ownName()} config check\n  ${ownName()} channels status --probe\n  ${ownName()} gateway run`,
    );
}

/** @throws LoongError `import.nothing`, `import.two_bots` */
function assertOneOfEach({ shapes }: Imported, source: string): void {
  if (shapes.length === 0) {
    throw new LoongError('import.nothing', `${source} has none of channels.napcatqq, channels.qq and channels.qqbot`, {
      remedy: 'name the openclaw.json that has them',
    });
  }
  if (shapes.includes('qq') && shapes.includes('qqbot')) {
    throw new LoongError(
      'import.two_bots',
      `${source} has both channels.qq and channels.qqbot, which are one channel here`,
      {
        remedy: 'take one of them out of a copy, import that, and write the other one as [qqbot.accounts.NAME]',
      },
    );
  }
}

/** @throws ConfigError when what comes out would be refused; LoongError `import.already_there` */
async function planOf(imported: Imported, path: string): Promise<Plan> {
  const replaces = await readConfigText(path).catch((error: unknown) => {
    if (error instanceof ConfigError && error.code === 'config.missing') return undefined;
    throw error;
  });
  const [there] = channelTablesIn(replaces ?? '', path, Object.keys(imported.channels) as ChannelId[]);
  if (there !== undefined) {
    throw new LoongError('import.already_there', `${path} has a table [${there}] already`, {
      remedy: 'name another file with --config, or take that table out',
    });
  }
  const before = replaces ?? freshConfig(path, process.env);
  const files = imported.secrets.map((found) => {
    const name = [...found.outPath.filter((part) => part !== 'accounts'), found.key].join('-');
    return { ...found, ...placeSecret(path, name, found.secret) };
  });
  const textWith = (form: (file: (typeof files)[number]) => readonly [string, string]) => {
    const tables = structuredClone(imported.channels) as { [name: string]: unknown };
    for (const file of files) {
      const table = file.outPath.reduce((at, name) => at[name] as { [name: string]: unknown }, tables);
      const [key, value] = form(file);
      table[key] = value;
    }
    return `${before.trimEnd()}\n\n${stringify(tables).trimStart()}`;
  };
  const candidate = textWith(({ key, secret }) => [key, secret]);
  const config = await configOf(candidate, { path, env: process.env, secrets: 'optional', isOpen: false });
  return {
    path,
    replaces,
    text: textWith((file) => [`${file.key}_file`, `secrets/${basename(file.path)}`]),
    secretFiles: files,
    config,
  };
}

function added({ text, replaces }: Plan): string {
  return replaces === undefined ? text : `(…)\n\n${text.slice(replaces.trimEnd().length).trimStart()}`;
}

function printReport({ report }: Imported): void {
  for (const { key, status, to, note } of report.keys) {
    console.log(`${status.padEnd(9)}  ${key}${to === undefined ? '' : ` → ${to}`}`);
    if (note !== undefined) console.log(`${' '.repeat(11)}${note}`);
  }
  if (report.untold > 0) console.log(`… and ${report.untold} more keys`);
}
