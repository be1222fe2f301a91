/** The baseline of callbacks: `node:http`, `crypto.verify` and `JSON.parse`. It keeps nothing, and takes a copy of an event for another one. */
import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';

const { webhookPort, clientSecret } = JSON.parse(process.env.BENCH_PLACE ?? '');
const seed = Buffer.alloc(32, clientSecret);
const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));

createServer((request, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const signed = Buffer.concat([Buffer.from(String(request.headers['x-signature-timestamp'])), body]);
    const signature = Buffer.from(String(request.headers['x-signature-ed25519']), 'hex');
    const isGood = verify(null, signed, key, signature) && JSON.parse(body.toString()).op === 0;
    response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' });
    response.end(isGood ? '{"op":12,"d":0}' : '');
  });
}).listen(webhookPort, '127.0.0.1');
