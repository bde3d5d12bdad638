/** The list of conversations, with requests and invitations above it. */

import { idOf, isGroup } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { eventText } from '../text/event_text.js';
import { shortTimeOf, text } from '../text/texts.js';
import { fill, make, reconcile, setAttribute, setText } from './dom.js';
import { makeFirstSteps } from './empty_room.js';
import { typingText } from './typing_text.js';

/** @typedef {import('../core/types.js').Conversation} Conversation */
/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../io/client.js').Client} Client */

/**
 * @typedef {object} ListActions
 * @property {(key: Key) => unknown} open
 * @property {(userId: number, accept: boolean) => unknown} answerRequest
 * @property {(groupId: number) => unknown} joinGroup
 * @property {() => unknown} more
 * @property {() => unknown} addPerson
 * @property {() => unknown} createGroup
 */

export class ConversationList {
  element;
  #client;
  #actions;
  #textOf;
  #requests = make('ul', { class: 'requests', 'aria-label': text('requests') });
  #list = make('ul', { class: 'conversations' });
  #empty;
  #more;
  /** @type {Key} */
  #current = '';

  /**
   * @param {Client} client
   * @param {ListActions} actions
   * @param {(key: Key) => string} textOf the unfinished text of a conversation
   */
  constructor(client, actions, textOf) {
    this.#client = client;
    this.#actions = actions;
    this.#textOf = textOf;
    this.#empty = makeFirstSteps(actions);
    const onclick = () => actions.more();
    this.#more = make(
      'button',
      { type: 'button', class: 'link', onclick },
      text('moreConversations'),
    );
    const parts = [this.#requests, this.#list, this.#empty, this.#more];
    this.element = make('nav', { class: 'list', 'aria-label': text('conversations') }, ...parts);
    this.element.addEventListener('keydown', (event) => this.#moveFocus(event));
  }

  /** @param {Key} key */
  setCurrent(key) {
    this.#current = key;
    this.update();
  }

  update() {
    const { conversations } = this.#client.account;
    const { list } = conversations;
    this.#empty.hidden = list.length > 0;
    this.#more.hidden = !conversations.more;
    reconcile(
      this.#list,
      list,
      (one) => one.key,
      (one) => this.#make(one),
      (element, one) => this.#fill(element, one),
    );
    this.#showRequests();
  }

  /** @param {Conversation} one */
  #make({ key }) {
    const parts = ['avatar', 'title', 'time', 'preview', 'badge'];
    const spans = parts.map((name) => make('span', { class: name }));
    const button = make(
      'button',
      { type: 'button', onclick: () => this.#actions.open(key) },
      ...spans,
    );
    return make('li', {}, button);
  }

  /** @param {HTMLElement} element @param {Conversation} one */
  #fill(element, one) {
    const button = /** @type {HTMLElement} */ (element.firstElementChild);
    const [avatar, title, time, preview, badge] = /** @type {HTMLElement[]} */ ([
      ...button.children,
    ]);
    const name =
      plainName(this.#client.account.titleOf(one.key)) || text('number', { n: idOf(one.key) });
    setText(avatar, isGroup(one.key) ? '#' : firstCharacter(name));
    avatar.dataset.colour = String(idOf(one.key) % 6);
    avatar.classList.toggle('online', this.#isOnline(one.key));
    setText(title, name);
    setText(time, shortTimeOf(one.last?.time ?? 0));
    setText(preview, this.#previewOf(one));
    preview.classList.toggle('typing', this.#typingIn(one.key) !== '');
    const count = one.unread ? `${one.unread}${one.unreadMore ? '+' : ''}` : '';
    setText(badge, count);
    badge.hidden = !count;
    setAttribute(badge, 'aria-label', count ? text('unread', { n: one.unread }) : null);
    button.classList.toggle('muted', one.muted);
    setAttribute(button, 'aria-current', one.key === this.#current ? 'true' : null);
  }

  /** @param {Key} key */
  #isOnline(key) {
    return !isGroup(key) && Boolean(this.#client.account.roster.friends.get(idOf(key))?.online);
  }

  /** @param {Key} key */
  #typingIn(key) {
    return typingText(this.#client.account, key);
  }

  /** @param {Conversation} one */
  #previewOf(one) {
    const typing = this.#typingIn(one.key);
    if (typing) return typing;
    const draft = one.key === this.#current ? '' : this.#textOf(one.key);
    if (draft) return text('draft', { text: draft });
    if (!one.last) return '';
    if (one.last.event) return eventText(one.last.event);
    const { from, name, text: said } = one.last;
    const line = said.replace(/\s+/g, ' ');
    if (from === this.#client.account.id) return `${text('you')}: ${line}`;
    return isGroup(one.key) ? `${plainName(name)}: ${line}` : line;
  }

  #showRequests() {
    const { roster } = this.#client.account;
    const requests = [...roster.requests.values()].map((person) => {
      const answer = (/** @type {boolean} */ accept) => () =>
        this.#actions.answerRequest(person.id, accept);
      return make(
        'li',
        {},
        text('asksYou', { name: plainName(person.name) }),
        make('button', { type: 'button', onclick: answer(true) }, text('accept')),
        make('button', { type: 'button', onclick: answer(false) }, text('decline')),
      );
    });
    const invitations = [...roster.invitations.values()].map(({ groupId, groupName, byName }) => {
      const onclick = () => this.#actions.joinGroup(groupId);
      const said = text('invitesYou', { by: plainName(byName), group: plainName(groupName) });
      return make('li', {}, said, make('button', { type: 'button', onclick }, text('join')));
    });
    fill(this.#requests, ...requests, ...invitations);
    this.#requests.hidden = requests.length + invitations.length === 0;
  }

  /** The arrow keys move between the conversations. @param {KeyboardEvent} event */
  #moveFocus(event) {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const buttons = [...this.#list.querySelectorAll('button')];
    const index = buttons.indexOf(/** @type {any} */ (document.activeElement));
    if (index < 0) return;
    event.preventDefault();
    buttons[index + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
  }
}

/** @param {string} name */
const firstCharacter = (name) => [...name][0]?.toUpperCase() ?? '?';
