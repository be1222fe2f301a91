// Loaded before `loong`, so that a machine is what the file named by MACHINE says, now and whenever it is asked:
// `{"aheadMs": n}` its clock is so far ahead; `{"freeBytes": n}` its disks have so much room; `{"dns": "127.0.0.1:5353"}` that server
// knows the names of its hosts.

import dns from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const machine = () => JSON.parse(readFileSync(process.env.MACHINE, 'utf8'));

const { now } = Date;
Date.now = () => now() + (machine().aheadMs ?? 0);

const { statfs } = fs;
fs.statfs = async (path) => {
  const facts = await statfs(path);
  const { freeBytes } = machine();
  return freeBytes === undefined ? facts : { ...facts, bavail: freeBytes / facts.bsize, bsize: facts.bsize };
};

const { lookup, Resolver } = dns;
dns.lookup = async (host, options) => {
  const server = machine().dns;
  if (server === undefined) return lookup(host, options);
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([server]);
  return (await resolver.resolve4(host)).map((address) => ({ address, family: 4 }));
};
syncBuiltinESMExports();
