/** Whether a port to listen on is free, ours, or somebody else's. */
import { createServer } from 'node:net';
import { portHolder } from '../http/port-holder.js';
import { hostInUrl } from '../model/host.js';
import type { Finding } from './finding.js';

/** The daemon on this state directory, and whether it serves whoever the port is for. */
export interface PortOwner {
  readonly pid: number;
  readonly serves: boolean;
}

/** Where somebody is to listen, and what is said of the keys that name it. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly words: PlaceWords;
}

interface PlaceWords {
  /** A port above 1023. */
  readonly otherPort: string;
  readonly otherHost: string;
  readonly taken: string;
}

export const WS_WORDS: PlaceWords = {
  otherPort: 'set a ws_port of 1024 or above',
  otherHost: 'set ws_host to an address of this machine, such as "127.0.0.1", or "0.0.0.0" for all of them',
  taken:
    'end that program, or set another ws_port here and in the OneBot program (NapCat’s own server likes 3001, too)',
};

export const WEBHOOK_WORDS: PlaceWords = {
  otherPort: 'set a port of 1024 or above in webhook_listen, and let a reverse proxy listen on 443',
  otherHost: 'set webhook_listen to an address of this machine, such as "127.0.0.1:8080"',
  taken: 'end that program, or set another port in webhook_listen and in the reverse proxy before it',
};

export async function checkPort(
  name: string,
  { host, port, words }: Place,
  daemon: PortOwner | undefined,
): Promise<Finding> {
  const place = `${hostInUrl(host)}:${port}`;
  if (port === 0)
    return {
      name,
      level: 'ok',
      detail: 'the daemon takes a free one; `loong channels status` tells which while it waits',
    };
  const code = await refusalOf(host, port);
  switch (code) {
    case undefined:
      return daemon?.serves
        ? {
            name,
            level: 'warn',
            detail: `nobody listens on ${place}, not even the running daemon`,
            remedy: 'start it anew if the config was changed; else look at its log',
          }
        : { name, level: 'ok', detail: `${place} is free` };
    case 'EADDRINUSE':
      return takenFinding(name, place, { port, words }, daemon);
    case 'EACCES':
      return {
        name,
        level: 'fail',
        detail: `this user may not listen on ${place}`,
        remedy: words.otherPort,
      };
    default:
      return {
        name,
        level: 'fail',
        detail: `nothing can listen on ${place} (${code}): is ${host} an address of this machine?`,
        remedy: words.otherHost,
      };
  }
}

async function takenFinding(
  name: string,
  place: string,
  { port, words }: Pick<Place, 'port' | 'words'>,
  daemon: PortOwner | undefined,
): Promise<Finding> {
  const holder = await portHolder(port);
  const isOurs = holder === undefined ? daemon?.serves === true : holder.pid === daemon?.pid;
  if (isOurs) return { name, level: 'ok', detail: `the daemon listens on ${place}` };
  return {
    name,
    level: 'fail',
    detail: `${place} is taken by ${holder === undefined ? 'another program' : `${holder.command} (pid ${holder.pid})`}`,
    remedy: words.taken,
  };
}

/** The code of the refusal; undefined when one can listen there. */
function refusalOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
