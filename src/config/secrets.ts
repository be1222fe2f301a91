/** Secrets, which stand in the file itself, in an environment variable or in a file of their own. No message shows a value. */
import { readUpTo, whyUnreadable } from './bounded-file.js';
import type { Resolved } from './config.js';
import { credentialPath } from './credentials.js';
import { type Fault, type Findings, keyPath } from './findings.js';
import { filePath } from './paths.js';

export type SecretName = 'app_id' | 'client_secret' | 'access_token' | 'secret' | 'api_key';
type SecretKey = SecretName | `${SecretName}_env` | `${SecretName}_file`;
export type SecretKeys = { readonly [K in SecretKey]?: string | undefined };

/** Where a table says that its secret is. `broken`: it says so in a way that is already told as a problem. */
export type SecretChoice =
  | {
      readonly form: 'value' | 'env' | 'file';
      readonly text: string /** Key path of the secret in that table. */;
      readonly path: string;
    }
  | 'broken';

const MAX_FILE_BYTES = 64 * 1024;

/** What `table` itself says about the secret; undefined when it says nothing. */
export function readChoice(
  name: SecretName,
  table: SecretKeys,
  tablePath: readonly string[],
  about: { readonly env: NodeJS.ProcessEnv; readonly refused: ReadonlySet<string>; readonly findings: Findings },
): SecretChoice | undefined {
  const path = keyPath([...tablePath, name]);
  const forms = [
    { form: 'value', key: name },
    { form: 'env', key: `${name}_env` },
    { form: 'file', key: `${name}_file` },
  ] as const;
  if (forms.some(({ key }) => about.refused.has(keyPath([...tablePath, key])))) return 'broken';
  const present = forms.filter(({ key }) => table[key] !== undefined);
  const [chosen, ...others] = present;
  if (chosen === undefined) return undefined;
  if (others.length > 0) {
    const keys = present.map(({ key }) => `\`${key}\``);
    about.findings.problem(
      path,
      `${keys.slice(0, -1).join(', ')} and ${keys.at(-1)} are set together`,
      'keep exactly one of them',
    );
    return 'broken';
  }
  const text = (table[chosen.key] ?? '').trim();
  const fault = faultOf(chosen.form, text, name, about.env);
  if (fault === undefined) return { form: chosen.form, text, path };
  about.findings.problem(keyPath([...tablePath, chosen.key]), fault.message, fault.remedy);
  return 'broken';
}

function faultOf(
  form: 'value' | 'env' | 'file',
  text: string,
  name: SecretName,
  env: NodeJS.ProcessEnv,
): Fault | undefined {
  if (text === '') return { message: 'is blank', remedy: 'fill it in, or remove the line' };
  if (form === 'env') return variableNameFault(text, name, env);
  if (form === 'file')
    return isSecretLike(text)
      ? {
          message: 'looks like the secret itself, not like a file',
          remedy: `write the path of the file, or use \`${name}\``,
        }
      : undefined;
  if (/^(\$\{?\w+\}?|%\w+%)$/.test(text)) {
    return {
      message: 'looks like a reference to an environment variable',
      remedy: `write the bare name of the variable as \`${name}_env\` instead`,
    };
  }
  return isOneWord(text) ? undefined : { message: 'has blanks or line breaks inside', remedy: 'copy it again' };
}

/** The usual ways to miswrite the name of a variable. What follows a `=` may be the secret, so only the part before it is shown. */
function variableNameFault(text: string, name: SecretName, env: NodeJS.ProcessEnv): Fault | undefined {
  if (isVariableName(text)) {
    if (env[text] !== undefined || !isSecretLike(text)) return undefined;
    return pasted(name);
  }
  const [, dollar] = /^\$(?:env:)?\{?(\w+)\}?$/i.exec(text) ?? [];
  const [, percent] = /^%(\w+)%$/.exec(text) ?? [];
  const [, assigned] = /^(?:export\s+)?(\w+)\s*=/.exec(text) ?? [];
  const meant = [dollar, percent, assigned].find((part) => part !== undefined);
  if (meant === undefined || !isVariableName(meant) || isSecretLike(meant)) {
    return text.length < 16 && !/\d{6}/.test(text)
      ? {
          message: 'is not the name of an environment variable',
          remedy: 'a name has letters, digits and `_`, and does not begin with a digit',
        }
      : pasted(name);
  }
  if (assigned !== undefined)
    return {
      message: 'holds an assignment',
      remedy: `write only the name, "${meant}", and set its value in the environment`,
    };
  return {
    message: `has ${dollar === undefined ? '`%` signs' : 'a `$`'} around the name`,
    remedy: `write the bare name, "${meant}"`,
  };
}

function pasted(name: SecretName): Fault {
  return {
    message: 'looks like the secret itself, not like the name of an environment variable',
    remedy: `name the variable, or use \`${name}\``,
  };
}

function isVariableName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** What nobody would call a variable or a file: QQ's AppIDs are 9 or 10 digits, its secrets 32 letters and digits. */
function isSecretLike(text: string): boolean {
  if (/^\d{6,}$/.test(text)) return true;
  return /^([A-Za-z0-9]{16,}|[A-Za-z0-9+/]{16,}={1,2})$/.test(text) && !/^([a-z]+|[A-Z]+)$/.test(text);
}

function isOneWord(text: string): boolean {
  return !/[\s\p{Cc}]/u.test(text);
}

/** Looks where the choice points to. */
export async function resolveChoice(
  choice: Exclude<SecretChoice, 'broken'>,
  name: SecretName,
  from: { readonly env: NodeJS.ProcessEnv; readonly folder: string },
): Promise<Resolved> {
  if (choice.form === 'value') return { ok: true, value: choice.text };
  if (choice.form === 'env') {
    const value = from.env[choice.text];
    const variable = `environment variable \`${choice.text}\` (\`${name}_env\`)`;
    if (value === undefined) return { ok: false, why: `${variable} is not set` };
    return checked(value, variable);
  }
  const credential = credentialPath(choice.text, from.env);
  if (credential !== undefined && 'why' in credential)
    return { ok: false, why: `\`${choice.text}\` (\`${name}_file\`) ${credential.why}` };
  const path = credential?.path ?? filePath(choice.text, from.folder, from.env);
  const file = `file \`${path}\` (\`${name}_file\`)`;
  try {
    const bytes = await readUpTo(path, MAX_FILE_BYTES);
    return bytes === undefined
      ? { ok: false, why: `${file} is larger than 64 KiB` }
      : checked(bytes.toString('utf8'), file);
  } catch (error) {
    return { ok: false, why: `${file} ${whyUnreadable(error)}` };
  }
}

function checked(value: string, where: string): Resolved {
  const secret = value.replace(/^\uFEFF/, '').trim();
  if (secret === '') return { ok: false, why: `${where} is blank` };
  return isOneWord(secret)
    ? { ok: true, value: secret }
    : { ok: false, why: `${where} has blanks or line breaks inside the value` };
}

/** The first of `names` in the environment that is set and not blank. */
export function resolveFromEnvironment(names: readonly string[], env: NodeJS.ProcessEnv): Resolved | undefined {
  const name = names.find((candidate) => (env[candidate] ?? '').trim() !== '');
  return name === undefined ? undefined : checked(env[name] ?? '', `environment variable \`${name}\``);
}
