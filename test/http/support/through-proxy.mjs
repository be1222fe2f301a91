// A process that trusts the certificate of the test (NODE_EXTRA_CA_CERTS): asks over https and over wss, through the proxy named first.
import { Agent, request } from 'undici';
import WebSocket from 'ws';
import { restConnections, webSocketConnection } from '../../../dist/http/proxied.js';

const [, , proxy, authority] = process.argv;
const through = { url: proxy, from: 'the test' };
const proxies = { secure: through, plain: through, exceptions: [], takesLoopback: true };

const dispatcher = new Agent({ connections: 1, connect: restConnections(proxies, 5000) });
const texts = [];
for (let i = 0; i < 2; i++) texts.push(await (await request(`https://${authority}/`, { dispatcher })).body.text());
await dispatcher.close();
const url = `wss://${authority}/`;
const socket = new WebSocket(url, webSocketConnection(url, proxies, 5000));
const greeting = await new Promise((resolve, reject) => {
  socket.once('message', (data) => resolve(String(data)));
  socket.once('error', reject);
});
socket.terminate();
process.stdout.write(JSON.stringify({ texts, greeting }));
