/**
 * Client: keeps one account connected, and carries out what its state asks for. It connects again
 * after a loss, sends what waits in the outbox, saves what comes, and acknowledges what is saved.
 *
 *     offline ──▶ connecting ──▶ online ──▶ waiting ──▶ connecting ...
 *                     │            │
 *                     └────────────┴──▶ ended   sign in again, or another tab has the place
 */

import { Account } from '../core/account.js';
import { Backoff } from '../core/backoff.js';
import { idOf, isGroup, place } from '../core/keys.js';
import { ERR, MSG, NOT_NOW } from '../core/numbers.js';
import { randomId } from './random_id.js';
import { LostError, RefusedError, Socket } from './socket.js';

/** @typedef {import('../core/types.js').Frame} Frame */
/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../core/types.js').Message} Message */
/** @typedef {import('../core/account.js').Part} Part */

/**
 * A signed-in user, as it is saved.
 * @typedef {object} SavedAccount
 * @property {string} account  The name of the service for this account: the key of all its data.
 * @property {number} id
 * @property {string} name
 * @property {string} token
 * @property {string} epoch
 * @property {Record<string, number>} deviceIds  The number of the device of each place.
 */

/**
 * @typedef {object} ClientEvents
 * @property {(parts: Set<Part>) => void} onTouched  These parts are to be drawn again.
 * @property {(messages: Message[]) => void} onArrived  New messages of others.
 * @property {(state: ClientState) => void} onState
 * @property {(text: string) => void} onAnnouncement  A text of the operator.
 */

/**
 * @typedef {object} ClientState
 * @property {'offline' | 'connecting' | 'online' | 'waiting' | 'ended'} name
 * @property {string} [reason]  Of `ended`: `login`, `replaced`, `ended`, `disabled`, `deleted` or
 *   `abuse`.
 * @property {string} [text]  What the server said.
 * @property {number} [until]  Of `waiting`: when the next attempt begins, milliseconds.
 */

/** Saved messages that a conversation shows before the history comes. */
const SAVED_SHOWN = 50;

/** Messages of one page of the history. */
const PAGE = 50;

export class Client {
  /** @type {ClientState} */
  state = { name: 'offline' };
  /** @type {Account} */
  account;
  saved;
  tabs;
  #database;
  #url;
  #events;
  #label;
  #browser;
  #backoff = new Backoff();
  /** @type {Socket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #sendTimer;
  #flushing = Promise.resolve();
  #isFlushDue = false;
  #closed = false;
  /** @type {Set<number>} */
  #namesAsked = new Set();
  /** @type {Set<Key>} */
  #loading = new Set();

  /**
   * @param {string} url of the server: `ws://host:port/ws`
   * @param {import('./database.js').Database} database
   * @param {import('./tabs.js').Tabs} tabs with a place
   * @param {SavedAccount} saved
   * @param {{browser: string, label: string}} device the name of this browser, and its label
   * @param {ClientEvents} events
   */
  constructor(url, database, tabs, saved, device, events) {
    this.#url = url;
    this.#database = database;
    this.tabs = tabs;
    this.saved = saved;
    this.#browser = device.browser;
    this.#label = device.label;
    this.#events = events;
    this.account = new Account(saved.id, saved.name);
  }

  /** Read the saved data of the account. Call it once, before `connect`. */
  async load() {
    const { account } = this.saved;
    const [outbox, conversations, shown] = await Promise.all([
      this.#database.all('outbox', account),
      this.#database.all('conversations', account),
      this.#database.seqs(account, 1000),
    ]);
    outbox.sort(byOrder);
    const { id, name } = this.saved;
    this.account = new Account(id, name, { outbox, conversations, shown });
    await this.#database.trim(account);
  }

  /** Connect now. */
  connect() {
    clearTimeout(this.#retryTimer);
    if (this.#closed || this.#socket) return;
    this.#become({ name: 'connecting' });
    const socket = new Socket(
      this.#url,
      (frame) => this.#take(socket, frame),
      () => this.#lost(socket),
    );
    this.#socket = socket;
    this.#logIn(socket);
  }

  /** Do not connect: the user has to decide. @param {string} reason */
  wait(reason) {
    this.#end(reason, '');
  }

  /** The network is back, or the page is seen again. */
  wakeUp() {
    if (this.state.name === 'waiting') this.connect();
    else this.#socket?.check();
  }

  /** End the connection; the account stays signed in. */
  close() {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#sendTimer);
    this.#socket?.close();
    this.tabs.close();
  }

  /**
   * Send a request of the user; resolves with the answer.
   * Rejects with RefusedError or LostError.
   * @param {number} msgid
   * @param {Frame} [fields]
   */
  async ask(msgid, fields = {}) {
    if (!this.#socket || this.state.name !== 'online') throw new LostError('not connected');
    return this.#socket.ask({ msgid, id: this.account.id, ...fields });
  }

  // ------------------------------------------------------------------ messages

  /**
   * Write a message. It is sent when the connection allows, once.
   * @param {Key} key
   * @param {string} text
   */
  write(key, text) {
    const mid = randomId();
    const time = Date.now();
    // The clock may go back, and two messages may come in one millisecond.
    const order = Math.max(time, (this.account.outbox.drafts.at(-1)?.order ?? 0) + 1);
    this.account.write({ mid, key, text, time, copies: 0, order, state: 'waiting' });
    this.#flushSoon();
  }

  /** @param {string} mid */
  retry(mid) {
    this.account.retry(mid);
    this.#flushSoon();
  }

  /** @param {string} mid */
  withdraw(mid) {
    const isGone = this.account.withdraw(mid);
    if (isGone) this.tabs.tell({ type: 'withdrawn', mid });
    this.#flushSoon();
    return isGone;
  }

  /** Another tab was closed: send what it has not sent. The server knows what it has by `mid`. */
  async adopt() {
    const drafts = await this.#database.all('outbox', this.saved.account);
    for (const draft of drafts.sort(byOrder)) {
      const state = draft.state === 'failed' ? 'failed' : 'waiting';
      if (!this.account.outbox.get(draft.mid)) this.account.write({ ...draft, state, copies: 1 });
    }
    this.#flushSoon();
  }

  /** Another tab has deleted a message that was not sent. @param {string} mid */
  withdrawnElsewhere(mid) {
    this.account.withdraw(mid);
    this.#flushSoon();
  }

  /** Show a conversation: its saved messages at once, then the newest page. @param {Key} key */
  async open(key) {
    const timeline = this.account.timeline(key);
    if (timeline.loaded) return;
    const saved = await this.#database.messages(this.saved.account, key, SAVED_SHOWN);
    timeline.addSaved(saved);
    this.account.touch(key);
    this.#flushSoon();
    await this.loadOlder(key);
  }

  /** Load the page of the history before the oldest message. @param {Key} key */
  async loadOlder(key) {
    const timeline = this.account.timeline(key);
    if (this.#loading.has(key) || this.state.name !== 'online') return;
    if (timeline.loaded && !timeline.more) return;
    this.#loading.add(key);
    try {
      const before = timeline.oldest;
      const limits = before ? { limit: PAGE, before } : { limit: PAGE };
      const answer = await this.ask(MSG.HISTORY, { ...place(key), ...limits });
      const page = this.account.addPage(key, answer);
      if (!before) await this.#database.write(this.saved.account, page.map(putMessage));
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof LostError)) throw error;
      // Refused: a new conversation, or a group that was left. It has no history to read.
      if (error instanceof RefusedError && !NOT_NOW.includes(error.errno)) {
        timeline.addPage([], false);
        this.account.touch(key);
      }
    } finally {
      this.#loading.delete(key);
    }
    this.#flushSoon();
  }

  /** The user has read a conversation up to its newest message. @param {Key} key */
  read(key) {
    const { newest } = this.account.timeline(key);
    const known = this.account.conversations.get(key);
    if (!known?.last || newest <= known.read || this.state.name !== 'online') return;
    this.account.read(key, newest);
    this.ask(MSG.READ, { ...place(key), seq: newest }).catch(ignoreRefusal);
    this.#flushSoon();
  }

  /** The user is writing. @param {Key} key */
  tellTyping(key) {
    if (this.state.name !== 'online' || !this.account.typing.isDue(key, performance.now())) return;
    this.#socket?.send({ msgid: MSG.TYPING, id: this.account.id, ...place(key) });
  }

  /** Draw and save what has changed outside of a frame. */
  flush() {
    this.#flushSoon();
  }

  // ------------------------------------------------------------------ connection

  /** @param {Socket} socket */
  async #logIn(socket) {
    try {
      await socket.opened;
      const { id, token } = this.saved;
      const device = `${this.#browser}-${this.tabs.place}`;
      const fields = { v: 2, devices: true, device, label: this.#label };
      const answer = await socket.ask({ msgid: MSG.LOGIN, id, token, ...fields });
      await this.#loggedIn(socket, answer);
    } catch (error) {
      if (error instanceof RefusedError) this.#loginRefused(socket, error);
      else if (!(error instanceof LostError)) throw error;
    }
  }

  /** @param {Socket} socket @param {Frame} answer */
  async #loggedIn(socket, answer) {
    const { saved } = this;
    const number = String(this.tabs.place);
    const isOther = answer.epoch !== saved.epoch || answer.deviceid !== saved.deviceIds[number];
    if (isOther && saved.epoch) this.account.forgetNumbers();
    if (answer.epoch !== saved.epoch && saved.epoch) {
      await this.#database.clear(saved.account, ['messages', 'conversations']);
    }
    saved.epoch = answer.epoch;
    saved.name = answer.name;
    saved.deviceIds = { ...saved.deviceIds, [number]: answer.deviceid };
    await this.#database.put('accounts', saved);
    if (socket !== this.#socket) return;
    this.#backoff.reset();
    this.account.loggedIn(answer);
    socket.startHeartbeat(Number(answer.heartbeat) || 30);
    this.#become({ name: 'online' });
    this.#flushSoon();
  }

  /** @param {Socket} socket @param {RefusedError} error */
  #loginRefused(socket, error) {
    if (socket !== this.#socket) return;
    if (NOT_NOW.includes(error.errno)) socket.goodbye = error.answer;
    else if (error.errno === ERR.TOO_MANY_DEVICES) this.#end('devices', error.message);
    else if (error.errno === ERR.ONLINE) this.#end('online', error.message);
    else this.#end('login', error.message);
    socket.close();
  }

  /** @param {Socket} socket */
  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#sendTimer);
    this.account.disconnected();
    this.#flushSoon();
    const bye = socket.goodbye;
    if (this.#closed || this.state.name === 'ended') return;
    if (bye?.msgid === MSG.BYE && bye.reconnect === false) {
      this.#end(String(bye.reason), '');
      return;
    }
    const pause = this.#backoff.take((Number(bye?.retry_after) || 0) * 1000);
    this.#become({ name: 'waiting', until: Date.now() + pause });
    this.#retryTimer = setTimeout(() => this.connect(), pause);
  }

  /** @param {string} reason @param {string} text */
  #end(reason, text) {
    this.#become({ name: 'ended', reason, text });
  }

  /** @param {ClientState} state */
  #become(state) {
    this.state = state;
    this.#events.onState(state);
  }

  /** @param {Socket} socket @param {Frame} frame */
  #take(socket, frame) {
    if (socket !== this.#socket) return;
    if (frame.msgid === MSG.ANNOUNCE) this.#events.onAnnouncement(String(frame.msg));
    else this.account.take(frame);
    this.#flushSoon();
  }

  // ------------------------------------------------------------------ carrying out

  #flushSoon() {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  /** Draw, save, acknowledge, send. The saving of one flush ends before that of the next. */
  #flush() {
    const touched = this.account.takeTouched();
    if (touched.size) this.#events.onTouched(touched);
    const arrived = this.account.takeArrived();
    if (arrived.length) this.#events.onArrived(arrived);
    const changes = this.account.takeChanges();
    const { account } = this;
    const save = async () => {
      await this.#database.write(this.saved.account, changes);
      if (account !== this.account) return;
      account.written(changes);
      this.#acknowledge();
      this.#sendOutbox();
    };
    this.#flushing = this.#flushing.then(save).catch(reportError); // the next one goes on
    this.#askNames();
  }

  #acknowledge() {
    for (;;) {
      const seqs = this.account.takeAcknowledgements();
      if (!seqs.length) return;
      this.#socket?.send({ msgid: MSG.DELIVERED, seqs });
    }
  }

  /** A message is saved before it is sent: so a reload cannot lose it. */
  #sendOutbox() {
    clearTimeout(this.#sendTimer);
    if (this.state.name !== 'online') return;
    const { outbox, id } = this.account;
    for (const draft of outbox.take(performance.now())) {
      this.account.touch(draft.key);
      this.#socket?.send(frameOf(draft, id));
    }
    const { wakeAt } = outbox;
    if (wakeAt !== null && wakeAt > performance.now()) {
      this.#sendTimer = setTimeout(() => this.#sendOutbox(), wakeAt - performance.now());
    }
    const touched = this.account.takeTouched();
    if (touched.size) this.#events.onTouched(touched);
  }

  /** Ask for the names of users that events and members name only by number. */
  #askNames() {
    if (this.state.name !== 'online') return;
    const { conversations, roster } = this.account;
    const users = conversations.list.flatMap((one) => (one.last?.from ? [one.last.from] : []));
    const ids = roster
      .unnamed(users)
      .filter((id) => !this.#namesAsked.has(id))
      .slice(0, 200);
    if (!ids.length) return;
    for (const id of ids) this.#namesAsked.add(id);
    const take = (/** @type {Frame} */ answer) => {
      this.account.addNames(answer);
      this.#flushSoon();
    };
    this.ask(MSG.USERS, { ids }).then(take).catch(ignoreRefusal);
  }
}

/** @param {import('../core/types.js').Draft} one @param {import('../core/types.js').Draft} other */
const byOrder = (one, other) => one.order - other.order;

/** @param {Message} value @returns {import('../core/types.js').Change} */
const putMessage = (value) => ({ type: 'put', store: 'messages', value });

/** @param {import('../core/types.js').Draft} draft @param {number} id @returns {Frame} */
function frameOf({ key, text, mid }, id) {
  const target = isGroup(key)
    ? { msgid: MSG.GROUP_CHAT, groupid: idOf(key) }
    : { msgid: MSG.CHAT, toid: idOf(key) };
  return { ...target, id, msg: text, mid };
}

/** @param {unknown} error */
function ignoreRefusal(error) {
  if (!(error instanceof RefusedError || error instanceof LostError)) throw error;
}
