/** Lines: what the list of messages shows for a timeline: messages, days, the unread line. Pure. */

/** @typedef {import('./types.js').Draft} Draft */
/** @typedef {import('./types.js').Message} Message */

/**
 * @typedef {object} Line
 * @property {'message' | 'event' | 'draft' | 'day' | 'unread'} type
 * @property {string} id  Unique in the list; stays the same when the line changes.
 * @property {Message} [message]
 * @property {Draft} [draft]
 * @property {number} time
 * @property {boolean} isOwn
 * @property {boolean} isFirst  It begins a block of one sender: the name is shown.
 * @property {boolean} isRead  The other user has read it.
 */

/** Milliseconds after which a message of the same sender begins a new block. */
const BLOCK = 5 * 60_000;

/**
 * @param {Message[]} messages in order
 * @param {Draft[]} drafts behind them
 * @param {{ownId: number, otherRead: number, unreadAfter: number}} view `unreadAfter`: the seq
 *   before the line "new messages"; -1: no such line
 * @returns {Line[]}
 */
export function linesOf(messages, drafts, { ownId, otherRead, unreadAfter }) {
  /** @type {Line[]} */
  const lines = [];
  let day = '';
  let sender = -1;
  let time = 0;
  let isUnreadShown = unreadAfter < 0;
  const begin = (/** @type {number} */ at) => {
    const today = dayOf(at);
    if (!at || today === day) return;
    day = today;
    sender = -1;
    lines.push(divider('day', `day ${today}`, at));
  };
  for (const message of messages) {
    const isOwn = message.from === ownId;
    begin(message.time);
    if (!isUnreadShown && message.seq > unreadAfter && !isOwn && !message.event) {
      isUnreadShown = true;
      sender = -1;
      lines.push(divider('unread', 'unread', message.time));
    }
    const isFirst = message.from !== sender || message.time - time > BLOCK;
    const isRead = isOwn && message.seq > 0 && message.seq <= otherRead;
    const type = message.event ? 'event' : 'message';
    const id = message.seq ? `m${message.seq}` : `t${message.time} ${lines.length}`;
    lines.push({ type, id, message, time: message.time, isOwn, isFirst, isRead });
    sender = message.event ? -1 : message.from;
    time = message.time;
  }
  for (const draft of drafts) {
    begin(draft.time);
    const isFirst = sender !== ownId;
    const id = `d${draft.mid}`;
    lines.push({ type: 'draft', id, draft, time: draft.time, isOwn: true, isFirst, isRead: false });
    sender = ownId;
  }
  return lines;
}

/** @param {'day' | 'unread'} type @param {string} id @param {number} time @returns {Line} */
const divider = (type, id, time) => ({
  type,
  id,
  time,
  isOwn: false,
  isFirst: false,
  isRead: false,
});

/** The day in the zone of this machine. @param {number} time */
function dayOf(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}
