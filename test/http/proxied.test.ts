/** Which connections go through a proxy, and what becomes of them there. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { DIRECTLY, type HttpProxy, type ProxyConfig } from '../../src/config/config.js';
import { proxyFor } from '../../src/http/proxied.js';
import { openTunnel, ProxyError } from '../../src/http/proxy-tunnel.js';
import { ConnectProxy, type ProxyRules } from '../support/connect-proxy.js';
import { tempDir } from '../support/temp-dir.js';

const PROXY: HttpProxy = { url: 'http://127.0.0.1:7890', from: '$https_proxy' };

function isProxied(url: string, exceptions: string, more: Partial<ProxyConfig> = {}): boolean {
  const both = { secure: PROXY, plain: PROXY, exceptions: exceptions.split(','), takesLoopback: false };
  return proxyFor(new URL(url), { ...both, ...more }) !== undefined;
}

test.each([
  ['', true],
  ['*', false],
  ['qq.com', false],
  ['.qq.com', false],
  ['*.qq.com', false],
  ['QQ.com', false],
  ['qq.com.', false],
  ['api.sgroup.qq.com', false],
  ['api.sgroup.qq.com:443', false],
  ['api.sgroup.qq.com:8443', true],
  ['other.com,qq.com', false],
  ['q.com', true],
  ['pi.sgroup.qq.com', true],
  ['api.sgroup.qq.com.evil', true],
  ['com:', true],
  ['.', true],
  [':443', true],
  ['127.0.0.1,::1,localhost', true],
])('with NO_PROXY=%s api.sgroup.qq.com goes through it: %s', (exceptions, expected) => {
  expect(isProxied('https://api.sgroup.qq.com/x', exceptions)).toBe(expected);
  expect(isProxied('wss://api.sgroup.qq.com/websocket', exceptions)).toBe(expected);
});

test.each([
  ['http://127.0.0.1:80/', '127.0.0.1'],
  ['http://10.1.2.3/', '10.1.2.3'],
  ['http://[::1]:80/', '::1'],
  ['http://[::1]:81/', '[::1]:81'],
  ['http://[fd00::1]/', '[fd00::1]'],
])('the address of %s is excepted by %s, and only as a whole', (url, exception) => {
  const all = { takesLoopback: true };
  expect(isProxied(url, '', all)).toBe(true);
  expect(isProxied(url, exception, all)).toBe(false);
  expect(isProxied(url, exception.slice(0, -1), all)).toBe(true);
});

test('this machine is reached directly, unless the file itself names the proxy', () => {
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]'])
    for (const scheme of ['http', 'https', 'ws', 'wss']) {
      expect(isProxied(`${scheme}://${host}:8080/`, '')).toBe(false);
      expect(isProxied(`${scheme}://${host}:8080/`, '', { takesLoopback: true })).toBe(true);
    }
});

test('each kind of connection has its own proxy', () => {
  const only = (secure?: HttpProxy, plain?: HttpProxy) => ({ ...DIRECTLY, secure, plain });
  expect(proxyFor(new URL('wss://a.example/'), only(PROXY))).toBe(PROXY);
  expect(proxyFor(new URL('ws://a.example/'), only(PROXY))).toBeUndefined();
  expect(proxyFor(new URL('http://a.example/'), only(undefined, PROXY))).toBe(PROXY);
  expect(proxyFor(new URL('https://a.example/'), DIRECTLY)).toBeUndefined();
});

async function proxyWith(rules: ProxyRules): Promise<ConnectProxy> {
  const proxy = await ConnectProxy.start(rules);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Whoever connects there gets these bytes. */
async function saying(text: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function refused(proxy: Omit<HttpProxy, 'from'>): Promise<ProxyError> {
  const error = await openTunnel({ ...proxy, from: 'gateway.proxy' }, 'qq.invalid', 443, 300).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProxyError);
  expect((error as ProxyError).remedy).toBeTruthy();
  expect(`${error}`).not.toContain('pass-Word');
  return error as ProxyError;
}

test.each([
  [{ credentials: 'op:pass-Word' }, undefined, 'proxy.auth', 'wants a user name'],
  [{ credentials: 'op:pass-Word' }, 'op:other-pass-Word', 'proxy.auth', 'refused the user name'],
  [{ status: 403 }, undefined, 'proxy.refused', 'qq.invalid:443 (HTTP 403)'],
  [{ status: 502 }, undefined, 'proxy.refused', '(HTTP 502)'],
  [{ status: 302 }, undefined, 'proxy.refused', '(HTTP 302)'],
  [{ isSilent: true }, undefined, 'proxy.unreachable', 'no answer within'],
])('a proxy that behaves as %o, asked with %s: %s', async (rules, credentials, code, words) => {
  const { url } = await proxyWith(rules);
  const error = await refused({ url, ...(credentials === undefined ? {} : { credentials }) });
  expect(error.code).toBe(code);
  expect(error.message).toContain(words);
});

test.each([
  ['SSH-2.0-OpenSSH_9.2\r\n'],
  ['\u0005\u00ff'],
  [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
  ['HTTP/1.1 2000 OK\r\n\r\n'],
  ['HTTP/1.1 200 OK\r\n\r\nwords of its own'],
])('whoever answers %j is no proxy', async (text) => {
  expect((await refused({ url: await saying(text) })).code).toBe('proxy.foreign');
});

test('whoever answers half a line, hangs up, or is not there', async () => {
  expect((await refused({ url: await saying('HTTP/1.1 200') })).code).toBe('proxy.unreachable');
  expect((await refused({ url: 'http://127.0.0.1:9' })).message).toContain('ECONNREFUSED');
  expect((await refused({ url: 'http://proxy.invalid:3128' })).code).toBe('proxy.unreachable');
  expect((await refused({ url: '', fault: 'is no URL of a proxy' })).code).toBe('proxy.unusable');
});

/** For this host alone, signed by itself. */
function certificate(host: string) {
  const folder = tempDir();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const name = `subjectAltName=${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`;
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const said = ['-subj', '/CN=test', '-addext', name, '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', ...kind, ...said], { stdio: 'ignore' });
  return { path: cert, key: readFileSync(key), cert: readFileSync(cert) };
}

test.each([
  ['http', 'localhost', 'localhost'],
  ['https', 'localhost', '127.0.0.1'],
  ['https', '127.0.0.1', 'localhost'],
])(
  'https and wss through a proxy that speaks %s and is called %s, to %s: each proves its own name',
  async (scheme, proxyHost, host) => {
    const [own, its] = [certificate(host), certificate(proxyHost)];
    const server = createServer(own, (_request, answer) => answer.end('over TLS'));
    new WebSocketServer({ server }).on('connection', (socket) => socket.send('HELLO'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const proxy = await proxyWith(scheme === 'https' ? { tls: its } : {});
    const { port } = server.address() as AddressInfo;
    const script = fileURLToPath(new URL('support/through-proxy.mjs', import.meta.url));
    const url = `${scheme}://${proxyHost}:${proxy.port}`;
    const run = promisify(execFile);
    const trusted = join(tempDir(), 'trusted.pem');
    writeFileSync(trusted, Buffer.concat([own.cert, its.cert]));
    const trusting = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: trusted };
    const { stdout } = await run(process.execPath, [script, url, `${host}:${port}`], { env: trusting });
    expect(JSON.parse(stdout)).toEqual({ texts: ['over TLS', 'over TLS'], greeting: 'HELLO' });
    // One tunnel serves both questions: the connection is kept.
    expect(proxy.asked).toEqual([`${host}:${port}`, `${host}:${port}`]);
    // A tunnel takes nothing from TLS: whom nobody can trust is refused behind it, too, and so is a proxy of another name.
    for (const env of [
      { NODE_EXTRA_CA_CERTS: its.path },
      ...(scheme === 'https' ? [{ NODE_EXTRA_CA_CERTS: own.path }] : []),
    ])
      await expect(
        run(process.execPath, [script, url, `${host}:${port}`], { env: { PATH: process.env.PATH, ...env } }),
      ).rejects.toThrow(/self[- ]signed/i);
  },
);
