/** What answers: whether the program of a backend can be found and started, the way its process would be, and whether its server is there. */
import { stat } from 'node:fs/promises';
import type { BackendConfig, ExecBackendConfig, HttpBackendConfig } from '../config/config.js';
import type { Finding } from './finding.js';
import { checkLanguageModel } from './language-model.js';
import { findProgram, missingInterpreter, PATH_OF_NONE } from './program.js';
import { whyNoConnection } from './server-connection.js';

/** `isOffline`: no server is tried. Nothing that is asked here is taken for a turn. */
export async function checkBackend(backend: BackendConfig, isOffline: boolean): Promise<readonly Finding[]> {
  const name = `backend ${backend.name}`;
  switch (backend.type) {
    case 'echo':
      return [{ name, level: 'ok', detail: 'says everything back' }];
    case 'exec':
      return [await checkProgram(name, backend), ...(await checkMediaDir(name, backend))];
    case 'http':
      return [await checkServer(name, backend, isOffline), ...(await checkMediaDir(name, backend))];
    case 'openai':
      return [{ name, ...(await checkLanguageModel(backend, isOffline)) }];
  }
}

async function checkMediaDir(
  name: string,
  { name: backend, mediaDir }: ExecBackendConfig | HttpBackendConfig,
): Promise<readonly Finding[]> {
  if (mediaDir === undefined) return [];
  const isFolder = await stat(mediaDir).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return [{ name: `${name} media_dir`, level: 'ok', detail: mediaDir }];
  const remedy = `make that folder, or correct backends.${backend}.media_dir`;
  return [{ name: `${name} media_dir`, level: 'fail', detail: `there is no folder ${mediaDir}`, remedy }];
}

async function checkServer(
  name: string,
  { name: backend, url, secret }: HttpBackendConfig,
  isOffline: boolean,
): Promise<Finding> {
  if (secret?.ok === false) {
    return { name, level: 'fail', detail: secret.why, remedy: `set it, or correct backends.${backend}.secret` };
  }
  if (isOffline) return { name, level: 'ok', detail: `${url} (not tried)` };
  const why = await whyNoConnection(new URL(url));
  if (why === undefined) return { name, level: 'ok', detail: `${url} takes connections` };
  const remedy = `start that server, or correct backends.${backend}.url`;
  return { name, level: 'fail', detail: `${url} takes no connection: ${why}`, remedy };
}

async function checkProgram(name: string, backend: ExecBackendConfig): Promise<Finding> {
  const [program] = backend.command;
  const { PATH } = backend.env;
  const found = await findProgram(program, PATH);
  if (found === undefined) {
    const among = program.includes('/') ? '' : ` in PATH (${PATH ?? `not in its env, so ${PATH_OF_NONE}`})`;
    return {
      name,
      level: 'fail',
      detail: `there is no program \`${program}\`${among}`,
      remedy: `correct backends.${backend.name}.command, or let its env have a PATH with that program`,
    };
  }
  const missing = await missingInterpreter(found, PATH);
  if (missing === undefined) return { name, level: 'ok', detail: found };
  return {
    name,
    level: 'fail',
    detail: `${found} is a script for \`${JSON.stringify(missing).slice(1, -1)}\`, and there is no such program`,
    remedy: missing.endsWith('\r')
      ? 'save the script with the line ends of Unix: its first line ends with a carriage return'
      : `correct its first line, or let backends.${backend.name}.env have a PATH with that program`,
  };
}
