/** The people and groups of the user, as the login told them and as notices changed them. Pure. */

import { eventOf, listOf, personOf } from './parsing.js';

/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Group} Group */
/** @typedef {import('./types.js').GroupEvent} GroupEvent */
/** @typedef {import('./types.js').Person} Person */

export class Roster {
  /** @type {Map<number, Person>} */
  friends = new Map();
  /** @type {Map<number, Group>} */
  groups = new Map();
  /** Users that ask to be a friend. @type {Map<number, Person>} */
  requests = new Map();
  /** Invitations: group → {groupId, groupName, byName}.
   * @type {Map<number, {groupId: number, groupName: string, byName: string}>} */
  invitations = new Map();
  /** Names of all users that were seen. @type {Map<number, string>} */
  #names = new Map();

  /** The answer to a login. @param {Frame} answer */
  reset(answer) {
    this.friends = personsOf(answer.friends);
    this.requests = personsOf(answer.friend_requests);
    this.groups = new Map();
    for (const entry of listOf(answer.groups)) this.addGroup(entry);
    this.invitations = new Map();
    for (const entry of listOf(answer.invitations)) this.invited(entry);
    for (const people of [this.friends, this.requests]) this.#nameAll(people.values());
  }

  /** The user's name; empty if it is unknown. @param {number} userId */
  nameOf(userId) {
    return this.#names.get(userId) ?? '';
  }

  /** @param {number} userId @param {string} name */
  named(userId, name) {
    if (name) this.#names.set(userId, name);
  }

  /** Those of these users whose names are unknown. @param {number[]} userIds */
  unnamed(userIds) {
    return [...new Set(userIds)].filter((id) => id > 0 && !this.#names.has(id));
  }

  /** @param {Frame} entry `{id, name, state}` */
  addFriend(entry) {
    const friend = personOf(entry);
    if (!friend) return;
    this.friends.set(friend.id, friend);
    this.requests.delete(friend.id);
    this.named(friend.id, friend.name);
  }

  /** A notice of another user, or of a change by another device. @param {Frame} notice */
  takeFriendNotice(notice) {
    const other = personOf(notice);
    if (!other) return;
    if (notice.event === 'accepted' || notice.event === 'added') this.addFriend(notice);
    else if (notice.event === 'asked') this.requests.set(other.id, other);
    else if (notice.event === 'removed') this.friends.delete(other.id);
    else if (notice.event === 'declined') this.requests.delete(other.id);
    this.named(other.id, other.name);
  }

  /** @param {Frame} entry `{id, groupname, users, ...}` */
  addGroup(entry) {
    const id = Number(entry?.id);
    if (!Number.isSafeInteger(id)) return;
    const members = personsOf(entry.users);
    this.groups.set(id, {
      id,
      name: String(entry.groupname ?? ''),
      description: String(entry.groupdesc ?? ''),
      join: String(entry.join ?? 'open'),
      members,
      size: Number(entry.members) || members.size,
      more: Boolean(entry.more),
    });
    this.invitations.delete(id);
    this.#nameAll(members.values());
  }

  /** A page of members. @param {number} groupId @param {Frame} answer */
  addMembers(groupId, answer) {
    const group = this.groups.get(groupId);
    if (!group) return;
    for (const [id, member] of personsOf(answer.users)) group.members.set(id, member);
    group.more = Boolean(answer.more);
    if (!group.more) group.size = group.members.size;
    this.#nameAll(group.members.values());
  }

  /** An invitation. @param {Frame} notice */
  invited(notice) {
    const groupId = Number(notice?.groupid);
    if (!Number.isSafeInteger(groupId)) return;
    const groupName = String(notice.groupname ?? '');
    this.invitations.set(groupId, { groupId, groupName, byName: String(notice.byname ?? '') });
  }

  /** PRESENCE_MSG. @param {number} userId @param {boolean} online */
  setOnline(userId, online) {
    const friend = this.friends.get(userId);
    if (friend) friend.online = online;
    for (const group of this.groups.values()) {
      const member = group.members.get(userId);
      if (member) member.online = online;
    }
  }

  /**
   * An event of a group, which the answer to the login does not know yet.
   * @param {number} groupId
   * @param {Frame} frame
   * @param {number} ownId
   */
  takeEvent(groupId, frame, ownId) {
    const event = eventOf(frame);
    const group = this.groups.get(groupId);
    if (event.type === 'dissolved') this.groups.delete(groupId);
    else if (isDeparture(event) && event.userId === ownId) this.groups.delete(groupId);
    else if (group) changeGroup(group, event, frame);
    else if (event.userId === ownId && ['created', 'joined'].includes(event.type)) {
      const role = event.type === 'created' ? 'creator' : 'normal';
      const self = { id: ownId, name: event.name, state: 'online', role };
      this.addGroup({ id: groupId, groupname: event.groupName, users: [self], more: true });
    }
    if (event.userId) this.named(event.userId, event.name ?? '');
    if (event.by) this.named(event.by, event.byName ?? '');
  }

  /** @param {Iterable<Person>} people */
  #nameAll(people) {
    for (const person of people) this.named(person.id, person.name);
  }
}

/** @param {unknown} entries @returns {Map<number, Person>} */
function personsOf(entries) {
  const people = listOf(entries)
    .map(personOf)
    .filter((person) => person !== null);
  return new Map(people.map((person) => [person.id, person]));
}

/** @param {GroupEvent} event */
const isDeparture = (event) => ['left', 'removed', 'banned'].includes(event.type);

/** @param {Group} group @param {GroupEvent} event @param {Frame} frame */
function changeGroup(group, event, frame) {
  const userId = event.userId ?? 0;
  if (event.type === 'renamed' || event.type === 'changed') {
    group.name = event.groupName || group.name;
    group.description = String(frame.groupdesc ?? group.description);
    group.join = String(frame.join ?? 'open');
  } else if (event.type === 'joined' && !group.members.has(userId)) {
    const member = { id: userId, name: event.name ?? '', online: false, role: 'normal' };
    group.members.set(userId, member);
    group.size += 1;
  } else if (isDeparture(event)) {
    if (group.members.delete(userId)) group.size -= 1;
  } else if (event.type === 'role') {
    const member = group.members.get(userId);
    if (member) member.role = event.role;
  }
}
