/** Says when there is no connection, and what the user can do. */

import { PLACES } from '../io/tabs.js';
import { text } from '../text/texts.js';
import { fill, make } from './dom.js';

/** @type {Record<string, import('../text/texts.js').TextKey>} */
const ENDS = {
  replaced: 'endedReplaced',
  online: 'endedReplaced',
  ended: 'endedEnded',
  disabled: 'endedDisabled',
  deleted: 'endedDeleted',
  abuse: 'endedAbuse',
  login: 'signedOut',
  devices: 'endDeviceFirst',
};

export class ConnectionBar {
  element = make('div', { class: 'bar', role: 'status' });
  #client;
  #useHere;
  #signIn;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {import('../io/client.js').Client} client
   * @param {() => unknown} useHere
   * @param {() => unknown} signIn
   */
  constructor(client, useHere, signIn) {
    this.#client = client;
    this.#useHere = useHere;
    this.#signIn = signIn;
    this.update();
  }

  update() {
    const { state } = this.#client;
    clearInterval(this.#timer);
    this.element.hidden = state.name === 'online';
    if (state.name === 'waiting') {
      this.#timer = setInterval(() => this.#showWaiting(), 1000);
      this.#showWaiting();
    } else if (state.name === 'ended') this.#showEnd();
    else fill(this.element, text(state.name === 'connecting' ? 'connecting' : 'offline'));
  }

  #showWaiting() {
    const { state } = this.#client;
    if (state.name !== 'waiting' || !this.element.isConnected) clearInterval(this.#timer);
    const n = Math.max(0, Math.ceil(((state.until ?? 0) - Date.now()) / 1000));
    fill(
      this.element,
      text('waiting', { n }),
      ' ',
      this.#button('tryNow', () => this.#client.wakeUp()),
    );
  }

  #showEnd() {
    const { reason = '', text: said } = this.#client.state;
    if (reason === 'tabs') {
      fill(
        this.element,
        text('endedTabs', { n: PLACES }),
        ' ',
        this.#button('useHere', this.#useHere),
      );
      return;
    }
    const isElsewhere = reason === 'replaced' || reason === 'online';
    const button = isElsewhere
      ? this.#button('useHere', this.#useHere)
      : this.#button('signIn', this.#signIn);
    const key = ENDS[reason];
    fill(this.element, key ? text(key) : (said ?? ''), ' ', reason !== 'abuse' && button);
  }

  /** @param {import('../text/texts.js').TextKey} key @param {() => unknown} onclick */
  #button(key, onclick) {
    return make('button', { type: 'button', class: 'link', onclick }, text(key));
  }
}
