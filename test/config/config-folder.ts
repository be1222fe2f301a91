/** A real folder with a real config file, for the tests of this room. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Config, OnebotAccount, QqbotAccount } from '../../src/config/config.js';
import { readConfig } from '../../src/config/read-config.js';
import { ConfigError } from '../../src/model/errors.js';

export const folder = mkdtempSync(join(tmpdir(), 'loong-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file beside the config and says where. */
export function fileWith(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  return path;
}

type Env = Readonly<Record<string, string>>;
const CREDENTIALS = { QQBOT_APP_ID: '102000001', QQBOT_CLIENT_SECRET: 'a-secret' };

/** Reads `toml` with both credentials in the environment. */
export function read(toml: string, env: Env = {}, secrets: 'required' | 'optional' = 'required'): Promise<Config> {
  return readWith(toml, { ...CREDENTIALS, ...env }, secrets);
}

/** Reads `toml` with this environment and no other. */
export function readWith(toml: string, env: Env, secrets: 'required' | 'optional' = 'required'): Promise<Config> {
  return readConfig({ path: fileWith('config.toml', toml), env: { HOME: folder, ...env }, secrets });
}

export async function accountOf(config: Promise<Config>, id = 'default'): Promise<QqbotAccount> {
  const account = (await config).qqbot.accounts.find((candidate) => candidate.id === id);
  if (account === undefined) throw new Error(`no account ${id}`);
  return account;
}

export async function onebotOf(config: Promise<Config>, id = 'default'): Promise<OnebotAccount> {
  const account = (await config).onebot.accounts.find((candidate) => candidate.id === id);
  if (account === undefined) throw new Error(`no account ${id}`);
  return account;
}

/** The lines of the report; empty when nothing was wrong. */
export async function complaints(config: Promise<Config>): Promise<string[]> {
  const error = await failure(config);
  return error === undefined ? [] : error.message.split('\n');
}

export async function failure(config: Promise<Config>): Promise<ConfigError | undefined> {
  try {
    await config;
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
