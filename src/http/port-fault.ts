/** Why an address cannot be listened on, in words; where another program has it, by whom. */
import { describeError } from '../model/errors.js';
import { portHolder } from './port-holder.js';

/** `error`: of `listen`. */
export async function portFault(
  host: string,
  port: number,
  error: unknown,
): Promise<{ readonly isTaken: boolean; readonly message: string }> {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
    return { isTaken: false, message: `cannot listen on port ${port} of ${host}: ${describeError(error)}` };
  }
  const holder = await portHolder(port);
  const who = holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`;
  return { isTaken: true, message: `port ${port} of ${host} is taken by ${who}` };
}
