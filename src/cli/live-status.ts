/** How an account is doing right now, in lines for people. */
import type { AccountStatus, DaemonStatus } from '../control/api.js';

/** The first line says which daemon; `now` in unix ms. */
export function daemonLine({ pid, version, started_at }: DaemonStatus, now: number): string {
  return `loong ${version} runs as pid ${pid} for ${ago(started_at, now)}`;
}

/** State with its reason and remedy, then what came in last and what went wrong last, without indentation. */
export function stateLines(status: AccountStatus, now: number): readonly string[] {
  const { state, since, detail, remedy, next_try_at: nextTry, last_error: lastError } = status;
  const why = detail === undefined ? '' : `: ${detail}`;
  const next = nextTry === undefined ? '' : `; tried again in ${ago(now, nextTry)}`;
  const seen = [
    ['last inbound', status.last_inbound_at],
    ['last ACK', status.last_ack_at],
  ] as const;
  const lines = [`${state} (${ago(since, now)})${why}${next}`];
  if (remedy !== undefined) lines.push(`→ ${remedy}`);
  lines.push(seen.map(([what, at]) => `${what} ${at === undefined ? 'never' : `${ago(at, now)} ago`}`).join(' · '));
  if (status.dm_policy !== undefined) lines.push(privateLine(status.dm_policy, status.pairings));
  if (lastError !== undefined && detail?.includes(lastError.message) !== true)
    lines.push(`last error ${ago(lastError.at, now)} ago: ${lastError.message}`);
  return lines;
}

/** Who is let in in private, who was by pairing, and who waits. */
export function privateLine(dmPolicy: string, pairings: AccountStatus['pairings']): string {
  const { approved = 0, pending = 0 } = pairings ?? {};
  const waiting = pending === 0 ? '' : ` · ${pending} waiting: \`loong pairing list\``;
  return `private chats: ${dmPolicy}${approved === 0 ? '' : ` · ${approved} paired`}${waiting}`;
}

/** `3 s`, `12 min`, `5 h`, `2 d`: how long since `at`. */
function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
