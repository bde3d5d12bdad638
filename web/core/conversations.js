/** The list of conversations: last lines, unread counts and read marks. Pure. */

import { isGroup, keyOfPlace } from './keys.js';
import { eventOf, listOf, timeOf } from './parsing.js';

/** @typedef {import('./types.js').Conversation} Conversation */
/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Key} Key */
/** @typedef {import('./types.js').Last} Last */
/** @typedef {import('./types.js').Message} Message */

/** Characters of a last line. */
const PREVIEW = 100;

export class Conversations {
  /** @type {Map<Key, Conversation>} */
  #all = new Map();
  /** The server has others, which are not in the list. */
  more = false;

  /** @param {Iterable<Conversation>} [saved] the list of an earlier page */
  constructor(saved = []) {
    for (const conversation of saved) this.#all.set(conversation.key, { ...conversation });
  }

  /** @param {Key} key */
  get(key) {
    return this.#all.get(key);
  }

  /** The newest first; those without a message at the end. @returns {Conversation[]} */
  get list() {
    const place = (/** @type {Conversation} */ one) => one.last?.seq ?? -1;
    return [...this.#all.values()].sort((one, other) => place(other) - place(one));
  }

  /** Unread messages in conversations that are not muted. */
  get unread() {
    let sum = 0;
    for (const one of this.#all.values()) if (!one.muted) sum += one.unread;
    return sum;
  }

  /** The seq before which the next page of the list begins. */
  get oldest() {
    const seqs = this.list.flatMap((one) => (one.last ? [one.last.seq] : []));
    return seqs.length ? Math.min(...seqs) : undefined;
  }

  /**
   * The list in the answer to a login: it is right, and replaces the former one.
   * @param {Frame} answer
   */
  reset(answer) {
    const former = this.#all;
    this.#all = new Map();
    this.addPage(answer.conversations, Boolean(answer.conversations_more));
    for (const place of listOf(answer.muted)) {
      const key = keyOfPlace(place);
      if (key) this.open(key, former.get(key)?.name ?? '').muted = true;
    }
    for (const [key, one] of former) {
      const name = this.#all.get(key);
      if (name && !name.name) name.name = one.name;
      // A conversation of an older page stays. One that was opened and is empty does not.
      if (!name && this.more && one.last) this.#all.set(key, one);
    }
  }

  /**
   * A page of the list.
   * @param {unknown} entries
   * @param {boolean} more
   */
  addPage(entries, more) {
    for (const entry of listOf(entries)) {
      const conversation = conversationOf(entry);
      if (conversation) this.#all.set(conversation.key, conversation);
    }
    this.more = more;
  }

  /**
   * The conversation; a new one without messages if there is none.
   * @param {Key} key
   * @param {string} name
   * @returns {Conversation}
   */
  open(key, name) {
    let one = this.#all.get(key);
    if (!one) {
      const empty = { read: 0, unread: 0, unreadMore: false, otherRead: 0, muted: false };
      one = { key, name, last: null, ...empty };
      this.#all.set(key, one);
    }
    return one;
  }

  /** @param {Key} key */
  remove(key) {
    return this.#all.delete(key);
  }

  /**
   * A message that was delivered or sent.
   * @param {Message} message
   * @param {boolean} isOwn
   * @param {string} name of the conversation, if this is its first message
   * @param {boolean} isCounted the list of the login has counted it already
   */
  take(message, isOwn, name, isCounted) {
    const one = this.open(message.key, name);
    if (!one.last || message.seq >= one.last.seq || !message.seq) one.last = lastOf(message, one);
    if (isOwn || message.event || isCounted) return;
    if (!message.seq || message.seq > one.read) one.unread += 1;
  }

  /**
   * The user has read up to this message, here or on another device.
   * @param {Key} key
   * @param {number} seq
   * @param {number} left messages of others behind it
   */
  read(key, seq, left) {
    const one = this.#all.get(key);
    if (!one || seq <= one.read) return;
    one.read = seq;
    one.unread = left;
    one.unreadMore = false;
  }

  /** The other user has read up to this message. @param {Key} key @param {number} seq */
  otherRead(key, seq) {
    const one = this.#all.get(key);
    if (one && seq > one.otherRead) one.otherRead = seq;
  }

  /** @param {Key} key @param {boolean} muted */
  mute(key, muted) {
    this.open(key, '').muted = muted;
  }
}

/** @param {Frame} entry @returns {Conversation | null} */
function conversationOf(entry) {
  const key = keyOfPlace(entry);
  if (!key) return null;
  return {
    key,
    name: String((isGroup(key) ? entry.groupname : entry.name) ?? ''),
    last: entry.last ? lastOfEntry(entry.last) : null,
    read: Number(entry.read) || 0,
    unread: Number(entry.unread) || 0,
    unreadMore: Boolean(entry.unread_more),
    otherRead: Number(entry.other_read) || 0,
    muted: Boolean(entry.muted),
  };
}

/** @param {Frame} last @returns {Last} */
function lastOfEntry(last) {
  const line = {
    seq: Number(last.seq) || 0,
    from: Number(last.id) || 0,
    name: String(last.name ?? ''),
    text: String(last.msg ?? ''),
    time: timeOf(last.time),
  };
  return last.event ? { ...line, event: eventOf(last) } : line;
}

/** @param {Message} message @param {Conversation} one @returns {Last} */
function lastOf(message, one) {
  const { from, name, time, event } = message;
  const text = [...message.text.slice(0, 2 * PREVIEW)].slice(0, PREVIEW).join('');
  const last = { seq: message.seq || (one.last?.seq ?? 0), from, name, text, time };
  return event ? { ...last, event } : last;
}
