/** Koishi with its OneBot adapter, programs that somebody else wrote: a process to be dialled by the implementation of account 10001. It prints its address. */
import { once } from 'node:events';
import { createRequire } from 'node:module';

// The adapter is CommonJS: were Koishi imported, there would be two of it, which know nothing of each other.
const require = createRequire(import.meta.url);
const { Context, HTTP, h } = require('koishi');
const { Server } = require('@koishijs/plugin-server');
const { OneBotBot } = require('koishi-plugin-adapter-onebot');

const app = new Context();
app.plugin(HTTP, {});
app.plugin(Server, {});
app.plugin(OneBotBot, { selfId: '10001', protocol: 'ws-reverse', path: '/onebot' });

app.command('friends').action(async ({ session }) => {
  const login = await session.bot.getLogin();
  const { data } = await session.bot.getFriendList();
  return `${login.user.name}: ${data.map(({ id, name }) => `${name} (${id})`).join(', ')}`;
});
app.command('members').action(async ({ session }) => {
  const { name } = await session.bot.getGuild(session.guildId);
  const { data } = await session.bot.getGuildMemberList(session.guildId);
  return `${name}: ${data.map(({ user, roles }) => `${user.name} ${roles[0].id}`).join(', ')}`;
});
app.command('picture').action(() => h.image('data:image/png;base64,iVBORw0KGgo='));
app.command('mute').action(({ session }) => session.bot.muteGuildMember(session.guildId, session.userId, 60_000));
app.command('quoted').action(({ session }) => `you quote ${session.quote.user.name}: ${session.quote.content}`);
app.middleware((session) => [
  h.quote(session.messageId),
  ...(session.isDirect ? [] : [h.at(session.userId)]),
  `heard: ${session.content}`,
]);

app.on('notice', async (session) => {
  if (session.subtype === 'poke') await session.send(`${session.userId} pokes ${session.targetId}`);
});
app.on('guild-member-added', (session) => session.send([h.text('welcome, '), h.at(session.userId)]));
app.on('friend-request', (session) => session.bot.handleFriendRequest(session.messageId, session.content === 'please'));

await app.start();
// Its own settings know no "any free port".
const http = app.server._http.listen(0, '127.0.0.1');
await once(http, 'listening');
process.stdout.write(`ws://127.0.0.1:${http.address().port}/onebot\n`);
