/** The buttons over the messages: to the first unread message, and to the newest one. */

import { text } from '../text/texts.js';
import { icon, make, setAttribute, setText } from './dom.js';

export class JumpButtons {
  elements;
  #unread;
  #newest;

  /** @param {() => unknown} toUnread @param {() => unknown} toNewest */
  constructor(toUnread, toNewest) {
    this.#unread = jumpButton('up', toUnread);
    this.#newest = jumpButton('down', toNewest);
    this.elements = [this.#unread.button, this.#newest.button];
    this.showUnread('');
    this.showNewest(true, 0);
  }

  /** Unread messages above the screen. @param {string} count empty: none; `120+`: or more */
  showUnread(count) {
    this.#unread.show(count !== '', text('jumpToUnread'), count);
  }

  /** @param {boolean} isAtEnd @param {number} news new messages below the screen */
  showNewest(isAtEnd, news) {
    const label = news ? text('jumpToNew', { n: news }) : text('jumpToNewest');
    this.#newest.show(!isAtEnd, label, news ? String(news) : '');
  }
}

/** @param {'up' | 'down'} direction @param {() => unknown} onclick */
function jumpButton(direction, onclick) {
  const badge = make('span', { class: 'badge', 'aria-hidden': 'true' });
  const properties = { type: 'button', class: `icon-button jump to-${direction}`, onclick };
  const button = make('button', properties, icon(direction), badge);
  const show = (/** @type {boolean} */ isShown, /** @type {string} */ label, count = '') => {
    button.hidden = !isShown;
    setAttribute(button, 'aria-label', label);
    button.title = label;
    setText(badge, count);
    badge.hidden = !count;
  };
  return { button, show };
}
