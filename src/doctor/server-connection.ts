/** Whether a server takes connections: nothing is asked of it, so nothing that it does is set off. */
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describeError } from '../model/errors.js';

const LIMIT_MS = 5000;

/** Why none came about, for https with a certificate that can be trusted; undefined when all is well. */
export function whyNoConnection({ protocol, hostname, port }: URL): Promise<string | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isTls = protocol === 'https:';
  const to = { host, port: port === '' ? (isTls ? 443 : 80) : Number(port) };
  return new Promise((resolve) => {
    const socket = isTls ? connectTls({ ...to, ...(isIP(host) === 0 ? { servername: host } : {}) }) : connectTcp(to);
    const end = (why: string | undefined) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(LIMIT_MS, () => end(`nothing came back within ${LIMIT_MS / 1000} s`));
    socket.once(isTls ? 'secureConnect' : 'connect', () => end(undefined));
    socket.on('error', (error) => end(describeError(error)));
  });
}
