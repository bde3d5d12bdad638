/**
 * Offers notifications once: when the user comes back, and a message has come meanwhile. The user
 * knows then what they are for, and the click lets the browser ask.
 */

import { text } from '../text/texts.js';
import { make } from './dom.js';
import { askForNotifications, isOfferDue } from './notifications.js';

export class NotificationOffer {
  element = make('div', { class: 'offer', role: 'status', hidden: true });
  #isDue = false;

  /** A message has come. */
  arrived() {
    if (document.visibilityState === 'hidden') this.#isDue = true;
  }

  /** The page is seen again. */
  seen() {
    if (!this.#isDue || !isOfferDue()) return;
    this.#isDue = false;
    const answer = (/** @type {boolean} */ isWanted) => () => {
      this.element.hidden = true;
      askForNotifications(isWanted);
    };
    const button = (/** @type {string} */ label, /** @type {() => unknown} */ act) =>
      make('button', { type: 'button', class: 'link', onclick: act }, label);
    this.element.replaceChildren(
      text('notifyOffer'),
      ' ',
      button(text('yes'), answer(true)),
      ' ',
      button(text('no'), answer(false)),
    );
    this.element.hidden = false;
  }
}
