/** Where callbacks are taken: one server for each address, shared by accounts, but by nothing else. */
import type { ChannelConfig, OnebotAccount, QqbotAccount } from './config.js';
import { type Findings, keyPath } from './findings.js';
import { overlap } from './onebot-accounts.js';

interface Listening {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** Two servers cannot have one port, however its address is written. Port 0 is another one each time. */
export function tellTakenWebhookAddresses(
  { accounts }: ChannelConfig<QqbotAccount>,
  onebot: ChannelConfig<OnebotAccount>,
  tableName: string,
  findings: Findings,
): void {
  const path = keyPath([tableName, 'webhook_listen']);
  const taking = accounts
    .filter(({ enabled, transport }) => enabled && transport === 'webhook')
    .map(({ id, webhook }): Listening => ({ id, ...webhook }))
    .filter(({ port }) => port !== 0);
  for (const [i, account] of taking.entries()) {
    const other = taking.slice(0, i).find(({ port, host }) => port === account.port && overlap(host, account.host));
    if (other !== undefined) {
      findings.problem(
        path,
        `\`${other.id}\` and \`${account.id}\` listen on port ${account.port} of ${other.host} and of ${account.host}, which the system takes for the same`,
        'write the same address for both',
      );
    }
  }
  for (const { id, enabled, wsHost, wsPort } of onebot.accounts) {
    const taken = taking.find(({ host, port }) => port === wsPort && (host === wsHost || overlap(host, wsHost)));
    if (!enabled || taken === undefined) continue;
    findings.problem(
      path,
      `\`${taken.id}\` listens on port ${wsPort}, as does \`${id}\` of [onebot] for OneBot programs`,
      'give one of the two another port',
    );
  }
}
