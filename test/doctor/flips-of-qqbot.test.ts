/** What QQ says of an account: each check broken on the platform or in the config, and mended by its own remedy. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INTENT_BITS } from '../../src/protocol/qqbot/gateway-codes.js';
import type { LoongProcess } from '../support/loong-process.js';
import { flip, type World } from './support/flip.js';
import { NameServer } from './support/name-server.js';

const MACHINE = fileURLToPath(new URL('../journeys/preload/machine.mjs', import.meta.url));
const ALL_INTENTS = 0x7fffffff;

let daemon: LoongProcess;

async function running(world: World): Promise<void> {
  daemon = await world.daemon('connected to the QQ gateway');
}

/** As a remedy that changes the config wants it. */
async function restarted(world: World): Promise<void> {
  await daemon.stop();
  await running(world);
}

flip('qqbot:default app id', 'its variable is not set', {
  given: (world) => {
    world.env = { MY_APP: world.sandbox.appId };
    world.edit(/^app_id = .*$/m, 'app_id_env = "MY_APP"');
  },
  broken: (world) => {
    world.env = {};
  },
  detail: /`MY_APP` \(`app_id_env`\) is not set/,
  remedy: /set app_id, app_id_env or app_id_file/,
  mended: (world) => world.edit(/^app_id_env = .*$/m, `app_id = "${world.sandbox.appId}"`),
});

flip('qqbot:default client secret', 'its file is missing', {
  given: (world) => {
    writeFileSync(join(world.home.folder, 'secret'), world.sandbox.clientSecret);
    world.edit(/^client_secret = .*$/m, 'client_secret_file = "secret"');
  },
  broken: (world) => world.edit('"secret"', '"another"'),
  detail: /\/another` \(`client_secret_file`\) does not exist/,
  remedy: /set client_secret_env or client_secret_file/,
  mended: (world) => world.edit('"another"', '"secret"'),
});

flip('qqbot:default allowed peers', 'nobody could ever talk', {
  broken: (world) => world.edit(/^allowed_peer_ids = .*$/m, 'allowed_peer_ids = []\ndm_policy = "allowlist"'),
  detail: /could never admit a message/,
  remedy: /allowed_peer_ids = \["openid_alice"\]/,
  mended: (world) => world.edit('allowed_peer_ids = []', 'allowed_peer_ids = ["openid_alice"]'),
});

flip('qqbot:default group_allow_from', 'it may mean groups, and none is named', {
  broken: (world) => world.edit('[qqbot]', '[qqbot]\ngroup_allow_from = ["group_demo"]'),
  level: 'warn',
  detail: /group_demo/,
  remedy: /write "group:ID"/,
  mended: (world) => world.edit('["group_demo"]', '["group:group_demo"]'),
  isSilentWhenWell: true,
});

flip('qqbot:default identity', 'another app takes the place of the one before', {
  given: (world) => running(world),
  broken: async (world) => {
    await daemon.stop();
    world.edit(world.sandbox.appId, '102000999');
  },
  detail: /102000001|another app/,
  remedy: /`loong account rebind qqbot default`/,
  mended: (world, remedy) => world.runCommandOf(remedy),
  isSilentWhenWell: true,
});

flip('qqbot:default intents', 'one was not granted', {
  given: async (world) => {
    world.sandbox.platform.set({ granted_intents: ALL_INTENTS });
    world.edit('[qqbot]', '[qqbot]\nintents = ["group_and_c2c", "guild_messages"]');
    await running(world);
  },
  broken: async (world) => {
    await daemon.stop();
    world.sandbox.platform.set({ granted_intents: ALL_INTENTS & ~INTENT_BITS.guild_messages });
    world.sandbox.platform.fault({ kind: 'gateway.forget_sessions' });
    await running(world);
  },
  level: 'warn',
  detail: /did not grant: guild_messages$/,
  remedy: /out of `intents`/,
  mended: async (world) => {
    world.edit(', "guild_messages"', '');
    await restarted(world);
  },
});

flip('qqbot:default live', 'QQ refuses the account', {
  given: (world) => running(world),
  broken: async (world) => {
    await daemon.stop();
    world.edit(world.sandbox.clientSecret, 'another-Secret_02');
    daemon = await world.daemon('needs an operator');
  },
  detail: /^failed: .*100016/,
  remedy: /compare app id and secret/,
  mended: async (world) => {
    world.edit('another-Secret_02', world.sandbox.clientSecret);
    await restarted(world);
  },
});

let names: NameServer;

/** QQ has a name that only the DNS of this test knows. */
async function named(world: World): Promise<void> {
  names = await NameServer.open();
  const path = join(world.home.folder, 'machine.json');
  writeFileSync(path, JSON.stringify({ dns: names.place }));
  world.preload = MACHINE;
  world.env = { MACHINE: path };
  world.edit('[qqbot]', '[qqbot]\nallow_http = true');
  world.edit(/^api_base_url = .*$/m, 'api_base_url = "http://api.qq.invalid"');
}

flip('qqbot:default dns', 'a proxy makes the addresses up', {
  given: named,
  broken: () => {
    names.address = '198.18.0.42';
  },
  level: 'warn',
  detail: /api\.qq\.invalid is 198\.18\.0\.42/,
  remedy: /out of the fake-ip range/,
  mended: () => {
    names.address = '203.0.113.7';
  },
});

flip('qqbot:default dns', 'a filter blocks the name', {
  given: named,
  broken: () => {
    names.address = '0.0.0.0';
  },
  detail: /api\.qq\.invalid is 0\.0\.0\.0, which leads back to this machine/,
  remedy: /out of the list of the DNS filter/,
  mended: () => {
    names.address = '203.0.113.7';
  },
});

flip('qqbot:default token', 'the secret is wrong', {
  broken: (world) => world.edit(world.sandbox.clientSecret, 'another-Secret_02'),
  detail: /100016/,
  remedy: /compare app id and secret with 开发设置/,
  mended: (world) => world.edit('another-Secret_02', world.sandbox.clientSecret),
});

flip('qqbot:default gateway', 'the address of this machine is not on the whitelist', {
  broken: ({ sandbox }) => sandbox.platform.set({ ip_whitelist: ['203.0.113.9'] }),
  detail: /40023002 \(code 11298/,
  remedy: /^add 127\.0\.0\.1 under 开发设置 → IP白名单/,
  mended: ({ sandbox }, remedy) => {
    const [, address = ''] = /^add (\S+) under/.exec(remedy) ?? [];
    sandbox.platform.set({ ip_whitelist: ['203.0.113.9', address] });
  },
});

flip('qqbot:default session starts', 'another program uses them up', {
  broken: ({ sandbox }) =>
    sandbox.platform.set({ session_limit: { total: 1000, remaining: 0, resetAfterMs: 7_200_000, maxConcurrency: 1 } }),
  detail: /^0 of 1000 left \(full again in 2 h\)$/,
  remedy: /look for a second program/,
  mended: ({ sandbox }) =>
    sandbox.platform.set({
      session_limit: { total: 1000, remaining: 900, resetAfterMs: 7_200_000, maxConcurrency: 1 },
    }),
});

flip('qqbot:default profile', 'the bot was banned', {
  broken: ({ sandbox }) => sandbox.platform.fault({ kind: 'rest', path: '/users/@me', code: 11265, times: 'always' }),
  detail: /11265.*banned/,
  remedy: /appeal/,
  mended: ({ sandbox }) => sandbox.platform.faults.remove(),
});

flip('qqbot:default websocket', 'nothing lets WebSockets through', {
  broken: ({ sandbox }) => sandbox.platform.fault({ kind: 'gateway.down' }),
  detail: /./,
  remedy: /firewall or proxy/,
  mended: ({ sandbox }) => sandbox.platform.faults.remove(),
});
