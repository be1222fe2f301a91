/** What the platform thinks of an account, asked without a daemon. */
import type { QqbotAccount } from '../config/config.js';
import type { ProbeStep } from '../lanes/lane.js';
import type { ResumeMemory } from '../lanes/qqbot/gateway-loop.js';
import { WebhookPorts } from '../lanes/qqbot/webhook-ports.js';
import { Counters } from '../telemetry/counters.js';
import { openQqbotLane, type Surroundings } from './open-lane.js';

/**
 * Asks the platform what it thinks of an account, without a daemon and without starting a session.
 * @throws ConfigError when the account's credentials were not found.
 */
export async function probeAccount(account: QqbotAccount, around: Surroundings): Promise<readonly ProbeStep[]> {
  const noMemory: ResumeMemory = { load: () => undefined, save: async () => undefined };
  const lane = openQqbotLane(account, noMemory, new Counters(), new WebhookPorts(around.log), around);
  try {
    return await lane.probe(new AbortController().signal);
  } finally {
    await lane.close();
  }
}
