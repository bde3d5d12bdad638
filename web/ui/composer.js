/** The input for a message: several lines, emoji, an unfinished text for each conversation. */

import { text } from '../text/texts.js';
import { iconButton, make, setAttribute, setText } from './dom.js';
import { openEmoji } from './emoji.js';

/** @typedef {import('../core/types.js').Key} Key */

/** Bytes of a text: the server's limit. */
export const TEXT_BYTES = 16_384;

/**
 * @typedef {object} ComposerActions
 * @property {(key: Key, text: string) => unknown} send
 * @property {(key: Key) => unknown} typing
 * @property {(key: Key, text: string) => unknown} save the unfinished text
 */

export class Composer {
  element;
  #actions;
  #input;
  #error = make('p', { class: 'error', role: 'alert' });
  /** @type {Key} */
  #key = '';

  /** @param {ComposerActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#input = make('textarea', { rows: 1, 'aria-label': text('write'), enterKeyHint: 'send' });
    this.#input.addEventListener('keydown', (event) => this.#pressed(event));
    this.#input.addEventListener('input', () => this.#changed());
    const properties = { type: 'button', class: 'icon-button', 'aria-label': text('emoji') };
    const emoji = make('button', properties, '☺');
    emoji.addEventListener('click', () => openEmoji(emoji, (one) => this.#insert(one)));
    const send = iconButton('send', text('send'), () => this.#send());
    send.classList.add('primary');
    this.element = make('div', { class: 'composer' }, this.#error, emoji, this.#input, send);
  }

  /** @param {Key} key @param {string} title @param {string} unfinished */
  show(key, title, unfinished) {
    this.#key = key;
    this.#input.value = unfinished;
    this.#input.placeholder = text('writeTo', { name: title });
    this.#checkSize();
    this.#grow();
  }

  /** @param {boolean} isAllowed */
  allow(isAllowed) {
    this.element.hidden = !isAllowed;
  }

  focus() {
    this.#input.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // While a Chinese text is composed, Enter chooses the characters.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey && !isTouch()) {
      event.preventDefault();
      this.#send();
    }
  }

  #changed() {
    this.#checkSize();
    this.#grow();
    this.#actions.save(this.#key, this.#input.value);
    if (this.#input.value) this.#actions.typing(this.#key);
  }

  #send() {
    const said = this.#input.value.replace(/\s+$/u, '');
    if (!said.trim()) return;
    if (!this.#checkSize()) return;
    this.#actions.send(this.#key, said);
    this.#input.value = '';
    this.#actions.save(this.#key, '');
    this.#grow();
    this.focus();
  }

  /** @param {string} said */
  #insert(said) {
    this.focus();
    this.#input.setRangeText(said, this.#input.selectionStart, this.#input.selectionEnd, 'end');
    this.#changed();
  }

  /** Says how long a text may be, also while it is written or pasted. Returns whether it fits. */
  #checkSize() {
    const said = this.#input.value.replace(/\s+$/u, '');
    // A character has at most three bytes for each unit of the string.
    const size = 3 * said.length > TEXT_BYTES ? new TextEncoder().encode(said).length : 0;
    const isTooLong = size > TEXT_BYTES;
    setText(this.#error, isTooLong ? text('tooLong', { n: TEXT_BYTES, size }) : '');
    setAttribute(this.#input, 'aria-invalid', isTooLong ? 'true' : null);
    return !isTooLong;
  }

  /** As high as the text, up to a limit of the style sheet. */
  #grow() {
    this.#input.style.height = 'auto';
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}

/** On a telephone, Enter makes a new line. */
const isTouch = () => matchMedia('(pointer: coarse)').matches;
