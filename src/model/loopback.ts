/** Whether only programs of this machine are meant by a host. */

/** A name or an address, without brackets. */
export function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|::1|127\.\d+\.\d+\.\d+)$/i.test(host);
}
