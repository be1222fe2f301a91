/** The config as it is in force, in the words of the file, with secrets struck out. */
import { hostInUrl } from '../model/host.js';
import type {
  Account,
  BackendConfig,
  ChannelConfig,
  Config,
  ExecBackendConfig,
  HttpBackendConfig,
  OnebotAccount,
  OpenaiBackendConfig,
  ProxyConfig,
  QqbotAccount,
  Resolved,
} from './config.js';

type Table = { readonly [key: string]: unknown };

/** A plain object that reads like the file: what was not written there stands in it with its default. */
export function effectiveConfig({ gateway, log, qqbot, onebot, backends, pairing }: Config): Table {
  return {
    gateway: {
      state_dir: gateway.stateDir,
      durability: gateway.durability,
      retention_days: gateway.retentionDays,
      proxy: proxyText(gateway.proxy),
    },
    log: { level: log.level, format: log.format, file: log.file ?? '' },
    qqbot: channelTable(qqbot, qqbotTable),
    onebot: channelTable(onebot, onebotTable),
    backends: Object.fromEntries([...backends].map(([name, backend]) => [name, backendTable(backend)])),
    pairing: { max_pending: pairing.maxPending, message: pairing.message },
  };
}

/** That of `https`, for the platform is there. */
function proxyText({ secure }: ProxyConfig): string {
  if (secure === undefined) return '';
  if (secure.fault !== undefined) return `(unusable: ${secure.from} ${secure.fault})`;
  return secure.credentials === undefined ? secure.url : secure.url.replace('://', '://***@');
}

function channelTable<A extends Account>(channel: ChannelConfig<A>, own: (account: A) => Table): Table {
  return {
    enabled: channel.enabled,
    default_account: channel.defaultAccount,
    accounts: Object.fromEntries(
      channel.accounts.map((account) => [
        account.id,
        { enabled: account.enabled, ...own(account), ...commonTable(account) },
      ]),
    ),
  };
}

function qqbotTable(account: QqbotAccount): Table {
  return {
    app_id: shown(account.appId, (value) => value),
    client_secret: shown(account.clientSecret, () => '***'),
    transport: account.transport,
    webhook_path: account.webhook.path,
    webhook_listen: `${hostInUrl(account.webhook.host)}:${account.webhook.port}`,
    api_base_url: account.apiBaseUrl,
    token_url: account.tokenUrl,
    intents: account.intents,
    reply_windows: account.replyWindows,
  };
}

function onebotTable({
  name,
  selfId,
  wsHost,
  wsPort,
  wsPath,
  accessToken,
  mediaMaxBytes,
  heartbeat,
  reconnect,
}: OnebotAccount): Table {
  return {
    ...(name === undefined ? {} : { name }),
    ...(selfId === undefined ? {} : { self_id: selfId }),
    ws_host: wsHost,
    ws_port: wsPort,
    ws_path: wsPath,
    ...(accessToken === undefined ? {} : { access_token: shown(accessToken, () => '***') }),
    media_max_mb: mediaMaxBytes / 1_048_576,
    heartbeat: { enabled: heartbeat.enabled, interval: heartbeat.intervalMs, timeout: heartbeat.timeoutMs },
    reconnect: {
      enabled: reconnect.enabled,
      max_retries: reconnect.maxRetries,
      retry_delay: reconnect.retryDelayMs,
      backoff_multiplier: reconnect.backoffMultiplier,
      max_delay: reconnect.maxDelayMs,
    },
  };
}

function commonTable(account: Account): Table {
  return {
    allowed_peer_ids: account.allowedPeerIds,
    dm_policy: account.dmPolicy,
    group_policy: account.groupPolicy,
    group_allow_from: account.groupAllowFrom,
    default_require_mention: account.requireMention,
    groups: Object.fromEntries(
      [...account.groups].map(([id, { enabled, requireMention, allowFrom, systemPrompt, skills, tools, backend }]) => [
        id,
        {
          enabled,
          ...(requireMention === undefined ? {} : { require_mention: requireMention }),
          ...(allowFrom === undefined ? {} : { allow_from: allowFrom }),
          ...(systemPrompt === undefined ? {} : { system_prompt: systemPrompt }),
          ...(skills === undefined ? {} : { skills }),
          ...(tools === undefined ? {} : { tools }),
          ...(backend === undefined ? {} : { backend }),
        },
      ]),
    ),
    park_ttl: `${account.parkTtlMs}ms`,
    backend: account.backend,
    text_chunk_limit: account.textChunkLimit,
    chunk_mode: account.chunkMode,
    markdown: account.markdown,
    apology: account.apology,
    typing: account.typing,
    system_prompt: account.systemPrompt,
    history_limit: account.historyLimit,
    history_chars: account.historyChars,
  };
}

function shown(found: Resolved, show: (value: string) => string): string {
  return found.ok ? show(found.value) : `(missing: ${found.why})`;
}

function backendTable(backend: BackendConfig): Table {
  const common = { type: backend.type, timeout: `${backend.timeoutMs}ms`, concurrency: backend.concurrency };
  switch (backend.type) {
    case 'echo':
      return common;
    case 'exec':
      return { ...common, ...execTable(backend) };
    case 'http':
      return { ...common, ...httpTable(backend) };
    case 'openai':
      return { ...common, ...openaiTable(backend) };
  }
}

function execTable({ command, input, output, env, maxOutputBytes, mediaDir }: ExecBackendConfig): Table {
  return {
    command,
    input,
    output,
    env: Object.keys(env),
    max_output: `${maxOutputBytes}B`,
    ...(mediaDir === undefined ? {} : { media_dir: mediaDir }),
  };
}

function httpTable({ url, secret, maxOutputBytes, mediaDir }: HttpBackendConfig): Table {
  return {
    url,
    ...(secret === undefined ? {} : { secret: shown(secret, () => '***') }),
    max_output: `${maxOutputBytes}B`,
    ...(mediaDir === undefined ? {} : { media_dir: mediaDir }),
  };
}

function openaiTable({ baseUrl, model, apiKey }: OpenaiBackendConfig): Table {
  return { base_url: baseUrl, model, ...(apiKey === undefined ? {} : { api_key: shown(apiKey, () => '***') }) };
}
