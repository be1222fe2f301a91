/** The people, groups and files of the pretend QQ. All accounts live in this one world. */
import { randomBytes } from 'node:crypto';
import { SandboxError } from '../sandbox-error.js';

export type MemberRole = 'owner' | 'admin' | 'member';

export interface Person {
  readonly id: string;
  readonly name: string;
  friend: boolean;
  remark: string;
}

export interface Member {
  readonly id: string;
  role: MemberRole;
  card: string;
  title: string;
  /** The card that the bots were told last. */
  shownCard: string;
  readonly joined: number;
  lastSpoke: number;
  /** Seconds since 1970; 0: may speak. */
  mutedUntil: number;
}

export interface Group {
  readonly id: string;
  name: string;
  allMuted: boolean;
  /** What the bots are in here; of several the first alone owns it. */
  readonly botRole: MemberRole;
  readonly members: Map<string, Member>;
}

export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly folder?: string;
  /** The group or person it was put to. */
  readonly place: string;
  readonly by: string;
  /** Missing where only the size is known. */
  readonly content?: Buffer;
  readonly time: number;
}

const MAX_PEOPLE = 2000;
const MAX_GROUPS = 500;
const MAX_FILES = 200;

export class World {
  readonly people = new Map<string, Person>();
  readonly groups = new Map<string, Group>();
  readonly files = new Map<string, StoredFile>();
  readonly #now: () => number;

  /** Starts with two friends, a stranger, a group that the bot owns and one where it is a member. */
  constructor(now: () => number) {
    this.#now = now;
    this.addPerson('20002', 'Alice', true);
    this.addPerson('20003', 'Bob', true);
    this.addPerson('20004', 'Carol', false);
    this.addGroup('30003', 'Demo', ['20002', '20003', '20004'], 'owner');
    this.addGroup('30004', 'Tea', ['20002', '20004'], 'member');
    this.member(this.group('30003'), '20003').role = 'admin';
  }

  /** Seconds since 1970. */
  seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  addPerson(id: string, name: string, friend: boolean): Person {
    if (this.people.has(id)) throw new SandboxError('user.exists', `user ${id} exists already`);
    if (this.people.size >= MAX_PEOPLE)
      throw new SandboxError('users.limit', `the sandbox holds ${MAX_PEOPLE} users at most`);
    const person: Person = { id, name, friend, remark: '' };
    this.people.set(id, person);
    return person;
  }

  addGroup(id: string, name: string, members: readonly string[], botRole: MemberRole): Group {
    if (this.groups.has(id)) throw new SandboxError('group.exists', `group ${id} exists already`);
    if (this.groups.size >= MAX_GROUPS)
      throw new SandboxError('groups.limit', `the sandbox holds ${MAX_GROUPS} groups at most`);
    const people = members.map((member) => this.person(member));
    const group: Group = { id, name, allMuted: false, botRole, members: new Map() };
    people.forEach((person, index) => {
      this.join(group, person.id, index === 0 && botRole !== 'owner' ? 'owner' : 'member');
    });
    this.groups.set(id, group);
    return group;
  }

  join(group: Group, id: string, role: MemberRole = 'member'): Member {
    const there = group.members.get(id);
    if (there !== undefined) return there;
    const now = this.seconds();
    const member: Member = { id, role, card: '', shownCard: '', title: '', joined: now, lastSpoke: now, mutedUntil: 0 };
    group.members.set(id, member);
    return member;
  }

  /** A bot is a member of every group. */
  admitBot(selfId: string, bots: readonly string[]): void {
    for (const group of this.groups.values()) {
      const owned = bots.some((bot) => group.members.get(bot)?.role === 'owner');
      this.join(group, selfId, owned && group.botRole === 'owner' ? 'admin' : group.botRole);
    }
  }

  /** The first decimal id from this one on that nobody has. */
  freeId(from: number): string {
    let id = from;
    while (this.people.has(String(id)) || this.groups.has(String(id))) id += 1;
    return String(id);
  }

  nameOf(id: string): string {
    return this.people.get(id)?.name ?? id;
  }

  /** @throws SandboxError `user.unknown` */
  person(id: string): Person {
    const person = this.people.get(id);
    if (person === undefined) throw new SandboxError('user.unknown', `there is no user ${id}`, 404);
    return person;
  }

  /** @throws SandboxError `group.unknown` */
  group(id: string): Group {
    const group = this.groups.get(id);
    if (group === undefined) throw new SandboxError('group.unknown', `there is no group ${id}`, 404);
    return group;
  }

  /** @throws SandboxError `member.unknown` */
  member(group: Group, id: string): Member {
    const member = group.members.get(id);
    if (member === undefined) throw new SandboxError('member.unknown', `${id} is not in group ${group.id}`, 404);
    return member;
  }

  addFile(file: Omit<StoredFile, 'id' | 'time'>): StoredFile {
    const stored = { ...file, id: `/${randomBytes(16).toString('hex')}`, time: this.seconds() };
    this.files.set(stored.id, stored);
    const [oldest] = this.files.keys();
    if (this.files.size > MAX_FILES && oldest !== undefined) this.files.delete(oldest);
    return stored;
  }

  shown() {
    return {
      users: [...this.people.values()].map(({ id, name, friend, remark }) => ({ user_id: id, name, friend, remark })),
      groups: [...this.groups.values()].map(shownGroup(this)),
      files: [...this.files.values()].map(({ id, name, bytes, place, by, folder }) => ({
        file_id: id,
        name,
        bytes,
        place,
        by,
        ...(folder === undefined ? {} : { folder }),
      })),
    };
  }
}

export const shownGroup = (world: World) => (group: Group) => ({
  group_id: group.id,
  name: group.name,
  all_muted: group.allMuted,
  members: [...group.members.values()].map(({ id, role, card, title, mutedUntil }) => ({
    user_id: id,
    name: world.nameOf(id),
    role,
    card,
    title,
    muted_until: mutedUntil,
  })),
});
