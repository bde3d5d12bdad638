/**
 * The view of a signed-in user: the list on the left, the conversation on the right. On a narrow
 * screen it shows one of the two. The address holds the conversation (`#u2`), so that Back works.
 */

import { ERR, MSG } from '../core/numbers.js';
import { groupKey, userKey } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { LostError, RefusedError } from '../io/socket.js';
import { text } from '../text/texts.js';
import { openAddPerson, openCreateGroup } from './add_dialogs.js';
import { ConnectionBar } from './connection_bar.js';
import { ConversationList } from './conversation_list.js';
import { openDetails } from './details.js';
import { iconButton, make, setText } from './dom.js';
import { attempt } from './feedback.js';
import { NotificationOffer } from './notification_offer.js';
import { openProfile } from './profile.js';
import { Room } from './room.js';
import { openSearch } from './search.js';
import { openSwitcher } from './switcher.js';

/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../core/account.js').Part} Part */
/** @typedef {import('../io/client.js').Client} Client */

/**
 * @typedef {object} ChatActions
 * @property {() => unknown} signOut
 * @property {() => unknown} otherAccount
 * @property {() => unknown} useHere
 * @property {(language: string) => unknown} setLanguage
 * @property {(theme: string) => unknown} setTheme
 * @property {() => string} theme
 */

export class ChatView {
  element;
  client;
  #actions;
  #list;
  #room;
  #bar;
  #name;
  #offer = new NotificationOffer();
  /** Open panels to draw again: part → draw. @type {Set<(parts: Set<Part>) => void>} */
  #panels = new Set();
  #onHash = () => this.#route();
  #onKey = (/** @type {KeyboardEvent} */ event) => this.#pressed(event);
  /** @type {ReturnType<typeof setInterval>} */
  #clock;

  /**
   * @param {Client} client
   * @param {import('./texts_store.js').UnfinishedTexts} texts
   * @param {ChatActions} actions
   */
  constructor(client, texts, actions) {
    this.client = client;
    this.#actions = actions;
    this.#bar = new ConnectionBar(client, actions.useHere, actions.otherAccount);
    const listActions = {
      open: (/** @type {Key} */ key) => this.open(key),
      answerRequest: (/** @type {number} */ userid, /** @type {boolean} */ accept) =>
        attempt(() => this.#answerRequest(userid, accept)),
      joinGroup: (/** @type {number} */ groupid) => attempt(() => this.joinGroup(groupid)),
      more: () => attempt(() => this.#moreConversations()),
      addPerson: () => this.#openNew(),
      createGroup: () => openCreateGroup(this),
    };
    this.#list = new ConversationList(client, listActions, (key) => texts.get(key));
    this.#room = new Room(client, texts, {
      back: () => this.close(),
      info: (key) => openDetails(this, key),
      search: (key) => openSearch(this, key),
      addPerson: () => this.#openNew(),
      createGroup: () => openCreateGroup(this),
    });
    this.#name = make('bdi', {}, plainName(client.saved.name));
    const buttons = [
      iconButton('menu', text('profile'), () => openProfile(this, this.#actions)),
      make('h1', { class: 'own-name' }, this.#name),
      iconButton('search', text('searchAll'), () => openSearch(this, '')),
      iconButton('add', text('newChat'), () => this.#openNew()),
    ];
    const head = make('header', { class: 'side-head' }, ...buttons);
    const bars = [this.#bar.element, this.#offer.element];
    const side = make('div', { class: 'side' }, head, ...bars, this.#list.element);
    this.element = make('div', { class: 'chat' }, side, this.#room.element);
    addEventListener('hashchange', this.#onHash);
    document.addEventListener('keydown', this.#onKey);
    this.#clock = setInterval(() => this.#list.update(), 3000); // typing ends by time
    this.#list.update();
    this.#route();
  }

  /** Take it off the page. */
  close() {
    location.hash = '';
  }

  remove() {
    removeEventListener('hashchange', this.#onHash);
    document.removeEventListener('keydown', this.#onKey);
    clearInterval(this.#clock);
    this.element.remove();
  }

  /** The conversation on the screen; empty: none. */
  get current() {
    return this.#room.key;
  }

  /** @param {Key} key */
  open(key) {
    if (location.hash === `#${key}`) this.#route();
    else location.hash = key;
  }

  /** Show a message of a conversation. @param {Key} key @param {number} seq */
  async showMessage(key, seq) {
    if (this.#room.key !== key) {
      history.pushState(null, '', `#${key}`);
      await this.#openRoom(key);
    }
    return this.#room.showMessage(seq);
  }

  /** These parts have changed. @param {Set<Part>} parts */
  update(parts) {
    if (parts.has('list') || parts.has('people')) this.#list.update();
    if (parts.has(this.#room.key)) this.#room.updateMessages();
    else if (parts.has('people') || parts.has('list')) this.#room.update();
    for (const panel of this.#panels) panel(parts);
  }

  /** A panel wants to hear of changes. Returns the function that ends it.
   * @param {(parts: Set<Part>) => void} panel */
  watch(panel) {
    this.#panels.add(panel);
    return () => this.#panels.delete(panel);
  }

  stateChanged() {
    this.#bar.update();
    if (this.client.state.name === 'online' && this.#room.key) this.client.open(this.#room.key);
  }

  /** The user has another name. */
  nameChanged() {
    setText(this.#name, plainName(this.client.account.name));
  }

  /** Messages of others have come. */
  arrived() {
    this.#offer.arrived();
  }

  /** The page is seen again. */
  seen() {
    this.#offer.seen();
    this.#room.seen();
  }

  /** Add a person by name, and open the conversation. @param {string} name */
  async addPerson(name) {
    const answer = await this.#addFriend(name);
    if (answer.friend) {
      this.client.account.roster.addFriend(answer.friend);
      this.client.account.conversations.open(userKey(answer.friend.id), answer.friend.name);
      this.client.account.touch('list', 'people');
      this.client.flush();
      this.open(userKey(answer.friend.id));
    }
    return answer;
  }

  /** @param {number} groupid @param {string} [password] */
  async joinGroup(groupid, password) {
    const more = password ? { password } : {};
    const { group } = await this.client.ask(MSG.JOIN_GROUP, { groupid, ...more });
    this.client.account.roster.addGroup(group);
    this.client.account.conversations.open(groupKey(group.id), group.groupname);
    this.client.account.touch('list', 'people');
    this.client.flush();
    this.open(groupKey(group.id));
  }

  /** @param {string} friendname */
  async #addFriend(friendname) {
    try {
      return await this.client.ask(MSG.ADD_FRIEND, { friendname });
    } catch (error) {
      if (error instanceof RefusedError && error.errno === ERR.EXISTS) return error.answer;
      throw error;
    }
  }

  /** @param {number} userid @param {boolean} accept */
  async #answerRequest(userid, accept) {
    const answer = await this.client.ask(MSG.ANSWER_FRIEND, { userid, accept });
    const { roster } = this.client.account;
    roster.requests.delete(userid);
    if (answer.friend) roster.addFriend(answer.friend);
    this.client.account.touch('list', 'people');
    this.client.flush();
    if (accept) this.open(userKey(userid));
  }

  async #moreConversations() {
    const { conversations } = this.client.account;
    const before = conversations.oldest;
    const answer = await this.client.ask(MSG.CONVERSATIONS, before ? { before } : {});
    conversations.addPage(answer.conversations, Boolean(answer.more));
    this.client.account.touch('list');
    this.client.flush();
  }

  #openNew() {
    openAddPerson(this, () => openCreateGroup(this));
  }

  #route() {
    const key = location.hash.slice(1);
    if (/^[ug][1-9][0-9]*$/.test(key)) this.#openRoom(key);
    else this.#closeRoom();
  }

  /** @param {Key} key */
  async #openRoom(key) {
    this.element.classList.add('has-room');
    this.#list.setCurrent(key);
    try {
      await this.#room.open(key);
    } catch (error) {
      if (!(error instanceof LostError || error instanceof RefusedError)) throw error;
    }
  }

  #closeRoom() {
    this.element.classList.remove('has-room');
    this.#room.close();
    this.#list.setCurrent('');
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openSwitcher(this);
    } else if (event.key === 'Escape' && !document.querySelector('dialog') && this.current) {
      this.close();
    }
  }
}
