/** What the daemon tells systemd: that it runs, that it is alive, that it ends. Without systemd (`$NOTIFY_SOCKET`) nothing is told to anybody. */
import { execFile } from 'node:child_process';
import { describeError } from '../model/errors.js';
import type { Log } from '../telemetry/log.js';

/** Node opens no socket of the kind that systemd listens on; its own program does. */
export const NOTIFIER = 'systemd-notify';
const LIMIT_MS = 10_000;
/** Two tries fit into the time that systemd waits, and the second one may be late. */
const TRIES_A_PERIOD = 2.5;

export interface ServiceManager {
  /** `stuck` is asked before each ping: why the daemon does not do its work any more, undefined while it does. */
  ready(stuck: (sinceLastAskedMs: number) => string | undefined): void;
  stopping(): void;
}

/** `env`: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, as systemd sets them. */
export function serviceManager(env: NodeJS.ProcessEnv, log: Log): ServiceManager {
  const { NOTIFY_SOCKET, PATH } = env;
  if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return { ready: () => undefined, stopping: () => undefined };
  const everyMs = pingEveryMs(env);
  let pinging: NodeJS.Timeout | undefined;
  return {
    ready(stuck) {
      tell('READY=1');
      if (everyMs === undefined) return;
      pinging = setInterval(() => {
        const why = stuck(everyMs);
        // Whom nobody can help any more is to be started again: systemd does that when it hears nothing.
        if (why === undefined) tell('WATCHDOG=1');
        else log.fatal({ why }, 'systemd is not told that loong is alive, so that it starts loong again');
      }, everyMs);
    },
    stopping() {
      clearInterval(pinging);
      tell('STOPPING=1');
    },
  };

  function tell(what: string): void {
    const around = { env: { NOTIFY_SOCKET, PATH }, timeout: LIMIT_MS, killSignal: 'SIGKILL' } as const;
    execFile(NOTIFIER, [what], around, (error) => {
      if (error === null) return;
      log.error({ what, error: describeError(error) }, `systemd was not told: is there a program ${NOTIFIER} in PATH?`);
    });
  }
}

/** Undefined where no watchdog waits for this process. */
function pingEveryMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  const periodMs = Number(WATCHDOG_USEC) / 1000;
  if (!(periodMs > 0) || (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid)) return undefined;
  return Math.max(1, Math.floor(periodMs / TRIES_A_PERIOD));
}
