/**
 * The sandbox's own JSON API, for tests and for the chat page. Keys are snake_case; a body that does not fit is answered with
 * 400 and `{"error": {"code", "message"}}`, an unknown user, group, guild, channel, message or fault with 404.
 *
 * | Method and path (under `/sandbox/v1`) | Body or query | Answer |
 * |---|---|---|
 * | GET `/state` | | app id, bot, sessions, users, groups, guilds, switches, waiting reviews, faults, counters |
 * | GET `/transcript` | `?after=N&limit=N&wait_ms=N` | `{entries, last}`; with `wait_ms` (≤ 30000) it waits for the first entry after N |
 * | GET `/transcript/stream` | `?after=N`, or the header `Last-Event-ID` | SSE: one `data:` per entry, `id:` is its number |
 * | POST `/users` | `{name, openid?, bot?}`; `bot`: another bot, its messages say so | the user |
 * | POST `/groups` | `{name, openid?, members?: [openid]}` | the group |
 * | POST `/channels` | `{guild, name}` | the channel |
 * | POST `/messages` | `{from, group? or channel? or dm?, text?, mention?, mentions?, everyone?, faces?, attachments?, ark?, records?, quote?, both?, duplicate?}`, see `say.ts`; `dm` is the id of the guild that it comes from | the transcript entry; its `id` is the `msg_id` |
 * | DELETE `/messages/{id}` | the writer recalls a message of a channel or of a guild's direct messages | `{events}` |
 * | POST `/reactions` | `{from, message, emoji: {id, type: 1 or 2}, remove?}`, in channels | `{events}` |
 * | POST `/audits` | `{audit_id, verdict: "pass" or "reject"}`: ends the review of a send, see the switch `audit` | `{events}` |
 * | POST `/switches` | one of those below | `{events: [{t, id, d}]}` that went out for it |
 * | GET `/faults` | | `{faults: [{id, left, order}]}` |
 * | POST `/faults` | an order, see `faults.ts` | `{fault}`; null for one that happened at once |
 * | DELETE `/faults`, `/faults/{id}` | | `{removed}` |
 * | POST, DELETE `/webhook` | `{url}`: events are pushed there instead of to the gateway, once the address has signed the word it is challenged with | `{webhook}` |
 * | POST `/raw` | `{event: {t, id?, d?}}` or `{frame}`: the text as it is; `$S` in it becomes the next sequence number, and the frame is then kept for replay | `{sessions}` |
 * | `/onebot/…` | the other world, see `onebot/onebot-api.ts` | |
 *
 * Switches, see `switches.ts`; what is left out stays as it is:
 * - `{user, active_allowed?, friend?}`
 * - `{group, active_allowed?, bot_in_group?, receive_all?, echo_own?, join?, leave?}`; `echo_own`: with `receive_all`, the bot hears its own messages
 * - `{guild, bot_in_guild?, join?, leave?}`
 * - `{granted_intents?, intent_refusal?: 4014 or 4903, max_text_length?, markdown_allowed?, urls_allowed?, audit?, ip_whitelist?, windows?: {c2c?, group?, channel?, dm?}, quotas?: {per_channel?, channels_per_guild?, per_dm?, dms_in_all?}, session_limit?}`; a window is `{minutes, count?}`, quotas are active messages a day
 */
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { faultOrder } from './faults.js';
import { channelOrder, reactionOrder, verdict } from './guild-acts.js';
import { shownChannel } from './guilds.js';
import { oneBotApi } from './onebot/onebot-api.js';
import { shownGroup, shownUser } from './people.js';
import type { Platform } from './platform.js';
import { readBody } from './request-body.js';
import { SandboxError } from './sandbox-error.js';
import { peerId, sayOrder } from './say.js';
import { switches } from './switches.js';

const name = z.string().trim().min(1).max(64);
const newUser = z.strictObject({ name, openid: peerId.optional(), bot: z.boolean().optional() });
const newGroup = z.strictObject({ name, openid: peerId.optional(), members: z.array(peerId).max(500).default([]) });
const raw = z.union([
  z.strictObject({
    event: z.strictObject({ t: z.string().max(200), id: z.string().max(300).optional(), d: z.unknown() }),
  }),
  z.strictObject({ frame: z.string() }),
]);
const webhook = z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2000) });
const page = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  wait_ms: z.coerce.number().int().min(0).max(30_000).default(0),
});

/** Room for a raw frame that is beyond every limit of a bot. */
const BODY_LIMIT = 8 * 1024 * 1024;

/** @param stop ends the streams */
export function sandboxApi(platform: Platform, stop: AbortSignal): Hono {
  const api = new Hono().basePath('/sandbox/v1');

  api.get('/state', (c) => c.json(platform.state()));

  api.get('/transcript', async (c) => {
    const { after, limit, wait_ms } = page.parse(c.req.query());
    if (wait_ms > 0) {
      const over = AbortSignal.any([stop, c.req.raw.signal, AbortSignal.timeout(wait_ms)]);
      await platform.transcript.more(after, over);
    }
    return c.json({ entries: platform.transcript.since(after, limit), last: platform.transcript.last });
  });

  api.get('/transcript/stream', (c) => {
    const { after } = page.parse({ after: c.req.header('Last-Event-ID') ?? c.req.query('after') ?? '0' });
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const over = AbortSignal.any([stop, gone.signal]);
      let read = after;
      while (!over.aborted) {
        for (const entry of platform.transcript.since(read)) {
          await stream.writeSSE({ id: String(entry.n), data: JSON.stringify(entry) });
          read = entry.n;
        }
        await platform.transcript.more(read, over);
      }
    });
  });

  api.post('/users', async (c) => {
    const { name, openid, bot } = newUser.parse(await readJson(c.req.raw));
    return c.json(shownUser(platform.people.addUser(name, openid, bot)));
  });

  api.post('/groups', async (c) => {
    const { name, openid, members } = newGroup.parse(await readJson(c.req.raw));
    return c.json(shownGroup(platform.people.addGroup(name, openid, members)));
  });

  api.post('/channels', async (c) =>
    c.json(shownChannel(platform.openChannel(channelOrder.parse(await readJson(c.req.raw))))),
  );

  api.post('/messages', async (c) => c.json(platform.say(sayOrder.parse(await readJson(c.req.raw)))));
  api.delete('/messages/:id', (c) => c.json({ events: platform.recall(c.req.param('id')) }));
  api.post('/reactions', async (c) =>
    c.json({ events: platform.react(reactionOrder.parse(await readJson(c.req.raw))) }),
  );
  api.post('/audits', async (c) => c.json({ events: platform.settleAudit(verdict.parse(await readJson(c.req.raw))) }));
  api.post('/switches', async (c) => c.json({ events: platform.set(switches.parse(await readJson(c.req.raw))) }));

  api.get('/faults', (c) => c.json({ faults: platform.faults.list() }));
  api.post('/faults', async (c) =>
    c.json({ fault: platform.fault(faultOrder.parse(await readJson(c.req.raw))) ?? null }),
  );
  api.delete('/faults', (c) => c.json({ removed: platform.faults.remove() }));
  api.delete('/faults/:id', (c) => {
    const id = c.req.param('id');
    if (platform.faults.remove(id) === 0) throw new SandboxError('fault.unknown', `there is no fault ${id}`, 404);
    return c.json({ removed: 1 });
  });

  api.post('/webhook', async (c) => {
    await platform.webhook.save(webhook.parse(await readJson(c.req.raw)).url);
    return c.json({ webhook: platform.webhook.shown() });
  });
  api.delete('/webhook', (c) => {
    platform.webhook.remove();
    return c.json({ webhook: null });
  });

  api.post('/raw', async (c) => {
    const order = raw.parse(await readJson(c.req.raw));
    const sessions = 'frame' in order ? platform.sendRaw(order.frame) : platform.emit(eventOf(order.event));
    return c.json({ sessions });
  });

  api.route('/onebot', oneBotApi(platform.onebot, readJson));

  api.notFound((c) => c.json(problem('route.unknown', `there is no ${c.req.method} ${c.req.path}`), 404));
  api.onError((error, c) => {
    if (error instanceof SandboxError) return c.json(problem(error.code, error.message), error.status);
    if (error instanceof z.ZodError) return c.json(problem('request.invalid', z.prettifyError(error)), 400);
    return c.json(problem('sandbox.failed', error.message), 500);
  });
  return api;
}

const problem = (code: string, message: string) => ({ error: { code, message } });

function eventOf({ t, id, d }: { t: string; id?: string | undefined; d?: unknown }) {
  return { t, d, ...(id === undefined ? {} : { id }) };
}

async function readJson(request: Request): Promise<unknown> {
  const text = await readBody(request, BODY_LIMIT);
  if (text === undefined) throw new SandboxError('request.too_large', `the body is over ${BODY_LIMIT} bytes`, 413);
  try {
    return JSON.parse(text);
  } catch {
    throw new SandboxError('request.not_json', 'the body is no JSON');
  }
}
