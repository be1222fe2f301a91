import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { configSchema, DEFAULTS, keysAt } from '../../src/config/schema.js';
import { accountOf, fileWith, read, readWith } from './config-folder.js';

const example = readFileSync(new URL('../../config.example.toml', import.meta.url), 'utf8');
const complete = example.replaceAll(/^#(?=[a-z[])/gm, '');

describe('config.example.toml', () => {
  test('as it is, is the minimal config: one bot, two variables, one peer', async () => {
    const { allowedPeerIds, ...account } = await accountOf(read(example));
    expect(allowedPeerIds).toEqual(['openid_alice']);
    expect(account).toMatchObject({ id: 'default', enabled: true, appId: { ok: true }, clientSecret: { ok: true } });
    const uncommented = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(uncommented).toEqual([
      '[gateway]',
      '[log]',
      '[qqbot]',
      'enabled = true',
      'app_id_env = "QQBOT_APP_ID"',
      'client_secret_env = "QQBOT_CLIENT_SECRET"',
      'allowed_peer_ids = ["openid_alice"]',
    ]);
  });

  test('loads with every line uncommented', async () => {
    const opsId = fileWith('ops-app-id', '102000002');
    const mainSecret = fileWith('main', 'main-secret');
    const toml = complete.replace('/run/secrets/ops-app-id', opsId).replace('/run/secrets/main', mainSecret);
    const config = await readWith(toml, {});
    expect(config.qqbot.accounts.map(({ id, appId, clientSecret }) => [id, appId.ok, clientSecret.ok])).toEqual([
      ['main', true, true],
      ['ops', true, true],
    ]);
    expect(config.qqbot.defaultAccount).toBe('main');
  });

  test('shows every key, after at least one line of explanation', () => {
    const tables = {
      gateway: ['gateway'],
      log: ['log'],
      qqbot: ['qqbot'],
      backends: ['backends', 'coder'],
    };
    const explained = [...example.matchAll(/^# .*\n#?([a-z_]+) = /gm)].map(([, key]) => key);
    for (const [name, path] of Object.entries(tables)) {
      const section = complete
        .split(/^(?=\[)/m)
        .filter((part) => part.startsWith(`[${name}]`) || part.startsWith(`[${name}.`));
      for (const key of keysAt(path).filter((candidate) => candidate !== 'accounts')) {
        expect(section.join(''), `${name}.${key}`).toMatch(new RegExp(`^${key} = `, 'm'));
        if (!['app_id', 'app_id_file', 'client_secret', 'client_secret_file'].includes(key))
          expect(explained, key).toContain(key);
      }
    }
  });

  test('shows the defaults that hold', () => {
    const { gateway, log, qqbot, backends } = parse(complete) as Record<
      string,
      Record<string, Record<string, unknown>>
    >;
    const shown: Record<string, unknown> = { ...gateway, ...log, ...qqbot, ...backends?.coder, ...backends?.default };
    const { allowed_peer_ids, ...defaults } = DEFAULTS;
    expect(allowed_peer_ids).toEqual([]);
    expect(shown).toMatchObject(defaults);
  });
});

test('every key of the schema has a line about it', () => {
  const described = (schema: object): void => {
    const { properties, additionalProperties } = schema as {
      properties?: Record<string, object>;
      additionalProperties?: object | false;
    };
    for (const [key, value] of Object.entries(properties ?? {})) {
      expect(value, key).toHaveProperty('description');
      described(value);
    }
    if (typeof additionalProperties === 'object') described(additionalProperties);
  };
  described(configSchema.toJSONSchema({ io: 'input' }));
});
