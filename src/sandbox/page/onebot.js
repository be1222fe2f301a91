// The OneBot side of the chat page: friends and groups of the accounts that are logged in, and what is said to and by their bot.

const KINDS = { private: 'onebot.private', group: 'onebot.group' };
/** Calls that a line of the chat shows already. */
const SENDS = /^(send_|upload_)/;

/** Where an entry belongs, as the page names places; undefined for one of the other world. */
export function oneBotPlace({ kind, scene }) {
  if (!kind.startsWith('onebot.') || scene === undefined) return undefined;
  return { kind: KINDS[scene.kind], openid: `${scene.self_id}/${scene.id}` };
}

/** One conversation for each account and each of its friends and groups; strangers who share a group are written to through it. */
export function oneBotConversations({ onebot }, words) {
  const { implementations, users, groups } = onebot;
  const several = implementations.length > 1;
  return implementations.flatMap((account) => {
    const { self_id } = account;
    const owned = { account, path: '/onebot/messages', switches: {} };
    const called = (name) => (several ? `${name} · ${self_id}` : name);
    const bots = new Set(implementations.map((each) => each.self_id));
    return [
      ...users.flatMap((user) => {
        const through = user.friend ? undefined : groupOf(groups, self_id, user.user_id);
        if (bots.has(user.user_id) || (!user.friend && through === undefined)) return [];
        return {
          kind: KINDS.private,
          openid: `${self_id}/${user.user_id}`,
          name: called(user.name),
          target: `private:${user.user_id}${user.friend ? '' : ` · ${words.tempTalk}`}`,
          message: { self_id, from: user.user_id, ...(through === undefined ? {} : { temp_group: through }) },
          ...owned,
        };
      }),
      ...groups
        .filter(({ members }) => members.some((member) => member.user_id === self_id))
        .map((group) => ({
          kind: KINDS.group,
          openid: `${self_id}/${group.group_id}`,
          name: called(group.name),
          target: `group:${group.group_id}`,
          speakers: group.members
            .filter((member) => !bots.has(member.user_id))
            .map((member) => ({ openid: member.user_id, name: member.card || member.name })),
          message: { self_id, group: group.group_id },
          ...owned,
        })),
    ];
  });
}

function groupOf(groups, self, user) {
  const has = ({ members }, id) => members.some((member) => member.user_id === id);
  return groups.find((group) => has(group, self) && has(group, user))?.group_id;
}

/** What to write into the config for a daemon that this account can dial in to. */
export function oneBotConfig({ url, self_id }) {
  const { hostname, port, pathname } = new URL(url.replace(/^ws/, 'http'));
  return [
    '[onebot.accounts.home]',
    `self_id = "${self_id}"`,
    `ws_host = "${hostname}"`,
    `ws_port = ${port === '' ? 80 : port}`,
    `ws_path = "${pathname}"`,
    'allowed_peer_ids = ["private:*", "group:*"]',
  ].join('\n');
}

/** Text and parts of a message that a person wrote. */
export function partsOfSegments(segments, words, callName) {
  const text = segments.map((segment) => textOf(segment, words, callName)).join('');
  const chips = segments
    .filter(({ type }) => !['text', 'at', 'reply', 'markdown'].includes(type))
    .map(({ type, data }) => [words.kinds[type] ?? type, nameOf(data)]);
  return { text, chips };
}

function textOf({ type, data }, words, callName) {
  if (type === 'text') return String(data.text ?? '');
  if (type === 'markdown') return String(data.content ?? '');
  if (type === 'at') return data.qq === 'all' ? `@${words.everyone}` : `@${callName(data.qq)}`;
  return '';
}

function nameOf(data) {
  const found = [data.name, data.title, data.result, data.summary, data.file, data.id, data.data].find(
    (value) => (typeof value === 'string' || typeof value === 'number') && value !== '',
  );
  return found === undefined ? '' : String(found).slice(0, 60);
}

/** Beside the chat; undefined: it is told in the chat already. */
export function oneBotActivity(entry, words) {
  const { kind } = entry;
  if (kind === 'onebot.line') {
    const details = [words.oneBotSteps[entry.step], entry.role, entry.code, entry.reason];
    return [`OneBot ${entry.self_id}`, ...details].filter((part) => part !== undefined && part !== '').join(' · ');
  }
  if (kind === 'onebot.event')
    return `${words.event} ${entry.type}${entry.lines === 0 ? ` · ${words.unheardShort}` : ''}`;
  if (kind === 'onebot.fault') return `${words.fault} ${entry.what}`;
  if (kind !== 'onebot.call') return undefined;
  if (entry.answered && entry.retcode === 0 && SENDS.test(entry.action)) return undefined;
  const fate = entry.answered ? '' : ` · ${words.unanswered}`;
  return `${words.call} ${entry.action} · ${entry.retcode}${entry.reason === undefined ? '' : ` ${entry.reason}`}${fate}`;
}
