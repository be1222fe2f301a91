/** The operator's door: HTTP and JSON on a unix socket of mode 0600. */
import { chmod, rm } from 'node:fs/promises';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { type Listener, listen } from '../http/listener.js';
import { AccessDenied, describeError, LoongError, UsageError } from '../model/errors.js';
import type { Log } from '../telemetry/log.js';
import type { DaemonOperations, Problem } from './api.js';

const MAX_BODY_BYTES = 1_048_576;
/** Longest time a request may wait for a message to settle. */
const MAX_WAIT_MS = 60_000;

const content = z.string().max(200_000);
const sendRequest = z
  .strictObject({
    target: z.string().max(400),
    text: content.optional(),
    markdown: content.optional(),
    segments: z
      .array(z.strictObject({ type: z.string().regex(/^[\w.-]{1,64}$/), data: z.record(z.string(), z.unknown()) }))
      .min(1)
      .max(200)
      .optional(),
    reply_to: z.string().min(1).max(512).optional(),
  })
  .refine(
    ({ text, markdown, segments }) => [text, markdown, segments].filter((one) => one !== undefined).length === 1,
    {
      error: 'exactly one of text, markdown and segments is needed',
    },
  );
const named = z.string().min(1).max(200);
const choice = { channel: named, account: named.optional() };
const approveRequest = z.strictObject({ ...choice, pairing: named, notify: z.boolean().optional() });
const removeRequest = z.union([
  z.strictObject({ ...choice, pairing: named }),
  z.strictObject({ ...choice, approved: named }),
]);
const retryRequest = z.strictObject({ may_double: z.boolean().optional() });
const SEND_REMEDY =
  'the body is {"target": "…"} with "text", "markdown" or (onebot) "segments", and "reply_to" if you like';
const actionName = /^[.\w]{1,64}$/;
const ACTION_REMEDY = 'the path ends with the name of an action, the body is its params as a JSON object';
const APPROVE_REMEDY =
  'the body is {"channel": "…", "pairing": "code or user id"}, with "account" and "notify" if you like';
const REMOVE_REMEDY =
  'write /v1/pairings?channel=…&pairing=… (code or user id) to deny, or …&approved=… (user id) to revoke';
const LIST_REMEDY = 'GET /v1/queue lists what there is; what was settled is kept for `retention_days`';
const PATH_REMEDY = 'docs/control-api.md lists all calls';
const RETRY_REMEDY = 'the body is empty, or {"may_double": true} for a message that may have arrived';

/** Listens on `socketPath`, which must belong to this process: what a dead owner left there is removed. */
export async function openControlServer(socketPath: string, daemon: DaemonOperations, log: Log): Promise<Listener> {
  await rm(socketPath, { force: true });
  const listener = await listen({ socketPath }, routes(daemon, log).fetch);
  await chmod(socketPath, 0o600);
  return listener;
}

function routes(daemon: DaemonOperations, log: Log): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => problem(413, 'request.too_large', 'the body is too large') }),
  );

  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', (c) => {
    const { accounts } = daemon.status();
    const ok = accounts.every((account) => account.state === 'ready');
    return c.json({ ok, accounts }, ok ? 200 : 503);
  });
  app.get('/v1/status', (c) => c.json(daemon.status()));
  app.post('/v1/messages', async (c) => {
    // A body that is no JSON is told like one that has the wrong shape.
    const body = sendRequest.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return malformed(body.error, SEND_REMEDY);
    return c.json(await daemon.submit(body.data, c.req.header('idempotency-key')), 202);
  });
  app.get('/v1/messages/:id', async (c) => {
    const waitMs = Number(c.req.query('wait_ms') ?? 0);
    const receipt = await daemon.message(
      c.req.param('id'),
      Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), MAX_WAIT_MS) : 0,
    );
    return receipt === undefined
      ? problem(404, 'message.unknown', 'there is no message with this id', LIST_REMEDY)
      : c.json(receipt);
  });

  app.get('/v1/queue', (c) => c.json({ rows: daemon.queue() }));
  app.get('/v1/queue/:id', (c) => {
    const item = daemon.queueItem(c.req.param('id'));
    return item === undefined
      ? problem(404, 'queue.unknown', 'there is no message with this id in the queue', LIST_REMEDY)
      : c.json(item);
  });
  app.post('/v1/queue/:id', async (c) => {
    const text = await c.req.text();
    const body = retryRequest.safeParse(text === '' ? {} : parsed(text));
    if (!body.success) return malformed(body.error, RETRY_REMEDY);
    return c.json(await daemon.retry(c.req.param('id'), body.data.may_double === true), 202);
  });
  app.delete('/v1/queue/:id', async (c) => c.json(await daemon.drop(c.req.param('id'))));

  app.get('/v1/pairings', (c) => c.json(daemon.pairings()));
  app.post('/v1/pairings', async (c) => {
    const body = approveRequest.safeParse(parsed(await c.req.text()));
    if (!body.success) return malformed(body.error, APPROVE_REMEDY);
    return c.json(await daemon.approve(body.data));
  });
  app.delete('/v1/pairings', async (c) => {
    const query = removeRequest.safeParse(c.req.query());
    if (!query.success) return malformed(query.error, REMOVE_REMEDY);
    if ('pairing' in query.data) return c.json(await daemon.deny(query.data));
    const { approved: pairing, ...where } = query.data;
    return c.json(await daemon.revoke({ ...where, pairing }));
  });

  app.post('/v1/onebot/:account/actions/:action', async (c) => {
    const text = await c.req.text();
    const params = z.record(z.string(), z.unknown()).safeParse(text === '' ? {} : parsed(text));
    const { account, action } = c.req.param();
    if (!params.success || !actionName.test(action)) {
      return problem(400, 'request.invalid', 'the action or its params are not well-formed', ACTION_REMEDY);
    }
    return c.json({ data: (await daemon.onebot(account, action, params.data)) ?? null });
  });

  app.post('/v1/stop', (c) => {
    daemon.requestStop();
    return c.json({ stopping: true, pid: process.pid }, 202);
  });

  app.notFound(() => problem(404, 'request.unknown_path', 'nothing answers this method at this path', PATH_REMEDY));
  app.onError((error) => {
    if (error instanceof LoongError) return problem(statusOf(error), error.code, error.message, error.remedy);
    log.error({ error: describeError(error) }, 'a control request failed');
    return problem(500, 'internal', 'this is a fault in loong', 'please report it with the log');
  });
  return app;
}

/** Error codes whose HTTP status their class does not tell. */
const STATUS_BY_CODE: { readonly [code: string]: number } = {
  'message.unknown': 404,
  'queue.unknown': 404,
  'pairing.unknown': 404,
  'queue.settled': 409,
  'queue.sending': 409,
  'idempotency.conflict': 409,
};

function statusOf(error: LoongError): number {
  const known = STATUS_BY_CODE[error.code];
  if (known !== undefined) return known;
  if (error instanceof UsageError) return 400;
  return error instanceof AccessDenied ? 403 : 503;
}

/** What is no JSON has the wrong shape. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A request of another shape than the call takes: what is wrong where. */
function malformed({ issues }: z.ZodError, remedy: string): Response {
  const words = issues.map(({ code, path, message }) => {
    if (path.length > 0) return `${path.join('.')}: ${message}`;
    return code === 'invalid_type' ? 'the body is no JSON object' : message;
  });
  return problem(400, 'request.invalid', words.join('; '), remedy);
}

function problem(status: number, code: string, title: string, remedy?: string): Response {
  const document: Problem = { title, status, code, ...(remedy === undefined ? {} : { remedy }) };
  return new Response(JSON.stringify(document), { status, headers: { 'content-type': 'application/problem+json' } });
}
