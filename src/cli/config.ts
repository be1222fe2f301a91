/** `loong config`: every problem of the config, what is in force, and the shape that editors can check. */
import { readFileSync } from 'node:fs';
import { stringify } from 'smol-toml';
import { unservable } from '../access/servable.js';
import type { Config } from '../config/config.js';
import { effectiveConfig } from '../config/effective-config.js';
import { readConfig } from '../config/read-config.js';
import { ConfigError } from '../model/errors.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { enabledAccounts } from './require-channel.js';

export async function checkConfig(options: GlobalOptions): Promise<void> {
  const config = await readConfig({ env: process.env, secrets: 'required', path: options.config });
  assertRunnable(config);
  if (options.json) return printJson({ ok: true, config: config.path, warnings: config.warnings });
  warn(config);
  console.log(`ok: ${config.path}`);
}

/** What `gateway run` refuses is no good config, whatever its form. @throws ConfigError */
function assertRunnable(config: Config): void {
  const problems = enabledAccounts(config)
    .map(unservable)
    .filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new ConfigError(problems);
}

export async function showConfig(options: GlobalOptions): Promise<void> {
  const config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  const effective = effectiveConfig(config);
  if (options.json) return printJson(effective);
  warn(config);
  console.log(`# ${config.path}\n${stringify(effective)}`);
}

export async function printSchema(document: 'config' | 'turn' | 'answer'): Promise<void> {
  if (document !== 'config') {
    console.log(readFileSync(new URL(`../../schema/${document}.v1.json`, import.meta.url), 'utf8').trimEnd());
    return;
  }
  const { configSchema } = await import('../config/schema.js');
  printJson(configSchema.toJSONSchema({ io: 'input' }));
}

function warn({ warnings }: Config): void {
  for (const warning of warnings) console.error(`warning: ${warning}`);
}
