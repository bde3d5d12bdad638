/** One conversation: its head, its messages and the input. */

import { idOf, isGroup } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { text } from '../text/texts.js';
import { Composer } from './composer.js';
import { iconButton, make, setText } from './dom.js';
import { toast } from './feedback.js';
import { makeEmptyRoom } from './empty_room.js';
import { MessageList } from './message_list.js';
import { typingText } from './typing_text.js';

/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../io/client.js').Client} Client */
/** @typedef {import('./texts_store.js').UnfinishedTexts} UnfinishedTexts */

/** Pages that the way to the first unread message loads at most. */
const UNREAD_PAGES = 40;

/**
 * @typedef {object} RoomActions
 * @property {() => unknown} back
 * @property {(key: Key) => unknown} info
 * @property {(key: Key) => unknown} search
 * @property {() => unknown} addPerson
 * @property {() => unknown} createGroup
 */

export class Room {
  element;
  /** The conversation that is shown; empty: none. @type {Key} */
  key = '';
  #client;
  #texts;
  #title = make('h2', { class: 'title' });
  #status = make('p', { class: 'status' });
  #list;
  #composer;
  #closed = make('p', { class: 'hint closed' }, text('notMember'));
  #empty;
  #content;

  /**
   * @param {Client} client
   * @param {UnfinishedTexts} texts
   * @param {RoomActions} actions
   */
  constructor(client, texts, actions) {
    this.#client = client;
    this.#texts = texts;
    this.#list = new MessageList(client, {
      retry: (mid) => client.retry(mid),
      withdraw: (mid) => this.#withdraw(mid),
    });
    this.#list.onSeen = () => this.#seen();
    this.#list.onOlder = () => this.#loadOlder();
    this.#list.onUnread = () => this.#showUnread();
    this.#composer = new Composer({
      send: (key, said) => this.#send(key, said),
      typing: (key) => client.tellTyping(key),
      save: (key, said) => texts.save(key, said),
    });
    this.#empty = makeEmptyRoom(client, actions);
    const back = iconButton('back', text('back'), actions.back);
    back.classList.add('back');
    const search = iconButton('search', text('search'), () => actions.search(this.key));
    const info = iconButton('info', text('info'), () => actions.info(this.key));
    const names = make('div', { class: 'names' }, this.#title, this.#status);
    const head = make('header', { class: 'room-head' }, back, names, search, info);
    const bottom = [this.#closed, this.#composer.element];
    this.#content = make('div', { class: 'room-content' }, head, this.#list.element, ...bottom);
    this.element = make('main', { class: 'room' }, this.#empty.element, this.#content);
    this.element.addEventListener('keydown', (event) => {
      if (this.#list.scrollBy(event)) event.preventDefault();
    });
    this.close();
  }

  /** @param {Key} key */
  async open(key) {
    this.key = key;
    this.#empty.element.hidden = true;
    this.#content.hidden = false;
    this.#composer.show(key, plainName(this.#client.account.titleOf(key)), this.#texts.get(key));
    this.update();
    this.#list.show(key);
    if (!matchMedia('(pointer: coarse)').matches) this.#composer.focus();
    await this.#client.open(key);
    if (this.key === key) this.#list.update();
  }

  close() {
    this.key = '';
    this.#empty.element.hidden = false;
    this.#empty.update();
    this.#content.hidden = true;
  }

  update() {
    if (!this.key) {
      this.#empty.update();
      return;
    }
    const { account } = this.#client;
    const name = plainName(account.titleOf(this.key)) || text('number', { n: idOf(this.key) });
    setText(this.#title, name);
    setText(this.#status, typingText(account, this.key) || this.#statusText());
    // Before the first login of this page, the groups are not known.
    const isUnknown = !account.newest;
    const isMember = !isGroup(this.key) || isUnknown || account.roster.groups.has(idOf(this.key));
    this.#composer.allow(isMember);
    this.#closed.hidden = isMember;
  }

  /** The messages have changed. */
  updateMessages() {
    this.update();
    if (!this.key) return;
    if (!isAttended()) this.#list.wasAway();
    this.#list.update();
  }

  /**
   * Load pages until the message is there, and show it.
   * @param {number} seq
   * @param {number} pages
   */
  async showMessage(seq, pages = 20) {
    const timeline = this.#client.account.timeline(this.key);
    for (let page = 0; page < pages && !timeline.has(seq) && timeline.more; page += 1) {
      await this.#client.loadOlder(this.key);
    }
    this.#list.update();
    return this.#list.jumpTo(seq);
  }

  /** The page is seen again. */
  seen() {
    if (this.key && this.#list.isAtEnd) this.#seen();
  }

  #statusText() {
    const { roster } = this.#client.account;
    if (isGroup(this.key)) {
      const group = roster.groups.get(idOf(this.key));
      return group ? text('members', { n: group.size }) : '';
    }
    const friend = roster.friends.get(idOf(this.key));
    return friend ? text(friend.online ? 'isOnline' : 'isOffline') : '';
  }

  #seen() {
    if (this.key && isAttended()) this.#client.read(this.key);
  }

  async #loadOlder() {
    const { key } = this;
    await this.#client.loadOlder(key);
    if (this.key === key) this.#list.updateInPlace();
  }

  /** Load pages until the first unread message is there, and show it. */
  async #showUnread() {
    const { key } = this;
    const timeline = this.#client.account.timeline(key);
    const after = this.#list.unreadAfter;
    for (let page = 0; page < UNREAD_PAGES && timeline.more; page += 1) {
      if ((timeline.oldest ?? Infinity) <= after) break;
      const before = timeline.oldest;
      await this.#client.loadOlder(key);
      if (timeline.oldest === before) break; // no connection
    }
    if (this.key !== key) return;
    this.#list.update();
    this.#list.scrollToUnread();
  }

  /** @param {Key} key @param {string} said */
  #send(key, said) {
    this.#list.forgetUnread();
    this.#client.write(key, said);
    this.#list.jumpToNewest();
  }

  /** @param {string} mid */
  #withdraw(mid) {
    const copies = this.#client.account.outbox.get(mid)?.copies ?? 0;
    if (this.#client.withdraw(mid) && copies > 0) toast(text('mayHaveArrived'));
  }
}

/** Does the user see the page? */
const isAttended = () => document.visibilityState === 'visible' && document.hasFocus();
