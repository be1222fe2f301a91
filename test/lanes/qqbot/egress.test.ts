/** What is said of the address that QQ sees: the true one where it is known, and where to look where it is not. */
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { DIRECTLY } from '../../../src/config/config.js';
import { egress, isInternal } from '../../../src/lanes/qqbot/egress.js';

test.each([
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.1.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.5',
  '198.18.0.1',
  'fd00::1',
  'fe80::1',
])('%s is seen by nobody but its neighbours', (address) => expect(isInternal(address)).toBe(true));

test.each(['203.0.113.7', '100.128.0.1', '172.32.0.1', '192.169.0.1', '8.8.8.8', '2408:8719::1'])(
  '%s may be what QQ sees',
  (address) => expect(isInternal(address)).toBe(false),
);

test('the address from which this machine would call', async () => {
  expect(await egress({ apiBaseUrl: 'http://127.0.0.1:9', proxy: DIRECTLY })).toBe('127.0.0.1');
  expect(await egress({ apiBaseUrl: 'http://localhost:9', proxy: DIRECTLY })).toMatch(/^(127\.0\.0\.1|::1)$/);
  // Nothing is sent to this one: it is for documentation. A machine without a way out has no address for it.
  const told = await egress({ apiBaseUrl: 'https://203.0.113.7', proxy: DIRECTLY });
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  expect(told.includes('egress IP') || own.some((address) => told.includes(address))).toBe(true);
});

test('nobody is asked for a name that is not known', async () => {
  expect(await egress({ apiBaseUrl: 'https://qq.invalid', proxy: DIRECTLY })).toBe('the egress IP of this machine');
});

test('behind a proxy it is not this machine that QQ sees', async () => {
  const through = { url: 'http://proxy.example:3128', from: 'gateway.proxy', credentials: 'op:pass-Word' };
  const proxy = { secure: through, plain: through, exceptions: [], takesLoopback: true };
  const told = await egress({ apiBaseUrl: 'https://api.sgroup.qq.com', proxy });
  expect(told).toBe('the public IP with which the proxy http://proxy.example:3128 goes out (not that of this machine)');
});
