/** Who may dial in, judged before the upgrade from nothing but the request: path, role, token, self id. */
import { isPeerId } from '../../model/target.js';
import { type AccessToken, shownTokens } from './access-token.js';
import { plainPath } from './endpoint.js';

export type Role = 'universal' | 'api' | 'event';

/** By the header in lower case: `Api` is what Lagrange says. */
const ROLES: ReadonlyMap<string, Role> = new Map([
  ['universal', 'universal'],
  ['api', 'api'],
  ['event', 'event'],
]);

/** What is known of a caller before it has said anything. */
export interface Caller {
  readonly role: Role;
  /** undefined where the request does not tell: its first event, or `get_login_info`, will. */
  readonly selfId: string | undefined;
  /** Its address and port. */
  readonly remote: string;
  /** Its User-Agent. */
  readonly agent: string;
}

/** One account's entrance. */
export interface Gate {
  /** As `plainPath` gives it. */
  readonly path: string;
  readonly token: AccessToken | undefined;
  /** The QQ that it belongs to by now. */
  selfId(): string | undefined;
  isStopping(): boolean;
  /** Why this caller may not come in although it may call here; undefined when it may. */
  refusal(caller: Caller): string | undefined;
  /** Somebody who called here was sent away. */
  refused(reason: string): void;
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 503;
  readonly reason: string;
  /** The account that was meant, where that is clear. */
  readonly gate?: Gate | undefined;
}

export interface Asked {
  readonly url: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly remote: string;
}

export type Verdict<G extends Gate> = { readonly gate: G; readonly caller: Caller } | Refusal;

/** The gate through which this caller goes, or why it goes through none. */
export function judgeCaller<G extends Gate>(asked: Asked, gates: readonly G[]): Verdict<G> {
  // A web page cannot send a foreign header, but it can connect; no implementation is a web page.
  if (header(asked, 'origin') !== undefined) {
    return { status: 403, reason: 'an Origin header: web pages may not dial in' };
  }
  const [path, query = ''] = splitOnce(asked.url);
  const here = gates.filter((gate) => gate.path === plainPath(path));
  const gate = here.length === 1 ? here[0] : undefined;
  if (here.length === 0) return { status: 404, reason: 'no account has this path' };
  if (here.every((one) => one.isStopping())) return { status: 503, reason: 'loong is stopping', gate };
  const role = ROLES.get(header(asked, 'x-client-role')?.toLowerCase() ?? 'universal');
  if (role === undefined) {
    return { status: 400, reason: 'X-Client-Role must be Universal, API or Event', gate };
  }
  const shown = shownTokens(header(asked, 'authorization'), new URLSearchParams(query));
  const open = here.filter(({ token }) => token === undefined || token.isAmong(shown));
  if (open.length === 0) {
    return shown.length === 0
      ? { status: 401, reason: 'the access token is missing', gate }
      : { status: 403, reason: 'the access token is wrong', gate };
  }
  return judgeSelfId(asked, role, open, gate);
}

function judgeSelfId<G extends Gate>(
  asked: Asked,
  role: Role,
  open: readonly G[],
  meant: Gate | undefined,
): Verdict<G> {
  const said = header(asked, 'x-self-id');
  const selfId = said === undefined || said === '*' ? undefined : said;
  if (selfId !== undefined && !isPeerId(selfId)) {
    return { status: 400, reason: 'X-Self-ID is no QQ number', gate: meant };
  }
  // Who does not say who it is must at least know the token, and it must be clear whose it is.
  const trusted = open.filter(({ token }) => token !== undefined);
  if (selfId === undefined && trusted.length !== 1) {
    return { status: 400, reason: 'X-Self-ID is missing', gate: meant };
  }
  const gate =
    selfId === undefined
      ? trusted[0]
      : (open.find((one) => one.selfId() === selfId) ?? open.find((one) => one.selfId() === undefined));
  if (gate === undefined) {
    return { status: 403, reason: 'X-Self-ID is not that of the account here', gate: meant };
  }
  if (gate.isStopping()) return { status: 503, reason: 'loong is stopping', gate };
  const caller: Caller = { role, selfId, remote: asked.remote, agent: header(asked, 'user-agent') ?? '' };
  const reason = gate.refusal(caller);
  return reason === undefined ? { gate, caller } : { status: 403, reason, gate };
}

/** undefined for one that is missing or empty. */
function header({ headers }: Asked, name: string): string | undefined {
  const value = headers[name];
  const text = (typeof value === 'string' ? value : value?.join(', '))?.trim();
  return text === '' ? undefined : text;
}

function splitOnce(url: string): readonly [string, string?] {
  const at = url.indexOf('?');
  return at < 0 ? [url] : [url.slice(0, at), url.slice(at + 1)];
}
