/** Keys of conversations, and the fields of the protocol that name one. Pure. */

/** @typedef {import('./types.js').Key} Key */
/** @typedef {import('./types.js').Frame} Frame */

/** @param {number} userId @returns {Key} */
export const userKey = (userId) => `u${userId}`;

/** @param {number} groupId @returns {Key} */
export const groupKey = (groupId) => `g${groupId}`;

/** @param {Key} key */
export const isGroup = (key) => key.startsWith('g');

/** The number of the user or of the group. @param {Key} key */
export const idOf = (key) => Number(key.slice(1));

/** The fields `with` or `groupid`. @param {Key} key @returns {Frame} */
export const place = (key) => (isGroup(key) ? { groupid: idOf(key) } : { with: idOf(key) });

/**
 * The conversation of a frame with `with` or `groupid`.
 * @param {Frame} frame
 * @returns {Key | null}
 */
export function keyOfPlace(frame) {
  if (Number.isInteger(frame.groupid)) return groupKey(frame.groupid);
  if (Number.isInteger(frame.with)) return userKey(frame.with);
  return null;
}
