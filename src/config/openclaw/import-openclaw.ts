/** From a config of OpenClaw to one of ours: its QQ channels, account by account, and a word about each of their keys. */
import { type ChannelId, normaliseAccountId } from '../../model/target.js';
import { keysAt } from '../schema.js';
import { readAccess } from './access.js';
import { type FoundSecret, readCredentials } from './credentials.js';
import { type Rule, type Rules, rulesOf, type Shape } from './keys.js';
import { ImportReport } from './report.js';
import { type AccountSource, isTable, keysOf, type OwnTable, type Table, told, valueAt } from './source.js';

export interface Imported {
  /** Tables of our config, by channel; secrets are not in them. */
  readonly channels: { readonly [C in ChannelId]?: OwnTable };
  readonly secrets: readonly FoundSecret[];
  readonly report: ImportReport;
  /** Which of the three it had. */
  readonly shapes: readonly Shape[];
}

const CHANNEL_OF = { napcatqq: 'onebot', qq: 'qqbot', qqbot: 'qqbot' } as const satisfies { [S in Shape]: ChannelId };
const SHAPES = Object.keys(CHANNEL_OF) as Shape[];

/** What makes the keys of the channel itself an account beside `accounts`. */
const MARK_OF_ACCOUNT: { readonly [S in Shape]: string } = { napcatqq: 'wsPort', qq: 'appId', qqbot: 'appId' };

/** `folder`: of the file that it was read from. Nothing is taken where no channel is of QQ (`shapes` is empty). */
export function importOpenclaw(file: Table, folder: string): Imported {
  const report = new ImportReport();
  const channels = isTable(file.channels) ? file.channels : {};
  const shapes = SHAPES.filter((shape) => isTable(channels[shape]));
  const out: { [C in ChannelId]?: OwnTable } = {};
  const secrets: FoundSecret[] = [];
  for (const shape of shapes) {
    const importer = new ChannelImport(shape, channels[shape] as Table, folder, report);
    out[CHANNEL_OF[shape]] = importer.read();
    secrets.push(...importer.secrets);
  }
  for (const name of Object.keys(channels))
    if (!shapes.some((shape) => shape === name))
      report.tell(['channels', name], 'dead', { note: 'is no channel of QQ' });
  for (const name of Object.keys(file))
    if (name !== 'channels')
      report.tell([name], 'dead', { note: 'is not about a channel of QQ; who answers here is [backends]' });
  return { channels: out, secrets, report, shapes };
}

class ChannelImport {
  readonly secrets: FoundSecret[] = [];
  readonly #shape: Shape;
  readonly #channel: ChannelId;
  readonly #top: Table;
  readonly #path: readonly string[];
  readonly #folder: string;
  readonly #report: ImportReport;

  constructor(shape: Shape, top: Table, folder: string, report: ImportReport) {
    this.#shape = shape;
    this.#channel = CHANNEL_OF[shape];
    this.#top = top;
    this.#path = ['channels', shape];
    this.#folder = folder;
    this.#report = report;
  }

  read(): OwnTable {
    const { accounts, defaultAccount, ...all } = this.#top;
    if (!isTable(accounts) || Object.keys(accounts).length === 0) {
      if (accounts !== undefined)
        this.#report.tell([...this.#path, 'accounts'], 'dead', { note: 'has no account in it' });
      return this.#account(all, this.#path, undefined, [this.#channel]);
    }
    const { enabled: _ofAll, ...top } = all;
    this.#report.tell([...this.#path, 'accounts'], 'kept', { to: [this.#channel, 'accounts'] });
    const isAccount = Object.hasOwn(top, MARK_OF_ACCOUNT[this.#shape]);
    // One plugin lets its accounts inherit nothing, but for the one called default.
    const inherits = (id: string) => this.#shape !== 'qqbot' || id === 'default';
    const inherited = { table: top, path: this.#path };
    const tables: OwnTable = {};
    if (isAccount && !Object.keys(accounts).some((name) => normaliseAccountId(name) === 'default'))
      tables.default = this.#account(top, this.#path, undefined, [this.#channel, 'accounts', 'default']);
    for (const [name, own] of Object.entries(accounts)) {
      const path = [...this.#path, 'accounts', name];
      const id = normaliseAccountId(name);
      if (!isTable(own)) this.#report.tell(path, 'dead', { note: 'is no table' });
      else if (Object.hasOwn(tables, id))
        this.#report.tell(path, 'dead', { note: `is the same account as another: both are read as ${id}` });
      else tables[id] = this.#account(own, path, inherits(id) ? inherited : undefined, [this.#channel, 'accounts', id]);
    }
    if (!isAccount && !Object.keys(accounts).some((name) => inherits(normaliseAccountId(name))))
      for (const key of Object.keys(top))
        this.#report.tell([...this.#path, key], 'dead', { note: 'its accounts do not inherit it there' });
    return { ...this.#switch(), ...this.#default(defaultAccount, tables), accounts: tables };
  }

  /** A channel that is off is so whatever its accounts say, there as here. */
  #switch(): OwnTable {
    const { enabled } = this.#top;
    if (enabled === undefined) return {};
    const out: OwnTable = {};
    readKey(
      this.#sourceOf(this.#top, this.#path, undefined, [this.#channel]),
      ['enabled'],
      enabled,
      ruleOf(rulesOf(this.#shape), 'enabled'),
      out,
    );
    return out;
  }

  #default(given: unknown, tables: OwnTable): OwnTable {
    if (given === undefined) return {};
    const path = [...this.#path, 'defaultAccount'];
    const id = typeof given === 'string' ? normaliseAccountId(given) : '';
    if (!Object.hasOwn(tables, id)) {
      this.#report.tell(path, 'dead', { note: 'names none of the accounts' });
      return {};
    }
    this.#report.tell(path, 'renamed', { to: [this.#channel, 'default_account'] });
    return { default_account: id };
  }

  #account(
    own: Table,
    path: readonly string[],
    inherited: AccountSource['inherited'],
    outPath: readonly string[],
  ): OwnTable {
    const source = this.#sourceOf(own, path, inherited, outPath);
    const rules = rulesOf(this.#shape);
    for (const key of keysOf(source)) readKey(source, [key], valueAt(source, key), ruleOf(rules, key), source.out);
    readAccess(source);
    this.secrets.push(...readCredentials(source, this.#folder));
    if (this.#shape === 'napcatqq') this.#readHost(source);
    // That plugin is fed by callbacks alone, and QQ sends a bot with a callback nothing else.
    if (this.#shape === 'qq' && isKnown(this.#channel, 'transport')) source.out.transport = 'webhook';
    return source.out;
  }

  #sourceOf(
    own: Table,
    path: readonly string[],
    inherited: AccountSource['inherited'],
    outPath: readonly string[],
  ): AccountSource {
    return {
      shape: this.#shape,
      channel: this.#channel,
      own,
      path,
      inherited: inherited && { ...inherited, table: withoutBot(inherited.table, own) },
      out: {},
      outPath,
      report: this.#report,
    };
  }

  /** An open door without a token is not taken over. */
  #readHost(source: AccountSource): void {
    const host = valueAt(source, 'wsHost');
    if (host === undefined) return;
    if (typeof host !== 'string' || !/^[\w.:[\]-]{1,253}$/.test(host))
      return told(source, ['wsHost'], 'dead', undefined, 'is no address: 127.0.0.1 holds');
    const isOurs = /^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/.test(host);
    const hasToken =
      source.out.access_token_env !== undefined || this.secrets.some(({ outPath }) => outPath === source.outPath);
    if (!isOurs && !hasToken)
      return told(
        source,
        ['wsHost'],
        'dead',
        undefined,
        'others could reach it and there is no accessToken: 127.0.0.1 holds; set a token, then ws_host',
      );
    source.out.ws_host = host;
    told(source, ['wsHost'], 'renamed', ['ws_host']);
  }
}

/** An account that says anything of a bot of its own is not mixed with another's. */
function withoutBot(inherited: Table, own: Table): Table {
  if (!BOT_KEYS.some((key) => Object.hasOwn(own, key))) return inherited;
  return Object.fromEntries(Object.entries(inherited).filter(([key]) => !BOT_KEYS.includes(key)));
}

const BOT_KEYS: readonly string[] = ['appId', 'appSecret', 'appSecretFile', 'clientSecret', 'clientSecretFile'];

function ruleOf(rules: Rules, key: string): Rule {
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  return rule ?? { dead: 'is unknown' };
}

function readKey(
  source: AccountSource,
  below: readonly [string, ...string[]],
  value: unknown,
  rule: Rule,
  out: OwnTable,
  outBelow: readonly string[] = [],
): void {
  if ('elsewhere' in rule) return;
  if ('dead' in rule) return told(source, below, 'dead', undefined, rule.dead);
  if ('table' in rule) {
    if (!isTable(value)) return told(source, below, 'dead', undefined, 'is no table: the defaults hold');
    const table: OwnTable = rule.to === '' ? out : {};
    const to = rule.to === '' ? outBelow : [...outBelow, rule.to];
    for (const [key, inner] of Object.entries(value))
      readKey(source, [...below, key], inner, ruleOf(rule.table, key), table, to);
    if (rule.to !== '' && Object.keys(table).length > 0) out[rule.to] = table;
    return;
  }
  const to = [...outBelow, rule.to];
  if (outBelow.length === 0 && !isKnown(source.channel, rule.to))
    return told(source, below, 'dead', undefined, `this version of loong has no ${rule.to} for this channel`);
  const { value: taken, note } = rule.as(value);
  if (taken === undefined) return told(source, below, 'dead', undefined, note);
  out[rule.to] = taken;
  const same = rule.to === below.at(-1) ? 'kept' : 'renamed';
  told(source, below, note === undefined ? same : 'changed', to, note);
}

function isKnown(channel: ChannelId, key: string): boolean {
  return keysAt([channel]).includes(key);
}
