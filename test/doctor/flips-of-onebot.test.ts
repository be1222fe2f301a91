/** Accounts over OneBot: each check broken for real, with a pretended NapCat, and mended by its own remedy. */
import { createServer, type Server } from 'node:net';
import type { LoongProcess } from '../support/loong-process.js';
import { waitUntil } from '../support/wait-until.js';
import { flip, type World } from './support/flip.js';

const TOKEN = 'token-of-napcat';

let port: number;
let daemon: LoongProcess;

async function freePort(): Promise<number> {
  const server = await listening(0);
  const { port: found } = server.address() as { readonly port: number };
  await closed(server);
  return found;
}

async function listening(at: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  return server;
}

async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

/** One account over OneBot alone. */
async function configured(world: World): Promise<void> {
  port = await freePort();
  world.env = { NAPCAT_TOKEN: TOKEN };
  world.config = `[onebot.accounts.home]
ws_port = ${port}
access_token_env = "NAPCAT_TOKEN"
allowed_peer_ids = [20002]
`;
}

async function running(world: World): Promise<void> {
  await configured(world);
  daemon = await world.daemon();
}

/** NapCat dials in, and is heard. */
async function dialledIn({ sandbox }: World): Promise<void> {
  sandbox.platform.onebot.connect({ url: `ws://127.0.0.1:${port}/onebot/v11/ws`, token: TOKEN, reconnect_ms: 50 });
  await daemon.logs('told what it is');
}

async function connected(world: World): Promise<void> {
  await running(world);
  await dialledIn(world);
}

flip('onebot:home access token', 'none is asked for', {
  given: configured,
  broken: (world) => world.edit('access_token_env = "NAPCAT_TOKEN"\n', ''),
  level: 'warn',
  detail: /every program of this machine may connect/,
  remedy: /set access_token_env/,
  mended: (world) => world.edit(/$/, 'access_token_env = "NAPCAT_TOKEN"\n'),
});

flip('onebot:home access token', 'its variable is not set', {
  given: configured,
  broken: (world) => {
    world.env = {};
  },
  detail: /`NAPCAT_TOKEN`/,
  remedy: /set access_token_env or access_token_file/,
  mended: (world) => {
    world.env = { NAPCAT_TOKEN: TOKEN };
  },
});

flip('onebot:home allowed peers', 'nobody could ever talk', {
  given: configured,
  broken: (world) => world.edit('[20002]', '[]\ndm_policy = "allowlist"'),
  detail: /could never admit a message/,
  remedy: /allowed_peer_ids = \["20002"\]/,
  mended: (world) => world.edit('allowed_peer_ids = []', 'allowed_peer_ids = ["20002"]'),
});

flip('onebot:home group_allow_from', 'it may mean groups, and none is named', {
  given: configured,
  broken: (world) => world.edit(/$/, 'group_allow_from = [30003]\n'),
  level: 'warn',
  detail: /30003/,
  remedy: /write "group:ID"/,
  mended: (world) => world.edit('[30003]', '["group:30003"]'),
  isSilentWhenWell: true,
});

let other: Server;

flip('onebot:home port', 'another program has it', {
  given: configured,
  broken: async () => {
    other = await listening(port);
  },
  detail: new RegExp(`is taken by .* \\(pid ${process.pid}\\)$`),
  remedy: /end that program/,
  mended: () => closed(other),
});

flip('onebot:home connection', 'no daemon runs', {
  given: connected,
  broken: () => daemon.stop(),
  level: 'warn',
  detail: /no daemon runs/,
  remedy: /start it with `loong gateway run`/,
  mended: async (world) => {
    daemon = await world.daemon();
    await daemon.logs('told what it is');
  },
});

flip('onebot:home connection', 'NapCat does not run', {
  given: connected,
  broken: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').set({ connected: false }),
  detail: /./,
  remedy: /start the OneBot implementation/,
  mended: async ({ sandbox }) => {
    await sandbox.platform.onebot.implementation('10001').set({ connected: true });
    await daemon.logs('told what it is', 2);
  },
});

flip('onebot:home live', 'NapCat went away', {
  given: connected,
  broken: async (world) => {
    await world.sandbox.platform.onebot.implementation('10001').set({ connected: false });
    await waitUntil('the daemon to miss it', async () => {
      const { stdout } = await world.loong('gateway', 'status', '--json');
      return JSON.parse(stdout).accounts[0].state === 'waiting';
    });
  },
  level: 'warn',
  detail: /^waiting/,
  remedy: /NapCat/,
  mended: async ({ sandbox }) => {
    await sandbox.platform.onebot.implementation('10001').set({ connected: true });
    await daemon.logs('told what it is', 2);
  },
});

flip('onebot:home status', 'QQ has logged the account out', {
  given: connected,
  broken: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').set({ online: false }),
  detail: /QQ is offline there/,
  remedy: /log in to QQ again in the OneBot program/,
  mended: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').set({ online: true }),
});

flip('onebot:home status', 'it is online, but not well', {
  given: connected,
  broken: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').set({ good: false }),
  detail: /online, but not good/,
  remedy: /log in to QQ again in the OneBot program/,
  mended: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').set({ good: true }),
});

flip('onebot:home version', 'the program refuses to tell', {
  given: connected,
  broken: ({ sandbox }) =>
    sandbox.platform.onebot.fault({ kind: 'refuse', action: 'get_version_info', times: 'always' }),
  detail: /ordered by the tester/,
  remedy: /its own log says more/,
  mended: ({ sandbox }) => sandbox.platform.onebot.implementation('10001').spoilers.remove(),
});

flip('onebot:home identity', 'another QQ is logged in', {
  given: connected,
  broken: async (world) => {
    await daemon.stop();
    world.edit(/$/, 'self_id = "10009"\n');
  },
  detail: /10001/,
  remedy: /`loong account rebind onebot home`/,
  mended: (world, remedy) => world.runCommandOf(remedy),
  isSilentWhenWell: true,
});
