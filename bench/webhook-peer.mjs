/**
 * The platform's end of callbacks in a process of its own, driven over IPC. It signs what a flood needs before the flood, and then only
 * writes bytes and counts acknowledgements, so that it is never what is measured. Each event is another one, and is taken once.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { connect } from 'node:net';

/** @typedef {{ do: 'sign', count: number } | { do: 'flood' }} Order */
/** @typedef {{ tells: 'signed' } | { tells: 'done', ms: number } | { tells: 'failed', why: string }} Report */
/** @typedef {{ webhookPort: number, appId: string, clientSecret: string }} Place */

const CONNECTIONS = 64;
const CONVERSATIONS = 200;
const LIMIT_MS = 120_000;
const ACKNOWLEDGED = '{"op":12,"d":0}';

/** @type {Place} */
const { webhookPort, appId, clientSecret } = JSON.parse(process.argv[2] ?? '');
const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, clientSecret)]);
const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
let made = 0;
/** @type {Buffer[]} */
let requests = [];

/** @param {Report} what */
const report = (what) => void process.send?.(what);

/** In a group that the bot hears in full, and to nobody: it is journalled, and there is nothing to answer. */
function event() {
  const n = made++;
  const group = `group_${n % CONVERSATIONS}`;
  return JSON.stringify({
    op: 0,
    id: `GROUP_MESSAGE_CREATE:${n}`,
    t: 'GROUP_MESSAGE_CREATE',
    d: {
      id: `ROBOT1.0_${n}!`,
      content: `message ${n}: so many words, more or less, has a message in a group of people who know each other`,
      timestamp: new Date().toISOString(),
      message_type: 0,
      group_openid: group,
      group_id: group,
      author: {
        id: 'openid_alice',
        member_openid: 'openid_alice',
        member_role: 'member',
        username: 'Alice',
        bot: false,
      },
      mentions: [],
      message_scene: { source: 'default', ext: [`msg_idx=REFIDX_${n}==`] },
      attachments: [],
    },
  });
}

function signedRequest() {
  const body = event();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = sign(null, Buffer.from(timestamp + body), key).toString('hex');
  return Buffer.from(
    `POST /qq-official-webhook HTTP/1.1\r\nHost: bench\r\nUser-Agent: QQBot-Callback\r\nContent-Type: application/json\r\nX-Bot-Appid: ${appId}\r\n` +
      `X-Signature-Method: Ed25519\r\nX-Signature-Timestamp: ${timestamp}\r\nX-Signature-Ed25519: ${signature}\r\nX-Tps-trace-ID: bench${made}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function flood() {
  const from = performance.now();
  const owed = requests.length;
  let next = 0;
  let acknowledged = 0;
  const sockets = Array.from({ length: Math.min(CONNECTIONS, owed) }, () => connect(webhookPort, '127.0.0.1'));
  const timer = setTimeout(() => failed(`${acknowledged} of ${owed} were acknowledged`), LIMIT_MS);
  const end = () => {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    requests = [];
  };
  /** @param {string} why */
  const failed = (why) => {
    end();
    report({ tells: 'failed', why });
  };
  for (const socket of sockets) {
    const write = () => {
      const request = requests[next++];
      if (request !== undefined) socket.write(request);
    };
    socket.setNoDelay(true);
    socket.once('connect', write);
    socket.on('error', (error) => failed(error.message));
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      if (!text.includes(ACKNOWLEDGED)) {
        // What comes in two pieces ends with the acknowledgement.
        if (!text.startsWith('HTTP/1.1 200')) failed(`not acknowledged: ${text.slice(0, 200)}`);
        return;
      }
      acknowledged++;
      if (acknowledged < owed) return write();
      const ms = performance.now() - from;
      end();
      report({ tells: 'done', ms });
    });
  }
}

process.on('message', (message) => {
  const order = /** @type {Order} */ (message);
  if (order.do === 'flood') return flood();
  requests = Array.from({ length: order.count }, signedRequest);
  report({ tells: 'signed' });
});
process.on('disconnect', () => process.exit(0));
