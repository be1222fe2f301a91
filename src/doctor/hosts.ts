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
      made.push(...(await resolveHost(host)).filter(isMadeUp).map((address) => `${host} is ${address}`));
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

/** 198.18.0.0/15 is for benchmarks (RFC 2544) and belongs to nobody; proxies answer with it. */
function isMadeUp(address: string): boolean {
  return /^198\.1[89]\./.test(address);
}
