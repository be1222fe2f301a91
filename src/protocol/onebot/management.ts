/**
 * The eleven functions with which an account is managed, as calls of actions. Every parameter is sent: what is left out means other
 * things elsewhere (NapCat lifts a ban without a duration, and demotes without `enable`).
 */

export interface ActionCall {
  readonly action: string;
  readonly params: { readonly [key: string]: string | number | boolean };
}

/** QQ numbers and ids of groups: digits, as text or as a number. */
export type Id = string | number;

/** A ban ends before 30 days are over. */
const LONGEST_MUTE_S = 2_591_999;

/** Each throws a RangeError, in words for whoever called, when an argument cannot be meant. */
export const MANAGEMENT = {
  setGroupAdmin: (groupId: Id, userId: Id, enable: boolean): ActionCall => ({
    action: 'set_group_admin',
    params: { group_id: id('groupId', groupId), user_id: id('userId', userId), enable: flag('enable', enable) },
  }),
  /** `seconds`: 0 ends a mute. */
  setGroupMute: (groupId: Id, userId: Id, seconds: number): ActionCall => ({
    action: 'set_group_ban',
    params: {
      group_id: id('groupId', groupId),
      user_id: id('userId', userId),
      duration: whole('seconds', seconds, LONGEST_MUTE_S),
    },
  }),
  kickGroupMember: (groupId: Id, userId: Id, rejectAdd: boolean): ActionCall => ({
    action: 'set_group_kick',
    params: {
      group_id: id('groupId', groupId),
      user_id: id('userId', userId),
      reject_add_request: flag('rejectAdd', rejectAdd),
    },
  }),
  setGroupWholeMute: (groupId: Id, enable: boolean): ActionCall => ({
    action: 'set_group_whole_ban',
    params: { group_id: id('groupId', groupId), enable: flag('enable', enable) },
  }),
  setGroupName: (groupId: Id, name: string): ActionCall => ({
    action: 'set_group_name',
    params: { group_id: id('groupId', groupId), group_name: words('name', name, 60) },
  }),
  /** `noCache`: asks QQ itself, which is slow. */
  getGroupMemberInfo: (groupId: Id, userId: Id, noCache: boolean): ActionCall => ({
    action: 'get_group_member_info',
    params: { group_id: id('groupId', groupId), user_id: id('userId', userId), no_cache: flag('noCache', noCache) },
  }),
  getFriendList: (): ActionCall => ({ action: 'get_friend_list', params: {} }),
  deleteFriend: (userId: Id): ActionCall => ({ action: 'delete_friend', params: { user_id: id('userId', userId) } }),
  /** An empty remark takes it away. */
  setFriendRemark: (userId: Id, remark: string): ActionCall => ({
    action: 'set_friend_remark',
    params: { user_id: id('userId', userId), remark: words('remark', remark, 60, true) },
  }),
  /** `file`: `file:///…` of the machine that QQ runs on, `http(s)://…` or `base64://…`. */
  uploadGroupFile: (groupId: Id, file: string, folderId: string, name: string): ActionCall => ({
    action: 'upload_group_file',
    params: {
      group_id: id('groupId', groupId),
      file: words('file', file, MOST_FILE_CHARS),
      name: words('name', name, 255),
      // Both are in use; the root of the group has neither.
      ...(folderId === '' ? {} : { folder: folderId, folder_id: folderId }),
    },
  }),
  uploadPrivateFile: (userId: Id, file: string, name: string): ActionCall => ({
    action: 'upload_private_file',
    params: {
      user_id: id('userId', userId),
      file: words('file', file, MOST_FILE_CHARS),
      name: words('name', name, 255),
    },
  }),
} as const;

/** Room for a file of 20 MB as base64. */
const MOST_FILE_CHARS = 28_000_000;

/** A number where it keeps every digit, for some take nothing else. */
function id(name: string, value: Id): string | number {
  const text = String(value);
  if (!/^[1-9][0-9]{0,19}$/.test(text))
    throw new RangeError(`${name} must be the digits of a QQ number or group, got ${shown(value)}`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

function flag(name: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new RangeError(`${name} must be true or false, got ${shown(value)}`);
}

function whole(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`${name} must be a whole number from 0 to ${most}, got ${shown(value)}`);
}

function words(name: string, value: string, most: number, mayBeEmpty = false): string {
  const text = typeof value === 'string' ? value.trim() : undefined;
  if (text !== undefined && text.length <= most && (mayBeEmpty || text !== '')) return text;
  throw new RangeError(`${name} must be a text of ${mayBeEmpty ? 0 : 1} to ${most} characters`);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}
