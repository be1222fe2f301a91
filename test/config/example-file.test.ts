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
    const napcat = fileWith('napcat', 'token-of-napcat');
    const hook = fileWith('hook', 'key-of-remote');
    const deepseek = fileWith('deepseek', 'key-of-deepseek');
    const config = await readWith(
      toml
        .replace('/run/secrets/napcat', napcat)
        .replace('/run/secrets/hook', hook)
        .replace('/run/secrets/deepseek', deepseek),
      { NAPCAT_TOKEN: 'token-of-home', HOOK_SECRET: 'key-of-hook', OPENAI_API_KEY: 'key-of-llm' },
    );
    const keys = [...config.backends.values()].flatMap((backend) => {
      if (backend.type === 'http') return [backend.secret];
      return backend.type === 'openai' ? [backend.apiKey] : [];
    });
    expect(keys).toEqual(
      ['key-of-hook', 'key-of-remote', 'put-the-key-here', 'key-of-llm', 'key-of-deepseek', 'put-the-key-here'].map(
        (value) => ({ ok: true, value }),
      ),
    );
    expect(config.qqbot.accounts.map(({ id, appId, clientSecret }) => [id, appId.ok, clientSecret.ok])).toEqual([
      ['main', true, true],
      ['ops', true, true],
    ]);
    expect(config.qqbot.defaultAccount).toBe('main');
    expect(config.onebot.accounts.map(({ id, selfId, accessToken }) => [id, selfId, accessToken?.ok])).toEqual([
      ['home', '10001', true],
      ['spare', undefined, true],
      ['work', '10004', true],
    ]);
    expect(config.onebot.defaultAccount).toBe('home');
  });

  test('shows every key, after at least one line of explanation', () => {
    const tables = {
      gateway: ['gateway'],
      log: ['log'],
      qqbot: ['qqbot'],
      onebot: ['onebot'],
      backends: ['backends', 'coder'],
      pairing: ['pairing'],
    };
    const explained = [...example.matchAll(/^# .*\n#?([a-z_]+) = /gm)].map(([, key]) => key);
    for (const [name, path] of Object.entries(tables)) {
      const section = complete
        .split(/^(?=\[)/m)
        .filter((part) => part.startsWith(`[${name}]`) || part.startsWith(`[${name}.`));
      for (const key of keysAt(path).filter((candidate) => candidate !== 'accounts')) {
        const shown = new RegExp(`^${key} = |^\\[${name}\\.${key}\\.`, 'm');
        expect(section.join(''), `${name}.${key}`).toMatch(shown);
        if (key !== 'groups' && !/^(app_id|client_secret)(_file)?$/.test(key)) expect(explained, key).toContain(key);
      }
    }
  });

  test('shows every key of a group, in both channels', () => {
    const shown = parse(complete) as Record<string, { groups: Record<string, object> }>;
    for (const channel of ['qqbot', 'onebot'])
      expect(Object.values(shown[channel]?.groups ?? {}).map(Object.keys), channel).toEqual([
        keysAt([channel, 'groups', 'ID']),
      ]);
  });

  test('shows the defaults that hold', () => {
    const { gateway, log, qqbot, onebot, backends, pairing } = parse(complete) as Record<
      string,
      Record<string, Record<string, unknown>>
    >;
    const { allowed_peer_ids, ...defaults } = DEFAULTS;
    expect(allowed_peer_ids).toEqual([]);
    const backend = { ...backends?.coder, ...backends?.default };
    expect({ ...gateway, ...log, ...onebot, ...qqbot, ...backend, ...pairing }).toMatchObject(defaults);
    for (const key of keysAt(['onebot']).filter((name) => Object.hasOwn(defaults, name)))
      expect(onebot?.[key], `onebot.${key}`).toEqual(defaults[key as keyof typeof defaults]);
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
