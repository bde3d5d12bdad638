/**
 * The types that several modules share. No code.
 *
 * @typedef {Record<string, any>} Frame  One message of the protocol: see docs/protocol.md.
 *
 * @typedef {string} Key  Names a conversation: `u2` with the user 2, `g3` with the group 3.
 *
 * @typedef {object} GroupEvent  What has happened in a group.
 * @property {string} type  created, joined, left, removed, banned, role, renamed, changed or
 *   dissolved
 * @property {number} [userId]  The user that it has happened to.
 * @property {string} [name]  The name of that user.
 * @property {number} [by]  The user that has done it; absent for an operator of the server.
 * @property {string} [byName]
 * @property {string} [groupName]
 * @property {string} [role]
 * @property {string} [reason]
 *
 * @typedef {object} Message  A message that the server has stored, or an event of a group.
 * @property {Key} key
 * @property {number} seq  0 if the server has not stored it (delivery mode `direct`).
 * @property {number} from  The id of the sender; 0 for an event.
 * @property {string} name  The name of the sender.
 * @property {string} text
 * @property {number} time  Milliseconds since 1970; 0 if unknown.
 * @property {GroupEvent} [event]
 *
 * @typedef {'waiting' | 'sent' | 'failed'} SendState
 *
 * @typedef {object} Draft  A message of this user without an answer of the server.
 * @property {string} mid  Never used twice.
 * @property {Key} key
 * @property {string} text
 * @property {number} time  When it was written, by the clock of this machine.
 * @property {SendState} state
 * @property {number} copies  How many copies were sent and not answered.
 * @property {number} order  Drafts of an earlier page are sent in this order.
 * @property {string} [error]  Why it has failed.
 *
 * @typedef {object} Last  The last line of a conversation.
 * @property {number} seq
 * @property {number} from
 * @property {string} name
 * @property {string} text  The first 100 characters.
 * @property {number} time
 * @property {GroupEvent} [event]
 *
 * @typedef {object} Conversation
 * @property {Key} key
 * @property {string} name
 * @property {Last | null} last
 * @property {number} read  The user has read the messages up to this seq.
 * @property {number} unread
 * @property {boolean} unreadMore  There may be more than `unread`.
 * @property {number} otherRead  The other user has read up to this seq; 0 if unknown.
 * @property {boolean} muted
 *
 * @typedef {object} Person
 * @property {number} id
 * @property {string} name
 * @property {boolean} online
 * @property {string} [role]  In a group: creator, admin or normal.
 *
 * @typedef {object} Group
 * @property {number} id
 * @property {string} name
 * @property {string} description
 * @property {string} join  open, invite or password
 * @property {Map<number, Person>} members  Those that are known.
 * @property {number} size  The number of all members.
 * @property {boolean} more  There are others than `members`.
 *
 * @typedef {{type: 'put', store: StoreName, value: any} |
 *           {type: 'delete', store: StoreName, key: any}} Change  A change of the saved data.
 *
 * @typedef {'messages' | 'outbox' | 'conversations'} StoreName
 */

export {};
