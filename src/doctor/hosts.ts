/** Names of hosts: whether they are known here, and whether a proxy made their addresses up. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { describeError } from '../model/errors.js';
import type { Finding } from './finding.js';

/** Answers with the addresses of a host, or throws. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** One finding for all hosts of `urls`; undefined when none of them has a name that somebody must resolve. */
export async function checkHosts(
  name: string,
  urls: readonly string[],
  resolveHost: Lookup = lookupAll,
): Promise<Finding | undefined> {
  const hosts = [...new Set(urls.map((url) => new URL(url).hostname))].filter(isName);
  if (hosts.length === 0) return undefined;
  const made: string[] = [];
  for (const host of hosts) {
    try {
      const addresses = await resolveHost(host);
      made.push(...addresses.filter(isMadeUp).map((address) => `${host} is ${address}`));
      const blocked = addresses.find(isNowhere);
      if (blocked !== undefined) return blockedFinding(name, host, blocked);
    } catch (error) {
      const remedy = 'check the DNS of this machine (/etc/resolv.conf), and the spelling of the URL';
      return { name, level: 'fail', detail: `${host} is not known: ${describeError(error)}`, remedy };
    }
  }
  if (made.length === 0) return { name, level: 'ok', detail: hosts.join(', ') };
  const remedy = 'if QQ is not reached, take its hosts out of the fake-ip range of your proxy (Clash, sing-box, …)';
  return { name, level: 'warn', detail: `${made.join(', ')}: an address that a proxy made up`, remedy };
}

async function lookupAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function isName(host: string): boolean {
  return isIP(host) === 0 && !host.startsWith('[') && host !== 'localhost' && !host.endsWith('.localhost');
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544), fc00::/7 for private networks (RFC 4193): QQ has neither, and proxies answer with them. */
function isMadeUp(address: string): boolean {
  return /^198\.1[89]\.|^f[cd][0-9a-f]{2}:/i.test(address);
}

/** What filters answer for hosts that are not to be reached. */
function isNowhere(address: string): boolean {
  return /^(0\.|127\.|::1?$)/.test(address);
}

function blockedFinding(name: string, host: string, address: string): Finding {
  return {
    name,
    level: 'fail',
    detail: `${host} is ${address}, which leads back to this machine`,
    remedy: `take ${host} out of /etc/hosts, or out of the list of the DNS filter that answers here`,
  };
}
