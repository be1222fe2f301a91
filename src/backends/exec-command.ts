/** A command as backend: the turn goes to its stdin, what it prints is the answer. No shell, a short life, an environment of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { BackendError, describeError } from '../model/errors.js';
import { plainText, type Segment } from '../model/message.js';
import type { Backend, Turn } from './backend.js';
import { turnDocument } from './turn-document.js';

/** Given to a command between the polite end and the certain one. */
const KILL_AFTER_MS = 2000;
/** So much of what it complained about is shown. */
const STDERR_CHARS = 2000;

export interface ExecOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** What goes to stdin: the text of the message, or the whole turn. */
  readonly input: 'text' | 'json';
  /** The only variables it gets. */
  readonly env: { readonly [name: string]: string };
  readonly maxOutputBytes: number;
}

export function execCommand(options: ExecOptions): Backend {
  return {
    async *answer(turn: Turn, signal: AbortSignal): AsyncIterable<Segment> {
      const input =
        options.input === 'text' ? plainText(turn.message.segments) : `${JSON.stringify(turnDocument(turn))}\n`;
      const text = (await run(options, input, signal)).trimEnd();
      if (text !== '') yield { type: 'text', text };
    },
  };
}

/** Runs the command to its end; resolves with what it printed. */
function run({ command, env, maxOutputBytes }: ExecOptions, input: string, signal: AbortSignal): Promise<string> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    // A group of its own, so that whatever it starts ends with it.
    const child = spawn(program, args, { env, detached: true, stdio: 'pipe' });
    const output: Buffer[] = [];
    let size = 0;
    let complaint = '';
    let verdict: BackendError | undefined;

    const end = (error: BackendError) => {
      verdict ??= error;
      killGroup(child);
    };
    const onAbort = () => end(new BackendError('backend.aborted', `\`${program}\` was ended: its time was up`));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();

    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxOutputBytes) output.push(chunk);
      else
        end(
          new BackendError('backend.output_too_long', `\`${program}\` printed more than ${maxOutputBytes} bytes`, {
            remedy: 'raise `max_output` of this backend, or let it print less',
          }),
        );
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-STDERR_CHARS);
    });
    // A command need not read what it is told; its exit status says how it went.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);

    child.once('error', (error) => {
      verdict ??= new BackendError(
        'backend.not_started',
        `\`${program}\` could not be started: ${describeError(error)}`,
        {
          remedy: 'check `command` of this backend, and PATH in its `env`',
        },
      );
    });
    child.once('close', (code, endedBy) => {
      signal.removeEventListener('abort', onAbort);
      if (verdict === undefined && code !== 0) verdict = unsuccessful(program, code, endedBy, complaint);
      if (verdict === undefined) resolve(Buffer.concat(output).toString('utf8'));
      else reject(verdict);
    });
  });
}

function unsuccessful(program: string, code: number | null, endedBy: string | null, complaint: string): BackendError {
  const how = code === null ? `was ended by ${endedBy}` : `ended with exit code ${code}`;
  const said = complaint.replace(/\p{C}+/gu, ' ').trim();
  return new BackendError('backend.failed', `\`${program}\` ${how}${said === '' ? '' : `: ${said}`}`);
}

/** SIGTERM for the whole group, then SIGKILL for what is left of it. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), KILL_AFTER_MS).unref();
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: already gone
  }
}
