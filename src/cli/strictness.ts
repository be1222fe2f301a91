/** What commander lets pass and we do not: an option given twice, of which only the last would count, and the name of no command. */
import type { Command } from 'commander';
import { nearest } from '../config/suggestion.js';
import { UsageError } from '../model/errors.js';

/** Of every command below `program`; its own options may be overridden, as those of an alias are. A list as default makes an option repeatable. */
export function refuseRepeats(program: Command): void {
  for (const command of program.commands) {
    for (const option of command.options) {
      if (!(option.required || option.optional) || Array.isArray(option.defaultValue)) continue;
      let given = 0;
      command.on(`option:${option.name()}`, () => {
        if (++given === 1) return;
        throw new UsageError('usage.repeated', `\`${option.long}\` is given more than once`, 'give it once');
      });
    }
    refuseRepeats(command);
  }
}

/** For a command that stands alone as well as before those of `family`: what follows it is none of them. @throws UsageError */
export function refuseUnknown(command: Command, family = command): void {
  const word = command.args.find((argument) => !argument.startsWith('-')) ?? command.args[0];
  if (word === undefined) return;
  const isOption = word.startsWith('-');
  const known = isOption
    ? [command, ...ancestorsOf(command)].flatMap(({ options }) => options.flatMap(({ long }) => long ?? []))
    : family.commands.map((candidate) => candidate.name());
  const meant = nearest(word, known);
  throw new UsageError(
    'usage',
    `unknown ${isOption ? 'option' : 'command'} \`${word}\` of \`loong ${family.name()}\``,
    meant === undefined ? `\`loong ${family.name()} --help\` shows what there is` : `did you mean \`${meant}\`?`,
  );
}

function ancestorsOf({ parent }: Command): readonly Command[] {
  return parent === null ? [] : [parent, ...ancestorsOf(parent)];
}
