/**
 * The table of who may talk, walked whole on both lanes: every kind of event, by every sort of sender, under every policy for private chats
 * and for groups. What reaches the backend is written down by the backend itself, with all that it is told beside a message: what somebody
 * said who may not talk must not be there either, as a quote or as history, whether they never could or can no more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OneBotSend } from '../../src/sandbox/onebot/happenings.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { sends } from '../support/transcript.js';
import { waitUntil } from '../support/wait-until.js';

/** Each is a run of the daemon with the same state as the one before. `everybody`: whoever is in the named group may talk there. */
const RUNS = [
  { name: 'A', dm: 'pairing', group: 'allowlist', everybody: true },
  { name: 'B', dm: 'allowlist', group: 'open', everybody: false },
  { name: 'C', dm: 'open', group: 'allowlist', everybody: false },
  { name: 'D', dm: 'disabled', group: 'open', everybody: false },
  { name: 'E', dm: 'pairing', group: 'disabled', everybody: false },
] as const;
type Run = (typeof RUNS)[number];

/** `elsewhere`: listed for another account, for another kind of conversation, and for groups. */
const SENDERS = ['listed', 'paired', 'unknown', 'elsewhere', 'bot', 'self'] as const;
type Sender = (typeof SENDERS)[number];
type Ids = { readonly [S in Sender]: string };

/**
 * Where what is written counts as what: in private; in a group that is admitted, and rules who is heard, to the bot or beside it; in groups
 * that nothing names; or for nothing. A command is a word for loong itself.
 */
type Road = 'private' | 'command' | 'named group' | 'group command' | 'aside' | 'other group' | 'closed';
const isCommand = (road: Road) => road.endsWith('command');

interface World {
  readonly channel: 'qqbot' | 'onebot';
  readonly ids: Ids;
  readonly named: string;
  readonly other: string;
  /** How each kind of event is made: who, what they say, and an id that no other event has. */
  readonly kinds: { readonly [kind: string]: { readonly road: Road; readonly make: Make } };
}

/** Said by somebody of whom nobody knows who it was. */
const QUOTED = 'words of a stranger';

type Make = (by: { readonly id: string; readonly isBot: boolean }, text: string, unique: string) => object;

const QQ_IDS: Ids = {
  listed: 'openid_listed',
  paired: 'openid_paired',
  unknown: 'openid_unknown',
  elsewhere: 'openid_elsewhere',
  bot: 'openid_bot',
  self: '', // told by the sandbox
};
const MENTION = [{ scope: 'single', id: 'BOT', member_openid: 'BOT', nickname: 'demo', bot: true, is_you: true }];
const qq = (t: string, d: object, unique: string) => ({
  t,
  id: `${t}:${unique}`,
  d: { id: `M.${unique}`, timestamp: '2026-11-20T20:15:00+08:00', ...d },
});
const author = ({ id, isBot }: Parameters<Make>[0]) => ({
  author: { id, user_openid: id, member_openid: id, username: 'Somebody', bot: isBot },
});
const inGroup =
  (t: string, group: string, mentions: readonly object[]): Make =>
  (by, content, unique) =>
    qq(t, { ...author(by), content, group_openid: group, mentions, message_type: 0 }, unique);

const QQBOT: World = {
  channel: 'qqbot',
  ids: QQ_IDS,
  named: 'group_named',
  other: 'group_other',
  kinds: {
    message: {
      road: 'private',
      make: (by, content, unique) => qq('C2C_MESSAGE_CREATE', { ...author(by), content, message_type: 0 }, unique),
    },
    'quote of another': {
      road: 'private',
      make: (by, content, unique) =>
        qq(
          'C2C_MESSAGE_CREATE',
          {
            ...author(by),
            content,
            message_type: 103,
            message_scene: { source: 'default', ext: [`msg_idx=I${unique}`, 'ref_msg_idx=LISTED=='] },
            msg_elements: [{ msg_idx: 'LISTED==', message_type: 0, content: 'what openid_listed said' }],
          },
          unique,
        ),
    },
    '/new': {
      road: 'command',
      make: (by, _, unique) => qq('C2C_MESSAGE_CREATE', { ...author(by), content: '/new', message_type: 0 }, unique),
    },
    'guild message': {
      road: 'private',
      make: (by, content, unique) =>
        qq(
          'DIRECT_MESSAGE_CREATE',
          { ...author(by), content, guild_id: `session_of_${by.id}`, channel_id: 'c' },
          unique,
        ),
    },
    '/new in the named group': {
      road: 'group command',
      make: (by, _, unique) => inGroup('GROUP_AT_MESSAGE_CREATE', 'group_named', MENTION)(by, '/new', unique),
    },
    'mention in the named group': {
      road: 'named group',
      make: inGroup('GROUP_AT_MESSAGE_CREATE', 'group_named', MENTION),
    },
    'quote in the named group': {
      road: 'named group',
      make: (by, content, unique) => {
        const quote = {
          message_type: 103,
          message_scene: { source: 'default', ext: [`msg_idx=I${unique}`, 'ref_msg_idx=STRANGER=='] },
          msg_elements: [{ msg_idx: 'STRANGER==', message_type: 0, content: QUOTED }],
        };
        const group = { group_openid: 'group_named', mentions: MENTION };
        return qq('GROUP_AT_MESSAGE_CREATE', { ...author(by), content, ...group, ...quote }, unique);
      },
    },
    'aside in the named group': { road: 'aside', make: inGroup('GROUP_MESSAGE_CREATE', 'group_named', []) },
    'mention in another group': {
      road: 'other group',
      make: inGroup('GROUP_AT_MESSAGE_CREATE', 'group_other', MENTION),
    },
    'mention in a channel': {
      road: 'other group',
      make: (by, content, unique) =>
        qq(
          'AT_MESSAGE_CREATE',
          { ...author(by), content, guild_id: 'g', channel_id: 'channel_other', mentions: [] },
          unique,
        ),
    },
    interaction: {
      road: 'closed',
      make: ({ id }, text, unique) =>
        qq(
          'INTERACTION_CREATE',
          { type: 11, user_openid: id, data: { resolved: { button_data: text, message_id: 'M' } } },
          unique,
        ),
    },
    'interaction in the named group': {
      road: 'closed',
      make: ({ id }, text, unique) =>
        qq(
          'INTERACTION_CREATE',
          { type: 11, group_openid: 'group_named', group_member_openid: id, data: { resolved: { button_data: text } } },
          unique,
        ),
    },
    'new friend': {
      road: 'closed',
      make: ({ id }, text, unique) => qq('FRIEND_ADD', { openid: id, scene_param: text }, unique),
    },
    recall: {
      road: 'closed',
      make: (by, content, unique) =>
        qq(
          'PUBLIC_MESSAGE_DELETE',
          { message: { ...author(by), id: 'M', content, channel_id: 'channel_other' }, op_user: { id: by.id } },
          unique,
        ),
    },
  },
};

const NUMBERS: Ids = {
  listed: '20002',
  paired: '20003',
  unknown: '20004',
  elsewhere: '20005',
  bot: '2854196301',
  self: '10001',
};
let counted = 0;
const said = (data: object, by: { readonly id: string }, text: string, ...before: readonly object[]) => ({
  post_type: 'message',
  message_id: ++counted,
  real_seq: String(counted),
  user_id: Number(by.id),
  message: [...before, { type: 'text', data: { text } }],
  raw_message: text,
  message_format: 'array',
  sender: { user_id: Number(by.id), nickname: 'Somebody' },
  ...data,
});
const inPrivate = { message_type: 'private', sub_type: 'friend' };
const inNumber =
  (group: string, ...before: readonly object[]): Make =>
  (by, text) =>
    said({ message_type: 'group', sub_type: 'normal', group_id: Number(group) }, by, text, ...before);
const AT = { type: 'at', data: { qq: '10001' } };
const happened =
  (data: object): Make =>
  ({ id }, text) => ({ user_id: Number(id), comment: text, ...data });

const ONEBOT: World = {
  channel: 'onebot',
  ids: NUMBERS,
  named: '30003',
  other: '30004',
  kinds: {
    message: { road: 'private', make: (by, text) => said(inPrivate, by, text) },
    'quote of another': {
      road: 'private',
      make: (by, text) => said(inPrivate, by, text, { type: 'reply', data: { id: '1' } }),
    },
    '/new': { road: 'command', make: (by) => said(inPrivate, by, '/new') },
    'temporary talk': {
      road: 'private',
      make: (by, text) => said({ message_type: 'private', sub_type: 'group', group_id: 30003 }, by, text),
    },
    '/new in the named group': { road: 'group command', make: (by) => inNumber('30003', AT)(by, '/new', '') },
    'mention in the named group': { road: 'named group', make: inNumber('30003', AT) },
    'quote in the named group': {
      road: 'named group',
      make: inNumber('30003', { type: 'reply', data: { id: '1', text: QUOTED } }, AT),
    },
    'aside in the named group': { road: 'aside', make: inNumber('30003') },
    'mention in another group': { road: 'other group', make: inNumber('30004', AT) },
    poke: {
      road: 'closed',
      make: happened({ post_type: 'notice', notice_type: 'notify', sub_type: 'poke', target_id: 10001 }),
    },
    'new friend': { road: 'closed', make: happened({ post_type: 'notice', notice_type: 'friend_add' }) },
    'request to be a friend': {
      road: 'closed',
      make: happened({ post_type: 'request', request_type: 'friend', flag: 'f' }),
    },
    recall: { road: 'closed', make: happened({ post_type: 'notice', notice_type: 'friend_recall', message_id: 1 }) },
    'recall in the named group': {
      road: 'closed',
      make: happened({
        post_type: 'notice',
        notice_type: 'group_recall',
        group_id: 30003,
        operator_id: 20004,
        message_id: 1,
      }),
    },
  },
};

/** Contract §6, written down a second time: whether the backend is given it, at once or later as what was said before. */
function isHeard({ dm, group, everybody }: Run, sender: Sender, road: Road): boolean {
  if (sender === 'bot' || sender === 'self' || road === 'closed') return false;
  if (road === 'private' || road === 'command') {
    return dm !== 'disabled' && (dm === 'open' || sender === 'listed' || sender === 'paired');
  }
  // Beyond the named group the senders of `group_allow_from` are heard, where any group is.
  if (road === 'other group') return group === 'open' && sender === 'elsewhere';
  return group !== 'disabled' && (everybody || sender === 'listed');
}

const mayReach = (run: Run, sender: Sender, road: Road) => road !== 'aside' && isHeard(run, sender, road);

let sandbox: Sandbox;
let home: LoongHome;
let port: number;

beforeEach(async () => {
  sandbox = await startSandbox();
  home = new LoongHome();
  port = await freePort();
});

afterEach(async () => {
  await home.remove();
  await sandbox.close();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const json = (ended: Ended) => JSON.parse(ended.stdout);

describe.each([QQBOT, ONEBOT])('$channel', ({ channel, ids: known, named, other, kinds }) => {
  let ids: Ids;

  function write({ dm, group, everybody }: Run): void {
    const keys = `
allowed_peer_ids = ["${ids.listed}", "group:${ids.elsewhere}"${dm === 'open' ? ', "*"' : ''}]
dm_policy = "${dm}"
group_policy = "${group}"
group_allow_from = ["${ids.elsewhere}"]
default_account = "main"
backend = "spy"`;
    const own = channel === 'qqbot' ? '' : `ws_port = ${port}\naccess_token = "let-me-in"\nself_id = "10001"\n`;
    const tables = `
[${channel}.groups."${named}"]
allow_from = [${everybody ? '' : `"${ids.listed}"`}]
[${channel}.accounts.main]
${own}
[${channel}.accounts.other]
enabled = false
allowed_peer_ids = ["${ids.elsewhere}"]
[pairing]
max_pending = 100
[backends.spy]
type = "exec"
concurrency = 1
command = ["/bin/sh", "-c", "cat >> \\"$0\\"; echo >> \\"$0\\"; echo answered", "${join(home.folder, 'reached')}"]`;
    home.writeConfig(channel === 'qqbot' ? configFor(sandbox, keys, tables) : `[onebot]\n${keys}\n${tables}`);
  }

  async function serve(): Promise<LoongProcess> {
    const daemon = home.start(['gateway', 'run']);
    await daemon.logs('loong runs');
    if (channel === 'onebot' && sandbox.platform.onebot.implementations.length === 0) {
      const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
      sandbox.platform.onebot.connect({ url, token: 'let-me-in', reconnect_ms: 50 });
    }
    await waitUntil('the connection', async () => {
      const { accounts } = json(await home.run(['gateway', 'status', '--json']));
      return accounts[0].state === 'ready';
    });
    return daemon;
  }

  function emit(event: object): void {
    if (channel === 'qqbot') sandbox.platform.emit(event as Parameters<typeof sandbox.platform.emit>[0]);
    else {
      const time = Math.floor(Date.now() / 1000);
      sandbox.platform.onebot.sendRaw({ event: { time, self_id: 10001, ...event } });
    }
  }

  const textOf = (run: string, sender: Sender, kind: string) => `${run} ${sender}: ${kind}.`;

  function happens(kind: string, sender: Sender, run: string): void {
    const by = { id: ids[sender], isBot: sender === 'bot' || (sender === 'self' && channel === 'qqbot') };
    const unique = `${run}-${sender}-${kind.replaceAll(/[^a-z]/g, '')}`;
    emit(kinds[kind]?.make(by, textOf(run, sender, kind), unique) ?? {});
  }

  /** What the backend was given: who wrote it, what, and everything as it came. */
  function reached(): readonly { readonly sender: string; readonly text: string; readonly whole: string }[] {
    const path = join(home.folder, 'reached');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((whole) => ({ whole, ...JSON.parse(whole) }))
      .map(({ sender, text, whole }) => ({ sender: sender.id, text: text.replace(/^@\S+ ?/, '').trim(), whole }));
  }

  function toldTo(peer: string): readonly string[] {
    if (channel === 'qqbot') {
      const places = [peer, `session_of_${peer}`];
      return sends(sandbox).flatMap(({ scene, text }) => (places.includes(scene.openid) ? [text] : []));
    }
    const sent: readonly OneBotSend[] = sandbox.platform.transcript
      .since(0)
      .filter((entry) => entry.kind === 'onebot.send');
    return sent.filter(({ scene }) => scene.id === peer).map(({ text }) => text);
  }

  /** Everything that came in is through; resolves with what the backend was told with a last message, of somebody who may talk. */
  async function settled(run: Run, marker: string): Promise<string> {
    const make = kinds[run.group === 'disabled' ? 'message' : 'mention in the named group']?.make;
    emit(make?.({ id: ids.listed, isBot: false }, marker, marker.replaceAll(' ', '-')) ?? {});
    const last = () => reached().find(({ text }) => text === marker);
    await waitUntil(`${marker} to reach the backend`, () => last() !== undefined);
    await waitUntil('the rest to be answered', async () => {
      const { rows } = json(await home.run(['queue', '--json']));
      return rows.every(({ status }: { status: string }) => status !== 'waiting');
    });
    return last()?.whole ?? '';
  }

  const everything = SENDERS.flatMap((sender) =>
    Object.entries(kinds).map(([kind, { road }]) => ({ sender, kind, road })),
  );

  test('nobody reaches the backend over any road who may not', { timeout: 300_000 }, async () => {
    ids = { ...known, self: known.self || sandbox.botId };
    write(RUNS[0]);
    let daemon = await serve();
    happens('message', 'paired', 'asking');
    await waitUntil(
      'the request',
      async () => json(await home.run(['pairing', 'list', '--json'])).pending.length === 1,
    );
    expect((await home.run(['pairing', 'approve', channel, ids.paired])).code).toBe(0);
    await settled(RUNS[0], 'let in');
    expect((await daemon.stop()).code).toBe(0);

    for (const run of RUNS) {
      const { name, dm, group } = run;
      write(run);
      daemon = await serve();
      const [before, toldBefore] = [reached().length, new Map(SENDERS.map((who) => [who, toldTo(ids[who]).length]))];
      const toldToOthers = toldTo(other).length;
      await settled(run, `start of ${name}`); // with all that was said in earlier runs
      for (const { sender, kind, road } of everything) if (!isCommand(road)) happens(kind, sender, name);
      const middle = await settled(run, `middle of ${name}`);
      for (const sender of SENDERS) {
        for (const [kind, { road }] of Object.entries(kinds)) if (isCommand(road)) happens(kind, sender, name);
        if (sender === 'listed') happens('aside in the named group', sender, `${name}2`);
      }
      for (const sender of SENDERS) happens('aside in the named group', sender, `${name}3`); // for the runs after it
      const last = await settled(run, `end of ${name}`);

      const got = reached().slice(before);
      const texts = got
        .map(({ text }) => text)
        .filter((text) => text !== '/new' && !/^(start|middle|end) of/.test(text));
      const expected = everything.flatMap(({ sender, kind, road }) =>
        mayReach(run, sender, road) && !isCommand(road) ? [textOf(name, sender, kind)] : [],
      );
      expect([name, [...texts].sort()]).toEqual([name, expected.sort()]);
      // A command is answered without the backend, or by it, but never for somebody else.
      const commanders = everything.flatMap(({ sender, road }) =>
        isCommand(road) && mayReach(run, sender, road) ? [ids[sender]] : [],
      );
      for (const { sender, text } of got) if (text === '/new') expect(commanders).toContain(sender);

      // Nor is anything told of what nobody heard when it was said, or of whom nobody hears now.
      const whole = got.map((one) => one.whole).join('\n');
      const earlier = RUNS.slice(0, RUNS.indexOf(run) + 1);
      const secret = earlier.flatMap((then) =>
        everything.flatMap(({ sender, kind, road }) =>
          isHeard(then, sender, road) && isHeard(run, sender, road)
            ? []
            : [then.name, `${then.name}3`].map((when) => textOf(when, sender, kind)),
        ),
      );
      expect([name, secret.filter((text) => whole.includes(text))]).toEqual([name, []]);
      expect([name, whole.includes(QUOTED)]).toEqual([name, run.everybody]);
      // What was said in the group is there, and only those who may talk there made it start afresh.
      const aside = (when: string, who: Sender) => textOf(when, who, 'aside in the named group');
      if (group !== 'disabled') {
        expect(middle).toContain(aside(name, run.everybody ? 'unknown' : 'listed'));
        expect(last).not.toContain(aside(name, 'listed'));
        expect([name, last.includes(aside(`${name}2`, 'listed'))]).toEqual([name, !run.everybody]);
      }

      const told = (who: Sender) => toldTo(ids[who]).slice(toldBefore.get(who));
      for (const who of ['unknown', 'elsewhere'] as const) {
        if (dm === 'open') continue;
        // Once asked to pair, they are told nothing more.
        expect([name, who, told(who).length]).toEqual([name, who, name === 'A' ? 1 : 0]);
      }
      for (const who of ['bot', 'self'] as const) expect([name, who, told(who)]).toEqual([name, who, []]);
      expect([name, toldTo(other).length > toldToOthers]).toEqual([name, group === 'open']);

      // Out: the door has the same list, whatever it is said to answer.
      const message = channel === 'qqbot' ? [`--reply-to=M.${name}-unknown-message`] : ['--reply-to=1'];
      const kind = channel === 'qqbot' ? 'c2c' : 'private';
      const send = (target: string, ...more: readonly string[]) =>
        home.run(['channels', 'send', channel, '--target', target, '--text', 'x', ...more]);
      for (const target of [
        `group:${other}`,
        `group:${ids.unknown}`,
        ...(dm === 'open' ? [] : [`${kind}:${ids.unknown}`]),
      ]) {
        expect([name, target, (await send(target, ...(target.startsWith('group') ? [] : message))).code]).toEqual([
          name,
          target,
          77,
        ]);
      }
      expect((await daemon.stop()).code).toBe(0);
    }
  });
});
