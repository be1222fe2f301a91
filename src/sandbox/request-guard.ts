/** Who may speak to the sandbox: only this machine by a loopback name, and in a browser only its own page. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Stops a web page of somebody else (foreign `Origin`, or a name rebound to loopback) from driving the sandbox.
 * @returns why the request is refused (403), or undefined.
 */
export function refusedBecause(
  headers: Pick<IncomingHttpHeaders, 'host' | 'origin'>,
  port: number,
): string | undefined {
  const own = ['127.0.0.1', 'localhost', '[::1]'].map((name) => (port === 80 ? name : `${name}:${port}`));
  const host = headers.host?.toLowerCase();
  if (host === undefined || !own.includes(host)) return 'the Host header does not name this sandbox';
  const { origin } = headers;
  if (origin === undefined) return undefined;
  return own.some((name) => origin.toLowerCase() === `http://${name}`)
    ? undefined
    : 'the request comes from another origin';
}
