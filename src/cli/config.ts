/** `loong config check`: every problem of the config, and nothing started. */
import { readConfig } from '../config/read-config.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';

export async function checkConfig(options: GlobalOptions): Promise<void> {
  const config = await readConfig({
    env: process.env,
    secrets: 'required',
    path: options.config,
  });
  if (options.json) return printJson({ ok: true, config: config.path, warnings: config.warnings });
  for (const warning of config.warnings) console.error(`warning: ${warning}`);
  console.log(`ok: ${config.path}`);
}
