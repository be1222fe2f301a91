/** The daemon that runs on a state directory, if one does, and if it answers in time. */
import { ControlClient } from '../control/control-client.js';
import { pause } from '../model/backoff.js';
import { describeError, LoongError } from '../model/errors.js';

/** A daemon that lives answers at once. */
const ANSWER_LIMIT_MS = 5000;

/** undefined when none runs. @throws LoongError `daemon.not_answering` when something stands there that does not answer */
export async function findDaemon(stateDir: string): Promise<ControlClient | undefined> {
  const answered = new AbortController();
  const inVain = pause(ANSWER_LIMIT_MS, answered.signal).then(() => {
    throw new Error(`no answer within ${ANSWER_LIMIT_MS / 1000} s`);
  });
  inVain.catch(() => undefined); // of no interest once there is an answer
  try {
    return await Promise.race([ControlClient.find(stateDir), inVain]);
  } catch (error) {
    if (error instanceof LoongError) throw error;
    throw new LoongError('daemon.not_answering', `the daemon on ${stateDir} does not answer: ${describeError(error)}`, {
      cause: error,
      remedy:
        'use the account that it runs as, and look at its log; if it hangs, `kill -9` it and start it again: nothing that was accepted is lost',
    });
  } finally {
    answered.abort();
  }
}

/** What `use` makes of the running daemon. @throws LoongError `daemon.not_running` (exit 69) */
export async function withDaemon<T>(stateDir: string, use: (daemon: ControlClient) => Promise<T>): Promise<T> {
  const daemon = await findDaemon(stateDir);
  if (daemon === undefined) {
    throw new LoongError('daemon.not_running', `no daemon runs on ${stateDir}`, {
      remedy: 'start it with `loong gateway run`',
    });
  }
  try {
    return await use(daemon);
  } finally {
    await daemon.close();
  }
}
