/** Where the config and the state are. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Path of the config file: the given one, else $LOONG_CONFIG, else config.toml in $LOONG_HOME, else in ~/.loong. Absolute. */
export function configPath(options: { readonly path?: string | undefined; readonly env: NodeJS.ProcessEnv }): string {
  const named = options.path ?? filled(options.env.LOONG_CONFIG);
  return named === undefined
    ? join(loongHome(options.env), 'config.toml')
    : filePath(named, process.cwd(), options.env);
}

/** Folder of the state: [gateway].state_dir, else $STATE_DIRECTORY, else `state` in $LOONG_HOME, else in ~/.loong. Absolute. */
export function stateDir(configured: string | undefined, folder: string, env: NodeJS.ProcessEnv): string {
  if (configured !== undefined) return filePath(configured, folder, env);
  // systemd gives several, one for each StateDirectory=, in their order.
  const given = filled(env.STATE_DIRECTORY?.split(':')[0]);
  return given === undefined ? join(loongHome(env), 'state') : resolve(given);
}

/** A path as people write it, made absolute: `~` is the home, and what is relative is relative to `folder`. */
export function filePath(text: string, folder: string, env: NodeJS.ProcessEnv): string {
  const path = text.trim();
  return path === '~' || path.startsWith('~/') ? join(home(env), path.slice(1)) : resolve(folder, path);
}

function loongHome(env: NodeJS.ProcessEnv): string {
  const named = filled(env.LOONG_HOME);
  return named === undefined ? join(home(env), '.loong') : filePath(named, process.cwd(), env);
}

function home(env: NodeJS.ProcessEnv): string {
  return filled(env.HOME) ?? homedir();
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
