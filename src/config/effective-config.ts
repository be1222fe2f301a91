/** The config as it is in force, in the words of the file, with secrets struck out. */
import type { BackendConfig, Config, QqbotAccount, Resolved } from './config.js';

type Table = { readonly [key: string]: unknown };

/** A plain object that reads like the file: what was not written there stands in it with its default. */
export function effectiveConfig({ gateway, log, qqbot, backends }: Config): Table {
  return {
    gateway: { state_dir: gateway.stateDir, durability: gateway.durability, retention_days: gateway.retentionDays },
    log: { level: log.level, format: log.format, file: log.file ?? '' },
    qqbot: {
      enabled: qqbot.enabled,
      default_account: qqbot.defaultAccount,
      accounts: Object.fromEntries(qqbot.accounts.map((account) => [account.id, accountTable(account)])),
    },
    backends: Object.fromEntries([...backends].map(([name, backend]) => [name, backendTable(backend)])),
  };
}

function accountTable(account: QqbotAccount): Table {
  return {
    enabled: account.enabled,
    app_id: shown(account.appId, (value) => value),
    client_secret: shown(account.clientSecret, () => '***'),
    allowed_peer_ids: account.allowedPeerIds,
    api_base_url: account.apiBaseUrl,
    token_url: account.tokenUrl,
    intents: account.intents,
    reply_windows: account.replyWindows,
    park_ttl: `${account.parkTtlMs}ms`,
    default_require_mention: account.requireMention,
    backend: account.backend,
    text_chunk_limit: account.textChunkLimit,
    chunk_mode: account.chunkMode,
    markdown: account.markdown,
    apology: account.apology,
  };
}

function shown(found: Resolved, show: (value: string) => string): string {
  return found.ok ? show(found.value) : `(missing: ${found.why})`;
}

function backendTable(backend: BackendConfig): Table {
  const common = { type: backend.type, timeout: `${backend.timeoutMs}ms`, concurrency: backend.concurrency };
  if (backend.type === 'echo') return common;
  const { command, input, env, maxOutputBytes } = backend;
  return { ...common, command, input, env: Object.keys(env), max_output: `${maxOutputBytes}B` };
}
