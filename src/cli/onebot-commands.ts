/** The commands below `loong onebot`. */
import type { Command } from 'commander';
import { ONEBOT_VERBS } from './onebot-verbs.js';

export function addOnebotCommands(program: Command): void {
  const onebot = program
    .command('onebot')
    .description('manage QQ groups and friends through the connected OneBot program (NapCat & co.); needs the daemon')
    .addHelpText(
      'after',
      '\nExamples:\n  $ loong onebot get-friend-list\n  $ loong onebot set-group-mute 30003 20002 600\n  $ loong onebot call get_group_list --json',
    );
  onebot
    .command('call <action>')
    .description('any action, by its OneBot name; prints what it answers')
    .option('--params <json>', 'its parameters as a JSON object; - reads them from stdin')
    .option('--account <id>', 'of this account')
    .addHelpText(
      'after',
      `
Examples:
  $ loong onebot call get_group_list
  $ loong onebot call get_group_info --params '{"group_id": 30003}' --account home --json

Actions that send messages are refused here, for nothing passes the outbox by: use \`loong channels send onebot\`. Files go only to whom allowed_peer_ids names.`,
    )
    .action(async (action: string, _options, self: Command) =>
      (await import('./onebot.js')).callAction(action, self.optsWithGlobals()),
    );
  for (const verb of ONEBOT_VERBS) {
    onebot
      .command(verb.usage)
      .description(verb.does)
      .option('--account <id>', 'of this account')
      .addHelpText('after', `\nExamples:\n${verb.examples.map((example) => `  $ loong onebot ${example}`).join('\n')}`)
      .action(async (...given: readonly unknown[]) => {
        const self = given.at(-1) as Command;
        await (await import('./onebot.js')).runVerb(verb, self.args, self.optsWithGlobals());
      });
  }
}
