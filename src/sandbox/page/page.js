// The chat page of the sandbox: a person plays QQ users, and sees what the bot does. Everything shown is set as text, never as markup.
const API = '/sandbox/v1';
const SHOWN_PER_PEER = 1000;
const SHOWN_ACTIVITY = 200;

const WORDS = {
  zh: {
    title: 'QQ 沙箱',
    language: 'English',
    peers: '会话',
    users: '用户',
    groups: '群',
    add: '新建用户或群',
    newUser: '用户昵称',
    addUser: '添加用户',
    newGroup: '群名称',
    addGroup: '添加群',
    message: '输入消息，回车发送，Shift+回车换行',
    send: '发送',
    speakAs: '发言人',
    mention: '@机器人',
    log: '聊天记录',
    activity: '平台动态',
    setup: '连接机器人',
    noBot: '还没有机器人连接',
    setupHelp: '把下面几行写进 loong 的 config.toml（或你自己的机器人），然后运行 loong channels serve qqbot。',
    copy: '复制',
    copied: '已复制',
    online: '机器人已连接',
    offline: '没有机器人连接',
    lost: '沙箱已停止，正在重连…',
    bot: '机器人',
    passive: '被动回复',
    active: '主动消息',
    refused: '被拒绝',
    unsent: '未送达',
    typing: '机器人正在输入…',
    unheard: '没有机器人在线，此消息没有送达',
    unseen: '机器人看不到这条消息（未@机器人、未加好友或不在群里）',
    allowActive: '允许主动消息',
    friend: '好友',
    botInGroup: '机器人在群里',
    receiveAll: '接收全部群消息',
    networkFault: '请求失败',
    steps: {
      connected: '网关连接建立',
      identify: '收到 Identify',
      ready: '会话就绪 READY',
      resume: '收到 Resume',
      resumed: '会话恢复 RESUMED',
      refused: '拒绝',
      closed: '网关连接关闭',
    },
    token: '获取 token',
    tokenRefused: 'token 被拒绝',
    event: '事件',
    fault: '故障',
  },
  en: {
    title: 'QQ sandbox',
    language: '中文',
    peers: 'Conversations',
    users: 'Users',
    groups: 'Groups',
    add: 'New user or group',
    newUser: 'Name of the user',
    addUser: 'Add user',
    newGroup: 'Name of the group',
    addGroup: 'Add group',
    message: 'Write a message; Enter sends, Shift+Enter breaks the line',
    send: 'Send',
    speakAs: 'Speak as',
    mention: '@ the bot',
    log: 'Chat',
    activity: 'Platform activity',
    setup: 'Connect a bot',
    noBot: 'No bot is connected yet',
    setupHelp:
      'Put these lines into loong’s config.toml (or the like into your own bot), then run loong channels serve qqbot.',
    copy: 'Copy',
    copied: 'Copied',
    online: 'Bot connected',
    offline: 'No bot connected',
    lost: 'The sandbox is gone; trying again…',
    bot: 'Bot',
    passive: 'passive reply',
    active: 'active message',
    refused: 'refused',
    unsent: 'not delivered',
    typing: 'The bot is typing…',
    unheard: 'No bot was connected: nobody got this message',
    unseen: 'The bot may not see this message (not mentioned, no friend, or not in the group)',
    allowActive: 'Allow active messages',
    friend: 'Friend',
    botInGroup: 'Bot is in the group',
    receiveAll: 'Bot gets all messages',
    networkFault: 'The request failed',
    steps: {
      connected: 'gateway connection opened',
      identify: 'Identify came',
      ready: 'session READY',
      resume: 'Resume came',
      resumed: 'session RESUMED',
      refused: 'refused',
      closed: 'gateway connection closed',
    },
    token: 'token fetched',
    tokenRefused: 'token refused',
    event: 'event',
    fault: 'fault',
  },
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
  for (const entry of arrived) if (entry.kind === 'bot.send' && !isHere(entry)) countUnread(entry.scene);
  const happened = arrived.filter(isActivity);
  for (const entry of happened.slice(-SHOWN_ACTIVITY)) note(entry);
  if (happened.length > 0) refreshSoon();
  if (here.length < arrived.length && state !== undefined) showPeers();
  arrived.length = 0;
}

function isActivity(entry) {
  return entry.kind !== 'user.message' && entry.kind !== 'bot.send';
}

function isHere(entry) {
  const place = placeOf(entry);
  return place !== undefined && same(place, peer);
}

/** The conversation that an entry belongs to, where it has one. */
function placeOf(entry) {
  if (entry.scene !== undefined) return entry.scene;
  if (entry.kind !== 'event' || entry.peer === undefined) return undefined;
  return { kind: entry.type.startsWith('GROUP') ? 'group' : 'c2c', openid: entry.peer };
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
  link.dataset.state = state?.connected ? 'on' : 'off';
  link.textContent = state === undefined ? words().lost : state.connected ? words().online : words().offline;
}

function showPeers() {
  const focused = document.activeElement?.dataset?.peer;
  $('users').replaceChildren(...state.users.map((user) => peerButton({ kind: 'c2c', openid: user.openid }, user.name)));
  $('groups').replaceChildren(
    ...state.groups.map((group) => peerButton({ kind: 'group', openid: group.group_openid }, group.name)),
  );
  if (focused !== undefined)
    [...document.querySelectorAll('.peer')].find((button) => button.dataset.peer === focused)?.focus();
}

function peerButton(place, name) {
  const face = element('span', place.kind === 'group' ? 'face group' : 'face', [...name][0]?.toUpperCase() ?? '?');
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
  showState();
  showLog();
  $('text').focus();
}

function currentUser() {
  return state.users.find((user) => user.openid === peer.openid);
}
function currentGroup() {
  return state.groups.find((group) => group.group_openid === peer.openid);
}

function showHead() {
  const found = peer.kind === 'c2c' ? currentUser() : currentGroup();
  $('peer-name').textContent = found?.name ?? peer.openid;
  $('peer-id').textContent = `${peer.kind}:${peer.openid}`;
  if (found === undefined) return;
  const target = peer.kind === 'c2c' ? { user: peer.openid } : { group: peer.openid };
  const own =
    peer.kind === 'c2c'
      ? [['friend', 'friend']]
      : [
          ['bot_in_group', 'botInGroup'],
          ['receive_all', 'receiveAll'],
        ];
  const focused = document.activeElement?.dataset?.switch;
  $('switches').replaceChildren(
    ...[['active_allowed', 'allowActive'], ...own].map(([key, word]) => switchBox(found, target, key, word)),
  );
  if (focused !== undefined) document.querySelector(`[data-switch="${focused}"]`)?.focus();
}

function switchBox(found, target, key, word) {
  const box = element('input', '');
  box.type = 'checkbox';
  box.checked = found[key];
  box.dataset.switch = key;
  box.addEventListener('change', async () => {
    await post('/switches', { ...target, [key]: box.checked });
    await refresh();
  });
  return element('label', '', box, words()[word]);
}

function showSpeakers() {
  const isGroup = peer.kind === 'group';
  $('group-options').hidden = !isGroup;
  if (!isGroup) return;
  const chosen = $('speaker').value;
  const members = currentGroup()?.members ?? [];
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
  $('setup').hidden = state.connected;
  $('config').textContent = [
    '[qqbot]',
    `app_id = "${state.app_id}"`,
    `client_secret = "${state.client_secret}"`,
    `api_base_url = "${location.origin}"`,
    `token_url = "${location.origin}/app/getAppAccessToken"`,
    'allowed_peer_ids = ["openid_alice", "openid_bob"]',
  ].join('\n');
}

function showLog() {
  $('log').replaceChildren(...entries.filter(isHere).slice(-SHOWN_PER_PEER).map(lineOf));
  $('log').scrollTop = $('log').scrollHeight;
}

function append(entry) {
  const log = $('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const line = lineOf(entry);
  line.classList.add('fresh');
  log.append(line);
  if (log.children.length > SHOWN_PER_PEER) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// ——— one entry as a line of the chat

function lineOf(entry) {
  if (entry.kind === 'user.message') return userLine(entry);
  if (entry.kind === 'bot.send') return entry.msg_type === 6 ? noteLine(entry, words().typing) : botLine(entry);
  return noteLine(entry, entry.type);
}

function userLine(entry) {
  const facts = [time(entry.at)];
  const troubles = entry.events.length === 0 ? [words().unseen] : entry.sessions === 0 ? [words().unheard] : [];
  const text = entry.mention ? `@${words().bot} ${entry.text}` : entry.text;
  return element(
    'li',
    'message mine',
    element('span', 'who', entry.from.name),
    element('div', 'bubble', text),
    element('div', 'facts', ...troubles.map((trouble) => element('span', 'bad-text', trouble)), ...facts),
  );
}

function botLine(entry) {
  const tags = [element('span', entry.mode === 'active' ? 'tag active' : 'tag', words()[entry.mode])];
  if (entry.msg_type === 2) tags.push(element('span', 'tag', 'markdown'));
  if (!entry.accepted) tags.push(element('span', 'tag bad', `${words().refused} ${entry.code ?? entry.status}`));
  const reason = entry.accepted ? [] : [element('span', 'bad-text', entry.reason ?? words().unsent)];
  const facts = element(
    'div',
    'facts',
    ...tags,
    ...reason,
    element('span', '', `msg_seq ${entry.msg_seq}`),
    time(entry.at),
  );
  const line = element(
    'li',
    'message',
    element('span', 'who', words().bot),
    element('div', 'bubble', entry.text || '…'),
    facts,
  );
  if (!entry.accepted) line.classList.add('refused');
  if (entry.id !== undefined) line.title = entry.id;
  return line;
}

function noteLine(entry, text) {
  return element('li', 'note', text, ' · ', time(entry.at));
}

// ——— what the platform did, beside the chat

function note(entry) {
  const list = $('activity');
  list.prepend(element('li', '', time(entry.at), element('span', '', activityText(entry))));
  if (list.children.length > SHOWN_ACTIVITY) list.lastElementChild.remove();
}

function activityText(entry) {
  if (entry.kind === 'token') return entry.granted ? words().token : `${words().tokenRefused} ${entry.code ?? ''}`;
  if (entry.kind === 'event') return `${words().event} ${entry.type}`;
  if (entry.kind === 'fault') return `${words().fault} ${entry.what}`;
  const details = [entry.code, entry.reason, entry.seq === undefined ? undefined : `seq ${entry.seq}`];
  const replayed = entry.replayed === undefined ? undefined : `+${entry.replayed}`;
  return [`#${entry.connection}`, words().steps[entry.step], ...details, replayed]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
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
    for (const entry of entries.slice(-SHOWN_ACTIVITY))
      if (!['user.message', 'bot.send'].includes(entry.kind)) note(entry);
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
  const message =
    peer.kind === 'c2c'
      ? { from: peer.openid, text }
      : { from: $('speaker').value, group: peer.openid, text, mention: $('mention').checked };
  if ((await post('/messages', message)) === undefined) return;
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
