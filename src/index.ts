/** What programs import from this package: the management functions of OneBot accounts, through the running daemon. */
import { configPath } from './config/paths.js';
import { readConfig } from './config/read-config.js';
import { ControlClient } from './control/control-client.js';
import { LoongError, UsageError } from './model/errors.js';
import { type ActionCall, type Id, MANAGEMENT } from './protocol/onebot/management.js';

export interface ConnectOptions {
  /** Config file; else $LOONG_CONFIG, $LOONG_HOME/config.toml, ~/.loong/config.toml. */
  readonly config?: string;
  /** Instead of the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

type Functions = typeof MANAGEMENT;

/** Each takes the account first, calls the action, and resolves with its `data`. @throws UsageError, LoongError `onebot.…`, `daemon.…` */
export type Management = {
  readonly [F in keyof Functions]: (accountId: string, ...args: Parameters<Functions[F]>) => Promise<unknown>;
} & {
  /** Any action at all. */
  readonly call: (accountId: string, action: string, params?: { readonly [key: string]: unknown }) => Promise<unknown>;
  /** Lets go of the daemon. */
  readonly close: () => Promise<void>;
};

export type { Id };

/**
 * Finds the running daemon by its config, as the command line does.
 * @throws ConfigError; LoongError `daemon.not_running`, `daemon.not_answering`
 */
export async function connect({ config, env = process.env }: ConnectOptions = {}): Promise<Management> {
  const path = configPath({ path: config, env });
  const { gateway } = await readConfig({ path, env, secrets: 'optional' });
  const daemon = await ControlClient.find(gateway.stateDir);
  if (daemon === undefined) {
    throw new LoongError('daemon.not_running', `no daemon runs on ${gateway.stateDir}`, {
      remedy: 'start it with `loong gateway run`',
    });
  }
  const functions = Object.entries(MANAGEMENT).map(([name, toCall]) => [
    name,
    async (accountId: string, ...args: readonly unknown[]) => {
      const { action, params } = checked(() => (toCall as (...args: readonly unknown[]) => ActionCall)(...args));
      return daemon.onebot(accountId, action, params);
    },
  ]);
  return {
    ...(Object.fromEntries(functions) as Omit<Management, 'call' | 'close'>),
    call: (accountId, action, params = {}) => daemon.onebot(accountId, action, params),
    close: () => daemon.close(),
  } as Management;
}

function checked(make: () => ActionCall): ActionCall {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError('onebot.bad_argument', error.message);
    throw error;
  }
}
