// Answers turns of loong over HTTP. Run it with: HOOK_SECRET=… node hook.mjs [port]
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.HOOK_SECRET ?? '';
if (secret === '') throw new Error('set HOOK_SECRET, here and for loong');

createServer(async (request, response) => {
  const body = await bodyOf(request);
  if (body === undefined) return response.destroy();
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const turn = JSON.parse(body.toString('utf8'));
  if (turn.text === 'quiet') return response.writeHead(204).end(); // silence
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ messages: [{ text: `You said: ${turn.text}` }] }));
}).listen(Number(process.argv[2] ?? 9000), '127.0.0.1', function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}/turn`);
});

// Undefined when the connection ended too early, or somebody sends more than any turn has.
async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += chunk.length;
      if (size > 16 * 1024 * 1024) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

// The signature covers the time and the body, so that no recorded turn can be sent again later.
function isSigned(headers, body) {
  const time = headers['x-loong-timestamp'] ?? '';
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < 300)) return false;
  const hmac = createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
  const expected = Buffer.from(`sha256=${hmac}`);
  const given = Buffer.from(headers['x-loong-timestamp-signature'] ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
