/** What the sandbox saw, as tests ask for it. */
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import type { BotSend, Entry, GatewayStep } from '../../src/sandbox/transcript.js';

function entries(sandbox: Sandbox): readonly Entry[] {
  return sandbox.platform.transcript.since(0);
}

export function sends(sandbox: Sandbox): readonly BotSend[] {
  return entries(sandbox).filter((entry) => entry.kind === 'bot.send');
}

export function sendsTo(sandbox: Sandbox, openid: string): readonly BotSend[] {
  return sends(sandbox).filter((send) => send.scene.openid === openid);
}

/** Everything the platform took as a reply to this message. */
export function answersTo(sandbox: Sandbox, messageId: string): readonly BotSend[] {
  return sends(sandbox).filter((send) => send.accepted && send.msg_id === messageId);
}

/** Steps of the gateway, by name. */
export function steps(sandbox: Sandbox, ...names: readonly GatewayStep['step'][]): readonly GatewayStep[] {
  return entries(sandbox).filter(
    (entry): entry is Entry & GatewayStep => entry.kind === 'gateway' && names.includes(entry.step),
  );
}
