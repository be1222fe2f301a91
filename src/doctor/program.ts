/** A program as the process of a backend would find it: through PATH, and through the interpreter that a script names. */
import { access, constants, open, stat } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';

/** Where the system looks for the program of a process without PATH. */
export const PATH_OF_NONE = '/bin:/usr/bin';
/** The kernel reads no more of a script's first line. */
const FIRST_LINE_BYTES = 256;
/** An interpreter may be a script itself, up to a limit of the kernel's. */
const MOST_INTERPRETERS = 4;

/** The whole path of the program that would be started; undefined when there is none. */
export async function findProgram(program: string, path: string | undefined): Promise<string | undefined> {
  const folders = program.includes('/') ? [''] : (path ?? PATH_OF_NONE).split(delimiter);
  for (const folder of folders) {
    const candidate = resolve(folder, program);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The interpreter that the first line of a script names and that is not there; undefined when nothing is missing. */
export async function missingInterpreter(
  script: string,
  path: string | undefined,
  depth = 0,
): Promise<string | undefined> {
  const [interpreter, argument] = await interpreterOf(script);
  if (interpreter === undefined || depth >= MOST_INTERPRETERS) return undefined;
  if (!(await isProgram(resolve(interpreter)))) return interpreter;
  // `env` looks for the real one, as the process that it is: through PATH.
  if (interpreter.endsWith('/env') && argument !== undefined && (await findProgram(argument, path)) === undefined)
    return argument;
  return missingInterpreter(interpreter, path, depth + 1);
}

/** The interpreter, and the name that stands alone or behind `-S` after it. A carriage return at the end is part of a name. */
async function interpreterOf(script: string): Promise<readonly [string?, string?]> {
  const line = /^#![ \t]*([^\n]*)/.exec(await firstBytes(script))?.[1];
  if (line === undefined) return [];
  const [interpreter, ...rest] = line.split(/[ \t]+/).filter((word) => word !== '');
  if (interpreter === undefined) return [];
  const argument = rest[0] === '-S' ? rest[1] : rest.length === 1 ? rest[0] : undefined;
  return argument === undefined || /^-|=/.test(argument) ? [interpreter] : [interpreter, argument];
}

/** Empty when it cannot be read: a program may be startable all the same. */
async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
