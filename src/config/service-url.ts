/** Addresses of services: what may be written there, and when plain `http` is fit. */
import { isLoopback } from '../model/loopback.js';
import type { Fault } from './findings.js';

/** What a message tells of a service: how its URL looks, and which keys hold its credentials. */
export interface ServiceKind {
  readonly example: string;
  readonly credentials: string;
}

const OF_PLATFORM: ServiceKind = {
  example: 'https://api.sgroup.qq.com',
  credentials: '`app_id` and `client_secret`',
};

/** The URL in its normal form, or what is wrong with it. The text itself is never shown: it may hold a password. */
export function readServiceUrl(text: string, { example, credentials } = OF_PLATFORM): URL | Fault {
  const remedy = `write it in full, like "${example}"`;
  if (!URL.canParse(text.trim())) return { message: 'is not a URL', remedy };
  const url = new URL(text.trim());
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { message: 'is neither an https nor an http URL', remedy };
  }
  if (url.username !== '' || url.password !== '') {
    return {
      message: 'holds a user name or password',
      remedy: `remove the part before the \`@\`; credentials go into ${credentials}`,
    };
  }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return { message: 'holds a query or fragment', remedy: 'end it before the `?` or `#`' };
  }
  return url;
}

/** True when secrets sent there could be read on the way: `http` to another machine. */
export function isExposed(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}
