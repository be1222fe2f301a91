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
  /** Its id. */
  readonly account: string;
  /** As `plainPath` gives it. */
  readonly path: string;
  readonly token: AccessToken | undefined;
  /** The QQ that it belongs to by now. */
  selfId(): string | undefined;
  isStopping(): boolean;
  /** Why this caller may not come in although it may call here; undefined when it may. */
  refusal(caller: Caller): Objection | undefined;
  /** Somebody who called here was sent away. */
  refused(objection: Objection): void;
}

/** Why somebody is sent away, and what the operator can do about it. */
export interface Objection {
  readonly reason: string;
  readonly remedy?: string;
}

export interface Refusal extends Objection {
  readonly status: 400 | 401 | 403 | 404 | 503;
  /** The account that was meant, where that is clear. */
  readonly gate?: Gate | undefined;
}

export interface Asked {
  readonly url: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly remote: string;
}

export type Verdict<G extends Gate> = { readonly gate: G; readonly caller: Caller } | Refusal;

const TOKEN_REMEDY =
  'write the same token on both sides: into the OneBot program as the token of its WebSocket client (NapCat: 网络配置 → the client → Token), and here as `access_token`, `access_token_env` or `access_token_file` of this account; then start loong anew';
const NAME_REMEDY = 'set an access token on both sides, which vouches for who does not say its QQ';

/** The gate through which this caller goes, or why it goes through none. */
export function judgeCaller<G extends Gate>(asked: Asked, gates: readonly G[]): Verdict<G> {
  // A web page cannot send a foreign header, but it can connect; no implementation is a web page.
  if (header(asked, 'origin') !== undefined) {
    return { status: 403, reason: 'an Origin header: web pages may not dial in' };
  }
  const [path, query = ''] = splitOnce(asked.url);
  const here = gates.filter((gate) => gate.path === plainPath(path));
  if (here.length === 0) {
    const remedy = 'correct the path of the address in the OneBot program, or `ws_path` here';
    return { status: 404, reason: 'no account has this path', remedy, gate: onlyOne(gates) };
  }
  const gate = onlyOne(here) ?? here.find((one) => one.selfId() === header(asked, 'x-self-id'));
  if (here.every((one) => one.isStopping())) return { status: 503, reason: 'loong is stopping', gate };
  const role = ROLES.get(header(asked, 'x-client-role')?.toLowerCase() ?? 'universal');
  if (role === undefined) {
    return { status: 400, reason: 'X-Client-Role must be Universal, API or Event', gate };
  }
  const shown = shownTokens(header(asked, 'authorization'), new URLSearchParams(query));
  const open = here.filter(({ token }) => token === undefined || token.isAmong(shown));
  if (open.length === 0) {
    return shown.length === 0
      ? { status: 401, reason: 'the access token is missing', remedy: TOKEN_REMEDY, gate }
      : { status: 403, reason: 'the access token is wrong', remedy: TOKEN_REMEDY, gate };
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
    return { status: 400, reason: 'X-Self-ID is missing', remedy: NAME_REMEDY, gate: meant };
  }
  const gate =
    selfId === undefined
      ? trusted[0]
      : (open.find((one) => one.selfId() === selfId) ?? open.find((one) => one.selfId() === undefined));
  if (gate === undefined) {
    return {
      status: 403,
      reason: 'X-Self-ID is not that of the account here',
      remedy: ownerRemedy(meant),
      gate: meant,
    };
  }
  if (gate.isStopping()) return { status: 503, reason: 'loong is stopping', gate };
  const caller: Caller = { role, selfId, remote: asked.remote, agent: header(asked, 'user-agent') ?? '' };
  const objection = gate.refusal(caller);
  return objection === undefined ? { gate, caller } : { status: 403, ...objection, gate };
}

/** Of an account that belongs to another QQ than the one that called. */
export function ownerRemedy(of: Pick<Gate, 'account'> | undefined): string {
  return (
    'log in with the QQ of this account there, or give that QQ an account with a `ws_path` of its own; to let it have this one, ' +
    `stop loong, correct \`self_id\` if it is set, and run \`loong account rebind onebot ${of?.account ?? 'ACCOUNT'}\``
  );
}

function onlyOne<G>(all: readonly G[]): G | undefined {
  return all.length === 1 ? all[0] : undefined;
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
