import { expect, test } from 'vitest';
import { complaints, readWith } from './config-folder.js';

test('a file with many mistakes is told all of them at once, each with its key and a remedy', async () => {
  const toml = `
[gatway]
listen = ""
[gateway]
durability = "disk"
retention_days = 0
level = "info"
[log]
level = "inof"
[qqbot]
app_id = 102000001
client_secret = "s3cret"
client_secret_env = "BOT_SECRET"
allowed_peer_ids = ["alice", 12345, 12345678901234567890, "user:bob", "c2c:", "qqbot:main:c2c:carol", "a b", true]
allow_from = ["alice"]
api_base_url = "http://api.example.com"
token_url = "https://user:hunter2@bots.example.com/token"
intents = ["group_c2c"]
reply_windows = { c2c = { minutes = 0 } }
park_ttl = 24
backend = "codr"
default_account = "mian"
[qqbot.accounts.main]
app_id_env = "$MAIN_APP_ID"
client_secret_file = "missing.txt"
[qqbot.accounts.Main]
[qqbot.accounts.qq]
client_secret_env = "OPS_SECRET=hunter3"
park_ttl = "one day"
concurrency = 3
[backends.coder]
timeout = 120
type = "shell"
`;
  const lines = (await complaints(readWith(toml, {}))).map((line) => line.replaceAll(/\/\S+\/missing/g, '/…/missing'));
  expect(lines).toEqual([
    'gateway.durability: expected one of "process", "power", got "disk"',
    'gateway.retention_days: expected a whole number from 1 to 3650, got 0',
    'gateway.level: unknown key (it belongs into [log])',
    'log.level: expected one of "trace", "debug", "info", "warn", "error", got "inof"',
    'qqbot.allowed_peer_ids[3]: entry "user:bob" has an unknown kind (use `c2c`, `group`, `channel`, `dm`)',
    'qqbot.allowed_peer_ids[4]: entry "c2c:" has no id (write an id, `<kind>:<id>`, `<kind>:*` or `*`)',
    'qqbot.allowed_peer_ids[5]: entry "qqbot:main:c2c:carol" has too many parts (leave out channel and account: ids always belong to this account)',
    'qqbot.allowed_peer_ids[6]: entry "a b" has characters that no id has (an id is 1 to 128 characters of A-Z a-z 0-9 . _ ! = + * ~ -)',
    'qqbot.allowed_peer_ids[7]: expected an id: text in quotes, or a whole number, got true or false',
    'qqbot.park_ttl: expected a length of time from "1s" to "30d" in quotes and with its unit (ms, s, m, h, d), got 24',
    'qqbot.app_id: expected text in quotes, got a whole number',
    'qqbot.token_url: holds a user name or password (remove the part before the `@`; credentials go into `app_id` and `client_secret`)',
    'qqbot.intents[0]: "group_c2c" is not an intent: did you mean `group_and_c2c`?',
    'qqbot.reply_windows.c2c.minutes: expected a whole number from 1 to 1440, got 0',
    'qqbot.accounts.qq.park_ttl: expected a length of time from "1s" to "30d" in quotes and with its unit (ms, s, m, h, d), got "one day"',
    'qqbot.accounts.qq.concurrency: unknown key (it belongs into [backends.<name>])',
    'qqbot.allow_from: unknown key (did you mean `allowed_peer_ids`?)',
    'backends.coder.type: expected one of "echo", "exec", "http", "openai", got "shell"',
    'backends.coder.timeout: expected a length of time from "100ms" to "24h" in quotes and with its unit (ms, s, m, h, d), got 120',
    'gatway: unknown key (did you mean `gateway`?)',
    'qqbot.accounts.Main: is the same account as `main`: both are read as `main` (rename one of them)',
    'qqbot.accounts.qq: `qq` is the name of a channel or of a kind of conversation (rename the account: targets like `qqbot:c2c:ID` would be ambiguous)',
    'qqbot.default_account: there is no account `mian` (did you mean `main`?)',
    'qqbot.client_secret: `client_secret` and `client_secret_env` are set together (keep exactly one of them)',
    'qqbot.backend: there is no backend `codr` (did you mean `coder`?)',
    'qqbot.accounts.main.app_id_env: has a `$` around the name (write the bare name, "MAIN_APP_ID")',
    'qqbot.accounts.main.client_secret: file `/…/missing.txt` (`client_secret_file`) does not exist (put it there, or correct `client_secret_file`)',
    'qqbot.api_base_url: is plain http to another machine: the secret could be read on the way (use https, or set `allow_http = true` if that network is yours)',
    'qqbot.accounts.qq.client_secret_env: holds an assignment (write only the name, "OPS_SECRET", and set its value in the environment)',
  ]);
});
