/** What answers, made of its config. */
import type { Backend } from '../backends/backend.js';
import { echo } from '../backends/echo.js';
import { execCommand } from '../backends/exec-command.js';
import type { GroupRecords } from '../backends/group-records.js';
import { httpWebhook } from '../backends/http-webhook.js';
import { openaiChat } from '../backends/openai-chat.js';
import type { BackendConfig, HttpBackendConfig, OpenaiBackendConfig, Resolved } from '../config/config.js';
import { ConfigError } from '../model/errors.js';
import type { Secrets } from '../telemetry/log.js';

/** `commands`: where those that run are on record. @throws ConfigError when its secret could not be found */
export function openBackend(config: BackendConfig, commands: GroupRecords, secrets: Secrets): Backend {
  switch (config.type) {
    case 'echo':
      return echo;
    case 'exec':
      return execCommand(config, commands);
    case 'http':
      return openHttp(config, secrets);
    case 'openai':
      return openOpenai(config, secrets);
  }
}

function openHttp({ secret, ...config }: HttpBackendConfig, secrets: Secrets): Backend {
  return httpWebhook({ ...config, secret: known(secret, `backends.${config.name}.secret`, secrets) });
}

function openOpenai({ name, baseUrl, model, apiKey }: OpenaiBackendConfig, secrets: Secrets): Backend {
  return openaiChat({ baseUrl, model, apiKey: known(apiKey, `backends.${name}.api_key`, secrets) });
}

function known(secret: Resolved | undefined, path: string, secrets: Secrets): string | undefined {
  if (secret === undefined) return undefined;
  if (!secret.ok) throw new ConfigError([{ path, message: secret.why }]);
  secrets.learn(secret.value);
  return secret.value;
}
