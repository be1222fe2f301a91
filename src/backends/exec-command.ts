/** A command as backend: the turn goes to its stdin, what it prints is the answer. No shell, a short life, an environment of its own. */
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { BackendError, describeError } from '../model/errors.js';
import { plainText } from '../model/message.js';
import { answerPieces } from './answer-document.js';
import type { AnswerPiece, PatientBackend, Turn, TurnLimit } from './backend.js';
import type { GroupRecords } from './group-records.js';
import { ProcessGroups } from './process-groups.js';
import { turnDocument } from './turn-document.js';
import { asUtf8, writtenText } from './written-text.js';

/** What a command started may hold its output open for so long after the command itself has ended. */
const OUTPUT_GRACE_MS = 500;
/** So much of the end of what it complained about is shown. */
const STDERR_CHARS = 500;

export interface ExecOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** What goes to stdin: the text of the message, or the whole turn. */
  readonly input: 'text' | 'json';
  /** What it prints: the text of the answer, or an answer document. */
  readonly output: 'text' | 'json';
  /** The only variables it gets. */
  readonly env: { readonly [name: string]: string };
  readonly maxOutputBytes: number;
  /** The only folder of which an answer may send files (absolute). */
  readonly mediaDir?: string | undefined;
}

/** `records` are where the commands that run are written down, for whoever must end them after a crash. */
export function execCommand(options: ExecOptions, records?: GroupRecords): PatientBackend {
  const groups = new ProcessGroups(records);
  return {
    async *answer(turn: Turn, { signal }: TurnLimit): AsyncIterable<AnswerPiece> {
      const input =
        options.input === 'text' ? plainText(turn.message.segments) : `${JSON.stringify(turnDocument(turn))}\n`;
      const who = `\`${options.command[0]}\``;
      const printed = asUtf8(who, await run(options, groups, input, signal));
      if (options.output === 'json') yield* await answerPieces(who, printed, options.mediaDir);
      else yield* writtenText(printed);
    },
  };
}

/** Runs the command to its end, and ends whatever it started; resolves with what it printed. */
function run(
  { command, env, maxOutputBytes }: ExecOptions,
  groups: ProcessGroups,
  input: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(outOfTime(program));
    let child: ReturnType<typeof spawn>;
    try {
      // A group of its own, so that whatever it starts ends with it.
      child = spawn(program, args, { env, detached: true, stdio: 'pipe' });
    } catch (error) {
      return reject(notStarted(program, error));
    }
    const { pid, stdin, stdout, stderr } = child;
    const output: Buffer[] = [];
    let size = 0;
    let complaint = '';
    let verdict: BackendError | undefined;

    const end = (error: BackendError) => {
      verdict ??= error;
      if (pid !== undefined) groups.end(pid);
    };
    const onAbort = () => end(outOfTime(program));
    if (pid !== undefined) {
      groups.add(pid);
      signal.addEventListener('abort', onAbort, { once: true });
    }

    stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxOutputBytes) output.push(chunk);
      else if (verdict === undefined) end(tooLong(program, maxOutputBytes));
    });
    stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      complaint = (complaint + chunk).slice(-2 * STDERR_CHARS);
    });
    // A command need not read what it is told, nor keep its output open: its exit status says how it went.
    for (const pipe of [stdin, stdout, stderr]) pipe?.on('error', () => undefined);
    stdin?.end(input);

    child.once('error', (error) => {
      if (pid === undefined) reject(notStarted(program, error));
    });
    child.once('exit', () => {
      if (pid !== undefined) groups.end(pid);
      // The immediate lets everything be read that was printed before, however late this timer fires.
      setTimeout(
        () => setImmediate(() => [stdin, stdout, stderr].forEach((pipe) => void pipe?.destroy())),
        OUTPUT_GRACE_MS,
      ).unref();
    });
    child.once('close', (code, endedBy) => {
      signal.removeEventListener('abort', onAbort);
      if (verdict === undefined && code !== 0) verdict = unsuccessful(program, code, endedBy, complaint);
      if (verdict === undefined) resolve(Buffer.concat(output));
      else reject(verdict);
    });
  });
}

function outOfTime(program: string): BackendError {
  return new BackendError('backend.aborted', `\`${program}\` was ended: its time was up`);
}

function notStarted(program: string, error: unknown): BackendError {
  return new BackendError('backend.not_started', `\`${program}\` could not be started: ${describeError(error)}`, {
    remedy: 'check `command` of this backend, and PATH in its `env`',
    cause: error,
  });
}

function tooLong(program: string, maxOutputBytes: number): BackendError {
  return new BackendError('backend.output_too_long', `\`${program}\` printed more than ${maxOutputBytes} bytes`, {
    remedy: 'raise `max_output` of this backend, or let it print less',
  });
}

function unsuccessful(program: string, code: number | null, endedBy: string | null, complaint: string): BackendError {
  const how = code === null ? `was ended by ${endedBy}` : `ended with exit code ${code}`;
  const said = stripVTControlCharacters(complaint)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  // Cut between words: of a secret in two halves neither would be known as one.
  const end = said.length > STDERR_CHARS ? `… ${said.slice(-STDERR_CHARS).replace(/^\S*\s/, '')}` : said;
  return new BackendError('backend.failed', `\`${program}\` ${how}${end === '' ? '' : `: ${end}`}`);
}
