/**
 * The sandbox's own JSON API, for tests and for the chat page. Keys are snake_case; a body that does not fit is answered with
 * 400 and `{"error": {"code", "message"}}`, an unknown user, group or fault with 404.
 *
 * | Method and path (under `/sandbox/v1`) | Body or query | Answer |
 * |---|---|---|
 * | GET `/state` | | app id, bot, sessions, users, groups, switches, faults, counters |
 * | GET `/transcript` | `?after=N&limit=N&wait_ms=N` | `{entries, last}`; with `wait_ms` (≤ 30000) it waits for the first entry after N |
 * | GET `/transcript/stream` | `?after=N`, or the header `Last-Event-ID` | SSE: one `data:` per entry, `id:` is its number |
 * | POST `/users` | `{name, openid?}` | the user |
 * | POST `/groups` | `{name, openid?, members?: [openid]}` | the group |
 * | POST `/messages` | `{from, group?, text, mention?, quote?, duplicate?}` | the transcript entry; its `id` is the `msg_id` |
 * | POST `/switches` | `{user, active_allowed?, friend?}` or `{group, active_allowed?, bot_in_group?, receive_all?, join?, leave?}` or `{granted_intents?, max_text_length?, windows?, session_limit?}` | `{events: [{t, id, d}]}` that went out for it |
 * | GET `/faults` | | `{faults: [{id, left, order}]}` |
 * | POST `/faults` | an order, see `faults.ts` | `{fault}`; null for one that happened at once |
 * | DELETE `/faults`, `/faults/{id}` | | `{removed}` |
 * | POST `/raw` | `{event: {t, id?, d?}}` or `{frame}`: the text as it is; `$S` in it becomes the next sequence number, and the frame is then kept for replay | `{sessions}` |
 */
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { faultOrder } from './faults.js';
import { PEER_ID, shownGroup, shownUser } from './people.js';
import type { Platform } from './platform.js';
import { readBody } from './request-body.js';
import { SandboxError } from './sandbox-error.js';

const peerId = z.string().regex(PEER_ID, 'an id is 1–128 characters of A–Z a–z 0–9 . _ ! = + * ~ -');
const name = z.string().trim().min(1).max(64);
const windowRule = z.strictObject({
  minutes: z.number().min(0).max(100_000),
  count: z.number().int().min(0).max(1000),
});

const newUser = z.strictObject({ name, openid: peerId.optional() });
const newGroup = z.strictObject({ name, openid: peerId.optional(), members: z.array(peerId).max(500).default([]) });
const newMessage = z.strictObject({
  from: peerId,
  group: peerId.optional(),
  text: z.string().max(20_000),
  mention: z.boolean().optional(),
  quote: z.string().max(200).optional(),
  duplicate: z.number().int().min(0).max(100).optional(),
});
const switches = z.union([
  z.strictObject({ user: peerId, active_allowed: z.boolean().optional(), friend: z.boolean().optional() }),
  z.strictObject({
    group: peerId,
    active_allowed: z.boolean().optional(),
    bot_in_group: z.boolean().optional(),
    receive_all: z.boolean().optional(),
    join: peerId.optional(),
    leave: peerId.optional(),
  }),
  z.strictObject({
    granted_intents: z.number().int().min(0).max(0x7fffffff).optional(),
    max_text_length: z.number().int().min(1).max(1_000_000).optional(),
    windows: z.strictObject({ c2c: windowRule, group: windowRule }).optional(),
    session_limit: z
      .strictObject({
        total: z.number().int().min(0),
        remaining: z.number().int().min(0),
        resetAfterMs: z.number().int().min(0),
        maxConcurrency: z.number().int().min(1).max(1000),
      })
      .optional(),
  }),
]);
const raw = z.union([
  z.strictObject({
    event: z.strictObject({ t: z.string().max(200), id: z.string().max(300).optional(), d: z.unknown() }),
  }),
  z.strictObject({ frame: z.string() }),
]);
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
    const { name, openid } = newUser.parse(await readJson(c.req.raw));
    return c.json(shownUser(platform.people.addUser(name, openid)));
  });

  api.post('/groups', async (c) => {
    const { name, openid, members } = newGroup.parse(await readJson(c.req.raw));
    return c.json(shownGroup(platform.people.addGroup(name, openid, members)));
  });

  api.post('/messages', async (c) => c.json(platform.say(newMessage.parse(await readJson(c.req.raw)))));
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

  api.post('/raw', async (c) => {
    const order = raw.parse(await readJson(c.req.raw));
    const sessions = 'frame' in order ? platform.sendRaw(order.frame) : platform.emit(eventOf(order.event));
    return c.json({ sessions });
  });

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
