/** The input for a message: several lines, emoji, an unfinished text for each conversation. */

import { text } from '../text/texts.js';
import { iconButton, make } from './dom.js';
import { openEmoji } from './emoji.js';
import { toast } from './feedback.js';

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
  /** @type {Key} */
  #key = '';

  /** @param {ComposerActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#input = make('textarea', { rows: 1, 'aria-label': text('write'), enterKeyHint: 'send' });
    this.#input.addEventListener('keydown', (event) => this.#pressed(event));
    this.#input.addEventListener('input', () => this.#changed());
    const emoji = make('button', { type: 'button', class: 'icon-button', 'aria-label': text('emoji') }, '☺');
    emoji.addEventListener('click', () => openEmoji(emoji, (one) => this.#insert(one)));
    const send = iconButton('send', text('send'), () => this.#send());
    send.classList.add('primary');
    this.element = make('div', { class: 'composer' }, emoji, this.#input, send);
  }

  /** @param {Key} key @param {string} title @param {string} unfinished */
  show(key, title, unfinished) {
    this.#key = key;
    this.#input.value = unfinished;
    this.#input.placeholder = text('writeTo', { name: title });
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
    this.#grow();
    this.#actions.save(this.#key, this.#input.value);
    if (this.#input.value) this.#actions.typing(this.#key);
  }

  #send() {
    const said = this.#input.value.replace(/\s+$/u, '');
    if (!said.trim()) return;
    if (new TextEncoder().encode(said).length > TEXT_BYTES) {
      toast(text('tooLong', { n: TEXT_BYTES }));
      return;
    }
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

  /** As high as the text, up to a limit of the style sheet. */
  #grow() {
    this.#input.style.height = 'auto';
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}

/** On a telephone, Enter makes a new line. */
const isTouch = () => matchMedia('(pointer: coarse)').matches;
