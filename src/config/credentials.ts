/** Secrets that systemd hands to its service alone (`LoadCredential=`): `x_file = "$CREDENTIALS_DIRECTORY/NAME"`. */
import { join } from 'node:path';

const CREDENTIAL = /^\$(?:\{CREDENTIALS_DIRECTORY\}|CREDENTIALS_DIRECTORY)\/(.*)$/;
/** What systemd takes for a name. */
const NAME = /^[A-Za-z0-9_.-]{1,255}$/;

/** The name of the credential that a path means; undefined for any other path. */
export function credentialIn(path: string): string | undefined {
  const name = CREDENTIAL.exec(path.trim())?.[1];
  return name !== undefined && NAME.test(name) && !/^\.+$/.test(name) ? name : undefined;
}

/** Where it lies in the service; undefined where systemd gave no folder. */
export function credentialPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folder = env.CREDENTIALS_DIRECTORY?.trim();
  return folder === undefined || folder === '' ? undefined : join(folder, name);
}

/** All that a config file names, wherever in it. */
export function credentialsIn(file: unknown): readonly string[] {
  const names = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) visit(part, name);
    else if (typeof value === 'string' && key.endsWith('_file')) {
      const name = credentialIn(value);
      if (name !== undefined) names.add(name);
    }
  };
  visit(file, '');
  return [...names].sort();
}
