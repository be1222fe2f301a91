/** What answers, made of its config. */
import type { Backend } from '../backends/backend.js';
import { echo } from '../backends/echo.js';
import { execCommand } from '../backends/exec-command.js';
import type { GroupRecords } from '../backends/group-records.js';
import { httpWebhook } from '../backends/http-webhook.js';
import type { BackendConfig, HttpBackendConfig } from '../config/config.js';
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
  }
}

function openHttp({ secret, ...config }: HttpBackendConfig, secrets: Secrets): Backend {
  if (secret?.ok === false) {
    throw new ConfigError([{ path: `backends.${config.name}.secret`, message: secret.why }]);
  }
  if (secret !== undefined) secrets.learn(secret.value);
  return httpWebhook({ ...config, secret: secret?.value });
}
