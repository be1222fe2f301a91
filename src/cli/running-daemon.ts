/** The daemon that runs on a state directory, if one does, and if it answers in time. */
import { ControlClient } from '../control/control-client.js';
import { LoongError } from '../model/errors.js';

/** undefined when none runs. @throws LoongError `daemon.not_answering` when something stands there that does not answer */
export function findDaemon(stateDir: string): Promise<ControlClient | undefined> {
  return ControlClient.find(stateDir);
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
