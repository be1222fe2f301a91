/** Secrets that systemd hands to its service alone (`LoadCredential=`): `x_file = "$CREDENTIALS_DIRECTORY/NAME"`. */
import { join } from 'node:path';

const CREDENTIAL = /^\$(?:\{CREDENTIALS_DIRECTORY\}|CREDENTIALS_DIRECTORY)\/?(.*)$/;
/** What systemd takes for a name. */
const NAME = /^(?!\.+$)[A-Za-z0-9_.-]{1,255}$/;

/** Where the credential lies that `text` means, or why it is nowhere; undefined where it means an ordinary file. */
export function credentialPath(
  text: string,
  env: NodeJS.ProcessEnv,
): { readonly path: string } | { readonly why: string } | undefined {
  const name = CREDENTIAL.exec(text.trim())?.[1];
  if (name === undefined) return undefined;
  if (!NAME.test(name)) return { why: 'names no credential: write "$CREDENTIALS_DIRECTORY/NAME"' };
  const folder = env.CREDENTIALS_DIRECTORY?.trim();
  return folder === undefined || folder === ''
    ? { why: 'is not there: `$CREDENTIALS_DIRECTORY` is not set, systemd gives it to the service alone' }
    : { path: join(folder, name) };
}

/** All that a config file names, wherever in it. */
export function credentialsIn(file: unknown): readonly string[] {
  const names = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) visit(part, name);
    else if (typeof value === 'string' && key.endsWith('_file')) {
      const name = CREDENTIAL.exec(value.trim())?.[1];
      if (name !== undefined && NAME.test(name)) names.add(name);
    }
  };
  visit(file, '');
  return [...names].sort();
}
