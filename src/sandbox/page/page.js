// The chat page of the sandbox: a person plays QQ users, and sees what the bot does. Everything shown is set as text, never as markup.
import { oneBotActivity, oneBotConfig, oneBotConversations, oneBotPlace, partsOfSegments } from './onebot.js';
import { WORDS } from './words.js';

const API = '/sandbox/v1';
const SHOWN_PER_PEER = 1000;
const SHOWN_ACTIVITY = 200;
/** How long the sign that somebody types is shown where nobody says how long. */
const SHORT_TYPING_S = 10;
/** What the bot says, and what it shows of that it is about to. */
const OF_BOT = /^(bot|onebot)\.(send|stream|typing)$/;

const PEER_LISTS = {
  users: 'c2c',
  groups: 'group',
  channels: 'channel',
  dms: 'dm',
  'onebot-friends': 'onebot.private',
  'onebot-groups': 'onebot.group',
};

const $ = (id) => document.getElementById(id);
const entries = [];
const arrived = [];
const unread = new Map();
let state;
let lastSeen = 0;
let peer = { kind: 'c2c', openid: 'openid_alice' };
let language = localStorage.getItem('language') === 'en' ? 'en' : 'zh';
let refreshing;
const words = () => WORDS[language];

listenToPerson();
showWords();
await refresh();
follow();
showLog();
$('text').focus();

/** Reads the transcript from its first kept entry, and goes on for as long as the page is open. */
function follow() {
  const stream = new EventSource(`${API}/transcript/stream?after=0`);
  stream.addEventListener('message', ({ data }) => take(JSON.parse(data)));
  stream.addEventListener('open', async () => {
    await refresh();
    // Another sandbox runs at this address now: its numbers begin again.
    if (state !== undefined && state.last < lastSeen) location.reload();
  });
  stream.addEventListener('error', () => {
    state = undefined;
    showLink();
  });
}

function take(entry) {
  if (entry.n <= lastSeen) return;
  lastSeen = entry.n;
  entries.push(entry);
  if (entries.length > SHOWN_PER_PEER * 5) entries.shift();
  arrived.push(entry);
  if (arrived.length === 1) setTimeout(showArrived, 15);
}

/** What came within one frame is shown together: a long history does not make the page crawl. */
function showArrived() {
  const here = arrived.filter(isHere);
  if (here.length > 20) showLog();
  else for (const entry of here) append(entry);
  for (const entry of arrived) if (isOfBot(entry) && !isHere(entry)) countUnread(placeOf(entry));
  const happened = arrived.filter(isActivity);
  for (const entry of happened.slice(-SHOWN_ACTIVITY)) note(entry);
  if (happened.length > 0) refreshSoon();
  if (here.length < arrived.length && state !== undefined) showPeers();
  arrived.length = 0;
}

function isActivity(entry) {
  return !['user.message', 'bot.send', 'bot.stream', 'onebot.message', 'onebot.send', 'onebot.typing'].includes(
    entry.kind,
  );
}

function isTyping(entry) {
  return entry.kind === 'onebot.typing' || entry.msg_type === 6;
}

/** For how long (ms) a typing sign is still seen: until it is taken back, or its time is over. */
function typingLeft(entry) {
  const { input_type = 1, input_second = SHORT_TYPING_S } = entry.typing ?? {};
  const isShown = entry.accepted !== false && entry.hidden !== true && (entry.event_type ?? input_type) === 1;
  return isShown ? entry.at + input_second * 1000 - Date.now() : 0;
}

function isOfBot(entry) {
  return (entry.kind === 'bot.send' || entry.kind === 'onebot.send') && !isTyping(entry);
}

/** Where an entry belongs; undefined: to no conversation. */
function placeOf(entry) {
  return entry.kind.startsWith('onebot.') ? oneBotPlace(entry) : entry.scene;
}

function isHere(entry) {
  const place = placeOf(entry);
  const isRefusedPiece = entry.kind === 'bot.stream' && !entry.accepted;
  return place !== undefined && same(place, peer) && !isRefusedPiece;
}

function same(a, b) {
  return a.kind === b.kind && a.openid === b.openid;
}
function keyOf(place) {
  return `${place.kind} ${place.openid}`;
}

function countUnread(place) {
  unread.set(keyOf(place), (unread.get(keyOf(place)) ?? 0) + 1);
}

async function refresh() {
  try {
    const answer = await fetch(`${API}/state`);
    state = await answer.json();
  } catch {
    state = undefined;
  }
  showLink();
  if (state !== undefined) showState();
}

function refreshSoon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, 60);
}

function showState() {
  showPeers();
  showHead();
  showSpeakers();
  showSetup();
}

// ——— what stands on the page

function showWords() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const place of document.querySelectorAll('[data-text]')) place.textContent = words()[place.dataset.text];
  for (const place of document.querySelectorAll('[data-label]'))
    place.setAttribute('aria-label', words()[place.dataset.label]);
  for (const place of document.querySelectorAll('[data-hint]')) place.placeholder = words()[place.dataset.hint];
  $('language').textContent = words().language;
  $('language').lang = language === 'zh' ? 'en' : 'zh-CN';
}

function showLink() {
  const link = $('link');
  const connected = state !== undefined && isConnected();
  link.dataset.state = connected ? 'on' : 'off';
  link.textContent = state === undefined ? words().lost : connected ? words().online : offline();
}

/** Of the conversation that is open, and whether a bot is there all the same, only elsewhere on this page. */
function offline() {
  if (!isConnectedElsewhere()) return words().offline;
  return current()?.account === undefined ? words().onlyOneBot : words().onlyOthers;
}

function isConnectedElsewhere() {
  return !isConnected() && (state.connected || state.onebot.implementations.some((account) => account.connected));
}

/** Whether a bot hears what is written in the conversation that is open. */
function isConnected() {
  const account = current()?.account;
  return account === undefined ? state.connected : account.connected;
}

function showPeers() {
  const focused = document.activeElement?.dataset?.peer;
  for (const [id, kind] of Object.entries(PEER_LISTS)) {
    const shown = conversations().filter((conversation) => conversation.kind === kind);
    $(id).replaceChildren(...shown.map(peerButton));
    if (kind.startsWith('onebot.')) $(id).previousElementSibling.hidden = shown.length === 0;
  }
  if (focused !== undefined)
    [...document.querySelectorAll('.peer')].find((button) => button.dataset.peer === focused)?.focus();
}

/** Everything one can write in: its scene, its name, who may speak there, how a message names the place, and its switches. */
function conversations() {
  const { users, groups, guilds } = state;
  return [
    ...users.map((user) => ({
      kind: 'c2c',
      openid: user.openid,
      name: user.name,
      message: { from: user.openid },
      owner: { user: user.openid },
      switches: { active_allowed: ['allowActive', user], friend: ['friend', user] },
    })),
    ...groups.map((group) => ({
      kind: 'group',
      openid: group.group_openid,
      name: group.name,
      speakers: group.members,
      message: { group: group.group_openid },
      owner: { group: group.group_openid },
      switches: {
        active_allowed: ['allowActive', group],
        bot_in_group: ['botInGroup', group],
        receive_all: ['receiveAll', group],
      },
    })),
    ...guilds.flatMap((guild) => {
      const owned = { owner: { guild: guild.guild_id }, switches: { bot_in_guild: ['botInGuild', guild] } };
      return [
        ...guild.channels.map((channel) => ({
          kind: 'channel',
          openid: channel.channel_id,
          name: `#${channel.name}`,
          speakers: guild.members,
          message: { channel: channel.channel_id },
          ...owned,
        })),
        ...guild.members.map((member) => ({
          kind: 'dm',
          openid: member.dm_guild_id,
          name: member.name,
          message: { from: member.openid, dm: guild.guild_id },
          ...owned,
        })),
      ];
    }),
    ...oneBotConversations(state, words()),
  ];
}

function current() {
  return conversations().find((conversation) => same(conversation, peer));
}

function peerButton({ kind, openid, name }) {
  const place = { kind, openid };
  const letter = kind === 'channel' ? '#' : ([...name][0]?.toUpperCase() ?? '?');
  const face = element('span', kind === 'c2c' ? 'face' : `face ${kind.replace('.', '-')}`, letter);
  face.setAttribute('aria-hidden', 'true');
  const count = unread.get(keyOf(place)) ?? 0;
  const button = element(
    'button',
    'peer',
    face,
    element('span', 'name', name),
    ...(count > 0 ? [element('span', 'unread', String(count))] : []),
  );
  button.type = 'button';
  button.dataset.peer = keyOf(place);
  button.setAttribute('aria-current', String(same(place, peer)));
  button.addEventListener('click', () => choose(place));
  return element('li', '', button);
}

function choose(place) {
  peer = place;
  unread.delete(keyOf(place));
  showLink();
  showState();
  showLog();
  $('text').focus();
}

function showHead() {
  const found = current();
  $('peer-name').textContent = found?.name ?? peer.openid;
  $('peer-id').textContent = found?.target ?? `${peer.kind}:${peer.openid}`;
  if (found === undefined) return;
  const focused = document.activeElement?.dataset?.switch;
  $('switches').replaceChildren(
    ...Object.entries(found.switches).map(([key, [word, holder]]) => switchBox(holder, found.owner, key, word)),
  );
  if (focused !== undefined) document.querySelector(`[data-switch="${focused}"]`)?.focus();
}

function switchBox(holder, owner, key, word) {
  const box = element('input', '');
  box.type = 'checkbox';
  box.checked = holder[key];
  box.dataset.switch = key;
  box.addEventListener('change', async () => {
    await post('/switches', { ...owner, [key]: box.checked });
    await refresh();
  });
  return element('label', '', box, words()[word]);
}

function showSpeakers() {
  const members = current()?.speakers;
  $('group-options').hidden = members === undefined;
  if (members === undefined) return;
  const chosen = $('speaker').value;
  $('speaker').replaceChildren(
    ...members.map((member) => {
      const option = element('option', '', member.name);
      option.value = member.openid;
      return option;
    }),
  );
  if (members.some((member) => member.openid === chosen)) $('speaker').value = chosen;
}

function showSetup() {
  const account = current()?.account;
  $('setup').hidden = isConnected();
  $('setup').querySelector('h3').textContent = isConnectedElsewhere() ? words().noBotHere : words().noBot;
  $('setup-help').textContent = account === undefined ? words().setupHelp : words().setupHelpOneBot;
  $('config').textContent = account === undefined ? platformConfig() : oneBotConfig(account);
}

function platformConfig() {
  return [
    '[qqbot]',
    `app_id = "${state.app_id}"`,
    `client_secret = "${state.client_secret}"`,
    `api_base_url = "${location.origin}"`,
    `token_url = "${location.origin}/app/getAppAccessToken"`,
    'allowed_peer_ids = ["openid_alice", "openid_bob"]',
  ].join('\n');
}

function showLog() {
  const newest = new Map(entries.filter((entry) => entry.kind === 'bot.stream').map((entry) => [entry.id, entry]));
  const isGrown = (entry) => entry.kind === 'bot.stream' && newest.get(entry.id) !== entry;
  const all = entries.filter((entry) => isHere(entry) && !isGrown(entry));
  // Whatever the bot says ends the sign that it types.
  const last = all.findLast((entry) => OF_BOT.test(entry.kind));
  const here = all
    .filter((entry) => !isTyping(entry) || (entry === last && typingLeft(entry) > 0))
    .slice(-SHOWN_PER_PEER);
  const hint = element('li', 'hint', words().hints[peer.kind]);
  $('log').replaceChildren(...(here.length === 0 ? [hint] : here.map(lineOf)));
  $('log').scrollTop = $('log').scrollHeight;
}

function append(entry) {
  const log = $('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  if (OF_BOT.test(entry.kind)) for (const sign of log.querySelectorAll('.typing')) sign.remove();
  if (isTyping(entry) && typingLeft(entry) <= 0) return;
  const line = lineOf(entry);
  line.classList.add('fresh');
  log.querySelector('.hint')?.remove();
  const growing = entry.kind === 'bot.stream' && [...log.children].find((child) => child.title === entry.id);
  if (growing) growing.replaceWith(line);
  else log.append(line);
  if (log.children.length > SHOWN_PER_PEER) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// ——— one entry as a line of the chat

function lineOf(entry) {
  if (entry.kind === 'user.message') return userLine(entry);
  if (entry.kind === 'onebot.message') return oneBotUserLine(entry);
  if (entry.kind === 'onebot.send') return oneBotBotLine(entry);
  if (isTyping(entry)) return typingLine(entry);
  if (entry.kind === 'bot.send') return botLine(entry);
  // One message that grows; while it does, there is a sign of that behind it.
  if (entry.kind === 'bot.stream') {
    return botLine({ ...entry, mode: 'passive', text: entry.finished ? entry.text : `${entry.text} ▍` });
  }
  return noteLine(entry, entry.type);
}

function userLine(entry) {
  const trouble = troubleOf(entry);
  const called = [
    ...(entry.mention ? [words().bot] : []),
    ...(entry.everyone ? [words().everyone] : []),
    ...(entry.mentions ?? []),
  ];
  const faces = (entry.faces ?? []).map((face) => `[${face.text}]`).join('');
  const text = [...called.map((name) => `@${name}`), entry.text + faces].filter((part) => part !== '').join(' ');
  const chips = partsOf(entry);
  return element(
    'li',
    'message mine',
    element('span', 'who', entry.from.name),
    ...quoteOf(entry),
    ...(text === '' && chips.length > 0 ? [] : [element('div', 'bubble', text)]),
    ...(chips.length > 0 ? [element('div', 'chips', ...chips)] : []),
    element('div', 'facts', ...(trouble === undefined ? [] : [element('span', 'bad-text', trouble)]), time(entry.at)),
  );
}

function oneBotUserLine(entry) {
  const { text, chips } = partsOfSegments(entry.segments, words(), callName);
  const ownSide = entry.from.user_id === entry.scene.self_id;
  const trouble = entry.lines > 0 ? [] : [element('span', 'bad-text', words().unheard)];
  return element(
    'li',
    ownSide ? 'message' : 'message mine',
    element('span', 'who', entry.from.name),
    ...(text === '' && chips.length > 0 ? [] : [element('div', 'bubble', text)]),
    ...chipsOf(chips),
    element('div', 'facts', ...trouble, time(entry.at)),
  );
}

function oneBotBotLine(entry) {
  const { text, chips } = partsOfSegments(entry.accepted ? entry.seen : entry.segments, words(), callName);
  const dropped = entry.dropped.map((type) => element('span', 'tag bad', `${words().dropped} ${type}`));
  const refused = entry.accepted ? [] : [element('span', 'tag bad', words().refused)];
  const reason = entry.reason === undefined ? [] : [element('span', 'bad-text', entry.reason)];
  const line = element(
    'li',
    entry.accepted ? 'message' : 'message refused',
    element('span', 'who', words().bot),
    ...quoteOf(entry),
    ...(text === '' && chips.length > 0 ? [] : [element('div', 'bubble', text || '…')]),
    ...chipsOf(chips),
    element('div', 'facts', ...refused, ...dropped, ...reason, time(entry.at)),
  );
  if (entry.message_id !== undefined) line.title = String(entry.message_id);
  return line;
}

/** Who is @-ed in the other world: a bot by what the page calls it. */
function callName(id) {
  const { implementations = [], users = [] } = state?.onebot ?? {};
  if (implementations.some((account) => account.self_id === id)) return words().bot;
  return users.find((user) => user.user_id === id)?.name ?? id;
}

function chipsOf(chips) {
  if (chips.length === 0) return [];
  return [
    element('div', 'chips', ...chips.map(([kind, name]) => element('span', 'chip', element('b', '', kind), name))),
  ];
}

/** Why no bot got the message, where none did. */
function troubleOf({ events, sessions }) {
  if (events.length === 0) return words().unseen;
  if (sessions > 0) return undefined;
  return events.includes('MESSAGE_CREATE') ? words().unprivileged : words().unheard;
}

/** What a message brings beside its text, by name alone: nothing is ever loaded from where it points. */
function partsOf({ attachments = [], ark, records }) {
  const chips = attachments.map(({ content_type, filename }) => [kindOf(content_type), filename]);
  if (ark !== undefined) chips.push([words().card, ark]);
  if (records !== undefined) chips.push([words().records, String(records)]);
  return chips.map(([kind, name]) => element('span', 'chip', element('b', '', kind), name));
}

function kindOf(contentType) {
  const kind = contentType.split('/')[0];
  return words().kinds[kind] ?? contentType;
}

function quoteOf({ quote }) {
  if (quote === undefined) return [];
  const text = quote.text ?? words().unknownMessage;
  const chip = element('span', 'chip quote', text === '' ? '…' : text);
  chip.title = quote.id;
  return [chip];
}

function botLine(entry) {
  const tags = [element('span', entry.mode === 'active' ? 'tag active' : 'tag', words()[entry.mode])];
  if (entry.msg_type === 2) tags.push(element('span', 'tag', 'markdown'));
  if (entry.audit_id !== undefined) tags.push(element('span', 'tag active', words().audited));
  if (entry.hidden === true) tags.push(element('span', 'tag bad', words().hidden));
  if (!entry.accepted) tags.push(element('span', 'tag bad', `${words().refused} ${entry.code ?? entry.status}`));
  const reason = entry.accepted ? [] : [element('span', 'bad-text', entry.reason ?? words().unsent)];
  const seq = entry.msg_seq === undefined ? [] : [element('span', '', `msg_seq ${entry.msg_seq}`)];
  const line = element(
    'li',
    'message',
    element('span', 'who', words().bot),
    ...quoteOf(entry),
    element('div', entry.msg_type === 2 ? 'bubble markdown' : 'bubble', entry.text || '…'),
    element('div', 'facts', ...tags, ...reason, ...seq, time(entry.at)),
  );
  if (!entry.accepted || entry.hidden === true) line.classList.add('refused');
  if (entry.id !== undefined) line.title = entry.id;
  return line;
}

function noteLine(entry, text) {
  return element('li', 'note', text, ' · ', time(entry.at));
}

function typingLine(entry) {
  const line = noteLine(entry, words().typing);
  line.classList.add('typing');
  setTimeout(() => line.remove(), typingLeft(entry));
  return line;
}

// ——— what the platform did, beside the chat

function note(entry) {
  const list = $('activity');
  const text = activityText(entry);
  if (text === undefined) return;
  list.prepend(element('li', '', time(entry.at), element('span', '', text)));
  if (list.children.length > SHOWN_ACTIVITY) list.lastElementChild.remove();
}

function activityText(entry) {
  if (entry.kind.startsWith('onebot.')) return oneBotActivity(entry, words());
  if (entry.kind === 'token') return entry.granted ? words().token : `${words().tokenRefused} ${entry.code ?? ''}`;
  if (entry.kind === 'event') return `${words().event} ${entry.type}`;
  if (entry.kind === 'webhook') return webhookText(entry);
  if (entry.kind === 'fault') return `${words().fault} ${entry.what}`;
  const details = [entry.code, entry.reason, entry.seq === undefined ? undefined : `seq ${entry.seq}`];
  const replayed = entry.replayed === undefined ? undefined : `+${entry.replayed}`;
  return [`#${entry.connection}`, words().steps[entry.step], ...details, replayed]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
}

function webhookText({ step, type, status, attempt, taken }) {
  const { steps, unanswered, again, untaken } = words().webhook;
  const told = status === 0 ? unanswered : `HTTP ${status}`;
  const more = [...(attempt > 1 ? [`${again} ${attempt}`] : []), ...(taken === false ? [untaken] : [])];
  return [`webhook ${steps[step]}`, type, told, ...more].filter((part) => part !== undefined).join(' · ');
}

// ——— what the person does

function listenToPerson() {
  // What scrolls must be within reach of the keyboard; not every browser sees to that by itself.
  for (const id of ['log', 'activity', 'config']) $(id).tabIndex = 0;
  $('platform-activity').open = matchMedia('(min-width: 1001px)').matches;
  $('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    localStorage.setItem('language', language);
    showWords();
    showLink();
    if (state !== undefined) showState();
    showLog();
    $('activity').replaceChildren();
    for (const entry of entries.slice(-SHOWN_ACTIVITY)) if (isActivity(entry)) note(entry);
  });
  $('text').addEventListener('keydown', (event) => {
    // Enter that ends an input method's composition only picks a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $('compose').requestSubmit();
  });
  $('compose').addEventListener('submit', async (event) => {
    event.preventDefault();
    await say();
  });
  $('add-user').addEventListener('submit', async (event) => {
    event.preventDefault();
    const made = await post('/users', { name: nameIn(event.target) });
    if (made === undefined) return;
    event.target.reset();
    await refresh();
    choose({ kind: 'c2c', openid: made.openid });
  });
  $('add-group').addEventListener('submit', async (event) => {
    event.preventDefault();
    const made = await post('/groups', { name: nameIn(event.target), members: state.users.map((user) => user.openid) });
    if (made === undefined) return;
    event.target.reset();
    await refresh();
    choose({ kind: 'group', openid: made.group_openid });
  });
  $('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText($('config').textContent);
    $('copy').textContent = words().copied;
    setTimeout(() => {
      $('copy').textContent = words().copy;
    }, 1500);
  });
}

function nameIn(form) {
  return new FormData(form).get('name').trim();
}

async function say() {
  const text = $('text').value;
  if (text.trim() === '') return;
  const here = state === undefined ? undefined : current();
  if (here === undefined) return;
  const { message: place, speakers, path = '/messages' } = here;
  const spoken = speakers === undefined ? {} : { from: $('speaker').value, mention: $('mention').checked };
  const message = { ...place, ...spoken, text };
  if ((await post(path, message)) === undefined) return;
  $('text').value = '';
  $('text').focus();
  $('log').scrollTop = $('log').scrollHeight;
}

/** @returns the answer, or undefined after showing what went wrong. */
async function post(path, body) {
  let trouble = words().networkFault;
  try {
    const answer = await fetch(API + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const read = await answer.json();
    if (answer.ok) {
      $('problem').hidden = true;
      return read;
    }
    trouble = read.error?.message ?? trouble;
  } catch (error) {
    trouble = `${trouble}: ${error.message}`;
  }
  $('problem').textContent = trouble;
  $('problem').hidden = false;
  return undefined;
}

// ——— small parts

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

function time(at) {
  const made = element(
    'time',
    '',
    new Date(at).toLocaleTimeString(language === 'zh' ? 'zh-CN' : 'en-GB', { hour12: false }),
  );
  made.dateTime = new Date(at).toISOString();
  return made;
}
