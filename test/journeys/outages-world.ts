/** A daemon with many accounts, each on a platform of its own, in a time that the test sets the speed of. Real processes, real sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FaultOrder } from '../../src/sandbox/faults.js';
import type { BotSend, Entry, GatewayStep } from '../../src/sandbox/transcript.js';
import { LoongHome } from '../support/loong-process.js';

const preload = (name: string) => fileURLToPath(new URL(`./preload/${name}.mjs`, import.meta.url));
const CLOCK = preload('simulated-clock');
const NAMES = preload('name-that-may-not-resolve');
const PLATFORMS = `
  const { startSandbox } = await import(${JSON.stringify(new URL('../../dist/sandbox/sandbox.js', import.meta.url).href)});
  for (let n = 0; n < Number(process.env.PLATFORMS); n++) {
    const { url, appId, clientSecret } = await startSandbox({ appId: String(102000001 + n) });
    console.log(JSON.stringify({ url, appId, clientSecret }));
  }`;

interface Where {
  readonly url: string;
  readonly appId: string;
  readonly clientSecret: string;
}

type SentAt = BotSend & { readonly at: number };
type StepAt = GatewayStep & { readonly at: number };

/** The platform of one account, through its JSON API. */
export class Platform {
  readonly account: string;
  readonly where: Where;

  constructor(account: string, where: Where) {
    this.account = account;
    this.where = where;
  }

  async fault(order: FaultOrder): Promise<void> {
    await this.#call('POST', '/faults', order);
  }

  async mend(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  async say(text: string): Promise<string> {
    const { id } = (await this.#call('POST', '/messages', { from: 'openid_alice', text })) as { id: string };
    return id;
  }

  async steps(...names: readonly GatewayStep['step'][]): Promise<readonly StepAt[]> {
    const all = await this.#entries();
    return all.filter((entry): entry is Entry & StepAt => entry.kind === 'gateway' && names.includes(entry.step));
  }

  /** The answers to a message that the platform took. */
  async answersTo(id: string): Promise<readonly SentAt[]> {
    const all = await this.#entries();
    return all.filter(
      (entry): entry is Entry & SentAt => entry.kind === 'bot.send' && entry.accepted && entry.msg_id === id,
    );
  }

  /** Fetches of a token, granted or not: when, in simulated ms. */
  async tokenFetches(): Promise<readonly number[]> {
    return (await this.#entries()).flatMap((entry) => (entry.kind === 'token' ? [entry.at] : []));
  }

  async #entries(): Promise<readonly Entry[]> {
    const { entries } = (await this.#call('GET', '/transcript?limit=10000')) as { entries: readonly Entry[] };
    return entries;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.where.url}/sandbox/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.json();
  }
}

export class World<Account extends string> {
  readonly home = new LoongHome();
  readonly #clock = join(this.home.folder, 'clock.json');
  readonly #noNames = join(this.home.folder, 'no-names');
  #now = { real: Date.now(), simulated: Date.now(), factor: 1 };
  #platformProcess: ChildProcess | undefined;
  readonly #platforms = new Map<string, Platform>();

  /** One platform and one account per name; those that stand in `byName` are reached as `localhost`. */
  async openPlatforms(accounts: readonly Account[], byName: readonly Account[] = []): Promise<void> {
    this.speed(1);
    this.#platformProcess = spawn(process.execPath, ['--import', CLOCK, '--input-type=module', '-e', PLATFORMS], {
      env: { ...process.env, CLOCK: this.#clock, PLATFORMS: String(accounts.length) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: this.#platformProcess.stdout as NodeJS.ReadableStream });
    for await (const line of lines) {
      const account = accounts[this.#platforms.size] as Account;
      this.#platforms.set(account, new Platform(account, JSON.parse(line) as Where));
      if (this.#platforms.size === accounts.length) break;
    }
    this.home.writeConfig(accounts.map((account) => this.#section(account, byName.includes(account))).join('\n'));
  }

  /** Resolves when every account is ready. */
  async startDaemon(): Promise<void> {
    const env = { CLOCK: this.#clock, NO_NAMES: this.#noNames };
    const daemon = this.home.start(['channels', 'serve', 'qqbot'], ['--import', CLOCK, '--import', NAMES], env);
    await daemon.logs('connected to the QQ gateway', this.#platforms.size);
  }

  of(account: Account): Platform {
    const platform = this.#platforms.get(account);
    if (platform === undefined) throw new Error(`no account ${account}`);
    return platform;
  }

  /** From now on `factor` simulated milliseconds pass in one. */
  speed(factor: number): void {
    const real = Date.now();
    this.#now = { real, simulated: this.simulatedNow(), factor };
    writeFileSync(`${this.#clock}.new`, JSON.stringify(this.#now));
    renameSync(`${this.#clock}.new`, this.#clock);
  }

  /** Unix ms by the clock of daemon and platforms. */
  simulatedNow(): number {
    const { real, simulated, factor } = this.#now;
    return simulated + (Date.now() - real) * factor;
  }

  /** Resolves when the simulated time is `at`. */
  async until(at: number): Promise<void> {
    const realMs = () => (at - this.simulatedNow()) / this.#now.factor;
    while (realMs() > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(50, realMs())));
  }

  /** While they are unknown, `localhost` does not resolve for the daemon. */
  namesAreKnown(known: boolean): void {
    if (known) rmSync(this.#noNames);
    else writeFileSync(this.#noNames, '');
  }

  /** What `loong channels status` tells of an account. */
  async status(account: Account) {
    const { stdout } = await this.home.run(['channels', 'status', '--json']);
    const { accounts } = JSON.parse(stdout) as {
      accounts: readonly { account: string; live?: { state: string; remedy?: string; next_try_at?: number } }[];
    };
    return accounts.find((entry) => entry.account === account)?.live;
  }

  async end(): Promise<void> {
    this.#platformProcess?.kill('SIGKILL');
    await this.home.remove();
  }

  #section(account: Account, byName: boolean): string {
    const { url, appId, clientSecret } = this.of(account).where;
    const base = byName ? url.replace('127.0.0.1', 'localhost') : url;
    return `[qqbot.accounts.${account}]
app_id = "${appId}"
client_secret = "${clientSecret}"
api_base_url = "${base}"
token_url = "${base}/app/getAppAccessToken"
allowed_peer_ids = ["openid_alice"]
`;
  }
}
