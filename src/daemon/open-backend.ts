/** What answers, made of its config. */
import type { Backend } from '../backends/backend.js';
import { echo } from '../backends/echo.js';
import { execCommand } from '../backends/exec-command.js';
import type { GroupRecords } from '../backends/group-records.js';
import { httpWebhook } from '../backends/http-webhook.js';
import { openaiChat } from '../backends/openai-chat.js';
import type { BackendConfig, Resolved } from '../config/config.js';
import { ConfigError } from '../model/errors.js';
import type { Secrets } from '../telemetry/log.js';

/** `commands`: where those that run are on record; undefined: nowhere. @throws ConfigError when its secret could not be found */
export function openBackend(config: BackendConfig, commands: GroupRecords | undefined, secrets: Secrets): Backend {
  switch (config.type) {
    case 'echo':
      return echo;
    case 'exec':
      return execCommand(config, commands);
    case 'http':
      return httpWebhook({ ...config, secret: known(config.secret, `backends.${config.name}.secret`, secrets) });
    case 'openai':
      return openaiChat({ ...config, apiKey: known(config.apiKey, `backends.${config.name}.api_key`, secrets) });
  }
}

/** @throws ConfigError */
function known(secret: Resolved | undefined, path: string, secrets: Secrets): string | undefined {
  if (secret === undefined) return undefined;
  if (!secret.ok) throw new ConfigError([{ path, message: secret.why }]);
  secrets.learn(secret.value);
  return secret.value;
}
