/** Makes values of the server's frames. A frame that makes no sense gives null. Pure. */

import { groupKey, userKey } from './keys.js';
import { MSG } from './numbers.js';

/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').GroupEvent} GroupEvent */
/** @typedef {import('./types.js').Person} Person */

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');

/** @param {unknown} value @returns {number | undefined} */
const number = (value) => (Number.isSafeInteger(value) ? Number(value) : undefined);

/**
 * The server's time as milliseconds since 1970; 0 if there is none.
 * @param {unknown} value `YYYY-MM-DD hh:mm:ss` in UTC
 */
export function timeOf(value) {
  const time = Date.parse(`${text(value).replace(' ', 'T')}Z`);
  return Number.isNaN(time) ? 0 : time;
}

/**
 * A message 6, 10 or 113, from the server's mailbox or from a history.
 * @param {Frame} frame
 * @param {number} ownId
 * @returns {Message | null}
 */
export function messageOf(frame, ownId) {
  if (frame.msgid === MSG.GROUP_EVENT) return eventMessageOf(frame);
  const from = number(frame.id);
  if (from === undefined || typeof frame.msg !== 'string') return null;
  const groupId = number(frame.groupid);
  const toId = number(frame.toid);
  let key;
  if (frame.msgid === MSG.GROUP_CHAT && groupId !== undefined) key = groupKey(groupId);
  else if (frame.msgid !== MSG.CHAT) return null;
  else if (from !== ownId) key = userKey(from);
  else if (toId !== undefined) key = userKey(toId);
  else return null;
  return {
    key,
    seq: number(frame.seq) ?? 0,
    from,
    name: text(frame.name),
    text: frame.msg,
    time: timeOf(frame.time),
  };
}

/** @param {Frame} frame @returns {Message | null} */
function eventMessageOf(frame) {
  const groupId = number(frame.groupid);
  const seq = number(frame.seq);
  if (groupId === undefined || seq === undefined) return null;
  const time = timeOf(frame.time);
  return { key: groupKey(groupId), seq, from: 0, name: '', text: '', time, event: eventOf(frame) };
}

/** The fields of a group's event. @param {Frame} frame @returns {GroupEvent} */
export function eventOf(frame) {
  return {
    type: text(frame.event),
    userId: number(frame.userid),
    name: text(frame.name),
    by: number(frame.by),
    byName: text(frame.byname),
    groupName: text(frame.groupname),
    role: text(frame.role),
    reason: text(frame.reason),
  };
}

/** @param {Frame} entry `{id, name, state, role}` @returns {Person | null} */
export function personOf(entry) {
  const id = number(entry?.id);
  if (id === undefined) return null;
  const person = { id, name: text(entry.name), online: entry.state === 'online' };
  return entry.role ? { ...person, role: text(entry.role) } : person;
}

/** The list in this field; empty if there is none. @param {unknown} value @returns {any[]} */
export const listOf = (value) => (Array.isArray(value) ? value : []);
