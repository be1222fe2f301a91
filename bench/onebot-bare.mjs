/** The baseline of the OneBot lane: the least that echoes. A `ws` server and `JSON.parse`; it keeps nothing, checks nothing, repeats nothing. */
import { WebSocketServer } from 'ws';

const { port } = JSON.parse(process.env.BENCH_PLACE ?? '');
const server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false });
let calls = 0;

server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const { post_type: type, user_id, message } = JSON.parse(data.toString());
    if (type !== 'message') return;
    calls++;
    socket.send(JSON.stringify({ action: 'send_private_msg', params: { user_id, message }, echo: String(calls) }));
  });
});
