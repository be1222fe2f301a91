/** `loong sandbox`: the local QQ platform, alone or with a daemon beside it. */
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config/read-config.js';
import { ControlClient } from '../control/control-client.js';
import { LoongError, UsageError } from '../model/errors.js';
import type { Flavour } from '../sandbox/onebot/flavours.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox/sandbox.js';
import { ensurePrivateDir } from '../store/state-dir.js';
import { printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { ownName } from './own-name.js';
import { runUntilStopped } from './run-until-stopped.js';

export interface SandboxCommandOptions extends GlobalOptions {
  readonly port?: number;
  readonly appId?: string;
  readonly clientSecret?: string;
  readonly withGateway?: true;
  /** Address of the bot that events are pushed to. */
  readonly webhook?: string;
  /** Where pretend implementations dial in to: one account for each. */
  readonly onebot?: readonly string[];
  readonly onebotToken?: string;
  /** Of the first account; the others count on from it. */
  readonly onebotSelfId?: string;
  readonly onebotFlavour?: Flavour;
}

const USUAL_PORT = 26_380;
const FIRST_SELF_ID = '10001';
/** Where the implementation of the sandbox finds the daemon beside it, and as whom it dials in there. */
const USUAL_ONEBOT_PORT = 26_381;
const OWN_SELF_ID = '10000';

export async function runSandbox(options: SandboxCommandOptions): Promise<void> {
  assertPushable(options);
  if (options.withGateway === true) return runWithGateway(options);
  const sandbox = await start(options);
  await logIn(sandbox, options);
  const over = new AbortController();
  if (options.webhook !== undefined) void sandbox.platform.webhook.saveOnceThere(options.webhook, over.signal);
  announce(sandbox, undefined, options);
  await new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  over.abort();
  await sandbox.close();
}

/** @throws UsageError for an address that is none, and beside a daemon that dials the gateway */
function assertPushable({ webhook, withGateway }: SandboxCommandOptions): void {
  if (webhook === undefined) return;
  const remedy = 'write it like http://127.0.0.1:8080/qq-official-webhook';
  if (!URL.canParse(webhook) || !/^https?:$/.test(new URL(webhook).protocol))
    throw new UsageError('usage', '--webhook is no http(s) address', remedy);
  if (withGateway === true)
    throw new UsageError('usage.conflict', '--webhook and --with-gateway exclude each other', 'keep one of them');
}

/** Nothing is touched or promised while another daemon owns the folder. */
async function runWithGateway(options: SandboxCommandOptions): Promise<void> {
  const folder = join(process.env.LOONG_HOME ?? join(homedir(), '.loong'), 'sandbox');
  ensurePrivateDir(folder);
  await assertFree(join(folder, 'state'));
  const sandbox = await start(options);
  try {
    await logIn(sandbox, options);
    const wsPort = await freePort(USUAL_ONEBOT_PORT);
    const configPath = await writeConfig(sandbox, folder, wsPort);
    const config = await readConfig({ path: configPath, env: {}, secrets: 'required' });
    const accounts = [...config.qqbot.accounts, ...config.onebot.accounts];
    await runUntilStopped(config, accounts, options, () => {
      sandbox.platform.onebot.connect({ url: `ws://127.0.0.1:${wsPort}/onebot/v11/ws`, self_id: OWN_SELF_ID });
      announce(sandbox, configPath, options);
    });
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}

/** @throws LoongError `owner.taken` when a daemon runs on this state directory */
async function assertFree(stateDir: string): Promise<void> {
  const daemon = await ControlClient.find(stateDir);
  if (daemon === undefined) return;
  const { pid } = await daemon.status().finally(() => daemon.close());
  throw new LoongError('owner.taken', `a sandbox with a daemon runs here already (pid ${pid})`, {
    remedy: `use its page, end it with \`kill ${pid}\`, or run this one with another LOONG_HOME`,
  });
}

async function start({ port, appId, clientSecret }: SandboxCommandOptions): Promise<Sandbox> {
  const identity: SandboxOptions = {
    ...(appId === undefined ? {} : { appId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  };
  try {
    return await startSandbox({ ...identity, port: port ?? USUAL_PORT });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (port === undefined) return startSandbox({ ...identity, port: 0 });
    throw new LoongError('sandbox.port_taken', `port ${port} is taken by another program`, {
      remedy: 'name another one, or --port 0 for any free one',
    });
  }
}

/** Each account dials from now on, for as long as the sandbox runs. @throws LoongError `sandbox.onebot` for an address or id that is none. */
async function logIn(sandbox: Sandbox, options: SandboxCommandOptions): Promise<void> {
  const { onebot = [], onebotToken, onebotSelfId = FIRST_SELF_ID, onebotFlavour } = options;
  try {
    for (const [index, url] of onebot.entries())
      sandbox.platform.onebot.connect({
        url,
        self_id: String(BigInt(onebotSelfId) + BigInt(index)),
        ...(onebotToken === undefined ? {} : { token: onebotToken }),
        ...(onebotFlavour === undefined ? {} : { flavour: onebotFlavour }),
      });
  } catch (error) {
    await sandbox.close();
    throw new LoongError('sandbox.onebot', `no implementation can dial in to ${onebot.join(', ')} as ${onebotSelfId}`, {
      remedy: 'write an address like ws://127.0.0.1:3001/onebot/v11/ws and a decimal id',
      cause: error,
    });
  }
}

/** A config for the daemon beside the sandbox, in a folder of its own so that other terminals can use it too. */
async function writeConfig(sandbox: Sandbox, folder: string, wsPort: number): Promise<string> {
  const path = join(folder, 'config.toml');
  const text = `# Written by \`loong sandbox --with-gateway\` at every start: changes here are lost.
[gateway]
state_dir = "state"

[qqbot]
app_id = ${JSON.stringify(sandbox.appId)}
client_secret = ${JSON.stringify(sandbox.clientSecret)}
api_base_url = ${JSON.stringify(sandbox.apiBaseUrl)}
token_url = ${JSON.stringify(sandbox.tokenUrl)}
allowed_peer_ids = ["c2c:*", "group:*", "channel:*", "dm:*"]
dm_policy = "open"

[onebot]
ws_port = ${wsPort}
allowed_peer_ids = ["private:*", "group:*"]
dm_policy = "open"
`;
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** `usual` if nobody has it, else any port. */
function freePort(usual: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => (usual === 0 ? reject(new Error('no port is free')) : resolve(freePort(0))));
    server.listen(usual, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function announce(
  sandbox: Sandbox,
  configPath: string | undefined,
  { json, webhook, onebotToken }: SandboxCommandOptions,
): void {
  const { url, apiBaseUrl, tokenUrl, appId, clientSecret } = sandbox;
  const accounts = sandbox.platform.onebot.implementations.map(({ plan }) => ({
    selfId: plan.self_id,
    dials: plan.url,
  }));
  if (json) {
    const facts = { url, api_base_url: apiBaseUrl, token_url: tokenUrl, app_id: appId, client_secret: clientSecret };
    return printJson({
      ...facts,
      ...(configPath === undefined ? {} : { config: configPath }),
      ...(accounts.length === 0
        ? {}
        : { onebot: accounts.map(({ selfId, dials }) => ({ self_id: selfId, url: dials })) }),
    });
  }
  console.log(`聊天页面 / chat page:   ${url}/`);
  for (const { selfId, dials } of accounts) console.log(`OneBot ${selfId} dials:   ${dials}`);
  if (configPath === undefined) {
    console.log(`
To connect a daemon, put this into its config:
  [qqbot]
  app_id = "${appId}"
  client_secret = "${clientSecret}"
  api_base_url = "${apiBaseUrl}"
  token_url = "${tokenUrl}"
  allowed_peer_ids = ["openid_alice"]${webhook === undefined ? '' : callbackLines(new URL(webhook))}${accounts.map((account) => dialledLines(account, onebotToken, accounts.length > 1)).join('')}`);
    // init knows of no callback and of no OneBot: what it writes would hear nothing of this sandbox.
    if (webhook === undefined && accounts.length === 0) {
      console.log(`or let \`loong init\` write it, in a home of its own:
  export LOONG_HOME=~/.loong/try
  QQ_BOT_APP_ID=${appId} QQ_BOT_APP_SECRET=${clientSecret} QQ_BOT_API_BASE_URL=${apiBaseUrl} QQBOT_TOKEN_URL=${tokenUrl} ${ownName()} init --yes
  ${ownName()} gateway run`);
    }
  } else {
    console.log(`config of the daemon:  ${configPath}
send from another terminal:
  ${ownName()} --config ${configPath} channels send qqbot --target c2c:openid_alice --text "hello"
  ${ownName()} --config ${configPath} channels send onebot --target private:20002 --text "hello"`);
  }
  console.log('\nCtrl-C ends it.\n');
}

/** What a daemon on this machine needs to be called there. */
function callbackLines({ hostname, port, pathname }: URL): string {
  return `
  transport = "webhook"
  webhook_listen = "${hostname}:${port === '' ? 80 : port}"
  webhook_path = "${pathname}"`;
}

/** What a daemon on this machine needs for an implementation to dial in. The token itself is only named: it may be a real one. */
function dialledLines(
  { selfId, dials }: { readonly selfId: string; readonly dials: string },
  token: string | undefined,
  isOneOfSeveral: boolean,
): string {
  const { hostname, port, pathname } = new URL(dials.replace(/^ws/, 'http'));
  return `
  [onebot${isOneOfSeveral ? `.accounts.qq${selfId}]\n  self_id = "${selfId}"` : ']'}
  ws_host = "${hostname}"
  ws_port = ${port === '' ? 80 : port}
  ws_path = "${pathname}"${token === undefined ? '' : '\n  access_token_env = "NAPCAT_TOKEN"    # the variable holds what --onebot-token says'}
  allowed_peer_ids = ["20002", "group:30003"]`;
}
