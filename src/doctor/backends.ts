/** What answers: whether the program of a backend can be found and started, the way its process would be, or its URL answers. */
import type { BackendConfig } from '../config/config.js';
import type { Finding } from './finding.js';
import { checkLanguageModel } from './language-model.js';
import { findProgram, missingInterpreter, PATH_OF_NONE } from './program.js';

/** `isOnline`: the network may be asked. */
export async function checkBackend(backend: BackendConfig, isOnline: boolean): Promise<Finding> {
  const name = `backend ${backend.name}`;
  if (backend.type === 'echo') return { name, level: 'ok', detail: 'says everything back' };
  if (backend.type === 'openai') return { name, ...(await checkLanguageModel(backend, isOnline)) };
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
