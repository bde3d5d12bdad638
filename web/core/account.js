/**
 * Account: all that the page knows of one signed-in user. Pure: frames and actions go in; changes
 * of the saved data, acknowledgements, and the names of changed parts come out.
 *
 * The caller takes these after each batch of frames:
 *
 * 1. `takeChanges()`: write them to the database.
 * 2. When they are written, call `written(changes)`. Then `takeAcknowledgements()` has the seqs.
 * 3. `takeTouched()`: the parts to draw again. `takeArrived()`: new messages to notify of.
 */

import { Conversations } from './conversations.js';
import { Inbox } from './inbox.js';
import { groupKey, idOf, isGroup, keyOfPlace, userKey } from './keys.js';
import { ERR, MSG } from './numbers.js';
import { Outbox } from './outbox.js';
import { listOf, messageOf, timeOf } from './parsing.js';
import { Roster } from './roster.js';
import { Timeline } from './timeline.js';
import { Typing } from './typing.js';

/** @typedef {import('./types.js').Change} Change */
/** @typedef {import('./types.js').Conversation} Conversation */
/** @typedef {import('./types.js').Draft} Draft */
/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Key} Key */
/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').StoreName} StoreName */

/**
 * The parts that change: `list` (conversations), `people`, `account`, or the key of a conversation.
 * @typedef {Key | 'list' | 'people' | 'account' | 'devices'} Part
 */

export class Account {
  id;
  name;
  receipts = true;
  /** The newest seq at the last login: lists and counts know everything up to it. */
  newest = 0;
  roster = new Roster();
  typing = new Typing();
  conversations;
  outbox;
  inbox;
  /** @type {Map<Key, Timeline>} */
  #timelines = new Map();
  /** @type {Change[]} */
  #changes = [];
  /** @type {Set<Part>} */
  #touched = new Set();
  /** @type {Message[]} */
  #arrived = [];

  /**
   * @param {number} id
   * @param {string} name
   * @param {{outbox?: Draft[], conversations?: Conversation[], shown?: number[]}} [saved]
   */
  constructor(id, name, saved = {}) {
    this.id = id;
    this.name = name;
    this.conversations = new Conversations(saved.conversations);
    this.outbox = new Outbox(saved.outbox);
    this.inbox = new Inbox(saved.shown);
    for (const one of this.conversations.list) {
      if (!isGroup(one.key)) this.roster.named(idOf(one.key), one.name);
    }
    this.roster.named(id, name);
  }

  /** The timeline of a conversation; an empty one if the page has none yet. @param {Key} key */
  timeline(key) {
    let timeline = this.#timelines.get(key);
    if (!timeline) {
      timeline = new Timeline();
      this.#timelines.set(key, timeline);
    }
    return timeline;
  }

  /** The name of a conversation. @param {Key} key */
  titleOf(key) {
    const known = isGroup(key)
      ? this.roster.groups.get(idOf(key))?.name
      : this.roster.nameOf(idOf(key));
    return known || this.conversations.get(key)?.name || '';
  }

  // ------------------------------------------------------------------ results

  /** @returns {Change[]} */
  takeChanges() {
    return this.#changes.splice(0);
  }

  /** @param {Change[]} changes */
  written(changes) {
    const messages = changes.filter((one) => one.type === 'put' && one.store === 'messages');
    this.inbox.saved(messages.map((one) => (one.type === 'put' ? one.value.seq : 0)));
  }

  takeAcknowledgements() {
    return this.inbox.takeAcknowledgements();
  }

  /** @returns {Set<Part>} */
  takeTouched() {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** @returns {Message[]} */
  takeArrived() {
    return this.#arrived.splice(0);
  }

  // ------------------------------------------------------------------ the login

  /** The answer to a login has come. @param {Frame} answer */
  loggedIn(answer) {
    this.id = Number(answer.id);
    this.name = String(answer.name);
    this.receipts = answer.receipts !== false;
    this.newest = Number(answer.newest) || 0;
    this.roster.reset(answer);
    this.roster.named(this.id, this.name);
    this.conversations.reset(answer);
    for (const one of this.conversations.list) this.#named(one);
    this.#openEmpty();
    this.#save('conversations', ...this.conversations.list);
    this.#touch('list', 'people', 'account');
    for (const key of this.#timelines.keys()) this.#touch(key);
    for (const frame of listOf(answer.offlinemsg)) this.take(frame);
  }

  /** The device or the database is another one: forget the numbers of messages. */
  forgetNumbers() {
    this.inbox.forget();
    for (const timeline of this.#timelines.values()) timeline.clear();
  }

  /** The connection is lost. */
  disconnected() {
    this.outbox.startOver();
    for (const friend of this.roster.friends.values()) friend.online = false;
    this.#touch('list', 'people');
  }

  // ------------------------------------------------------------------ frames of the server

  /**
   * A frame that is no answer to a request.
   * @param {Frame} frame
   * @param {number} [now] milliseconds of a clock that is never set
   */
  take(frame, now = performance.now()) {
    switch (frame.msgid) {
      case MSG.CHAT:
      case MSG.GROUP_CHAT:
        return this.#takeMessage(frame);
      case MSG.GROUP_EVENT:
        return this.#takeEvent(frame);
      case MSG.CHAT_ACK:
        return this.#takeAnswer(frame, now);
      case MSG.PRESENCE:
        this.roster.setOnline(frame.id, frame.state === 'online');
        return this.#touch('list', 'people');
      case MSG.READ_NOTICE:
        return this.#takeRead(frame);
      case MSG.TYPING_NOTICE:
        return this.#takeTyping(frame, now);
      case MSG.MUTE_NOTICE:
        return this.muted(keyOfPlace(frame) ?? '', Boolean(frame.muted));
      case MSG.FRIEND_NOTICE:
        return this.#takeFriendNotice(frame);
      case MSG.GROUP_NOTICE:
        if (frame.event === 'invited') this.roster.invited(frame);
        return this.#touch('people');
      case MSG.DEVICE_NOTICE:
        return this.#touch('devices');
      default:
        return undefined; // a newer server may know more
    }
  }

  /** @param {Frame} frame */
  #takeMessage(frame) {
    const message = messageOf(frame, this.id);
    if (!message) return;
    this.roster.named(message.from, message.name);
    const hold = message.from === this.id && this.#maySend(message);
    if (this.inbox.put(message, hold)) this.#show(message);
  }

  /** @param {Frame} frame */
  #takeEvent(frame) {
    const message = messageOf(frame, this.id);
    if (!message || !this.inbox.put(message)) return;
    if (message.seq > this.newest) this.roster.takeEvent(idOf(message.key), frame, this.id);
    this.#touch('people');
    this.#show(message);
  }

  /** Has the outbox a message that may be this one? @param {Message} message */
  #maySend(message) {
    const isSame = (/** @type {Draft} */ draft) => draft.copies > 0 && draft.text === message.text;
    return this.outbox.of(message.key).some(isSame);
  }

  /**
   * A message that is new here: to the list, to its timeline, and to the database.
   * @param {Message} message
   */
  #show(message) {
    const { key } = message;
    const isOwn = message.from === this.id;
    const isCounted = message.seq > 0 && message.seq <= this.newest;
    this.conversations.take(message, isOwn, this.titleOf(key), isCounted);
    const timeline = this.#timelines.get(key);
    if (timeline) timeline.add(message);
    this.typing.ends(key, message.from);
    if (message.seq) this.#save('messages', message);
    this.#save('conversations', this.conversations.get(key));
    this.#touch('list', key);
    if (!isOwn && !message.event) this.#arrived.push(message);
  }

  /** @param {Frame} answer @param {number} now */
  #takeAnswer(answer, now) {
    const draft = this.outbox.answered(answer, now);
    if (!draft) return;
    if (answer.errno === ERR.OK) this.#stored(draft, answer);
    else this.#save('outbox', draft);
    this.#touch(draft.key);
    for (const message of this.inbox.release((one) => this.#maySend(one))) this.#show(message);
  }

  /** The server has stored a message of this page. @param {Draft} draft @param {Frame} answer */
  #stored(draft, answer) {
    const { key, text } = draft;
    const seq = Number(answer.seq) || 0;
    const time = timeOf(answer.time);
    this.#changes.push({ type: 'delete', store: 'outbox', key: draft.mid });
    if (seq) this.inbox.sentHere(seq);
    this.#show({ key, seq, from: this.id, name: this.name, text, time });
  }

  /** @param {Frame} frame */
  #takeRead(frame) {
    const key = keyOfPlace(frame);
    if (frame.id === this.id && key) {
      this.read(key, frame.seq);
    } else if (frame.id !== this.id) {
      // The other user of a conversation of two: `with` is that user, too.
      const other = userKey(frame.id);
      this.conversations.otherRead(other, frame.seq);
      this.#touch(other);
    }
  }

  /** @param {Frame} frame @param {number} now */
  #takeTyping(frame, now) {
    const key = keyOfPlace(frame);
    if (!key || frame.id === this.id) return;
    this.typing.begins(key, frame.id, now);
    this.#touch(key, 'list');
  }

  /** @param {Frame} frame */
  #takeFriendNotice(frame) {
    this.roster.takeFriendNotice(frame);
    const isFriend = frame.event === 'accepted' || frame.event === 'added';
    if (isFriend) this.conversations.open(userKey(frame.id), this.roster.nameOf(frame.id));
    this.#touch('people', 'list');
  }

  // ------------------------------------------------------------------ actions of the user

  /** Write a message. It is sent when the connection allows. @param {Draft} draft */
  write(draft) {
    this.outbox.add(draft);
    this.#save('outbox', draft);
    this.conversations.open(draft.key, this.titleOf(draft.key));
    this.#touch(draft.key, 'list');
  }

  /** @param {string} mid */
  retry(mid) {
    const draft = this.outbox.retry(mid);
    if (!draft) return;
    this.#save('outbox', draft);
    this.#touch(draft.key);
  }

  /** Delete a draft. Returns whether that was possible. @param {string} mid */
  withdraw(mid) {
    const draft = this.outbox.withdraw(mid);
    if (!draft) return false;
    this.#changes.push({ type: 'delete', store: 'outbox', key: mid });
    this.#touch(draft.key);
    return true;
  }

  /** A page of the history has come. @param {Key} key @param {Frame} answer */
  addPage(key, answer) {
    const messages = listOf(answer.messages).map((frame) => messageOf(frame, this.id));
    const page = messages.filter((message) => message !== null);
    for (const message of page) this.roster.named(message.from, message.name);
    this.timeline(key).addPage(page, Boolean(answer.more));
    this.#touch(key);
    return page;
  }

  /** The user has read a conversation, here or elsewhere. @param {Key} key @param {number} seq */
  read(key, seq) {
    const messages = this.#timelines.get(key)?.messages ?? [];
    const isLeft = (/** @type {Message} */ one) =>
      one.seq > seq && one.from !== this.id && !one.event;
    this.conversations.read(key, seq, messages.filter(isLeft).length);
    this.#save('conversations', this.conversations.get(key));
    this.#touch('list', key);
  }

  /** @param {Key} key @param {boolean} muted */
  muted(key, muted) {
    if (!key) return;
    this.conversations.mute(key, muted);
    this.#save('conversations', this.conversations.get(key));
    this.#touch('list', key);
  }

  /** The user is no member of the group any more. @param {number} groupId */
  leftGroup(groupId) {
    this.roster.groups.delete(groupId);
    this.#touch('people', 'list', `g${groupId}`);
  }

  /** Names that USER_MSG has told. @param {Frame} answer */
  addNames(answer) {
    for (const user of listOf(answer.users)) this.roster.named(user.id, user.name);
    this.#touch('people', 'list');
  }

  /** Parts to draw again after a change from outside. @param {...Part} parts */
  touch(...parts) {
    this.#touch(...parts);
  }

  // ------------------------------------------------------------------ inside

  /** Friends, groups and unsent messages have a conversation, even without a stored message. */
  #openEmpty() {
    const { friends, groups } = this.roster;
    const keys = [...[...friends.keys()].map(userKey), ...[...groups.keys()].map(groupKey)];
    // Beyond the first page of the list, a missing conversation may have messages.
    if (this.conversations.more) keys.length = 0;
    for (const draft of this.outbox.drafts) keys.push(draft.key);
    for (const key of keys) this.conversations.open(key, this.titleOf(key));
  }

  /** @param {Conversation} one */
  #named(one) {
    if (!isGroup(one.key)) this.roster.named(idOf(one.key), one.name);
  }

  /** @param {StoreName} store @param {...any} values */
  #save(store, ...values) {
    for (const value of values) {
      if (value) this.#changes.push({ type: 'put', store, value: structuredClone(value) });
    }
  }

  /** @param {...Part} parts */
  #touch(...parts) {
    for (const part of parts) this.#touched.add(part);
  }
}
