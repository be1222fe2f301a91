/** How an address is written where a port or path follows it. */

/** `127.0.0.1`, `[::1]`. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
