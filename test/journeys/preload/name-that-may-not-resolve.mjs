// Loaded before `loong`: while the file named by NO_NAMES exists, the resolver knows no host by the name `localhost`.
import dns from 'node:dns';
import { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { lookup } = dns;
dns.lookup = (name, ...rest) => {
  if (name !== 'localhost' || !existsSync(process.env.NO_NAMES)) return lookup(name, ...rest);
  const answer = rest.at(-1);
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name });
  process.nextTick(() => answer(error));
};
syncBuiltinESMExports();
