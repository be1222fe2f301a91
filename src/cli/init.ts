/** `loong init`: from AppID and secret to a config that QQ agrees with, asked for at the terminal or taken from env files. */
import { unservable } from '../access/servable.js';
import type { BackendConfig, Config } from '../config/config.js';
import { withEnvFiles } from '../config/env-files.js';
import { configPath } from '../config/paths.js';
import { isExposed, readServiceUrl } from '../config/service-url.js';
import {
  type BackendSettings,
  type Settings,
  type Standing,
  settingsIn,
  setUp,
  standing,
  standingBot,
} from '../config/setup.js';
import { writeConfig } from '../config/write-config.js';
import { ConfigError, describeError, LoongError } from '../model/errors.js';
import { openLog, Secrets } from '../telemetry/log.js';
import { type ProbeStep, printSteps } from './channels-status.js';
import { Unanswered } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { type Agreed, backendOf, onlyAccount, reportDone, reportDryRun, type Trial } from './init-report.js';
import { AFTER_FAILURE, BACKENDS, EXPOSED, FAULTS, KEEP, QUESTIONS, TRIAL, WELCOME } from './init-words.js';
import { Terminal } from './terminal.js';

export interface InitOptions extends GlobalOptions {
  readonly envFile?: string;
  readonly dryRun?: true;
  readonly skipApiProbe?: true;
  readonly yes?: true;
}

const NOBODY_TO_ASK =
  'run it at a terminal, or with --yes and QQ_BOT_APP_ID and QQ_BOT_APP_SECRET in the environment or in .env.qq';

export async function initialise(options: InitOptions): Promise<void> {
  const path = configPath({ path: options.config, env: process.env });
  const there = await standing(path, process.env);
  const { env, files } = await withEnvFiles(process.cwd(), options.envFile, process.env);
  const given = settingsIn(env);
  const isSilent = options.yes === true || (options.dryRun === true && process.stdin.isTTY !== true);
  const terminal = isSilent ? undefined : new Terminal(NOBODY_TO_ASK);
  try {
    const first = await new Initialisation(there, terminal, options).run(given, files);
    if (options.dryRun) return reportDryRun(first, options);
    const backup = writeConfig(first.setup.draft, new Date());
    terminal?.close();
    await reportDone(first, backup, there, options);
  } finally {
    terminal?.close();
  }
}

class Initialisation {
  readonly #there: Standing;
  readonly #terminal: Terminal | undefined;
  readonly #options: InitOptions;
  readonly #secrets = new Secrets();

  constructor(there: Standing, terminal: Terminal | undefined, options: InitOptions) {
    this.#there = there;
    this.#terminal = terminal;
    this.#options = options;
  }

  async run(given: Omit<Settings, 'backend'>, files: readonly string[]): Promise<Agreed> {
    const old = standingBot(this.#there);
    this.#terminal?.say(WELCOME);
    for (const file of files) this.#say(`读取 / read ${file}`);
    let settings: Settings = {
      ...given,
      appId: given.appId || old.appId,
      clientSecret: given.clientSecret || (given.appId === '' || given.appId === old.appId ? old.clientSecret : ''),
    };
    let probe: readonly ProbeStep[] | undefined;
    let again = true;
    for (let round = 1; again; round++) {
      settings = await this.#withBot(settings, round > 1);
      const { config } = await setUp(settings, this.#there, process.env);
      const closed = unservable(onlyAccount(config.qqbot.accounts));
      if (closed !== undefined) throw new ConfigError([closed]);
      [probe, again] = await this.#asked(config);
    }
    let trial: Trial | undefined;
    again = this.#terminal !== undefined;
    while (again) {
      const backend = await this.#chosenBackend();
      settings = { ...settings, backend };
      const config = await this.#withBackend(settings);
      if (config === undefined) continue;
      [trial, again] = await this.#tried(backendOf(config), backend !== undefined);
    }
    return { setup: await setUp(settings, this.#there, process.env), probe, trial };
  }

  #say(text: string): void {
    if (this.#terminal !== undefined || this.#options.json !== true) process.stderr.write(`${text}\n`);
  }

  async #withBot(settings: Settings, isAgain: boolean): Promise<Settings> {
    const terminal = this.#terminal;
    if (terminal === undefined) {
      const missing = [
        ...(settings.appId === '' ? ['QQ_BOT_APP_ID'] : []),
        ...(settings.clientSecret === '' ? ['QQ_BOT_APP_SECRET'] : []),
      ];
      if (missing.length === 0) return settings;
      const where = 'neither in the environment nor in .env.qq or .env, and there is no config that has it';
      throw new ConfigError(
        missing.map((path) => ({ path, message: where, remedy: 'write it into .env.qq as NAME=value' })),
        'init.no_credentials',
      );
    }
    const appId = await terminal.ask(QUESTIONS.appId, settings.appId, (text) => wordFault(text, FAULTS.appId));
    const known = appId === settings.appId && !isAgain ? settings.clientSecret : '';
    const clientSecret = await terminal.askSecret(
      known === '' ? QUESTIONS.clientSecret : QUESTIONS.keepSecret,
      known,
      (text) => wordFault(text, FAULTS.secret),
    );
    return { ...settings, appId, clientSecret };
  }

  /** What QQ thinks of the account, and whether to ask for another. @throws LoongError when nobody can be asked, or nothing is to be written */
  async #asked(config: Config): Promise<[readonly ProbeStep[] | undefined, boolean]> {
    if (this.#options.skipApiProbe) return [undefined, false];
    const steps = await this.#probe(config);
    // All of it is told again when the config is there; what stands in the way is told now.
    const troubles = steps.filter(({ level }) => level !== 'ok');
    if (this.#terminal !== undefined) printSteps(troubles, (line) => this.#say(line));
    const token = steps.find(({ name, level }) => name === 'token' && level === 'fail');
    if (token === undefined) {
      this.#say('  QQ 接受 / QQ takes them');
      return [steps, false];
    }
    const words = token.unreached ? QUESTIONS.unreached : QUESTIONS.refused;
    const next = this.#terminal === undefined ? 'stop' : await this.#terminal.choose(words, AFTER_FAILURE);
    if (next !== 'stop') return [steps, next === 'again'];
    const remedy = `${token.remedy ?? 'check AppID and AppSecret'}; --skip-api-probe writes the config all the same`;
    throw token.unreached
      ? new Unanswered('init.unreached', `nothing was written: ${token.detail}`, { remedy })
      : new LoongError('init.refused', `nothing was written: ${token.detail}`, { remedy });
  }

  async #probe({ qqbot, gateway }: Config): Promise<readonly ProbeStep[]> {
    const { probeAccount } = await import('../daemon/probe-account.js');
    const secrets = this.#secrets;
    const log = await openLog({ level: this.#options.logLevel ?? 'error', format: 'auto' }, secrets);
    this.#say('正在询问 QQ / asking QQ …');
    const steps = await this.#unlessStopped(
      probeAccount(onlyAccount(qqbot.accounts), {
        log,
        secrets,
        runtimeDir: process.env.XDG_RUNTIME_DIR,
        proxy: gateway.proxy,
      }),
    );
    return steps.map((step) => ({ ...step, detail: secrets.strikeOut(step.detail) }));
  }

  /** As it would be; undefined where it was told what is wrong with the backend. @throws ConfigError for any other fault */
  async #withBackend(settings: Settings): Promise<Config | undefined> {
    try {
      return (await setUp(settings, this.#there, process.env)).config;
    } catch (error) {
      if (!(error instanceof ConfigError) || !error.problems.every(({ path }) => path.startsWith('backends.')))
        throw error;
      for (const { path, message, remedy } of error.problems) {
        this.#say(`  ✗ ${path} ${message}`);
        if (remedy !== undefined) this.#say(`  → ${remedy}`);
      }
      return undefined;
    }
  }

  /** Undefined: as it is. */
  async #chosenBackend(): Promise<BackendSettings | undefined> {
    const terminal = this.#terminal;
    if (terminal === undefined) return undefined;
    const old = this.#there.config === undefined ? undefined : backendOf(this.#there.config);
    const keep = old === undefined ? [] : [['keep', `${KEEP}: ${old.type}`] as const];
    const type = await terminal.choose(QUESTIONS.backend, [...keep, ...BACKENDS]);
    switch (type) {
      case 'keep':
        return undefined;
      case 'echo':
        return { type };
      case 'exec': {
        const line = await terminal.ask(QUESTIONS.command, '', (text) =>
          argvOf(text) === undefined ? FAULTS.command : undefined,
        );
        return { type, command: argvOf(line) ?? [] };
      }
      case 'http': {
        const { url, allowHttp } = await askUrl(terminal, QUESTIONS.url, 'http://127.0.0.1:9000/turn');
        return { type, url, allowHttp, secret: await terminal.askSecret(QUESTIONS.secret, '', secretFault) };
      }
      case 'openai': {
        const { url: baseUrl, allowHttp } = await askUrl(terminal, QUESTIONS.baseUrl, 'http://127.0.0.1:11434/v1');
        const model = await terminal.ask(QUESTIONS.model, 'qwen3', (text) => (text === '' ? FAULTS.word : undefined));
        return { type, baseUrl, allowHttp, model, apiKey: await terminal.askSecret(QUESTIONS.apiKey, '', secretFault) };
      }
    }
  }

  /** What a new backend says to a first message, and whether to choose another. */
  async #tried(backend: BackendConfig, isNew: boolean): Promise<[Trial | undefined, boolean]> {
    if (!isNew) return [undefined, false];
    const trial = { backend: backend.name, type: backend.type };
    if (this.#options.dryRun) {
      this.#say(`会问它一次 / it would be asked: ${TRIAL}`);
      return [trial, false];
    }
    const { tryBackend } = await import('../daemon/try-backend.js');
    const signal = this.#terminal?.signal ?? new AbortController().signal;
    this.#say(`问它 / asking it: ${TRIAL}`);
    try {
      const answer = await this.#unlessStopped(tryBackend(backend, TRIAL, this.#secrets, signal));
      this.#say(answer === '' ? '  （沉默 / silence）' : `  ${answer}`);
      return [{ ...trial, answer }, false];
    } catch (error) {
      if (!(error instanceof LoongError) || signal.aborted) throw error;
      const fault = this.#secrets.strikeOut(describeError(error));
      this.#say(`  ✗ ${fault}`);
      if (error.remedy !== undefined) this.#say(`  → ${error.remedy}`);
      const next = (await this.#terminal?.choose(QUESTIONS.broken, AFTER_FAILURE)) ?? 'keep';
      if (next === 'stop') throw new LoongError('init.no_answer', `nothing was written: ${fault}`, { cause: error });
      return [{ ...trial, fault }, next === 'again'];
    }
  }

  /** @throws LoongError `usage.cancelled` when the person has enough */
  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const signal = this.#terminal?.signal;
    if (signal === undefined) return work;
    let stop = (): void => undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    return Promise.race([work, stopped]).finally(() => signal.removeEventListener('abort', stop));
  }
}

function wordFault(text: string, fault: string): string | undefined {
  return text === '' || /[\s\p{Cc}]/u.test(text) ? fault : undefined;
}

function secretFault(text: string): string | undefined {
  return text === '' ? undefined : wordFault(text, FAULTS.secret);
}

/** Plain http to another machine has to be wanted. */
async function askUrl(
  terminal: Terminal,
  question: string,
  usual: string,
): Promise<{ readonly url: string; readonly allowHttp: boolean }> {
  for (;;) {
    const url = await terminal.ask(question, usual, urlFault);
    if (!isExposed(new URL(url))) return { url, allowHttp: false };
    if ((await terminal.choose(QUESTIONS.exposed, EXPOSED)) === 'mine') return { url, allowHttp: true };
  }
}

function urlFault(text: string): string | undefined {
  return readServiceUrl(text) instanceof URL ? undefined : FAULTS.url;
}

/** Words as a shell would part them, with quotes and backslashes and nothing else; undefined for none, or quotes without an end. */
function argvOf(line: string): readonly string[] | undefined {
  const word = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g;
  if (line.replace(word, '').trim() !== '') return undefined;
  const words = [...line.matchAll(word)].map(([text]) =>
    text.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
      (_, single, double, escaped) => single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped,
    ),
  );
  return words.length === 0 ? undefined : words;
}
