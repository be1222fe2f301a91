/**
 * The baseline: the least that echoes on QQ. `ws`, `JSON.parse`, and one `undici` POST for each message; it keeps nothing,
 * checks nothing, repeats nothing. Reads its `Place` from `BENCH_PLACE` and ends with its connection.
 */
import { Pool, request } from 'undici';
import WebSocket from 'ws';

/** As many as the daemon keeps (src/lanes/qqbot/qqbot-lane.ts). */
const CONNECTIONS = 32;
const GROUP_AND_C2C = 1 << 25;
const OP = { dispatch: 0, heartbeat: 1, identify: 2, hello: 10 };

/** @type {import('./arena.mjs').Place} */
const place = JSON.parse(process.env.BENCH_PLACE ?? '');
const pool = new Pool(place.apiBaseUrl, { connections: CONNECTIONS });

const grant = await request(place.tokenUrl, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ appId: place.appId, clientSecret: place.clientSecret }),
  dispatcher: pool,
});
const authorization = `QQBot ${JSON.parse(await grant.body.text()).access_token}`;
const found = await pool.request({ method: 'GET', path: '/gateway/bot', headers: { authorization } });
const socket = new WebSocket(JSON.parse(await found.body.text()).url, { perMessageDeflate: false });

/** @type {number | null} */
let seq = null;

socket.on('message', (data) => {
  const frame = JSON.parse(data.toString());
  if (frame.op === OP.dispatch) {
    seq = frame.s;
    if (frame.t === 'C2C_MESSAGE_CREATE') echo(frame.d).catch(fail);
  } else if (frame.op === OP.hello) {
    const d = { token: authorization, intents: GROUP_AND_C2C, shard: [0, 1], properties: {} };
    socket.send(JSON.stringify({ op: OP.identify, d }));
    setInterval(() => socket.send(JSON.stringify({ op: OP.heartbeat, d: seq })), frame.d.heartbeat_interval);
  }
});
socket.on('close', () => process.exit(0));
socket.on('error', fail);

/** @param {{ id: string, content: string, author: { user_openid: string } }} message */
async function echo(message) {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: `/v2/users/${message.author.user_openid}/messages`,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ content: message.content, msg_type: 0, msg_id: message.id, msg_seq: 1 }),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`an answer was refused: HTTP ${statusCode}`);
}

/** @param {unknown} error */
function fail(error) {
  console.error(error);
  process.exit(1);
}
