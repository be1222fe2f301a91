/** The commands below `loong pairing`. */
import type { Command } from 'commander';

export function addPairingCommands(program: Command): void {
  const pairing = program
    .command('pairing')
    .description('people who are not listed and ask to talk with the bot: who waits, let them in, out again')
    .addHelpText(
      'after',
      '\nExamples:\n  $ loong pairing list\n  $ loong pairing approve qqbot ABCD2345\n  $ loong pairing revoke onebot 20002',
    );
  pairing
    .command('list [channel]')
    .description('who waits for approval, and with which code')
    .option('--account <id>', 'only of this account')
    .option('--approved', 'who was approved, instead')
    .addHelpText(
      'after',
      '\nExamples:\n  $ loong pairing list\n  $ loong pairing list onebot --account home --json\n  $ loong pairing list --approved',
    )
    .action(async (channel: string | undefined, _options, self: Command) =>
      (await import('./pairing.js')).listPairings(channel, self.optsWithGlobals()),
    );
  pairing
    .command('approve <channel> <code-or-id>')
    .description(
      'let somebody in who waits, by code or user id; what they wrote is answered; exit 1 when nobody waits so',
    )
    .option('--account <id>', 'of this account')
    .option('--notify', 'tell them')
    .addHelpText(
      'after',
      '\nExamples:\n  $ loong pairing approve qqbot ABCD2345\n  $ loong pairing approve onebot 20002 --account home --notify',
    )
    .action(async (channel: string, given: string, _options, self: Command) =>
      (await import('./pairing.js')).approvePairing(channel, given, self.optsWithGlobals()),
    );
  pairing
    .command('deny <channel> <code-or-id>')
    .description('do not let somebody in who waits; their code is good for nothing any more')
    .option('--account <id>', 'of this account')
    .addHelpText('after', '\nExamples:\n  $ loong pairing deny qqbot ABCD2345\n  $ loong pairing deny onebot 20002')
    .action(async (channel: string, given: string, _options, self: Command) =>
      (await import('./pairing.js')).denyPairing(channel, given, self.optsWithGlobals()),
    );
  pairing
    .command('revoke <channel> <user-id>')
    .description('let somebody in no more who was approved; what waits for them is not sent')
    .option('--account <id>', 'of this account')
    .addHelpText(
      'after',
      '\nExamples:\n  $ loong pairing revoke qqbot OPENID\n  $ loong pairing revoke onebot 20002 --json',
    )
    .action(async (channel: string, user: string, _options, self: Command) =>
      (await import('./pairing.js')).revokePairing(channel, user, self.optsWithGlobals()),
    );
}
