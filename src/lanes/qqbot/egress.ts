/** The address that QQ sees when this machine calls, as far as it can be known without asking anybody. */
import { createSocket } from 'node:dgram';
import { BlockList, isIPv6 } from 'node:net';
import type { ProxyConfig } from '../../config/config.js';
import { proxyFor } from '../../http/proxied.js';

/** Addresses that a router replaces by its own (RFC 1918, 6598, 3927, 4193, 4291), or a proxy made up (RFC 2544). */
const INTERNAL = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const)
  INTERNAL.addSubnet(net, bits, 'ipv4');
INTERNAL.addSubnet('fc00::', 7, 'ipv6');
INTERNAL.addSubnet('fe80::', 10, 'ipv6');

/** In words that stand behind "add". */
export async function egress({
  apiBaseUrl,
  proxy,
}: {
  readonly apiBaseUrl: string;
  readonly proxy: ProxyConfig;
}): Promise<string> {
  const url = new URL(apiBaseUrl);
  const through = proxyFor(url, proxy);
  if (through !== undefined)
    return `the public IP with which the proxy ${through.url} goes out (not that of this machine)`;
  // It only makes a remedy more exact.
  const address = await ownAddress(url).catch(() => undefined);
  if (address === undefined) return 'the egress IP of this machine';
  if (!isInternal(address)) return address;
  return `the public IP of the router in front of this machine (here it is ${address}; the router, or any page that shows “my IP”, tells the public one)`;
}

export function isInternal(address: string): boolean {
  return INTERNAL.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Which of its addresses this machine would call from. A datagram socket that is connected sends nothing. */
function ownAddress({ hostname, port }: URL): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.once('connect', () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
    socket.connect(port === '' ? 443 : Number(port), host);
  });
}
