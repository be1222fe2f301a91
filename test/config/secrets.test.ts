import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountOf, complaints, failure, fileWith, folder, read, readWith } from './config-folder.js';

const found = (value: string) => ({ ok: true, value });

describe('a secret', () => {
  test('stands in the file, in a variable or in a file of its own, and is trimmed', async () => {
    fileWith('secret.txt', '\uFEFF from-file \r\n');
    const account = (toml: string) =>
      accountOf(readWith(`[qqbot]\napp_id = " 1 "\n${toml}`, { MY_SECRET: ' from-env\n' }));
    expect((await account('client_secret = " inline "')).clientSecret).toEqual(found('inline'));
    expect((await account('client_secret = " inline "')).appId).toEqual(found('1'));
    expect((await account('client_secret_env = " MY_SECRET "')).clientSecret).toEqual(found('from-env'));
    expect((await account('client_secret_file = "secret.txt"')).clientSecret).toEqual(found('from-file'));
    expect((await account('client_secret_file = "~/secret.txt"')).clientSecret).toEqual(found('from-file'));
    expect((await account(`client_secret_file = "${folder}/secret.txt"`)).clientSecret).toEqual(found('from-file'));
  });

  test('is said in exactly one way per table', async () => {
    expect(await complaints(read('[qqbot]\napp_id = "1"\napp_id_env = "A"\napp_id_file = "f"'))).toEqual([
      'qqbot.app_id: `app_id`, `app_id_env` and `app_id_file` are set together (keep exactly one of them)',
    ]);
  });

  test("of an account beats the channel's, whatever its form", async () => {
    const env = { ONE: 'one', TWO: 'two' };
    fileWith('three.txt', 'three');
    const forms = [
      ['app_id = "zero"', 'zero'],
      ['app_id_env = "TWO"', 'two'],
      ['app_id_file = "three.txt"', 'three'],
    ] as const;
    for (const [ofChannel, inherited] of forms) {
      for (const [own, value] of forms) {
        const config = readWith(
          `[qqbot]\nclient_secret = "s"\n${ofChannel}\n[qqbot.accounts.a]\n${own}\n[qqbot.accounts.b]\nenabled = false`,
          env,
        );
        expect((await accountOf(config, 'a')).appId).toEqual(found(value));
        expect((await accountOf(config, 'b')).appId).toEqual(found(inherited));
      }
    }
  });

  test('comes from the usual variables for the default account alone, the first that is filled', async () => {
    const ids = async (env: Record<string, string>) => {
      const account = await accountOf(readWith('[qqbot]', env, 'optional'));
      return [account.appId.ok && account.appId.value, account.clientSecret.ok && account.clientSecret.value];
    };
    expect(
      await ids({ QQBOT_APP_ID: '1', QQ_BOT_APP_ID: '2', QQBOT_CLIENT_SECRET: 'a', QQ_BOT_APP_SECRET: 'b' }),
    ).toEqual(['1', 'a']);
    expect(await ids({ QQBOT_APP_ID: ' ', QQ_BOT_APP_ID: '2', QQ_BOT_APP_SECRET: 'b', QQ_APP_SECRET: 'c' })).toEqual([
      '2',
      'b',
    ]);
    expect(await ids({ QQ_APP_SECRET: 'c' })).toEqual([false, 'c']);
    const toml = '[qqbot]\ndefault_account = "a"\n[qqbot.accounts.a]\n[qqbot.accounts.b]';
    expect(await complaints(read(toml))).toEqual([
      'qqbot.accounts.b.app_id: none of `app_id`, `app_id_env`, `app_id_file` is set for account `b` (write `app_id_env = "…"` with the name of a variable into [qqbot.accounts.b])',
      'qqbot.accounts.b.client_secret: none of `client_secret`, `client_secret_env`, `client_secret_file` is set for account `b` (write `client_secret_env = "…"` with the name of a variable into [qqbot.accounts.b])',
    ]);
  });

  test('that is nowhere is told with every place that was looked at', async () => {
    expect(await complaints(readWith('[qqbot]', {}))).toEqual([
      'qqbot.app_id: none of `app_id`, `app_id_env`, `app_id_file` is set, nor is any of `QQBOT_APP_ID`, `QQ_BOT_APP_ID` in the environment (set `QQBOT_APP_ID`, or write `app_id_env = "…"` with the name of a variable into [qqbot])',
      'qqbot.client_secret: none of `client_secret`, `client_secret_env`, `client_secret_file` is set, nor is any of `QQBOT_CLIENT_SECRET`, `QQ_BOT_APP_SECRET`, `QQ_APP_SECRET` in the environment (set `QQBOT_CLIENT_SECRET`, or write `client_secret_env = "…"` with the name of a variable into [qqbot])',
    ]);
  });

  test('that a pointer does not lead to is never looked for elsewhere', async () => {
    const toml = '[qqbot]\napp_id_env = "QQBOT_APP_ID"\nclient_secret_env = "MY_SECRET"';
    expect(await complaints(readWith(toml, { QQ_BOT_APP_ID: '2', MY_SECRET: ' ', QQBOT_CLIENT_SECRET: 's' }))).toEqual([
      'qqbot.app_id: environment variable `QQBOT_APP_ID` (`app_id_env`) is not set (set it, or correct `app_id_env`)',
      'qqbot.client_secret: environment variable `MY_SECRET` (`client_secret_env`) is blank (set it, or correct `client_secret_env`)',
    ]);
  });

  test('that systemd hands over is looked for where it lays it, and nowhere else', async () => {
    const env = { CREDENTIALS_DIRECTORY: dirname(fileWith('qqbot-secret', ' handed-over\n')) };
    const toml = (path: string) => `[qqbot]\napp_id = "1"\nclient_secret_file = "${path}"`;
    const account = await accountOf(readWith(toml('$CREDENTIALS_DIRECTORY/qqbot-secret'), env));
    expect(account.clientSecret).toEqual(found('handed-over'));
    expect((await readWith(toml('$' + '{CREDENTIALS_DIRECTORY}/qqbot-secret'), env)).credentials).toEqual([
      'qqbot-secret',
    ]);
    expect(await complaints(read(toml('$CREDENTIALS_DIRECTORY/qqbot-secret')))).toEqual([
      expect.stringContaining('`$CREDENTIALS_DIRECTORY` is not set, systemd gives it to the service alone'),
    ]);
    for (const path of ['../qqbot-secret', 'a/b', '', '..', 'qqbot secret'])
      expect(await complaints(readWith(toml(`$CREDENTIALS_DIRECTORY/${path}`), env)), path).toHaveLength(1);
  });

  test('of a disabled account may be missing, but what is written about it must be sound', async () => {
    expect(await complaints(readWith('[qqbot]\nenabled = false', {}))).toEqual([]);
    expect(await complaints(readWith('[qqbot]\nenabled = false\nclient_secret_env = "NOT_SET"', {}))).toEqual([]);
    expect(await complaints(readWith('[qqbot]\nenabled = false\nclient_secret_env = "$NOT_SET"', {}))).toHaveLength(1);
  });

  test('that cannot be found stands in the account with the reason when it is optional', async () => {
    const account = await accountOf(
      readWith('[qqbot]\napp_id_env = "NOT_SET"\nclient_secret_file = "none.txt"', {}, 'optional'),
    );
    expect(account.appId).toEqual({ ok: false, why: 'environment variable `NOT_SET` (`app_id_env`) is not set' });
    expect(account.clientSecret).toEqual({
      ok: false,
      why: `file \`${folder}/none.txt\` (\`client_secret_file\`) does not exist`,
    });
    expect(await complaints(readWith('[qqbot]\napp_id_env = "$NOT_SET"', {}, 'optional'))).toHaveLength(1);
  });
});

describe('a file that holds a secret', () => {
  test.each([
    ['empty.txt', () => fileWith('empty.txt', ' \n'), 'is blank'],
    ['large.txt', () => fileWith('large.txt', 'x'.repeat(64 * 1024 + 1)), 'is larger than 64 KiB'],
    ['lines.txt', () => fileWith('lines.txt', 'APP=1\nSECRET=2'), 'has blanks or line breaks inside the value'],
    ['missing.txt', () => undefined, 'does not exist'],
    ['empty.txt/below', () => fileWith('empty.txt', ''), 'does not exist'],
    ['directory', () => mkdirSync(join(folder, 'directory')), 'is a directory'],
    ['loop', () => symlinkSync('loop', join(folder, 'loop')), 'cannot be read (ELOOP)'],
  ])('is named when it is of no use: %s', async (name, prepare, why) => {
    prepare();
    expect(await complaints(read(`[qqbot]\nclient_secret_file = "${name}"`))).toEqual([
      `qqbot.client_secret: file \`${join(folder, name)}\` (\`client_secret_file\`) ${why} (put it there, or correct \`client_secret_file\`)`,
    ]);
  });
});

describe('the name of a variable', () => {
  const SECRET = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE';
  const NOT_SECRET_LINE =
    'looks like the secret itself, not like the name of an environment variable (name the variable, or use `client_secret`)';

  test.each([
    ['$BOT_SECRET', 'has a `$` around the name (write the bare name, "BOT_SECRET")'],
    [`\${BOT_SECRET}`, 'has a `$` around the name (write the bare name, "BOT_SECRET")'],
    ['$env:BOT_SECRET', 'has a `$` around the name (write the bare name, "BOT_SECRET")'],
    ['%BOT_SECRET%', 'has `%` signs around the name (write the bare name, "BOT_SECRET")'],
    [
      `BOT_SECRET=${SECRET}`,
      'holds an assignment (write only the name, "BOT_SECRET", and set its value in the environment)',
    ],
    [
      `export BOT_SECRET="${SECRET}"`,
      'holds an assignment (write only the name, "BOT_SECRET", and set its value in the environment)',
    ],
    [SECRET, NOT_SECRET_LINE],
    [`${SECRET}==`, NOT_SECRET_LINE],
    [`$${SECRET}`, NOT_SECRET_LINE],
    ['102000001', NOT_SECRET_LINE],
    [
      'bot-secret',
      'is not the name of an environment variable (a name has letters, digits and `_`, and does not begin with a digit)',
    ],
    ['', 'is blank (fill it in, or remove the line)'],
  ])('may not be written as %j', async (text, line) => {
    const lines = await complaints(read(`[qqbot]\nclient_secret_env = '${text}'`));
    expect(lines).toEqual([`qqbot.client_secret_env: ${line.replaceAll('\n', ' ')}`]);
    expect(lines.join()).not.toContain(SECRET);
  });

  test('may look like a secret when such a variable is really there', async () => {
    expect((await accountOf(read(`[qqbot]\nclient_secret_env = "${SECRET}"`, { [SECRET]: 'x' }))).clientSecret).toEqual(
      found('x'),
    );
  });

  test('is not taken where a value or a file is expected', async () => {
    expect(await complaints(read(`[qqbot]\nclient_secret = "\${BOT_SECRET}"`))).toEqual([
      'qqbot.client_secret: looks like a reference to an environment variable (write the bare name of the variable as `client_secret_env` instead)',
    ]);
    expect(await complaints(read(`[qqbot]\nclient_secret_file = "${SECRET}"`))).toEqual([
      'qqbot.client_secret_file: looks like the secret itself, not like a file (write the path of the file, or use `client_secret`)',
    ]);
  });
});

test('no problem and no warning ever shows an app id or a secret', async () => {
  const secret = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{11,30}[0-9]$/).map((text) => `Zq9${text}`);
  const appId = fc.integer({ min: 100_000_000, max: 999_999_999 }).map(String);
  const lines = (value: string, id: string) => [
    `client_secret = "${value}"`,
    `client_secret = "${value} ${value}"`,
    `client_secret = ["${value}"]`,
    `client_secret = { value = "${value}" }`,
    `client_secret_env = "${value}"`,
    `client_secret_env = "$${value}"`,
    `client_secret_env = "SECRET=${value}"`,
    `client_secret_env = "HELD"`,
    `client_secret_file = "held.txt"`,
    `client_secret_file = "${value}"`,
    `client_secrt = "${value}"`,
    `app_id = "${id}"`,
    `app_id = ${id}`,
    `app_id_env = "${id}"`,
    `app_id = ${value}`,
    `client_secret = "${value}`,
    'default_account = "nobody"',
    'park_ttl = 3',
  ];
  const anyLines = fc.uniqueArray(fc.nat(17), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      secret,
      appId,
      anyLines,
      anyLines,
      fc.constantFrom('required' as const, 'optional' as const),
      async (value, id, top, below, secrets) => {
        fileWith('held.txt', `${value} ${value}`);
        const pick = (chosen: readonly number[]) => chosen.map((index) => lines(value, id)[index]).join('\n');
        const toml = `[qqbot]\n${pick(top)}\n[qqbot.accounts.a]\n${pick(below)}\n[qqbot.accounts.b]\n`;
        const config = readWith(
          toml,
          { QQBOT_APP_ID: id, QQBOT_CLIENT_SECRET: `${value} `, HELD: `${value} x` },
          secrets,
        );
        const error = await failure(config);
        const told =
          error === undefined
            ? JSON.stringify([
                (await config).warnings,
                (await config).qqbot.accounts.map(({ appId, clientSecret }) =>
                  [appId, clientSecret].filter((it) => !it.ok),
                ),
              ])
            : JSON.stringify([error.message, error.problems, error.stack]);
        expect(told).not.toContain(value);
        expect(told).not.toContain(id);
      },
    ),
    { numRuns: 400 },
  );
});
