/**
 * The part of the sandbox's JSON API that acts on its OneBot side; bodies are those of `orders.ts`. `self_id` may be left out everywhere:
 * it means the first implementation.
 *
 * | Method and path (under `/sandbox/v1/onebot`) | Body or query | Answer |
 * |---|---|---|
 * | GET `/state` | | implementations with their lines and faults, users, groups, files |
 * | POST `/implementations` | `{url, self_id?, token?, flavour?, role?, api_url?, event_url?, format?, heartbeat_ms?, reconnect_ms?, report_self?, debug?, headers?}` | the implementation, which dials from now on |
 * | POST `/implementations/{self_id}` | `{connected?, online?, good?, format?, report_self?, debug?, restart?}` | the implementation |
 * | DELETE `/implementations/{self_id}` | | `{removed}` |
 * | POST `/users` | `{user_id, name, friend?}` | the user |
 * | POST `/groups` | `{group_id, name, members?, bot_role?}` | the group |
 * | POST `/messages` | `{from, group? or temp_group?, text?, message?, mention?, quote?, records?, message_id?, own?, duplicate?}` | the transcript entry |
 * | POST `/events` | `{kind, …}`: a notice or a request | `{events}` |
 * | POST `/raw` | `{frame}`, `{event}` or `{base64, opcode}` | `{lines}` |
 * | GET, POST, DELETE `/faults`, DELETE `/faults/{id}` | `{kind, …}` | `{fault}`; null for one that happened at once |
 * | GET `/files/{id}` | | what is in it |
 */
import { Hono } from 'hono';
import { z } from 'zod';
import { SandboxError } from '../sandbox-error.js';
import type { OneBotPlatform } from './onebot-platform.js';
import {
  type EventOrder,
  type FaultOrder,
  type ImplementationOrder,
  implementationSwitches,
  personId,
  rawOrder,
  type Say,
} from './orders.js';
import { writeJson } from './wire-json.js';
import { shownGroup } from './world.js';

const name = z.string().trim().min(1).max(64);
const newUser = z.strictObject({ user_id: personId.optional(), name, friend: z.boolean().default(true) });
const newGroup = z.strictObject({
  group_id: personId.optional(),
  name,
  members: z.array(personId).max(500).default([]),
  bot_role: z.enum(['owner', 'admin', 'member']).default('member'),
});

type ReadJson = (request: Request) => Promise<unknown>;

/** Mounted at `/onebot`; errors are answered by what it is mounted in. */
export function oneBotApi(onebot: OneBotPlatform, readJson: ReadJson): Hono {
  const api = new Hono();

  api.get('/state', (c) => c.json(onebot.state()));

  api.post('/implementations', async (c) =>
    c.json(onebot.connect((await readJson(c.req.raw)) as ImplementationOrder).shown()),
  );
  api.post('/implementations/:self_id', async (c) => {
    const implementation = onebot.implementation(c.req.param('self_id'));
    await implementation.set(implementationSwitches.parse(await readJson(c.req.raw)));
    return c.json(implementation.shown());
  });
  api.delete('/implementations/:self_id', async (c) => {
    await onebot.disconnect(c.req.param('self_id'));
    return c.json({ removed: 1 });
  });

  api.post('/users', async (c) => {
    const { user_id, name, friend } = newUser.parse(await readJson(c.req.raw));
    const made = onebot.world.addPerson(user_id ?? onebot.world.freeId(20_005), name, friend);
    return c.json({ user_id: made.id, name, friend });
  });
  api.post('/groups', async (c) => {
    const { group_id, name, members, bot_role } = newGroup.parse(await readJson(c.req.raw));
    const made = onebot.world.addGroup(group_id ?? onebot.world.freeId(30_005), name, members, bot_role);
    const bots = onebot.implementations.map(({ account }) => account.selfId);
    for (const bot of bots) onebot.world.admitBot(bot, bots);
    return c.json(shownGroup(onebot.world)(made));
  });

  api.post('/messages', async (c) => c.json(onebot.say((await readJson(c.req.raw)) as Say)));
  api.post('/events', async (c) => {
    const events = onebot.happen((await readJson(c.req.raw)) as EventOrder);
    return c.body(writeJson({ events }), 200, { 'Content-Type': 'application/json' });
  });
  api.post('/raw', async (c) => c.json({ lines: onebot.sendRaw(rawOrder.parse(await readJson(c.req.raw))) }));

  api.get('/faults', (c) => c.json({ faults: onebot.implementations.flatMap(({ spoilers }) => spoilers.list()) }));
  api.post('/faults', async (c) =>
    c.json({ fault: (await onebot.fault((await readJson(c.req.raw)) as FaultOrder)) ?? null }),
  );
  api.delete('/faults', (c) => c.json({ removed: removeFaults(onebot) }));
  api.delete('/faults/:id', (c) => {
    const id = c.req.param('id');
    const removed = removeFaults(onebot, id);
    if (removed === 0) throw new SandboxError('fault.unknown', `there is no fault ${id}`, 404);
    return c.json({ removed });
  });

  api.get('/files/:id', (c) => {
    const file = onebot.world.files.get(c.req.param('id'));
    if (file?.content === undefined) throw new SandboxError('file.unknown', 'there is no such file', 404);
    return c.body(new Uint8Array(file.content), 200, {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment',
      'X-Content-Type-Options': 'nosniff',
    });
  });
  return api;
}

function removeFaults(onebot: OneBotPlatform, id?: string): number {
  return onebot.implementations.reduce((sum, { spoilers }) => sum + spoilers.remove(id), 0);
}
