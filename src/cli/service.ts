/** `loong service print`: the systemd unit, filled in for this machine. */
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import type { Config } from '../config/config.js';
import { configPath } from '../config/paths.js';
import { readConfig } from '../config/read-config.js';
import { findProgram } from '../doctor/program.js';
import { ConfigError } from '../model/errors.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { NOTIFIER } from './service-manager.js';
import { SERVICE_STATE_DIR, type UnitFacts, unitText } from './service-unit.js';

export interface ServiceOptions extends GlobalOptions {
  readonly user?: true;
}

/** What systemd gives to a service. */
const PATH_OF_UNITS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SYSTEM_CONFIG = '/etc/loong/config.toml';

export async function printService(options: ServiceOptions): Promise<void> {
  const { env } = process;
  const isNamed = options.config !== undefined || (env.LOONG_CONFIG ?? '') !== '';
  const config = options.user || isNamed ? configPath({ path: options.config, env }) : SYSTEM_CONFIG;
  const home = options.user ? (env.HOME ?? homedir()) : undefined;
  const asService = await readIfThere(config, { ...env, STATE_DIRECTORY: SERVICE_STATE_DIR });
  const inShell = await readIfThere(config, { ...env, STATE_DIRECTORY: undefined });
  const warnings = [
    ...warningsOf(config, asService, inShell, home === undefined),
    ...((await findProgram(NOTIFIER, PATH_OF_UNITS)) === undefined
      ? [
          `there is no program ${NOTIFIER} here, and the unit would wait in vain to be told that the daemon runs: install systemd whole`,
        ]
      : []),
  ];
  const facts: UnitFacts = {
    node: process.execPath,
    loong: realpathSync(process.argv[1] ?? ''),
    config,
    home,
    credentials: asService?.credentials ?? [],
    writes: asService === undefined ? [] : [asService.gateway.stateDir, ...folderOfLog(asService)],
  };
  const unit = unitText(facts);
  const path = home === undefined ? '/etc/systemd/system/loong.service' : `${home}/.config/systemd/user/loong.service`;
  if (options.json) return printJson({ path, unit, warnings });
  for (const warning of warnings) console.error(`warning: ${warning}`);
  process.stdout.write(unit);
}

/** A config may come later. @throws ConfigError for any other fault */
async function readIfThere(path: string, env: NodeJS.ProcessEnv): Promise<Config | undefined> {
  try {
    return await readConfig({ env, secrets: 'optional', path });
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'config.missing') return undefined;
    throw error;
  }
}

function folderOfLog({ log }: Config): readonly string[] {
  return log.file === undefined ? [] : [dirname(log.file)];
}

/** What works in this shell and would not in the service. */
function warningsOf(
  path: string,
  asService: Config | undefined,
  inShell: Config | undefined,
  isSystem: boolean,
): readonly string[] {
  if (asService === undefined || inShell === undefined)
    return [`there is no ${path} yet: make it before you start the unit`];
  const hidden = isSystem && asService.gateway.stateDir !== inShell.gateway.stateDir;
  const { secure } = inShell.gateway.proxy;
  return [
    ...(hidden
      ? [
          `put state_dir = "${SERVICE_STATE_DIR}" under [gateway] of ${path}: else other commands do not find this daemon`,
        ]
      : []),
    ...(secure?.from.startsWith('$')
      ? [
          `this shell has a proxy (${secure.from}), the unit has not: write it as gateway.proxy if QQ is reached through it`,
        ]
      : []),
  ];
}
