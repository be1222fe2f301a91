/** Config, machine, daemon, backends and proxy: each check broken for real, and mended by its own remedy. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { ConnectProxy } from '../support/connect-proxy.js';
import { flip, type World } from './support/flip.js';

const MACHINE = fileURLToPath(new URL('../journeys/preload/machine.mjs', import.meta.url));

/** What the machine is like from now on. */
function machine(world: World, facts: object): void {
  const path = join(world.home.folder, 'machine.json');
  writeFileSync(path, JSON.stringify(facts));
  world.preload = MACHINE;
  world.env = { ...world.env, MACHINE: path };
}

flip('config log.level', 'a value that is none', {
  broken: (world) => world.edit(/$/, '[log]\nlevel = "loud"\n'),
  detail: /expected one of .*"info".*, got "loud"/,
  remedy: /config\.example\.toml/,
  mended: (world) => world.edit('"loud"', '"info"'),
  isSilentWhenWell: true,
});

flip('config warning 1', 'two accounts, and none is the default', {
  given: (world) => {
    world.edit(/^(app_id|client_secret) = .*$\n/gm, '');
    world.edit('[qqbot]', '[qqbot]\ndefault_account = "a"');
    for (const id of ['a', 'b'])
      world.edit(/$/, `[qqbot.accounts.${id}]\napp_id = "${id}-1"\nclient_secret = "secret-of-${id}"\n`);
  },
  broken: (world) => world.edit('default_account = "a"\n', ''),
  level: 'warn',
  detail: /default_account/,
  remedy: /default_account/,
  mended: (world) => world.edit('[qqbot]', '[qqbot]\ndefault_account = "a"'),
  isSilentWhenWell: true,
});

flip('state dir', 'others may enter it', {
  given: (world) => world.used(),
  broken: ({ stateDir }) => {
    chmodSync(stateDir, 0o755);
    writeFileSync(join(stateDir, 'notes.txt'), 'not of loong');
  },
  detail: /can be entered by others/,
  remedy: /chmod 700/,
  mended: (world, remedy) => world.runCommandOf(remedy),
});

flip('state dir', 'a file stands in its place', {
  broken: ({ stateDir }) => writeFileSync(stateDir, ''),
  detail: /is no directory/,
  remedy: /name another one as gateway\.state_dir/,
  mended: (world) => world.edit(/$/, `[gateway]\nstate_dir = ${JSON.stringify(join(world.home.folder, 'another'))}\n`),
});

flip('free space', 'the disk is full', {
  given: async (world) => {
    await world.used();
    machine(world, {});
  },
  broken: (world) => machine(world, { freeBytes: 1024 }),
  detail: /^0\.0 GiB free/,
  remedy: /make room/,
  mended: (world) => machine(world, { freeBytes: 10_000_000_000 }),
});

for (const [check, file] of [
  ['database', 'loong.db'],
  ['owner database', 'owner.db'],
] as const) {
  flip(check, 'it is damaged', {
    given: (world) => world.used(),
    broken: ({ stateDir }) => writeFileSync(join(stateDir, file), 'this was a database once'.repeat(500)),
    detail: /./,
    remedy: /restore .* from a backup, or move it away/,
    mended: async (world) => {
      renameSync(join(world.stateDir, file), join(world.home.folder, file));
      await world.used();
    },
  });
}

flip('log file', 'its folder is missing', {
  broken: (world) => world.edit(/$/, '[log]\nfile = "logs/loong.log"\n'),
  detail: /logs\/loong\.log cannot be opened/,
  remedy: /a folder that exists/,
  mended: ({ home }) => mkdirSync(join(home.folder, 'logs')),
  isSilentWhenWell: true,
});

flip('owner', 'the daemon hangs', {
  given: async (world) => {
    await world.daemon();
  },
  broken: async (world) => {
    const { pid } = JSON.parse((await world.loong('gateway', 'status', '--json')).stdout);
    process.kill(pid, 'SIGSTOP');
  },
  detail: /does not answer/,
  remedy: /kill -9 \d+` and start it again/,
  mended: async (world, remedy) => {
    await world.runCommandOf(remedy);
    await world.daemon();
  },
});

flip('qqbot', 'no account takes part', {
  broken: (world) => world.edit('[qqbot]', '[qqbot]\nenabled = false'),
  detail: /the channel is not enabled/,
  remedy: /\[qqbot\] with enabled = true/,
  mended: (world) => world.edit('enabled = false', 'enabled = true'),
  isSilentWhenWell: true,
});

flip('onebot', 'no account takes part', {
  given: (world) => world.edit(/$/, '[onebot]\nws_port = 0\nallowed_peer_ids = [20002]\n'),
  broken: (world) => world.edit(/$/, '[onebot.accounts.home]\nenabled = false\n'),
  level: 'warn',
  detail: /no account is enabled/,
  remedy: /\[onebot\] with enabled = true/,
  mended: (world) => world.edit('enabled = false', 'enabled = true'),
  isSilentWhenWell: true,
});

/** A backend `mine` answers. */
function backend(world: World, keys: string): void {
  world.edit('[qqbot]', '[qqbot]\nbackend = "mine"');
  world.edit(/$/, `[backends.mine]\n${keys}\n`);
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => closed(server));
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

flip('backend mine', 'its program is missing', {
  given: (world) => backend(world, 'type = "exec"\ncommand = ["cat"]\ninput = "text"'),
  broken: (world) => world.edit('["cat"]', '["loong-no-such-program"]'),
  detail: /there is no program `loong-no-such-program`/,
  remedy: /correct backends\.mine\.command/,
  mended: (world) => world.edit('["loong-no-such-program"]', '["cat"]'),
});

let server: Server;
let port: number;

flip('backend mine', 'its server does not run', {
  given: async (world) => {
    server = createServer();
    port = await listening(server);
    backend(world, `type = "http"\nurl = "http://127.0.0.1:${port}/turn"`);
  },
  broken: () => closed(server),
  detail: /takes no connection/,
  remedy: /start that server/,
  mended: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)),
});

flip('backend mine', 'its server wants another key', {
  given: async (world) => {
    server = createServer(({ headers }, answer) => {
      answer.statusCode = headers.authorization === 'Bearer the-right-key' ? 200 : 401;
      answer.end(JSON.stringify({ data: [{ id: 'qwen3' }] }));
    });
    const baseUrl = `http://127.0.0.1:${await listening(server)}/v1`;
    backend(world, `type = "openai"\nbase_url = "${baseUrl}"\nmodel = "qwen3"\napi_key_env = "MODEL_KEY"`);
    world.env = { MODEL_KEY: 'the-right-key' };
  },
  broken: (world) => {
    world.env = { MODEL_KEY: 'another-key' };
  },
  detail: /refused the API key \(HTTP 401\)/,
  remedy: /correct backends\.mine\.api_key, api_key_env/,
  mended: (world) => {
    world.env = { MODEL_KEY: 'the-right-key' };
  },
});

flip('backend mine media_dir', 'the folder is missing', {
  given: (world) => {
    mkdirSync(join(world.home.folder, 'media'));
    backend(world, 'type = "exec"\ncommand = ["cat"]\noutput = "json"\nmedia_dir = "media"');
  },
  broken: ({ home }) => renameSync(join(home.folder, 'media'), join(home.folder, 'away')),
  detail: /there is no folder .*\/media$/,
  remedy: /make that folder/,
  mended: ({ home }) => mkdirSync(join(home.folder, 'media')),
});

let proxy: ConnectProxy;

/** QQ is reached through a proxy of ours, which `from` names: the file or a variable. */
async function proxied(world: World): Promise<void> {
  proxy = await ConnectProxy.start();
  onTestFinished(() => proxy.close());
  world.edit(/$/, `[gateway]\nproxy = "${proxy.url}"\n`);
}

flip('proxy', 'it does not run', {
  given: proxied,
  broken: async () => {
    ({ port } = proxy);
    await proxy.close();
  },
  detail: /^the proxy http:\/\/127\.0\.0\.1:\d+ \(gateway\.proxy\) gives no connection/,
  remedy: /start that program/,
  mended: async () => {
    proxy = await ConnectProxy.start({}, port);
    onTestFinished(() => proxy.close());
  },
});

flip('proxy', 'it wants a password', {
  given: proxied,
  broken: () => {
    proxy.rules = { credentials: 'op:pass-Word' };
  },
  detail: /wants a user name and a password \(HTTP 407\)/,
  remedy: /"http:\/\/user:password@host:port"/,
  mended: (world) => world.edit('proxy = "http://', 'proxy = "http://op:pass-Word@'),
});

flip('proxy', 'its rules forbid the host', {
  given: proxied,
  broken: () => {
    proxy.rules = { status: 403 };
  },
  detail: /makes no connection to 127\.0\.0\.1:\d+ \(HTTP 403\)/,
  remedy: /NO_PROXY/,
  mended: (world) => {
    world.env = { NO_PROXY: '127.0.0.1' };
  },
});

flip('proxy', 'the port is that of another protocol', {
  given: proxied,
  broken: async (world) => {
    // As a SOCKS server, which answers what it does not understand with bytes of its own.
    const socks = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.from([5, 255])));
    });
    await new Promise<void>((resolve) => socks.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void socks.close());
    world.edit(proxy.url, `http://127.0.0.1:${(socks.address() as AddressInfo).port}`);
  },
  detail: /does not answer as an HTTP proxy does/,
  remedy: /the HTTP \(or mixed\) port of that program/,
  mended: (world) => world.edit(/proxy = ".*"/, `proxy = "${proxy.url}"`),
});

flip('proxy', 'a variable names one that loong cannot use', {
  given: (world) => {
    world.edit('[qqbot]', '[qqbot]\nallow_http = true');
    world.edit(/^api_base_url = .*$/m, 'api_base_url = "http://api.qq.invalid"');
    world.env = { NO_PROXY: '.qq.invalid' };
  },
  broken: (world) => {
    world.env = { ALL_PROXY: 'socks5://op:pass-Word@127.0.0.1:7891' };
  },
  detail: /^\$ALL_PROXY is a proxy of the kind `socks5`/,
  remedy: /empty that variable/,
  mended: (world) => {
    world.env = {};
  },
});

flip('qqbot:default clock', 'it is ten minutes ahead', {
  given: (world) => machine(world, {}),
  broken: (world) => machine(world, { aheadMs: 600_000 }),
  detail: /^\d+ s apart/,
  remedy: /NTP/,
  mended: (world) => machine(world, { aheadMs: 0 }),
});
