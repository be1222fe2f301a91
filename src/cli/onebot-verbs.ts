/** The eleven management functions as commands: their arguments in the order of the functions, and what is said when they are done. */
import { UsageError } from '../model/errors.js';
import { type ActionCall, MANAGEMENT } from '../protocol/onebot/management.js';
import { namedFile } from './local-file.js';

export interface OnebotVerb {
  /** With its arguments, as commander reads them: `set-group-mute <group> <user> <seconds>`. */
  readonly usage: string;
  readonly does: string;
  readonly examples: readonly string[];
  /** @throws RangeError for an argument that cannot be meant */
  readonly call: (args: readonly string[]) => ActionCall | Promise<ActionCall>;
  /** One line about what was done; undefined where the answer itself is what was asked for. */
  readonly done?: (args: readonly string[]) => string;
}

const M = MANAGEMENT;

export const ONEBOT_VERBS: readonly OnebotVerb[] = [
  {
    usage: 'set-group-admin <group> <user> <true|false>',
    does: 'make a member an administrator of a group, or no longer one',
    examples: ['set-group-admin 30003 20002 true'],
    call: ([group = '', user = '', enable]) => M.setGroupAdmin(group, user, flag(enable)),
    done: ([group, user, enable]) =>
      `${user} is ${enable === 'true' ? 'now' : 'no longer'} an administrator of ${group}`,
  },
  {
    usage: 'set-group-mute <group> <user> <seconds>',
    does: 'silence a member for so many seconds (at most 2591999); 0 ends it',
    examples: ['set-group-mute 30003 20002 600', 'set-group-mute 30003 20002 0'],
    call: ([group = '', user = '', seconds]) => M.setGroupMute(group, user, whole(seconds)),
    done: ([group, user, seconds]) =>
      Number(seconds) === 0 ? `${user} may speak again in ${group}` : `${user} is silent in ${group} for ${seconds} s`,
  },
  {
    usage: 'kick-group-member <group> <user> [reject]',
    does: 'remove a member from a group; with `true` a new request to join is refused, too (default: false)',
    examples: ['kick-group-member 30003 20002', 'kick-group-member 30003 20002 true --account home'],
    call: ([group = '', user = '', reject = 'false']) => M.kickGroupMember(group, user, flag(reject)),
    done: ([group, user]) => `${user} was removed from ${group}`,
  },
  {
    usage: 'set-group-whole-mute <group> <true|false>',
    does: 'silence a whole group, or let it speak again',
    examples: ['set-group-whole-mute 30003 true'],
    call: ([group = '', enable]) => M.setGroupWholeMute(group, flag(enable)),
    done: ([group, enable]) => `${group} ${enable === 'true' ? 'is silent' : 'may speak again'}`,
  },
  {
    usage: 'set-group-name <group> <name>',
    does: 'rename a group',
    examples: ['set-group-name 30003 "New Group Name"'],
    call: ([group = '', name = '']) => M.setGroupName(group, name),
    done: ([group, name]) => `${group} is called ${name}`,
  },
  {
    usage: 'get-group-member-info <group> <user> [no-cache]',
    does: 'what is known of a member; with `true` QQ itself is asked, which is slow (default: false)',
    examples: ['get-group-member-info 30003 20002', 'get-group-member-info 30003 20002 true --json'],
    call: ([group = '', user = '', noCache = 'false']) => M.getGroupMemberInfo(group, user, flag(noCache)),
  },
  {
    usage: 'get-friend-list',
    does: 'the friends of the account',
    examples: ['get-friend-list', 'get-friend-list --account home --json'],
    call: () => M.getFriendList(),
  },
  {
    usage: 'delete-friend <user>',
    does: 'end a friendship',
    examples: ['delete-friend 20002'],
    call: ([user = '']) => M.deleteFriend(user),
    done: ([user]) => `${user} is no friend any more`,
  },
  {
    usage: 'set-friend-remark <user> <remark>',
    does: 'what the account calls a friend; "" takes it away',
    examples: ['set-friend-remark 20002 "New Remark"'],
    call: ([user = '', remark = '']) => M.setFriendRemark(user, remark),
    done: ([user, remark]) => (remark === '' ? `${user} has no remark any more` : `${user} is called ${remark}`),
  },
  {
    usage: 'upload-group-file <group> <file> [folder-id] [name]',
    does: 'put a file (path, file://, http(s)://) among those of a group; "" as folder is the root',
    examples: ['upload-group-file 30003 ./file.pdf', 'upload-group-file 30003 file:///srv/file.pdf "" report.pdf'],
    async call([group = '', file = '', folder = '', name]) {
      const { place, called } = await uploaded(file, name);
      return M.uploadGroupFile(group, place, folder, called);
    },
    done: ([group, file]) => `${file} is among the files of ${group}`,
  },
  {
    usage: 'upload-private-file <user> <file> [name]',
    does: 'send a file (path, file://, http(s)://) to a friend',
    examples: ['upload-private-file 20002 ./file.pdf', 'upload-private-file 20002 file:///srv/a.pdf report.pdf'],
    async call([user = '', file = '', name]) {
      const { place, called } = await uploaded(file, name);
      return M.uploadPrivateFile(user, place, called);
    },
    done: ([user, file]) => `${file} was sent to ${user}`,
  },
];

/** Anything but `true` and `false` is handed on as it is, and refused with its name. */
function flag(text: string | undefined): boolean {
  return text === 'true' ? true : text === 'false' ? false : (text as unknown as boolean);
}

function whole(text: string | undefined): number {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : (text as unknown as number);
}

/** A `file://` address may be of another machine, the one that QQ runs on. */
async function uploaded(file: string, name: string | undefined): Promise<{ place: string; called: string }> {
  const isElsewhere = /^file:/i.test(file);
  const found = isElsewhere ? { place: file, name: lastPart(file) } : await namedFile('<file>', file);
  const called = name ?? found.name ?? '';
  if (called !== '') return { place: found.place, called };
  throw new UsageError(
    'usage',
    `how the file is called cannot be told from \`${file.slice(0, 60)}\``,
    'add its name as the last argument',
  );
}

function lastPart(url: string): string {
  const last = url.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a name with a percent sign of its own
  }
}
