/** What one connection tells of its session, written down: who it is, how far it is journalled, and that it is ready. */
import { describeError } from '../../model/errors.js';
import type { Counters } from '../../telemetry/counters.js';
import type { Log } from '../../telemetry/log.js';
import type { GatewayHandlers } from './gateway-session.js';

/** Where a session can be taken up again after a restart; see `GatewaySessions` of the store. */
export interface ResumeMemory {
  load(key: string): { readonly sessionId: string; readonly seq: number } | undefined;
  save(key: string, point: { readonly sessionId: string; readonly seq: number } | undefined): Promise<void>;
}

export interface RecordParts extends Pick<GatewayHandlers, 'dispatch' | 'undecodable'> {
  readonly memory: ResumeMemory;
  readonly log: Log;
  readonly counters: Counters;
  /** The bot's own id, as READY tells it. */
  readonly onBotId: (id: string) => void;
  /** The gateway answered a heartbeat. */
  readonly onAcknowledged: () => void;
}

/** Handlers of one connection: they know its session, and write the mark down once for all that was journalled meanwhile. */
export function recordSession(
  key: string,
  resuming: string | undefined,
  onReady: () => void,
  parts: RecordParts,
): { readonly handlers: GatewayHandlers; readonly stored: () => Promise<void> } {
  const { memory, log, counters } = parts;
  let sessionId = resuming;
  let newest: number | undefined;
  let saving = false;
  let saved = Promise.resolve();
  let complained = false;

  /** Never rejects. */
  async function save(): Promise<void> {
    saving = true;
    while (newest !== undefined && sessionId !== undefined) {
      const seq = newest;
      newest = undefined;
      try {
        await memory.save(key, { sessionId, seq });
      } catch (error) {
        const message = 'the resume point could not be stored; a restart will replay more than it needs to';
        if (!complained) log.error({ error: describeError(error) }, message);
        complained = true;
      }
    }
    saving = false;
  }

  return {
    handlers: {
      ready(session) {
        if (resuming !== undefined && !session.resumed) reportLost('the gateway began a new session', parts);
        if (!session.resumed) newest = undefined;
        sessionId = session.sessionId;
        if (session.botId !== undefined) parts.onBotId(session.botId);
        log.info({ resumed: session.resumed }, 'connected to the QQ gateway');
        counters.count(session.resumed ? 'gateway.resumes' : 'gateway.identifies');
        onReady();
      },
      dispatch: parts.dispatch,
      undecodable: parts.undecodable,
      acknowledged: parts.onAcknowledged,
      journalled(seq) {
        newest = seq;
        if (!saving) saved = save();
      },
    },
    stored: () => saved,
  };
}

/** What happened since its last event is lost to us: the platform replays only into the session it belongs to. */
export function reportLost(why: string, { counters, log }: Pick<RecordParts, 'counters' | 'log'>): void {
  counters.count('gateway.sessions_lost');
  log.warn({ why }, 'the gateway session cannot be resumed: events since the last one seen may be missing');
}
