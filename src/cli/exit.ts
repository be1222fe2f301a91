/** How every command ends: an answer on stdout, or an error with its remedy and its exit code. */
import { AccessDenied, ConfigError, DeliveryError, describeError, LoongError, UsageError } from '../model/errors.js';
import { visible } from './visible-text.js';

/** Contract §8. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 64,
  unreachable: 69,
  bug: 70,
  notFinished: 75,
  uncertain: 76,
  denied: 77,
  config: 78,
} as const;

/** Error codes whose exit code their class does not tell. */
const EXIT_BY_CODE: { readonly [code: string]: number } = {
  'owner.taken': EXIT.notFinished,
  'owner.taken_by_daemon': EXIT.notFinished,
  'send.too_late': EXIT.notFinished,
  'send.others_wait': EXIT.notFinished,
  'daemon.not_running': EXIT.unreachable,
  'daemon.not_answering': EXIT.unreachable,
  'daemon.lost': EXIT.uncertain,
  'daemon.silent': EXIT.uncertain,
  'daemon.still_stopping': EXIT.notFinished,
  'onebot.not_connected': EXIT.unreachable,
  'onebot.peer_slow': EXIT.unreachable,
  'onebot.too_many_calls': EXIT.unreachable,
  // Whatever was asked of the OneBot program may have been done.
  'onebot.no_answer': EXIT.uncertain,
  'onebot.connection_lost': EXIT.uncertain,
  'onebot.call_stopped': EXIT.uncertain,
  'sandbox.port_taken': EXIT.usage,
  'config.unwritable': EXIT.config,
  'import.already_there': EXIT.config,
  'import.nothing': EXIT.config,
  'import.two_bots': EXIT.config,
  'import.unreadable': EXIT.config,
  'init.not_in_place': EXIT.config,
  'init.several_accounts': EXIT.config,
  'service.odd_path': EXIT.config,
  'state_dir.unusable': EXIT.config,
  'state_dir.shared': EXIT.config,
  'store.newer': EXIT.config,
  'store.busy': EXIT.notFinished,
};

/** Nothing answered, and nothing can have been changed by the question (exit 69). */
export class Unanswered extends LoongError {}

function exitCodeOf(error: unknown): number {
  if (error instanceof Unanswered) return EXIT.unreachable;
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof AccessDenied) return EXIT.denied;
  if (error instanceof DeliveryError)
    return error.failure === 'unavailable' || error.failure === 'away' ? EXIT.unreachable : EXIT.failed;
  if (error instanceof LoongError) return EXIT_BY_CODE[error.code] ?? EXIT.failed;
  return EXIT.bug;
}

/** Writes the error where the caller looks for it, and sets the exit code. */
export function reportError(error: unknown, json: boolean): void {
  process.exitCode = exitCodeOf(error);
  if (json) {
    const code = error instanceof LoongError ? error.code : 'internal';
    const remedy = error instanceof LoongError ? error.remedy : undefined;
    const problems = error instanceof ConfigError ? { problems: error.problems } : {};
    printJson({
      error: { code, message: describeError(error), ...(remedy === undefined ? {} : { remedy }), ...problems },
    });
    return;
  }
  for (const { message, remedy } of toldOneByOne(error)) {
    console.error(`error: ${visible(message)}`);
    if (remedy !== undefined && remedy !== '') console.error(`  → ${visible(remedy)}`);
  }
  if (process.exitCode === EXIT.bug) {
    console.error('  → this is a fault in loong; please report it with the lines below');
    if (error instanceof Error && error.stack !== undefined) console.error(error.stack);
  }
}

/** The problems of a config stand one below the other, each with its remedy. */
function toldOneByOne(error: unknown): readonly { readonly message: string; readonly remedy?: string | undefined }[] {
  if (error instanceof ConfigError && error.problems.length > 0) {
    return error.problems.map(({ path, message, remedy }) => ({
      message: path === '' ? message : `${path}: ${message}`,
      remedy,
    }));
  }
  return [{ message: describeError(error), remedy: error instanceof LoongError ? error.remedy : undefined }];
}

export function printJson(value: unknown): void {
  console.log(visible(JSON.stringify(value, null, 2)));
}
