/** Values for the tests. */

/** @param {string} mid @returns {import('../../../web/core/types.js').Draft} */
export const draft = (mid, key = 'u2', text = mid) => ({
  mid,
  key,
  text,
  time: 0,
  state: 'waiting',
  copies: 0,
  order: 0,
});

/** @param {number} seq @returns {import('../../../web/core/types.js').Message} */
export const message = (seq, more = {}) => ({
  key: 'u2',
  seq,
  from: 2,
  name: 'li si',
  text: `text ${seq}`,
  time: Date.UTC(2026, 10, 27, 8) + 60_000 * seq,
  ...more,
});

/** A message as the server sends it. @param {number} seq */
export const chatFrame = (seq, more = {}) => ({
  msgid: 6,
  id: 2,
  name: 'li si',
  toid: 1,
  msg: `text ${seq}`,
  time: '2026-11-27 08:00:00',
  seq,
  ...more,
});

/** The answer to a login of user 1. */
export const loginAnswer = (more = {}) => ({
  msgid: 2,
  errno: 0,
  id: 1,
  name: 'zhang san',
  friends: [{ id: 2, name: 'li si', state: 'online' }],
  groups: [
    {
      id: 3,
      groupname: 'tea',
      groupdesc: '',
      users: [
        { id: 1, name: 'zhang san', state: 'online', role: 'creator' },
        { id: 2, name: 'li si', state: 'online', role: 'normal' },
      ],
      members: 2,
      more: false,
    },
  ],
  offlinemsg: [],
  conversations: [],
  newest: 10,
  ...more,
});
