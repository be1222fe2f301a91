/**
 * A pretended OneBot implementation in a process of its own, driven over IPC: dials in, writes private messages, and takes the answers.
 * Every answer is checked as it comes: to a message of ours, with its text, once.
 */
import WebSocket from 'ws';

/** @typedef {{ do: 'flood', count: number }} Order */
/** @typedef {{ tells: 'ready' } | { tells: 'done', ms: number } | { tells: 'failed', why: string }} Report */

const SELF_ID = 10_001;
const FIRST_USER = 20_000;
const CONVERSATIONS = 200;
/** Messages that may be unanswered at a time. */
const WINDOW = 1000;
const LIMIT_MS = 120_000;

const url = process.argv[2] ?? '';
/** Texts that are not answered yet, by user: answers to one user come in order. @type {Map<number, string[]>} */
const owed = new Map();
let written = 0;
let answered = 0;
let onProgress = () => {};
/** @type {WebSocket} */
let socket;

/** @param {Report} what */
const report = (what) => void process.send?.(what);
/** @param {object} frame */
const send = (frame) => socket.send(JSON.stringify(frame));
const now = () => Math.floor(Date.now() / 1000);

function dial() {
  const headers = { 'x-self-id': String(SELF_ID), 'x-client-role': 'Universal' };
  socket = new WebSocket(url, { headers, perMessageDeflate: false });
  let isOpen = false;
  socket.on('open', () => {
    isOpen = true;
    send({ time: now(), self_id: SELF_ID, post_type: 'meta_event', meta_event_type: 'lifecycle', sub_type: 'connect' });
    report({ tells: 'ready' });
  });
  socket.on('message', (data) => take(JSON.parse(data.toString())));
  socket.on('error', () => {});
  socket.on('close', () => {
    if (isOpen) report({ tells: 'failed', why: 'the connection did not hold' });
    else setTimeout(dial, 50);
  });
}

/** @param {{ action: string, params: { user_id: number, message: string | { data: { text: string } }[] }, echo: unknown }} call */
function take({ action, params, echo }) {
  if (action !== 'send_msg' && action !== 'send_private_msg') {
    const data = { user_id: SELF_ID, nickname: 'bench', app_name: 'bench', online: true, good: true };
    return send({ status: 'ok', retcode: 0, data, echo });
  }
  const text = Array.isArray(params.message) ? params.message.map((part) => part.data.text).join('') : params.message;
  const asked = owed.get(Number(params.user_id))?.shift();
  if (asked !== text) report({ tells: 'failed', why: `asked ${asked}, answered ${text}` });
  answered++;
  send({ status: 'ok', retcode: 0, data: { message_id: answered }, echo });
  onProgress();
}

function write() {
  written++;
  const user = FIRST_USER + (written % CONVERSATIONS);
  const text = `message ${written} of the bench`;
  const texts = owed.get(user) ?? [];
  owed.set(user, texts);
  texts.push(text);
  send({
    self_id: SELF_ID,
    user_id: user,
    time: now(),
    message_id: written,
    real_seq: String(written),
    message_type: 'private',
    sub_type: 'friend',
    sender: { user_id: user, nickname: `User ${user}` },
    raw_message: text,
    font: 14,
    message: [{ type: 'text', data: { text } }],
    message_format: 'array',
    post_type: 'message',
  });
}

/** @param {number} count */
function flood(count) {
  const end = written + count;
  const from = performance.now();
  const timer = setTimeout(
    () => report({ tells: 'failed', why: `${answered} of ${written} were answered within ${LIMIT_MS / 1000} s` }),
    LIMIT_MS,
  );
  let isDue = false;
  const fill = () => {
    isDue = false;
    while (written < end && written - answered < WINDOW) write();
  };
  onProgress = () => {
    if (answered === end) {
      clearTimeout(timer);
      onProgress = () => {};
      report({ tells: 'done', ms: performance.now() - from });
    } else if (!isDue && written < end) {
      isDue = true;
      setImmediate(fill);
    }
  };
  fill();
}

process.on('message', (order) => flood(/** @type {Order} */ (order).count));
process.on('disconnect', () => process.exit(0));
dial();
