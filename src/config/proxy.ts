/** Through which proxy QQ is reached: `gateway.proxy`, else the variables that every program of a shell shares. */
import type { HttpProxy, ProxyConfig } from './config.js';
import type { Findings } from './findings.js';

const KEY = 'gateway.proxy';
const EXAMPLE = 'write an HTTP proxy, like "http://127.0.0.1:7890"';

/** `given`: of the file. What is wrong there is a problem; what is wrong in a variable fails only whoever would go through it. */
export function readProxy(given: string, env: NodeJS.ProcessEnv, findings: Findings): ProxyConfig {
  const exceptions = (fromEnvironment(['no_proxy', 'NO_PROXY'], env)?.value ?? '').split(/[\s,]+/).filter(Boolean);
  if (given.trim() === '') {
    // The small names first, as curl has it.
    const secure = fromVariables(['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'], env);
    const plain = fromVariables(['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'], env);
    return { secure, plain, exceptions, takesLoopback: false };
  }
  const proxy = parseProxy(given, KEY);
  if (proxy.fault !== undefined) findings.problem(KEY, proxy.fault, remedyFor(given));
  return { secure: proxy, plain: proxy, exceptions, takesLoopback: true };
}

function fromVariables(names: readonly string[], env: NodeJS.ProcessEnv): HttpProxy | undefined {
  const found = fromEnvironment(names, env);
  return found === undefined ? undefined : parseProxy(found.value, `$${found.name}`);
}

function fromEnvironment(names: readonly string[], env: NodeJS.ProcessEnv) {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== '') return { name, value };
  }
  return undefined;
}

/** Without a scheme it is `http`. A fault never shows the text: it may hold a password. */
function parseProxy(given: string, from: string): HttpProxy {
  const text = given.trim();
  const faulty = (fault: string): HttpProxy => ({ url: '', from, fault });
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return faulty('is no URL of a proxy');
  const { protocol, host, hostname, username, password, pathname, search, hash } = new URL(full);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return faulty(`is a proxy of the kind \`${protocol.slice(0, -1)}\`, and loong speaks only to HTTP proxies`);
  }
  if (hostname === '') return faulty('is no URL of a proxy');
  if (pathname !== '/' || search !== '' || hash !== '') return faulty('holds more than the address of a proxy');
  const credentials = credentialsOf(username, password);
  return { url: `${protocol}//${host}`, from, ...(credentials === undefined ? {} : { credentials }) };
}

/** As they are sent; a stray `%` stands for itself. */
function credentialsOf(username: string, password: string): string | undefined {
  if (username === '' && password === '') return undefined;
  const plain = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  return `${plain(username)}:${plain(password)}`;
}

function remedyFor(given: string): string {
  return /^\s*socks/i.test(given)
    ? `${EXAMPLE}: Clash, v2ray, sing-box and others have such a port beside that of SOCKS`
    : EXAMPLE;
}
