/** The command line over OneBot as scripts rely on it: inventory, targets, sending, the management verbs, status and doctor. */
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { type Answer, type Heard, RawImplementation, refusalOf } from '../lanes/onebot/support/raw-implementation.js';
import { configFor, type Ended, LoongHome, type LoongProcess } from '../support/loong-process.js';
import { waitUntil } from '../support/wait-until.js';

let home: LoongHome;
let port: number;

beforeEach(async () => {
  home = new LoongHome();
  port = await freePort();
  home.writeConfig(configOf());
});

afterEach(() => home.remove());

/** One account `home` that knows one person and one group and is silent to all others, and one that is switched off. */
function configOf(more = ''): string {
  return `[onebot]
ws_port = ${port}
access_token = "token-of-napcat"
default_account = "home"
dm_policy = "allowlist"
[onebot.accounts.home]
self_id = "10001"
allowed_peer_ids = [20002, "group:30003"]
${more}
[onebot.accounts.spare]
enabled = false
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: found } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

async function serving(...args: readonly string[]): Promise<LoongProcess> {
  const daemon = home.start(args.length === 0 ? ['channels', 'serve', 'onebot'] : args);
  await daemon.logs('loong runs');
  return daemon;
}

/** The daemon, and an implementation that dialled in. */
async function connected(program = 'raw'): Promise<RawImplementation> {
  const daemon = await serving();
  const raw = await dialledIn();
  raw.onCall = (call) =>
    call.action === 'get_version_info' ? { data: { app_name: program, app_version: '1.0' } } : raw.usual(call);
  await daemon.logs('told what it is');
  return raw;
}

/** The door opens a moment after the daemon says that it runs. */
function dialledIn(): Promise<RawImplementation> {
  const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
  return waitUntil('the door', () =>
    RawImplementation.dial(url, { authorization: 'Bearer token-of-napcat' }).catch(() => undefined),
  );
}

function send(...more: readonly string[]): Promise<Ended> {
  return home.run(['channels', 'send', 'onebot', ...more]);
}

function errorOf({ stdout }: Ended): { code: string; message: string; remedy?: string } {
  return JSON.parse(stdout).error;
}

/** What was sent, as the implementation heard it. */
function sent(raw: RawImplementation): readonly Heard[] {
  return raw.heard.filter(({ action }) => action.startsWith('send_'));
}

const TO_ALICE = ['--target', 'private:20002'];
const TO_GROUP = ['--target', 'onebot:home:group:30003'];

describe('the inventory', () => {
  test('shows both channels: what each is, and what its accounts need', async () => {
    const { channels } = JSON.parse((await home.run(['channels', '--json'])).stdout);
    expect(channels.map(({ id, running }: { id: string; running: boolean }) => [id, running])).toEqual([
      ['qqbot', false],
      ['onebot', false],
    ]);
    expect(channels[0].accounts[0].enabled).toBe(false);
    expect(channels[1]).toMatchObject({
      label: 'OneBot',
      config_key: 'onebot',
      implementation_status: 'runtime_backed',
      transport: 'onebot_v11_reverse_websocket',
      aliases: ['onebot-v11', 'napcat', 'napcatqq', 'llonebot'],
      kinds: ['private', 'group'],
      target_templates: ['onebot:<account>:private:<qq>', 'onebot:<account>:group:<group>'],
      runtime_owner: 'gateway run or direct channels serve onebot',
      supervised: true,
      default_account: 'home',
    });
    const [account, spare] = channels[1].accounts;
    expect(account).toMatchObject({
      account: 'home',
      self_id: '10001',
      endpoint: `ws://127.0.0.1:${port}/onebot/v11/ws`,
      default: true,
      enabled: true,
      configured: true,
    });
    const needs = (operation: { requirements: { id: string; met: boolean }[] }) =>
      operation.requirements.map(({ id, met }) => `${id} ${met}`);
    expect(account.operations.map(needs)).toEqual([
      ['enabled true', 'access_token true'],
      ['enabled true', 'access_token true', 'allowed_peer_ids true'],
    ]);
    expect(needs(spare.operations[1])).toEqual(['enabled false', 'access_token true', 'allowed_peer_ids false']);
    const { stdout } = await home.run(['channels']);
    // Nothing is missing of a channel that nobody wants: it is told in two lines.
    expect(stdout).toContain(`QQ Bot [qqbot]: not configured\n  to use it write [qqbot] with app_id_env`);
    expect(stdout).not.toContain('QQBOT_APP_ID');
    expect(stdout.split('\nOneBot [onebot]')[0]?.split('\n')).toHaveLength(5);
    expect(channels.map(({ configured }: { configured: boolean }) => configured)).toEqual([false, true]);
    expect(channels[0].accounts[0].operations[1].requirements).toHaveLength(4);
    expect(stdout).toContain('OneBot [onebot]');
    expect(stdout).toContain(`listens at ws://127.0.0.1:${port}/onebot/v11/ws for QQ 10001`);
    expect(stdout).toContain('onebot.accounts.<account>.access_token_env');
    expect(stdout).not.toContain('token-of-napcat');
  });

  test('says which channel the daemon runs', async () => {
    const daemon = await serving();
    const { channels } = JSON.parse((await home.run(['channels', '--json'])).stdout);
    expect(channels.map(({ running }: { running: boolean }) => running)).toEqual([false, true]);
    expect(channels[1].accounts[0].live).toMatchObject({ channel: 'onebot', account: 'home' });
    home.writeConfig(`[qqbot]\nenabled = false\n${configOf()}`);
    expect((await home.run(['channels'])).stdout).toContain(
      `no; the daemon of pid ${daemon.child.pid} runs without it`,
    );
  });
});

describe('a target', () => {
  test.each([
    ['20002', 'onebot target must use `onebot:<account>:<kind>:<id>`, `<account>:<kind>:<id>`, or `<kind>:<id>`'],
    ['private:', 'onebot target conversation id is empty'],
    ['channel:1', 'onebot target kind `channel` is unsupported; use `private`, `group`'],
    ['qqbot:home:group:1', 'onebot target uses channel prefix `qqbot`, expected `onebot`'],
    ['telegram:home:group:1', 'onebot target prefix `telegram` is not a recognized channel id'],
    ['other:private:20002', 'requested account `other` is not configured'],
  ])('%s ends with 64 and its text', async (target, text) => {
    const ended = await send('--target', target, '--text', 'hi', '--json');
    expect([ended.code, errorOf(ended).message]).toEqual([64, text]);
  });

  test('outside the set is 77, of an account that is off 78, and is written in any form', async () => {
    const denied = await send('--target', 'private:20009', '--text', 'hi', '--json');
    expect([denied.code, errorOf(denied).message]).toEqual([
      77,
      'onebot target `20009` is not allowed by configured allowed_peer_ids',
    ]);
    expect((await send('--target', 'group:20009', '--file', 'https://example.com/a', '--dry-run')).code).toBe(77);
    const off = await send('--account', 'spare', '--target', 'private:20002', '--text', 'hi');
    expect([off.code, off.stderr]).toEqual([78, expect.stringContaining('`spare` is disabled')]);
    for (const [channel, target] of [
      ['onebot', 'c2c:20002'],
      ['napcat', 'NapCat:home:Private:20002'],
      ['llonebot', 'home:private:20002'],
    ] as const) {
      const dry = await home.run(['channels', 'send', channel, '--target', target, '--text', 'hi', '--dry-run']);
      expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('onebot:home:private:20002')]);
    }
  });
});

describe('without a daemon', () => {
  test('nothing can be sent or asked: 69, with what to start', async () => {
    for (const args of [
      ['channels', 'send', 'onebot', ...TO_ALICE, '--text', 'hi'],
      ['channels', 'send', 'onebot', ...TO_ALICE, '--text', 'hi', '--no-wait'],
      ['onebot', 'get-friend-list'],
      ['onebot', 'call', 'get_status'],
    ]) {
      const ended = await home.run([...args, '--json']);
      expect([args.join(' '), ended.code, errorOf(ended).code]).toEqual([args.join(' '), 69, 'daemon.not_running']);
      expect(errorOf(ended).remedy).toMatch(/loong (channels serve onebot|gateway run)/);
    }
    const probe = await home.run(['channels', 'status', '--probe']);
    expect([probe.code, probe.stdout]).toEqual([69, expect.stringContaining('no daemon runs')]);
  });

  test('a dry run says what would go out', async () => {
    const json = await send(
      ...TO_GROUP,
      '--text',
      '你好',
      '--image',
      'https://example.com/a.png',
      '--dry-run',
      '--json',
    );
    expect(JSON.parse(json.stdout)).toEqual({
      dry_run: true,
      target: 'onebot:home:group:30003',
      characters: 2,
      segments: 2,
      parts: [{ kinds: ['text', 'image'], characters: 2 }],
    });
    const quote = await send(...TO_GROUP, '--text', 'x'.repeat(2500), '--reply-to', '7', '--dry-run');
    expect(quote.stdout).toMatch(
      /; nothing was sent\n {2}part 1 of 2: reply, text \(2000 characters\)\n {2}part 2 of 2: text \(500 characters\)\n {2}no OneBot program is connected/,
    );
  });

  test.each([
    ['what QQ takes only alone', '[{"type":"text","data":{"text":"a"}},{"type":"dice"}]', 1, 'message.segments_mixed'],
    ['what lacks something', '[{"type":"face"}]', 1, 'message.segment_invalid'],
    ['what has no text where it must', '[{"type":"text"}]', 64, 'message.segment_invalid'],
    ['a file that is not there', '[{"type":"image","data":{"file":"/nowhere/a.png"}}]', 1, 'media.file_unreadable'],
    ['an empty message', '[{"type":"text","data":{"text":" "}}]', 64, 'message.empty'],
  ])('a dry run refuses as a delivery would: %s', async (_what, segments, exit, code) => {
    const ended = await send(...TO_GROUP, '--segments', segments, '--dry-run', '--json');
    expect([ended.code, errorOf(ended).code]).toEqual([exit, code]);
  });
});

describe('what is sent', () => {
  test('is told by a dry run as the connected program would take it, and not sent', async () => {
    const raw = await connected('NapCat.Onebot');
    const dry = (segments: string, ...more: readonly string[]) =>
      send(...TO_GROUP, '--segments', segments, '--dry-run', ...more);
    const place = await dry('[{"type":"location","data":{"lat":39.9,"lon":116.4,"title":"here"}}]');
    expect([place.code, place.stdout]).toEqual([
      0,
      expect.stringMatching(/part 1 of 1: text .*\n {2}encoded for NapCat/),
    ]);
    expect(place.stderr).toContain('warning: NapCat sends no locations');
    const card = await dry('[{"type":"miniapp","data":{"data":"{}"}}]', '--json');
    expect(JSON.parse(card.stdout)).toMatchObject({ program: 'NapCat', parts: [{ kinds: ['json'] }] });
    const dropped = await dry('[{"type":"xml","data":{"data":"<x/>"}}]', '--json');
    expect([dropped.code, errorOf(dropped).code]).toEqual([1, 'message.segment_unsupported']);
    expect(sent(raw)).toEqual([]);
  });

  test('text, markdown and a quote', async () => {
    const raw = await connected();
    const text = await send(...TO_ALICE, '--text', 'hello [CQ:face,id=1]');
    expect([text.code, text.stdout]).toEqual([
      0,
      expect.stringMatching(/^delivered onebot:home:private:20002 id=out-\d+ message_id=7654321 .*parts=1\n$/),
    ]);
    const quote = await send(...TO_GROUP, '--text', 'yes', '--reply-to', '1234567.8812');
    expect([quote.code, quote.stderr]).toEqual([0, '']);
    expect(sent(raw).map(({ params }) => [params.user_id ?? params.group_id, params.message])).toEqual([
      [20002, [{ type: 'text', data: { text: 'hello [CQ:face,id=1]' } }]],
      [
        30003,
        [
          { type: 'reply', data: { id: '1234567' } },
          { type: 'text', data: { text: 'yes' } },
        ],
      ],
    ]);
  });

  test('a file of this folder goes out as it is named here, whatever the folder of the daemon', async () => {
    const raw = await connected();
    writeFileSync(join(home.folder, 'cat.png'), 'a picture');
    const ended = await send(...TO_ALICE, '--text', 'look', '--image', join(home.folder, 'cat.png'));
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    expect(sent(raw)[0]?.params.message).toMatchObject([
      { type: 'text', data: { text: 'look' } },
      { type: 'image', data: { file: `base64://${Buffer.from('a picture').toString('base64')}` } },
    ]);
  });

  test('a voice message and a file need no text; the file keeps its name', async () => {
    const raw = await connected();
    const voice = await send(...TO_ALICE, '--voice', 'https://example.com/a.silk');
    expect([voice.code, voice.stderr]).toEqual([0, '']);
    const file = await send(...TO_ALICE, '--file', 'https://example.com/b%20c.pdf?x=1');
    expect([file.code, file.stderr]).toEqual([0, '']);
    expect(sent(raw).map(({ params }) => params.message)).toMatchObject([
      [{ type: 'record', data: { file: 'https://example.com/a.silk' } }],
      [{ type: 'file', data: { file: 'https://example.com/b%20c.pdf?x=1', name: 'b c.pdf' } }],
    ]);
  });

  test('a die with a given result is sent with a receipt that warns where the result is random', async () => {
    await connected('NapCat.Onebot');
    const ended = await send(...TO_GROUP, '--segments', '[{"type":"dice","data":{"result":6}}]');
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringMatching(/^ {2}warning: /)]);
  });

  test('segments as OneBot writes them, also from stdin', async () => {
    const raw = await connected();
    const dice = await send(
      ...TO_GROUP,
      '--segments',
      '[{"type":"at","data":{"qq":"20002"}},{"type":"text","data":{"text":" hi"}}]',
    );
    expect([dice.code, dice.stderr]).toEqual([0, '']);
    const piped = await home.run(['channels', 'send', 'onebot', ...TO_GROUP, '--segments', '-'], {
      stdin: '[{"type":"text","data":{"text":"from a pipe"}}]\n',
    });
    expect([piped.code, piped.stderr]).toEqual([0, '']);
    expect(sent(raw).map(({ params }) => params.message)).toMatchObject([
      [
        { type: 'at', data: { qq: '20002' } },
        { type: 'text', data: { text: ' hi' } },
      ],
      [{ type: 'text', data: { text: 'from a pipe' } }],
    ]);
  });

  test('waits while nobody is connected, and says for whom', async () => {
    await serving();
    const ended = await send(...TO_ALICE, '--text', 'hi', '--timeout', '500ms');
    expect([ended.code, ended.stdout]).toEqual([
      75,
      expect.stringMatching(/^(queued|parked) onebot:home:private:20002 /),
    ]);
    expect(ended.stderr).toContain('dial in');
    const raw = await dialledIn();
    await waitUntil('its delivery', () => sent(raw).length === 1);
  });
});

describe('what cannot be meant is 64, and nothing is sent', () => {
  test.each([
    [['--segments', '{"type":"text"}'], 'message.bad_segments'],
    [['--segments', '[]'], 'message.bad_segments'],
    [['--segments', '[1]'], 'message.bad_segments'],
    [['--segments', '[{"data":{}}]'], 'message.bad_segments'],
    [['--segments', '[{"type":"text","data":[]}]'], 'message.bad_segments'],
    [['--segments', '[{"type":"text","data":{},"text":"x"}]'], 'message.bad_segments'],
    [['--segments', '[CQ:face,id=1]'], 'usage.bad_json'],
    [['--segments', '[{"type":"at","data":{"qq":12345678901234567890}}]'], 'usage.inexact_number'],
    [['--segments', '[{"type":"face"}]', '--text', 'x'], 'usage.conflict'],
    [['--segments', '[{"type":"face"}]', '--image', 'https://example.com/a'], 'usage.conflict'],
    [['--image', '/nowhere/cat.png'], 'message.no_file'],
    [['--image', '/'], 'message.no_file'],
    [['--image', 'ftp://example.com/a'], 'message.bad_address'],
    [['--markdown', '--image', 'https://example.com/a'], 'usage'],
    [['--text', ' '], 'message.empty'],
    [[], 'usage'],
  ])('%j', async (flags, code) => {
    const ended = await send(...TO_ALICE, ...flags, '--json');
    expect([ended.code, errorOf(ended)]).toEqual([
      64,
      { code, message: expect.any(String), remedy: expect.any(String) },
    ]);
  });

  test('more segments than a message has', async () => {
    const ended = await send(...TO_ALICE, '--segments', JSON.stringify(Array(201).fill({ type: 'face' })), '--json');
    expect([ended.code, errorOf(ended).message]).toEqual([64, expect.stringContaining('has 201 segments')]);
  });

  test.each(['--image', '--voice', '--video', '--file', '--segments'])('%s on the official bot', async (flag) => {
    home.writeConfig('[qqbot]\napp_id = "1"\nclient_secret = "s"\nallowed_peer_ids = ["a"]\n');
    const ended = await home.run([
      'channels',
      'send',
      'qqbot',
      '--target',
      'c2c:a',
      '--text',
      'x',
      flag,
      '[]',
      '--json',
    ]);
    expect([ended.code, errorOf(ended).message]).toEqual([64, `${flag} on qqbot is not part of this version`]);
  });
});

describe('the management verbs', () => {
  const FILE = 'file:///srv/file%20a.pdf';

  const VERBS: readonly (readonly [readonly string[], string, object])[] = [
    [
      ['set-group-admin', '30003', '20002', 'true'],
      'set_group_admin',
      { group_id: 30003, user_id: 20002, enable: true },
    ],
    [
      ['set-group-admin', '30003', '20002', 'false'],
      'set_group_admin',
      { group_id: 30003, user_id: 20002, enable: false },
    ],
    [['set-group-mute', '30003', '20002', '600'], 'set_group_ban', { group_id: 30003, user_id: 20002, duration: 600 }],
    [['set-group-mute', '30003', '20002', '0'], 'set_group_ban', { group_id: 30003, user_id: 20002, duration: 0 }],
    [
      ['kick-group-member', '30003', '20002'],
      'set_group_kick',
      { group_id: 30003, user_id: 20002, reject_add_request: false },
    ],
    [
      ['kick-group-member', '30003', '20002', 'true'],
      'set_group_kick',
      { group_id: 30003, user_id: 20002, reject_add_request: true },
    ],
    [['set-group-whole-mute', '30003', 'true'], 'set_group_whole_ban', { group_id: 30003, enable: true }],
    [
      ['set-group-name', '30003', 'New Group Name'],
      'set_group_name',
      { group_id: 30003, group_name: 'New Group Name' },
    ],
    [
      ['get-group-member-info', '30003', '9007199254740993', 'true'],
      'get_group_member_info',
      { group_id: 30003, user_id: '9007199254740993', no_cache: true },
    ],
    [['get-friend-list'], 'get_friend_list', {}],
    [['delete-friend', '20002'], 'delete_friend', { user_id: 20002 }],
    [['set-friend-remark', '20002', ''], 'set_friend_remark', { user_id: 20002, remark: '' }],
    [
      ['upload-group-file', '30003', FILE, 'folder_id', 'file.pdf'],
      'upload_group_file',
      { group_id: 30003, file: FILE, folder: 'folder_id', folder_id: 'folder_id', name: 'file.pdf' },
    ],
    [['upload-group-file', '30003', FILE], 'upload_group_file', { group_id: 30003, file: FILE, name: 'file a.pdf' }],
    [
      ['upload-private-file', '20002', FILE, 'file.pdf'],
      'upload_private_file',
      { user_id: 20002, file: FILE, name: 'file.pdf' },
    ],
  ];

  test('call their action with every parameter, ids as numbers where that loses nothing', async () => {
    const raw = await connected();
    raw.onCall = (call) => ({ data: { answered: call.action } });
    for (const [args, action, params] of VERBS) {
      const before = raw.heard.length;
      const ended = await home.run(['onebot', ...args, '--json']);
      expect([args, ended.code, JSON.parse(ended.stdout)]).toEqual([args, 0, { data: { answered: action } }]);
      expect(raw.heard.slice(before).map((call) => [call.action, call.params])).toEqual([[action, params]]);
    }
  });

  test.each([
    [['set-group-admin', '30003', '20002'], "missing required argument 'true|false'"],
    [['set-group-admin', '30003', '20002', 'yes'], 'enable must be true or false'],
    [['set-group-admin', 'thirty', '20002', 'true'], 'groupId must be the digits'],
    [['set-group-mute', '30003', '0', '600'], 'userId must be the digits'],
    [['set-group-mute', '30003', '20002', '2592000'], 'seconds must be a whole number from 0 to 2591999'],
    [['set-group-mute', '30003', '20002', '1.5'], 'seconds must be a whole number'],
    [['set-group-name', '30003', ' '], 'name must be a text of 1 to 60 characters'],
    [['get-friend-list', '1'], 'too many arguments'],
    [['upload-private-file', '20002', '/nowhere/a.pdf'], '/nowhere/a.pdf does not exist'],
    [['call', '../status'], 'is no name of an action'],
    [['call', 'get_status', '--params', '[]'], '--params is no JSON object'],
    [['call', 'get_status', '--params', '{'], 'is not JSON'],
    [['call', 'get_status', '--params', '{"user_id": 12345678901234567890}'], 'too large to be read exactly'],
    [['call', 'get_status', '--account', 'other'], 'requested account `other` is not configured'],
    [['frobnicate'], 'unknown command'],
  ])('%j is 64, before anybody is asked', async (args, text) => {
    const ended = await home.run(['onebot', ...args]);
    expect([ended.code, ended.stdout, ended.stderr]).toEqual([64, '', expect.stringContaining(text)]);
  });

  test('in words for people: what was done, and who the friends are', async () => {
    const raw = await connected();
    const friends = [
      { user_id: 20002, nickname: '爱丽丝', remark: 'Alice' },
      { user_id: 20003, nickname: 'bob', remark: '' },
    ];
    raw.onCall = (call) => (call.action === 'get_friend_list' ? { data: friends } : raw.usual(call));
    expect((await home.run(['onebot', 'set-group-mute', '30003', '20002', '600'])).stdout).toBe(
      'done: 20002 is silent in 30003 for 600 s\n',
    );
    expect((await home.run(['onebot', 'get-friend-list'])).stdout).toBe(
      '20002        爱丽丝 (Alice)\n20003        bob\n',
    );
  });

  test('`call` takes any action, with params from a flag or stdin, and prints its data', async () => {
    const raw = await connected();
    raw.onCall = (call) => (call.action.startsWith('get_group') ? { data: [call.params] } : raw.usual(call));
    const flag = await home.run(['onebot', 'call', 'get_group_info', '--params', '{"group_id": 30003}', '--json']);
    expect(JSON.parse(flag.stdout)).toEqual({ data: [{ group_id: 30003 }] });
    const piped = await home.run(['onebot', 'call', 'get_group_list', '--account', 'HOME', '--params', '-'], {
      stdin: '{"no_cache": true}\n',
    });
    expect(JSON.parse(piped.stdout)).toEqual([{ no_cache: true }]);
  });

  test('a refusal is 1 with its number, nobody connected 69, no answer 76, and 69 for a question', async () => {
    const raw = await connected();
    const refuse = (answer: Answer | undefined) => {
      raw.onCall = (call) => (/^(get_login_info|get_version_info)$/.test(call.action) ? raw.usual(call) : answer);
    };
    refuse({ status: 'failed', retcode: 1200, message: 'not an administrator' });
    const refused = await home.run(['onebot', 'set-group-admin', '30003', '20002', 'true', '--json']);
    expect([refused.code, errorOf(refused).code]).toEqual([1, 'onebot.retcode_1200']);
    expect(errorOf(refused).message).toContain('not an administrator');
    refuse({ data: { valid: false, message: 'is no friend' } });
    expect((await home.run(['onebot', 'delete-friend', '20002'])).code).toBe(1);

    refuse(undefined);
    const asked = home.run(['onebot', 'get-friend-list']);
    const told = home.run(['onebot', 'set-group-whole-mute', '30003', 'true']);
    await Promise.all([raw.call('get_friend_list'), raw.call('set_group_whole_ban')]);
    raw.socket.terminate();
    expect([(await asked).code, (await told).code]).toEqual([69, 76]);
    await waitUntil('the daemon to notice', async () =>
      (await home.run(['channels', 'status'])).stdout.includes('waiting'),
    );
    const away = await home.run(['onebot', 'set-group-whole-mute', '30003', 'true', '--json']);
    expect([away.code, errorOf(away).code, errorOf(away).remedy]).toEqual([
      69,
      'onebot.not_connected',
      expect.stringContaining('reverse WebSocket'),
    ]);
  });

  test('an account that is off is 78', async () => {
    const ended = await home.run(['onebot', 'get-friend-list', '--account', 'spare']);
    expect([ended.code, ended.stderr]).toEqual([78, expect.stringContaining('[onebot]')]);
  });
});

describe('status and doctor', () => {
  test('tell who is connected, through the daemon', async () => {
    const raw = await connected();
    const status = await home.run(['channels', 'status', '--probe']);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining('onebot:home\n  ready')]);
    for (const step of ['connection', 'status', 'version'])
      expect(status.stdout).toMatch(new RegExp(`^ {2}ok +${step} `, 'm'));
    expect(status.stdout).toContain('QQ 10001 (bot)');
    expect(status.stdout).not.toContain('qqbot');
    expect((await home.run(['gateway', 'status'])).stdout).toMatch(/onebot:home\n +ready \(/);
    const doctor = await home.run(['doctor', '--json']);
    const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; level: string; detail: string }[] };
    expect([doctor.code, checks.filter(({ level }) => level !== 'ok')]).toEqual([0, []]);
    expect(checks.map(({ name }) => name).filter((name) => name.startsWith('onebot:home '))).toEqual([
      'onebot:home access token',
      'onebot:home allowed peers',
      'onebot:home port',
      'onebot:home live',
      'onebot:home connection',
      'onebot:home status',
      'onebot:home version',
    ]);
    raw.onCall = (call) => (call.action === 'get_status' ? { data: { online: false, good: true } } : raw.usual(call));
    const offline = await home.run(['channels', 'status', '--probe', '--json']);
    expect(offline.code).toBe(1);
    expect(JSON.parse(offline.stdout).accounts[0].probe[1]).toMatchObject({ name: 'status', level: 'fail' });
    expect((await home.run(['doctor'])).code).toBe(1);
  });

  test('nobody is connected: the probe is 69, the doctor says where to dial', async () => {
    await serving();
    const probe = await home.run(['channels', 'status', '--probe', '--json']);
    expect([probe.code, JSON.parse(probe.stdout).accounts[0].probe]).toEqual([
      69,
      [expect.objectContaining({ name: 'connection', level: 'fail', unreached: true })],
    ]);
    const doctor = await home.run(['doctor']);
    expect([doctor.code, doctor.stdout]).toEqual([
      1,
      expect.stringContaining(`dial in at ws://127.0.0.1:${port}/onebot/v11/ws`),
    ]);
    expect(doctor.stdout).not.toContain('token-of-napcat');
  });

  test('a port that somebody else has is named before the daemon is started', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const doctor = await home.run(['doctor']);
    server.close();
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining(`127.0.0.1:${port} is taken by`)]);
  });
});

test('who cannot come in is told in status, doctor and receipt; once somebody is in, nothing is called an error', async () => {
  const daemon = await serving();
  await waitUntil('the door', async () => (await home.run(['channels', 'status'])).stdout.includes('waiting'));
  expect((await home.run(['gateway', 'status'])).stdout).not.toContain('last error');
  const url = `ws://127.0.0.1:${port}/onebot/v11/ws`;
  for (let i = 0; i < 3; i++) expect((await refusalOf(url, { authorization: 'Bearer wrong' })).status).toBe(403);
  const told = /a caller was not let in: the access token is wrong \(3 refused since 20\S+Z\)/;
  const remedy = 'write the same token on both sides';
  const status = (await home.run(['channels', 'status'])).stdout;
  expect(status).toMatch(told);
  expect(status).toContain(`  → ${remedy}`);
  expect(status).not.toContain('last error');
  const { checks } = JSON.parse((await home.run(['doctor', '--offline', '--json'])).stdout);
  expect(checks).toContainEqual({
    name: 'onebot:home live',
    level: 'warn',
    detail: expect.stringMatching(told),
    remedy: expect.stringContaining(remedy),
  });
  const receipt = await send(...TO_ALICE, '--text', 'hi', '--timeout', '500ms');
  expect([receipt.code, receipt.stderr]).toEqual([75, expect.stringMatching(told)]);
  expect(receipt.stderr).toContain(`→ ${remedy}`);
  const raw = await dialledIn();
  await daemon.logs('told what it is');
  const ready = (await home.run(['channels', 'status'])).stdout;
  expect(ready).toMatch(/onebot:home\n {2}ready/);
  expect(ready).toMatch(/last error \d+ s ago: a caller was not let in: the access token is wrong/);
  expect(ready).not.toContain('waiting for');
  raw.privateMessage('who is there?', 5, { user_id: 20009, sender: { user_id: 20009 } });
  await daemon.logs('message not answered');
  expect(daemon.stderr).toMatch(/"kind":"private".*message not answered/);
});

test('one daemon runs both channels, each account on its own', async () => {
  const sandbox = await startSandbox();
  try {
    home.writeConfig(`${configFor(sandbox)}\n${configOf()}`);
    const daemon = await serving('gateway', 'run');
    await daemon.logs('connected to the QQ gateway');
    const { stdout } = await home.run(['channels', 'status']);
    expect(stdout).toMatch(/^qqbot:default\n {2}ready/m);
    expect(stdout).toMatch(/^onebot:home\n {2}waiting/m);
    const official = await home.run(['channels', 'send', 'qqbot', '--target', 'c2c:openid_alice', '--text', 'hi']);
    expect(official.stdout).toMatch(/^delivered qqbot:default:c2c:openid_alice /);
  } finally {
    await sandbox.close();
  }
});

test('`channels serve` runs the accounts that are named, and none that is off or unknown', async () => {
  expect((await home.run(['channels', 'serve', 'onebot', '--account', 'other'])).code).toBe(64);
  expect((await home.run(['channels', 'serve', 'onebot', '--account', 'spare'])).code).toBe(78);
  expect((await home.run(['channels', 'serve', 'telegram'])).stderr).toContain('onebot (aliases onebot-v11, napcat');
  home.writeConfig(configOf().replace(/allowed_peer_ids.*/, ''));
  const nobody = await home.run(['channels', 'serve', 'napcat']);
  expect([nobody.code, nobody.stderr]).toEqual([78, expect.stringContaining('could never admit')]);
  // Whoever only looks is told the same.
  const [problem = '', cure = ''] = nobody.stderr.split('\n');
  const checked = await home.run(['config', 'check']);
  expect([checked.code, checked.stderr]).toEqual([78, expect.stringContaining(problem)]);
  const [, what = ''] = /allowed_peer_ids: (.*)$/.exec(problem) ?? [];
  const [, remedy = ''] = / → (.*)$/.exec(cure) ?? [];
  expect([what, remedy]).not.toContain('');
  const { stdout } = await home.run(['doctor', '--offline', '--json']);
  expect(JSON.parse(stdout).checks).toContainEqual({
    name: 'onebot:home allowed peers',
    level: 'fail',
    detail: what,
    remedy,
  });
  home.writeConfig('[onebot]\nenabled = false\n');
  for (const command of [
    ['gateway', 'run'],
    ['config', 'check'],
  ]) {
    const idle = await home.run(command);
    expect([command, idle.code, idle.stderr]).toEqual([
      command,
      78,
      expect.stringContaining('no account of any channel'),
    ]);
  }
  expect((await home.run(['channels', 'serve', 'onebot'])).stderr).toContain('no onebot account is enabled');
  home.writeConfig(configOf('group_allow_from = [20002, "group:30004"]'));
  const daemon = await serving('channels', 'serve', 'onebot', '--account', 'Home', '--account', 'home');
  expect(daemon.stderr.split('group_allow_from is read so')).toHaveLength(2);
  expect(daemon.stderr).toContain(
    '"values":["20002: a sender; a group with this very id would be admitted","group:30004: a group that is admitted"]',
  );
  expect(daemon.stderr).not.toContain('if groups are meant');
  await daemon.stop();
  home.writeConfig(configOf('group_allow_from = ["111", "222"]').replace('"group:30003"', ''));
  expect((await serving()).stderr).toMatch(/"level":"warn".*group_allow_from names senders.*write .{2}group:ID/);
});

test('every verb explains itself with an example', async () => {
  const listed = (await home.run(['onebot', '--help'])).stdout.split('\nCommands:\n')[1] ?? '';
  const verbs = [...listed.matchAll(/^ {2}([a-z][a-z-]+)/gm)]
    .map(([, verb]) => verb ?? '')
    .filter((verb) => verb !== 'help');
  expect(verbs).toHaveLength(12);
  for (const { code, stdout } of await Promise.all(verbs.map((verb) => home.run(['onebot', verb, '--help']))))
    expect([code, stdout]).toEqual([0, expect.stringContaining('$ loong onebot ')]);
});
